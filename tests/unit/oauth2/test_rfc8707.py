"""Which texts name a resource."""

import pytest

from hubauth_core.oauth2.rfc8707 import problem_with

row = pytest.mark.row


@row("R15")
@pytest.mark.parametrize("uri", ["https://api.example/app/", "https://api.example/?q=1", "urn:x:y", "api://hub"])
def test_an_absolute_address(uri):
    assert problem_with([uri]) is None


@row("R15")
@pytest.mark.parametrize(
    "uri", ["", "api", "/api", "//api.example", "https:", "https://a b", "https://é.example", "1:a"]
)
def test_no_absolute_address(uri):
    assert "is no absolute address" in (problem_with(["urn:fine", uri]) or "")


@row("R15")
@pytest.mark.parametrize("uri", ["https://api.example/#a", "urn:x#"])
def test_a_fragment(uri):
    assert "holds a fragment" in (problem_with([uri]) or "")
