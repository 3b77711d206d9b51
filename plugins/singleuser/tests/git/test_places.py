"""Which repositories are ours."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hubauth_singleuser.git.places import Place, is_ours, ours

LISTED = ours(
    {"HUBAUTH_GIT_URLS": '["https://github.com", "https://forge.test:8443/git/team", "http://localhost:3000"]'}
)


@pytest.mark.parametrize(
    ("protocol", "host", "path"),
    [
        ("https", "github.com", ""),
        ("https", "GitHub.com:443", "o/r.git"),
        ("https", "forge.test:8443", "git/team"),
        ("https", "forge.test:8443", "/git//team/repo.git/"),
        ("http", "localhost:3000", "o/r"),
    ],
)
def test_repositories_below_a_listed_address_are_ours(protocol: str, host: str, path: str) -> None:
    assert is_ours(Place.of(protocol, host, path), LISTED)


@pytest.mark.parametrize(
    ("protocol", "host", "path"),
    [
        ("https", "gitlab.com", ""),
        ("https", "github.com.evil.test", ""),
        ("https", "api.github.com", ""),
        ("https", "github.com:444", ""),
        ("https", "forge.test", "git/team"),
        ("https", "forge.test:8443", ""),
        ("https", "forge.test:8443", "git"),
        ("https", "forge.test:8443", "git/teams"),
        ("https", "forge.test:8443", "git/Team"),
        ("https", "forge.test:8443", "other/git/team"),
        ("http", "localhost", "o/r"),
    ],
)
def test_all_others_are_not(protocol: str, host: str, path: str) -> None:
    assert not is_ours(Place.of(protocol, host, path), LISTED)


@pytest.mark.parametrize(
    ("protocol", "host", "path"),
    [
        ("http", "github.com", ""),
        ("ssh", "github.com", ""),
        ("", "github.com", ""),
        ("https", "", ""),
        ("https", "evil.test@github.com", ""),
        ("https", "github.com/x", ""),
        ("https", "github.com#", ""),
        ("https", "github.com\\", ""),
        ("https", "git%68ub.com", ""),
        ("https", "github.com:x", ""),
        ("https", "\u0261ithub.com", ""),
        ("https", "github.com", "../x"),
        ("https", "github.com", "o/./r"),
        ("https", "github.com", "o/%2e%2e/r"),
        ("https", "github.com", "o/%252E%252e/r"),
        ("https", "github.com", "o/%2525252e/r"),
        ("https", "github.com", "o%2f..%2fr"),
        ("https", "github.com", "o/..\\r"),
        ("https", "github.com", "o/%0ar"),
    ],
)
def test_what_is_not_what_it_seems_is_no_place(protocol: str, host: str, path: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Place.of(protocol, host, path)


@pytest.mark.parametrize(
    ("host", "path", "url"),
    [
        ("github.com", "", "https://github.com"),
        ("GitHub.com:443", "o/r.git", "https://github.com/o/r.git"),
        ("[::1]:8443", "/a b/c?d#e/", "https://[::1]:8443/a%20b/c%3Fd%23e"),
        ("github.com", "100%", "https://github.com/100%25"),
        ("github.com", "ä", "https://github.com/%C3%A4"),
    ],
)
def test_the_hub_is_asked_with_an_address(host: str, path: str, url: str) -> None:
    assert Place.of("https", host, path).url == url


@given(st.text())
@example("a/../../b")
@example("%2e%2e")
def test_no_path_leaves_the_place_that_it_is_in(path: str) -> None:
    inner = Place.parse("https://forge.test/team")
    try:
        place = Place.of("https", "forge.test", f"team/{path}")
    except ValueError:
        return
    assert place.within(inner)
    assert place.url.startswith("https://forge.test/team")
    assert not {".", ".."} & set(place.url.split("/"))


@pytest.mark.parametrize("listed", ["", "[]"])
def test_without_a_list_nothing_is_ours(listed: str) -> None:
    assert ours({"HUBAUTH_GIT_URLS": listed}) == []
    assert ours({}) == []


@pytest.mark.parametrize("listed", ["https://github.com", "{}", "[7]", '["http://github.com"]', '["github.com"]', "[["])
def test_a_list_that_is_none_is_an_error(listed: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        ours({"HUBAUTH_GIT_URLS": listed})
