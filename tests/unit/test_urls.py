"""Addresses that a provider may be reached at."""

from __future__ import annotations

import pytest

from hubauth_core.urls import origin, problem_with, strays_from


@pytest.mark.row("X24")
@pytest.mark.parametrize(
    "url",
    [
        "http://idp.example/token",
        "file:///etc/passwd",
        "ftp://idp.example/",
        "gopher://127.0.0.1/",
        "//idp.example/token",
        "/token",
        "",
        "https:///token",
        "https://user:password@idp.example/",
        "https://idp.example@evil.example/",
        "https://idp.example\\@evil.example/",
        "https://idp.example\\.evil.example/",
        "https://idp.example/\r\nX: 1",
        "https://idp.example/ token",
        " https://idp.example/",
        "https://idp.example/#fragment",
        "https://idp.example:port/",
        "https://[::1/",
        "http://127.0.0.1.evil.example/",
        "http://localhost.evil.example/",
        "http://169.254.169.254/latest",
        "http://10.0.0.1/",
    ],
)
def test_refuses(url):
    assert problem_with(url)


@pytest.mark.row("X24")
@pytest.mark.parametrize(
    "url", ["https://idp.example/token?tenant=1", "http://127.0.0.1:8080/", "http://localhost/", "http://[::1]:1/"]
)
def test_accepts(url):
    assert problem_with(url) is None


@pytest.mark.row("X24")
def test_plain_http_goes_to_a_host_that_is_named():
    assert problem_with("http://idp.corp/", ["idp.corp"]) is None
    assert problem_with("http://idp.corp.evil.example/", ["idp.corp"])


@pytest.mark.row("X24")
@pytest.mark.parametrize(
    ("url", "issuer", "strays"),
    [
        ("https://169.254.169.254/keys", "https://idp.example", True),
        ("https://10.0.0.5/keys", "https://idp.example", True),
        ("https://localhost/keys", "https://idp.example", True),
        ("http://127.0.0.1:1/keys", "https://idp.example", True),
        ("https://[fe80::1]/keys", "https://idp.example", True),
        ("https://[::ffff:127.0.0.1]/keys", "https://idp.example", True),
        ("https://127.1/keys", "https://idp.example", True),
        ("https://0x7f.0.0.1/keys", "https://idp.example", True),
        ("https://2852039166/keys", "https://idp.example", True),
        ("https://localhost./keys", "https://idp.example", True),
        ("https://169.254.169.254./keys", "https://idp.example", True),
        ("https://keys.example/keys", "https://idp.example", False),
        ("http://127.0.0.1:2/keys", "http://127.0.0.1:1", False),
        ("https://10.0.0.5/keys", "https://10.0.0.5:8443/realm", False),
    ],
)
def test_an_issuer_does_not_lead_into_our_network(url, issuer, strays):
    assert strays_from(url, issuer) is strays


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://a.example/1", "https://A.example:443/2", True),
        ("https://a.example/", "https://a.example:8443/", False),
        ("https://a.example/", "http://a.example/", False),
    ],
)
def test_origin(one, other, same):
    assert (origin(one) == origin(other)) is same
