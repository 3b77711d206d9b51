"""Whose each hub user is, by what OAuthenticator kept in auth_state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from hubauth_core.cli.migrate.people import House, Person, bind, place
from hubauth_core.database import open_database
from hubauth_core.identities import Identities
from hubauth_core.registry import Registry
from hubauth_core.types import HubUser

CLIENT = {"client_id": "i", "client_secret": "s"}
TENANT = "0f0f0f0f-0f0f-0f0f-0f0f-0f0f0f0f0f0f"
ENDPOINTS = {name: f"https://sso.example/{name}" for name in ("authorize_url", "token_url", "userinfo_url")}
PROVIDERS: dict[str, dict[str, Any]] = {
    "github": {},
    "gitlab": {},
    "google": {},
    "bitbucket": {},
    "globus": {},
    "auth0": {"type": "oidc", "issuer": "https://ours.auth0.com/", "username_claim": "email"},
    "entra": {"tenant": TENANT, "username_claim": "name"},
    "oauth": {"type": "oauth2", **ENDPOINTS},
    "openshift": {"type": "oauth2", **ENDPOINTS, "subject_claim": "metadata.uid", "username_claim": "metadata.name"},
    "cilogon": {"idps": {"https://idp.example": {"username_claim": "eppn"}}},
}


@pytest.fixture
def identities(tmp_path: Path) -> Iterator[Identities]:
    database = open_database(f"sqlite:///{tmp_path / 'hubauth.sqlite'}")
    yield Identities(database)
    database.close()


def house(identities: Identities, *names: str, listed: frozenset[str] = frozenset(), **more: Any) -> House:
    registry = Registry()
    registry.configure({name: {**CLIENT, **PROVIDERS[name], **more} for name in names})
    alone = len(names) == 1
    return House(
        providers=registry.providers,
        types={name: PROVIDERS[name].get("type", name) for name in names},
        prefixes={name: "" if alone else f"{name}:" for name in names},
        listed=listed,
        identities=identities,
    )


def user(name: str, id: int = 1) -> HubUser:  # noqa: A002
    return HubUser(id=id, name=name, created=100.0)


def one(house: House, name: str, state: Mapping[str, Any]) -> Person:
    (person,) = place(house, [(user(name), state)])
    return person


@pytest.mark.parametrize(
    ("name", "state", "subject"),
    [
        ("github", {"github_user": {"id": 42, "login": "ann"}}, "42"),
        ("gitlab", {"gitlab_user": {"id": 43, "username": "ann"}}, "43"),
        ("google", {"google_user": {"sub": "44", "email": "ann@x.example", "verified_email": True}}, "44"),
        ("google", {"google_user": {"id": "45", "email": "ann@x.example"}}, "45"),
        ("bitbucket", {"bitbucket_user": {"uuid": "{u-1}", "username": "ann"}}, "{u-1}"),
        ("globus", {"globus_user": {"sub": "46", "preferred_username": "ann@globusid.org"}}, "46"),
        ("auth0", {"auth0_user": {"sub": "auth0|1", "email": "ann@x.example"}}, "auth0|1"),
        ("entra", {"user": {"tid": TENANT, "oid": TENANT, "name": "Ann", "sub": "x"}}, f"{TENANT}:{TENANT}"),
        ("oauth", {"oauth_user": {"sub": "47", "username": "ann"}}, "47"),
        ("openshift", {"openshift_user": {"metadata": {"uid": "u-2", "name": "ann"}}}, "u-2"),
        (
            "cilogon",
            {"cilogon_user": {"sub": "http://cilogon.org/1", "idp": "https://gone.example"}},
            "http://cilogon.org/1",
        ),
    ],
)
def test_subject_of_every_class(identities: Identities, name: str, state: Mapping[str, Any], subject: str) -> None:
    person = one(house(identities, name), "ann", {"access_token": "t", **state})
    assert (person.fate, person.provider, person.subject) == ("bind", name, subject)


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("github", {}),
        ("github", {"gitlab_user": {"id": 1, "username": "ann"}}),
        ("github", {"github_user": {"login": "ann"}}),
        ("github", {"github_user": {"login": "ann", "id": True}}),
        ("entra", {"user": {"sub": "x", "name": "Ann"}}),
        ("oauth", {"oauth_user": {"username": "ann", "id": 7}}),
    ],
)
def test_nobody_is_bound_without_a_subject(identities: Identities, name: str, state: Mapping[str, Any]) -> None:
    person = one(house(identities, name), "ann", state)
    assert person.fate in ("nobody", "refused")
    assert person.why


def test_the_prefix_tells_providers_apart(identities: Identities) -> None:
    both = house(identities, "github", "gitlab")
    state = {"gitlab_user": {"id": 43, "username": "ann"}, "github_user": {"id": 42, "login": "ann"}}
    assert one(both, "gitlab:ann", state).subject == "43"
    assert one(both, "github:ann", state).subject == "42"
    assert one(both, "ann", state).fate == "nobody"


def test_a_hub_user_with_capitals_is_renamed_first(identities: Identities) -> None:
    person = one(house(identities, "github"), "Ann", {"github_user": {"id": 42, "login": "Ann"}})
    assert person.fate == "refused"
    assert "rename" in person.why


def test_by_name_where_the_administrator_says_so(identities: Identities) -> None:
    assert one(house(identities, "github", listed=frozenset({"ann"})), "ann", {}).fate == "adopt"
    assert one(house(identities, "github", adopt=["ann"]), "ann", {}).fate == "adopt"
    assert one(house(identities, "github", adopt=["bob"]), "ann", {}).fate == "nobody"


async def test_an_account_of_two_hub_users_is_neither_s(identities: Identities) -> None:
    state = {"github_user": {"id": 42, "login": "ann"}}
    there = house(identities, "github")
    people = await bind(there, place(there, [(user("ann"), state), (user("anna", 2), state)]))
    assert [person.fate for person in people] == ["refused", "refused"]
    assert identities.count() == 0


async def test_bound_once_and_for_all(identities: Identities) -> None:
    state = {"github_user": {"id": 42, "login": "Ann"}}
    there = house(identities, "github")
    (person,) = await bind(there, place(there, [(user("ann"), state)]))
    assert person.fate == "bound"
    record = identities.find("github", "42")
    assert record is not None
    assert (record.hub_name, record.home) == ("ann", True)
    assert identities.pinned_subject("github", "ann") == "42"
    assert one(there, "ann", state).fate == "bound"
    (other,) = place(there, [(user("anna", 2), state)])
    assert (other.fate, other.why) == ("refused", "the account is another hub user's")
