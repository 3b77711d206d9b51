"""What becomes of somebody who signs in for the first time: the provider's `first_login` policy.

A hub user whom the administrator wrote down for adoption is reached under every policy.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from .errors import LoginRefused
from .mapping import Mapper, Place
from .provider import Provider
from .registry import Registry
from .types import Answered, Field, Form, Identity, SignIn

CHOICE: Final = "hub_username"
"""The field of the form in which somebody picks a name."""


class Connectable(LoginRefused):
    """Somebody who reaches no hub user this way, but may be one already: `sign_in` can be connected to it."""

    def __init__(self, sentence: str, *, code: str, sign_in: SignIn) -> None:
        super().__init__(sentence, code=code)
        self.sign_in = sign_in


def spoken_for(providers: Mapping[str, Provider], prefixes: Mapping[str, str]) -> frozenset[str]:
    """The hub usernames that the options of providers speak of: nobody may pick them."""
    found: set[str] = set()
    for name, provider in providers.items():
        ruled = provider.allowed_users | provider.admin_users | provider.blocked_users
        found |= {prefixes[name] + own for own in (*ruled, *provider.username_map.values())}
        found |= {each for each in provider.adopt if provider.adopt != "existing"}
    return frozenset(found)


class FirstLogin:
    """Finds the place of a sign-in, and reserves its name."""

    def __init__(self, registry: Registry, mapper: Mapper) -> None:
        self._registry = registry
        self._mapper = mapper

    def place(self, source: Provider, sign_in: SignIn) -> Place | Form:
        """Where a sign-in leads, or a form in which the person picks a name. Raises LoginRefused.

        The answer is reserved. `Connectable` where the person may be on the hub under another identity.
        """
        identity = sign_in.identity
        chosen = self._registry.map_identity(identity)
        proposal, refusal = "", None
        try:
            place = self._mapper.place(source, identity, chosen)
            comes_back = place.record is not None and place.record.home  # a linked identity was never a hub user
            if place.hub_user is not None or comes_back or source.first_login == "create":
                return self._reserved(place, identity)
            proposal = place.name.removeprefix(self._mapper.prefix_of(source.name))
        except LoginRefused as error:
            refusal = error
        if source.first_login == "choose":
            return self._form(source, proposal, _why_not(refusal) if refusal else "")
        if source.first_login == "refuse":
            raise LoginRefused(f"{source.label} lets nobody new into this hub.", code="first_login_refused")
        if refusal is None or source.first_login == "link":
            sentence = f"Nobody on this hub has connected this account at {source.label}."
            refusal = LoginRefused(sentence, code="first_login_link")
        raise self._offered(source, sign_in, refusal) from None

    def choose(self, source: Provider, identity: Identity, answer: Answered) -> Place | Form:
        """The place under the name that the person has picked, or the form again."""
        typed = next(iter(answer.get(CHOICE, ())), "").strip()
        try:
            return self._reserved(self._mapper.choose(source, identity, typed), identity)
        except LoginRefused as error:
            return self._form(source, typed, _why_not(error))

    def _offered(self, source: Provider, sign_in: SignIn, refusal: LoginRefused) -> LoginRefused:
        """The refusal, with the sign-in to be connected where that may help: there must be another way to sign in."""
        may_help = refusal.code in {"name_taken", "first_login_link"} and source.linkable and source.ends_here
        if may_help and len(self._registry.providers) > 1:
            return Connectable(refusal.sentence, code=refusal.code, sign_in=sign_in)
        return refusal

    def _reserved(self, place: Place, identity: Identity) -> Place:
        self._mapper.reserve(place, identity)
        return place

    def _form(self, source: Provider, proposal: str, error: str = "") -> Form:
        prefix = self._mapper.prefix_of(source.name)
        begins = f" It begins with {prefix!r}; choose the rest." if prefix else ""
        return Form(
            text=f"You are new on this hub. Choose the username that you will have here.{begins} It stays as it is.",
            fields=(Field(name=CHOICE, label="Username on this hub", autocomplete="username", value=proposal),),
            submit="Take this name",
            error=error,
        )


def _why_not(refusal: LoginRefused) -> str:
    return "This name is taken here. Choose another one." if refusal.code == "name_taken" else refusal.sentence
