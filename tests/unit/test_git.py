"""A credential opens repositories at its own host and below its own path, however an address is spelled."""

from __future__ import annotations

import posixpath
from urllib.parse import unquote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubauth_core import Credential, CredentialError, Secret
from hubauth_core.git import GitCredential, Repository, for_repo2docker, nearest, parse_repository

BASES = ["https://git.example", "https://git.example/group", "https://git.example:8443/group/sub", "http://[::1]:3000"]


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://git.example/o/r", ("https", "git.example", "o/r")),
        ("https://git.example/o/r.git/", ("https", "git.example", "o/r.git")),
        ("HTTPS://GIT.Example:443/o/r", ("https", "git.example", "o/r")),
        ("https://git.example:8443/o/r", ("https", "git.example:8443", "o/r")),
        ("https://git.example", ("https", "git.example", "")),
        ("https://git.example:/", ("https", "git.example", "")),
        ("http://127.0.0.1:3000/o", ("http", "127.0.0.1:3000", "o")),
        ("http://localhost:80/o", ("http", "localhost", "o")),
        ("https://[2001:DB8::1]/o", ("https", "[2001:db8::1]", "o")),
        ("https://git.example/~ann/caf%C3%A9", ("https", "git.example", "~ann/caf%C3%A9")),
    ],
)
def test_an_address_is_split_as_git_splits_it(url: str, found: tuple[str, str, str]) -> None:
    assert parse_repository(url) == Repository(*found)


@pytest.mark.row("X24")
@pytest.mark.parametrize(
    "url",
    [
        "",
        "git.example/o/r",
        "git@git.example:o/r",
        "ssh://git.example/o",
        "file:///etc/passwd",
        "http://git.example/o",
        "http://127.0.0.1.evil.example/o",
        "https://ann@git.example/o",
        "https://ann:password@git.example/o",
        "https://@git.example/o",
        "https://git.example@evil.example/o",
        "https://git.example\\@evil.example/o",
        "https://git.example\\.evil.example/o",
        "https:///o",
        "https://git.example:99999/o",
        "https://git.example:x/o",
        "https://git.example:0/o",
        "https://git.example/o?r",
        "https://git.example/o#r",
        "https://git.example/o\nhost=evil.example",
        "https://git.example/o%0ahost=evil.example",
        "https://git.example/o%00",
        "https://git.example/o\x7f",
        "https://git.example/ o",
        "https://git.example/group/../other",
        "https://git.example/group/%2e%2E/other",
        "https://git.example/group/%252e%252e/other",
        "https://git.example/group%2f..%2fother",
        "https://git.example/group%5c..%5cother",
        "https://git.example/group/..;/other",
        "https://git.example/group/./r",
        "https://git.example/group//r",
        "https://gít.example/o",
        "https://git.example/" + "o" * 2048,
    ],
)
def test_refuses_what_no_credential_may_be_sent_to(url: str) -> None:
    with pytest.raises(CredentialError) as caught:
        parse_repository(url)
    assert caught.value.code == "bad_request"
    assert "evil" not in caught.value.sentence
    assert "password" not in caught.value.sentence


@pytest.mark.parametrize(
    ("url", "characters"),
    [
        ("https://git.example/x/r", 0),
        ("https://git.example", 0),
        ("https://git.example/group", 5),
        ("https://git.example/group/r.git", 5),
        ("https://git.example/groups/r", 0),
        ("https://git.example/Group/r", 0),
        ("https://git.example/gro%75p/r", 0),
        ("https://git.example/other/group", 0),
        ("https://git.example:8443/group/sub/r", 9),
        ("https://git.example:8443/group/subs/r", -1),
        ("https://git.example:8444/group/sub/r", -1),
        ("http://[::1]:3000/r", 0),
        ("https://[::1]:3000/r", -1),
        ("http://[::1]/r", -1),
        ("https://git.example./group/r", -1),
        ("https://evil.git.example/group/r", -1),
        ("https://git.example.evil/group/r", -1),
        ("https://xgit.example/group/r", -1),
        ("https://evil.example/git.example/group/r", -1),
    ],
)
def test_the_longest_base_at_the_same_host_counts(url: str, characters: int) -> None:
    assert nearest(parse_repository(url), BASES) == characters


HOSTS = st.sampled_from(
    [
        "git.example",
        "GIT.example",
        "git.example.",
        "git.example.evil",
        "evil.git.example",
        "evil.example",
        "[::1]",
        "::1",
    ]
)
USERS = st.sampled_from(["", "ann@", "git.example@", "git.example:443@", "%67it.example%2f@", "git.example\\@", "@"])
PORTS = st.sampled_from(["", ":", ":443", ":0443", ":80", ":8443", ":3000", ":+443", ": 443", ":443x"])
STEPS = st.sampled_from(
    ["group", "Group", "groups", "sub", "%67roup", "..", "%2e%2e", ".", "", "%2F", "%5c", "\\", "a;b", "..;", "%", "é"]
)
PATHS = st.lists(STEPS, max_size=4).map(lambda steps: "".join(f"/{step}" for step in steps))
SCHEMES = st.sampled_from(
    ["https://", "HTTPS://", "http://", "https:", "https:/", "https:///", "//", "git://", "https:\\\\"]
)
ENDS = st.sampled_from(["", "/", "?", "?x=1", "#", "#@git.example", "\t", "\n", " ", "\0"])


@pytest.mark.row("X24", "10.1.1")
@given(st.tuples(SCHEMES, USERS, HOSTS, PORTS, PATHS, ENDS).map("".join) | st.text(max_size=40), st.sampled_from(BASES))
def test_whatever_matches_leads_to_the_configured_place_by_another_parser_too(url: str, base: str) -> None:
    try:
        matches = nearest(parse_repository(url), [base]) >= 0
    except CredentialError:
        return
    if not matches:
        return
    meant, read = httpx.URL(base), httpx.URL(url)
    assert (read.scheme, read.host, read.port or 0) == (meant.scheme, meant.host, meant.port or 0)
    assert read.userinfo == b""
    way = posixpath.normpath(unquote(unquote(read.path)).replace("\\", "/").replace(";", "/"))
    assert f"{way}/".startswith(f"{meant.path.rstrip('/')}/")


@pytest.mark.parametrize(
    ("username", "token", "form"),
    [
        ("oauth2", "gho_abc.DEF-1~2+3/4=", r"username=oauth2\npassword=gho_abc.DEF-1~2+3/4="),
        ("oauth2", "a b", None),
        ("oauth2", "a$HOME", None),
        ("oauth2", r"a\nhost=evil", None),
        ("oauth2", "a'b", None),
        ("oauth2", "a*", None),
        ("oauth2", "a\n", None),
        ("oauth2", "", None),
        ("ann\nhost=evil", "a", None),
    ],
)
def test_what_the_helper_of_repo2docker_would_mangle_is_not_rendered(
    username: str, token: str, form: str | None
) -> None:
    found = GitCredential(
        provider="uni",
        repository=parse_repository("https://git.example/o/r"),
        username=username,
        credential=Credential(access_token=Secret(token)),
    )
    assert for_repo2docker(found) == form
    assert token not in repr(found) or len(token) < 3
