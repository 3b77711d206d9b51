"""Who somebody is: by what the backend knows people by, under the source's own name for them."""

import functools

import pytest

from hubauth_core import LoginRefused, ProviderError
from hubauth_social.identity import Reading, identity_of
from hubauth_social.visit import Done


def done(details=None, *, subject="7", groups=None, **response):
    return Done(
        subject=subject,
        uid=subject,
        id_key="id",
        details={"username": "ann", "email": None, **(details or {})},
        groups=groups,
        tokens={},
        response=response,
    )


def identity(said, **reading):
    return identity_of(said, Reading(**{"backend": "mine", "label": "Mine", **reading}))


def test_the_subject_is_the_backends_and_the_name_the_sources():
    found = identity(done(subject="aBc", groups=frozenset({"staff"})))
    assert (found.subject, found.username, found.groups) == ("aBc", "ann", frozenset({"staff"}))


@pytest.mark.parametrize(("username", "expected"), [(42, "42"), ("", "7"), (None, "7")])
def test_without_a_name_it_is_the_subject_and_nothing_is_made_up(username, expected):
    assert identity(done({"username": username})).username == expected


@pytest.mark.row("V06")
@pytest.mark.parametrize("said", [None, False, "true", 1])
def test_an_address_that_is_not_proved_is_no_name(said):
    with pytest.raises(LoginRefused) as refused:
        identity(done({"username": "Ann@x.example", "email": "ann@x.example"}, email_verified=said))
    assert refused.value.code == "email_not_verified"


def test_an_address_counts_as_proved_only_where_the_source_says_so():
    assert identity(done({"email": "ann@x.example"}, email_verified=True)).email_verified
    assert not identity(done({"email": "ann@x.example"})).email_verified
    assert identity(done({"email": "a@x.example"}, email_verified="true"), backend="apple-id").email_verified
    assert identity(done({"email": "a@x.example"}, verified=True), backend="discord").email_verified
    assert not identity(done({"email": "a@x.example"}, verified=True), backend="twitter-oauth2").email_verified


def test_name_and_groups_come_from_claims_that_the_administrator_names():
    said = done(profile={"login": "annie"}, realm={"roles": ["a", "b"]})
    found = identity(said, username="profile.login", groups="realm.roles")
    assert (found.username, found.groups) == ("annie", frozenset({"a", "b"}))


def test_groups_that_are_not_told_are_none_and_not_unknown():
    assert identity(done(), groups="realm.roles").groups == frozenset()


@pytest.mark.parametrize("said", [7, ["a", 1], {"a": 1}])
def test_groups_of_another_shape_are_refused(said):
    with pytest.raises(ProviderError):
        identity(done(teams=said), groups="teams")


def test_no_credential_gets_among_the_claims():
    said = done(access_token="hush", id_token="hush", deep={"access_token": "hush"}, fine={"a": [1, "x"]}, odd=object())
    assert identity(said).claims == {"fine": {"a": [1, "x"]}}


@pytest.mark.parametrize("name", [10**5000, "\ud800", "a\0b"], ids=["endless", "half", "nul"])
def test_a_name_that_is_no_text_is_the_sources_fault(name):
    with pytest.raises(ProviderError):
        identity(done({"username": name}))


def test_of_the_rest_what_is_no_text_or_has_no_end_is_left_out():
    deep = functools.reduce(lambda inner, _: [inner], range(2000), "x")
    found = identity(done({"email": "\ud800@x", "fullname": "x" * 256}, deep=deep, near=[["x"]]))
    assert (found.email, found.name, found.claims) == (None, None, {"near": [["x"]]})


@pytest.mark.parametrize("subject", ["", "x" * 256, "a\0b"])
def test_a_subject_that_cannot_be_one_is_refused(subject):
    with pytest.raises(ProviderError):
        identity(done(subject=subject))
