"""The hub users of a hub that moves over: who each is at the provider, by what OAuthenticator kept of them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from jupyterhub import orm
from jupyterhub.crypto import CryptKeeper, EncryptionUnavailable, InvalidToken, decrypt
from sqlalchemy.orm import Session

from ...claims import claim
from ...errors import HubAuthError, StoreError
from ...hub import hub_user
from ...identities import Identities, new_id
from ...oauth2 import OAuth2Provider
from ...oauth2.identity import subject as subject_of
from ...provider import Provider, pin_of
from ...types import HubUser, Identity
from .known import KINDS

Fate = Literal["bind", "bound", "adopt", "refused", "nobody"]

OPEN: Final = frozenset({"oauth_user", "auth0_user", "openshift_user"})
"""Keys under which any source may stand."""


@dataclass(frozen=True, kw_only=True)
class Person:
    """One hub user. `fate`: `bind` - to be bound; `bound` - has an identity; `adopt` - whoever signs in first under the
    name gets it; `refused` - cannot be bound; `nobody` - nothing says who it is. `why` says it in words."""

    hub_user: HubUser
    fate: Fate
    provider: str = ""
    subject: str = ""
    username: str = ""
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class House:
    """What people are placed by. `types`: the type of each provider; `prefixes`: of each."""

    providers: Mapping[str, Provider]
    types: Mapping[str, str]
    prefixes: Mapping[str, str]
    listed: frozenset[str]
    """Hub usernames that the administrator wrote down."""
    identities: Identities

    def of_name(self, name: str) -> str | None:
        """The provider whose people have such hub usernames."""
        longest = sorted(self.prefixes, key=lambda provider: -len(self.prefixes[provider]))
        return next((each for each in longest if name.startswith(self.prefixes[each])), None)


def kept_states(session: Session) -> Iterator[tuple[HubUser, Mapping[str, Any]]]:
    """Every hub user, with its auth_state; {} where there is none, or no key opens it."""
    for row in session.query(orm.User).order_by(orm.User.name):
        yield hub_user(row), _opened(row.encrypted_auth_state)


def _opened(sealed: bytes | None) -> Mapping[str, Any]:
    if sealed is None or not CryptKeeper.instance().keys:
        return {}
    try:
        state = asyncio.run(_decrypted(sealed))
    except (EncryptionUnavailable, InvalidToken, ValueError):
        return {}
    return state if isinstance(state, Mapping) else {}


async def _decrypted(sealed: bytes) -> Any:
    return await decrypt(sealed)  # its future belongs to the running loop


def told_in(state: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """What sources said of somebody: the key of a class, and the claims."""
    for kind in KINDS:
        if isinstance(claims := state.get(kind.key), Mapping):
            yield kind.key, claims


def place(house: House, states: Sequence[tuple[HubUser, Mapping[str, Any]]]) -> list[Person]:
    """What becomes of each. An account that two hub users have is neither's."""
    people = [_placed(house, user, state) for user, state in states]
    seen = Counter((each.provider, each.subject) for each in people if each.fate == "bind")
    return [
        replace(each, fate="refused", why="another hub user has the same account in auth_state")
        if each.fate == "bind" and seen[each.provider, each.subject] > 1
        else each
        for each in people
    ]


async def bind(house: House, people: Sequence[Person]) -> list[Person]:
    """Record the identities of those who are to be bound; answers everybody as it ended."""
    return [await _bound(house, each) if each.fate == "bind" else each for each in people]


async def _bound(house: House, person: Person) -> Person:
    identity = Identity(provider=person.provider, subject=person.subject, username=person.username)
    pin = pin_of(house.providers[person.provider], person.username)
    try:
        await house.identities.bind(identity, person.hub_user, record_id=new_id(), pin=pin)
    except StoreError as error:
        return replace(person, fate="refused", why=error.sentence)
    return replace(person, fate="bound")


def _placed(house: House, user: HubUser, state: Mapping[str, Any]) -> Person:
    if house.identities.ever_had((user.id, user.created)):
        return Person(hub_user=user, fate="bound", why="has an identity, or had one")
    if user.name != user.name.lower():
        why = "the name has capitals, which no hub username has with hubauth; rename the hub user first"
        return Person(hub_user=user, fate="refused", why=why)
    name = house.of_name(user.name)
    if name is None:
        return Person(hub_user=user, fate="nobody", why="the name begins with no provider's prefix")
    provider = house.providers[name]
    for key, claims in told_in(state):
        if house.types[name] not in _types_of(key):
            continue
        identity = _identity(provider, key, claims)
        if identity is None:
            return Person(hub_user=user, fate="refused", provider=name, why=f"auth_state[{key!r}] lacks the subject")
        person = Person(hub_user=user, fate="bind", provider=name, subject=identity.subject, username=identity.username)
        taken = house.identities.find(name, identity.subject)
        return replace(person, fate="refused", why="the account is another hub user's") if taken else person
    return _by_name(house, user, provider)


def _by_name(house: House, user: HubUser, provider: Provider) -> Person:
    prefix = house.prefixes[provider.name]
    if user.name in house.listed or provider.adopt == "existing" or user.name in provider.adopt:
        why = f"no subject in auth_state: the first who signs in as {user.name.removeprefix(prefix)!r} gets it"
        return Person(hub_user=user, fate="adopt", provider=provider.name, why=why)
    why = "no subject in auth_state; name it in adopt, if the person of that name is to have it"
    return Person(hub_user=user, fate="nobody", provider=provider.name, why=why)


def _types_of(key: str) -> set[str]:
    types = {kind.type for kind in KINDS if kind.key == key}
    return types | {"oauth2", "oidc"} if key in OPEN else types


def _identity(provider: Provider, key: str, claims: Mapping[str, Any]) -> Identity | None:
    """The identity, as the provider itself reads what it says of somebody."""
    if key == "google_user" and "sub" not in claims:
        claims = {**claims, "sub": claims.get("id")}  # an older endpoint's word for it
    if isinstance(provider, OAuth2Provider):
        try:
            return provider.parse_identity(claims)
        except (HubAuthError, LookupError, TypeError, ValueError):  # rules of names are for sign-ins
            path = provider.subject_claim if isinstance(provider.subject_claim, str) else ""
    else:
        path = "sub"
    if key == "user":
        return None  # made of two claims, which only the type knows
    try:
        found = subject_of(claim(claims, path))
    except ValueError:
        return None
    told = getattr(provider, "username_claim", "") or "username"
    username = claim(claims, told) if isinstance(told, str) else None
    return Identity(provider=provider.name, subject=found, username=str(username or found))
