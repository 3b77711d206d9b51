"""Links of an OpenID page, found in time that grows with its length alone.

python3-openid looks for them with regular expressions whose time grows with the square: a page of 64 KiB that somebody
has typed the address of stops every thread of the hub for seconds, one of 1 MiB for half an hour. OpenID 2.0, 7.3.3.
"""

from __future__ import annotations

import contextlib
import logging
from html.parser import HTMLParser
from typing import Final

from openid import fetchers
from openid.consumer import html_parse

from .fetching import OpenIDFetcher

LONGEST_HEAD: Final = 32 * 1024
"""Characters of a page in which its links are looked for."""


class _Over(Exception):
    """The head of the page is."""


class _Head(HTMLParser):
    """The links in the first head of a page: what stands in its body may be anybody's."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[dict[str, str]] = []
        self._inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "body" or tag in self._inside:
            raise _Over
        if tag == "html" or (tag == "head" and self._inside):
            self._inside.append(tag)
        if tag == "link" and "head" in self._inside:
            self.links.append({name: value or "" for name, value in attrs})

    def handle_endtag(self, tag: str) -> None:
        if tag in self._inside:
            raise _Over


def links(page: str | bytes, ignore_errors: bool = False) -> list[dict[str, str]]:
    """The attributes of each link in a page's head; in place of python3-openid's `parseLinkAttrs`."""
    if isinstance(page, bytes):
        page = page.decode("utf-8", "replace")
    head = _Head()
    with contextlib.suppress(_Over):
        head.feed(page[:LONGEST_HEAD])
    return head.links


def install() -> None:
    """Let python3-openid ask and read this way, and write nothing down: it would be what the browser has brought."""
    logging.getLogger("openid").setLevel(logging.CRITICAL + 1)
    fetchers.setDefaultFetcher(OpenIDFetcher())
    html_parse.parseLinkAttrs = links
