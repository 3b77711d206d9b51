"""Links of OpenID pages: the same as python3-openid finds, and of hostile pages in no time."""

from __future__ import annotations

import pytest
from openid.consumer import html_parse

from hubauth_social.fetching import LONGEST_PAGE, OpenIDFetcher
from hubauth_social.openid_html import LONGEST_HEAD, install, links

from .conftest import http

THEIRS = html_parse.parseLinkAttrs

PAGES = {
    "plain": '<html><head><link rel="openid2.provider" href="https://op.example/?a=1&amp;b=2"></head></html>',
    "more": "<!DOCTYPE html>\n<HTML lang=en><HEAD><title>x</title><LINK rel=\"a b\" href='/x' /><link rel=c></HEAD>",
    "comment": '<html><head><!-- <link rel="no"> --><link rel="yes"></head></html>',
    "script": '<html><head><script>"<link rel=no>"</script><link rel="yes"></head></html>',
    "body": '<html><head><link rel="yes"></head><body><link rel="no"></body></html>',
    "no head": '<html><body><link rel="no"></body></html>',
    "open head": '<html><head><link rel="yes"><body><head><link rel="no"></head></body></html>',
    "nothing": "",
    "no html": '<head><link rel="no"></head>',
}


@pytest.mark.parametrize("name", PAGES)
def test_the_same_links_are_found(name):
    assert links(PAGES[name]) == THEIRS(PAGES[name])
    assert links(PAGES[name].encode()) == links(PAGES[name])


@pytest.mark.row("F05")
@pytest.mark.parametrize("piece", ["<!--", "<html ", "<head ", "<head/", "<![CDATA[", "<script>", "<link a", "a=", "<"])
def test_a_hostile_page_holds_up_nobody(piece):
    """python3-openid's own way would not be through with any of these before the test's time is over."""
    for begin in ("", "<html><head>", "<html><head><link "):
        assert len(links(begin + piece * 2**17)) <= LONGEST_HEAD


def test_only_the_beginning_of_a_page_is_read(source):
    late = "<html><head>" + " " * LONGEST_HEAD + '<link rel="late"></head>'
    assert links(late) == []
    page = OpenIDFetcher().fetch(source(lambda it: it.sendall(http(b"x" * 3 * LONGEST_PAGE))).url)
    assert len(page.body) == LONGEST_PAGE


def test_python3_openid_reads_this_way(monkeypatch):
    monkeypatch.setattr(html_parse, "parseLinkAttrs", THEIRS)
    install()
    assert html_parse.parseLinkAttrs is links
