"""From claims to an identity."""

from __future__ import annotations

import pytest

from hubauth_core.errors import LoginRefused
from hubauth_core.oauth2 import claim
from hubauth_core.oauth2.identity import ClaimFailed, Paths, identity_of, subject
from hubauth_core.provider import reusable

row = pytest.mark.row
ANN = {"sub": "7", "preferred_username": "ann", "name": "Ann", "email": "ann@uni.example", "email_verified": True}


def read(username: str = "preferred_username", groups_path: str = "", **changes: object):
    return identity_of({**ANN, **changes}, Paths("sub", username, groups_path), "Uni")


def test_reads_what_is_there():
    ann = read(groups_path="groups", groups=["a", "b"])
    assert (ann.subject, ann.username, ann.name, ann.email, ann.groups) == (
        "7",
        "ann",
        "Ann",
        "ann@uni.example",
        {"a", "b"},
    )


@row("V06")
@pytest.mark.parametrize("verified", ["true", "True", 1, "1", None, False, [True], {}])
def test_an_address_is_verified_by_the_boolean_alone(verified):
    assert read(email_verified=verified).email_verified is False
    assert read().email_verified is True


@row("V06")
@pytest.mark.parametrize("verified", ["true", 1, None, False])
@pytest.mark.parametrize("path", ["email", "name", "preferred_username"])
def test_an_address_is_a_username_only_if_it_is_verified(path, verified):
    with pytest.raises(LoginRefused) as caught:
        read(path, email_verified=verified, **({} if path == "email" else {path: "ANN@uni.example"}))
    assert caught.value.code == "email_not_verified"


@row("V06")
def test_a_verified_address_may_be_a_username():
    assert read("email").username == "ann@uni.example"


@row("V06")
def test_without_an_address_none_is_verified():
    assert read(email=None).email_verified is False
    assert read(email=["ann@uni.example"]).email is None


@row("V16")
@pytest.mark.parametrize(
    "path", ["email", "login", "preferred_username", "upn", "username", "name", "user.email", "profile.Login", "UPN"]
)
def test_a_claim_that_passes_from_one_to_another_is_no_subject(path):
    assert reusable(path)


@row("V16")
@pytest.mark.parametrize("path", ["sub", "id", "oid", "user.id", "email.id"])
def test_an_immutable_id_is_a_subject(path):
    assert not reusable(path)


@row("X13")
@pytest.mark.parametrize("value", [True, False, None, "", "a" * 256, "a\0", 1.5, ["7"], {"id": 7}])
def test_refuses_as_a_subject(value):
    with pytest.raises(ValueError, match="255"):
        subject(value)


@pytest.mark.parametrize(("value", "text"), [(7, "7"), ("aBc ", "aBc "), (0, "0"), (2**63, str(2**63))])
def test_takes_as_a_subject(value, text):
    assert subject(value) == text


@row("F04")
@pytest.mark.parametrize("value", [None, "", 7, True, ["ann"], "a" * 256, "a\0"])
def test_refuses_as_a_username(value):
    with pytest.raises(ValueError, match="255"):
        read(preferred_username=value)


@pytest.mark.parametrize(
    ("value", "groups"), [(["a", "", "b"], {"a", "b"}), ("a", {"a"}), (None, set()), ([], set()), ("", set())]
)
def test_groups(value, groups):
    assert read(groups_path="realm.groups", realm={"groups": value}).groups == groups


@row("F04")
@pytest.mark.parametrize("value", [{"a": 1}, [1], [["a"]], 7, [None]])
def test_refuses_as_groups(value):
    with pytest.raises(ValueError, match="groups"):
        read(groups_path="realm.groups", realm={"groups": value})


def test_without_a_groups_claim_nothing_is_said_about_groups():
    assert read(groups=["a"]).groups is None


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("a", {"b": {"c": 1}}),
        ("a.b.c", 1),
        ("https://hub.example/groups", ["x"]),
        ("a.x", None),
        ("a.b.c.d", None),
        ("", None),
        ("list.0", None),
    ],
)
def test_dotted_paths(path, value):
    assert claim({"a": {"b": {"c": 1}}, "https://hub.example/groups": ["x"], "list": [1]}, path) == value


def test_roles_are_read_from_within_an_object():
    keycloak = {**ANN, "realm_access": {"roles": ["teacher", ""]}}
    paths = Paths("sub", "preferred_username", roles="realm_access.roles")
    assert identity_of(keycloak, paths, "Uni").roles == {"teacher"}
    assert identity_of(ANN, paths, "Uni").roles == frozenset()
    assert read().roles is None


def test_a_function_of_the_claims_says_what_no_path_can():
    def departments(claims):
        return {entry.partition(":")[2] for entry in claims.pop("entitlements")}

    claims = {**ANN, "entitlements": ["dept:physics", "dept:maths"]}
    paths = Paths("sub", lambda claims: claims["name"].lower(), departments, lambda claims: None)
    ann = identity_of(claims, paths, "Uni")
    assert (ann.username, ann.groups, ann.roles) == ("ann", {"physics", "maths"}, frozenset())
    assert "entitlements" in ann.claims, "a function has changed what the source said"


async def _later(claims):
    return "ann"


def _fail(claims):
    raise LookupError("entitlement")


@pytest.mark.parametrize(
    "where", [_fail, _later, lambda claims: None, lambda claims: 7, lambda claims: "", lambda: "ann"]
)
def test_a_function_for_usernames_that_fails_lets_nobody_in(where):
    with pytest.raises(ClaimFailed) as caught:
        read(where)
    assert caught.value.code == "claim_failed"
    assert "ann@uni" not in str(caught.value)


@pytest.mark.parametrize(
    "where", [_fail, _later, lambda claims: 7, lambda claims: ["a", 1], lambda claims: {"a": True}]
)
@pytest.mark.parametrize("part", ["groups", "roles"])
def test_a_function_for_groups_that_fails_lets_nobody_in(part, where):
    with pytest.raises(ClaimFailed):
        identity_of(ANN, Paths("sub", "preferred_username", **{part: where}), "Uni")


@row("V06")
def test_a_function_makes_no_username_of_an_unproven_address():
    with pytest.raises(LoginRefused) as caught:
        read(lambda claims: claims["email"].upper(), email_verified=False)
    assert caught.value.code == "email_not_verified"


@row("V16", "X13")
def test_a_subject_may_be_made_of_several_claims():
    found = identity_of(ANN, Paths(lambda claims: f"{claims['sub']} {claims['preferred_username']}", "sub"), "Uni")
    assert found.subject == f"{ANN['sub']} {ANN['preferred_username']}"
    for where in (_fail, _later, lambda claims: None, lambda claims: True, lambda claims: "", lambda claims: ["7"]):
        with pytest.raises(ClaimFailed):
            identity_of(ANN, Paths(where, "preferred_username"), "Uni")
