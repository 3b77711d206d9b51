"""What may be asked after a right password: a new one, or the terms that have changed. See `Further`."""

from __future__ import annotations

import time
from functools import partial
from typing import Final, Protocol

from markupsafe import Markup
from sqlalchemy import Connection

from hubauth_core import Event, Field, Form, LoginRefused, Request, Secret

from .accounts import Account
from .house import House
from .passwords.changing import set_password
from .passwords.typed import PasswordRefused
from .terms import Terms, TermsRefused


class Further(Protocol):
    """One more step of a sign-in."""

    async def ask(self, account: Account, request: Request) -> Form | None:
        """The form of the step, None where it is not needed."""

    async def answer(self, account: Account, request: Request) -> Form | None:
        """Take what was typed: None where the step is passed, else the form again. Raises LoginRefused."""


class NewPassword:
    """Whose password was set by somebody else, or came from elsewhere, chooses one."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def ask(self, account: Account, request: Request) -> Form | None:
        return _new_password() if account.must_change else None

    async def answer(self, account: Account, request: Request) -> Form | None:
        if not account.must_change:
            return None
        new, again = one(request, "new_password"), one(request, "new_password_again")
        await self._house.throttle.admit("password", account=account.id, address=request.address)
        if new != again:
            return _new_password("The two passwords differ. Type the same one twice.")
        try:
            await self._house.policy.check(new, about=(account.username, account.email or "", account.full_name))
            if (await self._house.hasher.verify(account.password_hash, new)).ok:
                return _new_password("This is the password that you have now. Choose another one.")
            hashed = await self._house.hasher.hash(new)
        except PasswordRefused as refusal:
            return _new_password(refusal.sentence)
        await self._house.throttle.write(partial(self._set, account=account, hashed=hashed, address=request.address))
        # What is still open ended with the old password; the session that this sign-in leads to comes after it.
        await self._house.endings.act()
        self._house.core.record(
            Event(kind="password_changed", subject=account.id, username=account.username, address=request.address)
        )
        return None

    def _set(self, connection: Connection, *, account: Account, hashed: Secret, address: str) -> None:
        set_password(self._house, connection, account.id, hashed, address=address)


class NewTerms:
    """Who has accepted other terms than those in force is asked again."""

    def __init__(self, house: House, terms: Terms) -> None:
        self._house = house
        self._terms = terms
        self._style = f"{house.core.base_url}auth/{house.name}/static/native.css"

    async def ask(self, account: Account, request: Request) -> Form | None:
        accepted = not self._terms.asked or self._terms.version == account.terms_version
        return None if accepted else _accept(self._terms, self._style)

    async def answer(self, account: Account, request: Request) -> Form | None:
        try:
            self._terms.check(one(request, "terms"))
        except TermsRefused as refusal:
            return _accept(self._terms, self._style, refusal.sentence)
        now = {"terms_version": self._terms.version, "terms_at": time.time()}
        await self._house.throttle.write(lambda connection: self._house.accounts.change(connection, account.id, **now))
        return None


def one(request: Request, name: str) -> str:
    """The only value of a field, "" where it is missing. Raises LoginRefused for several."""
    values = request.form.get(name, ())
    if len(values) > 1:
        raise LoginRefused("The form is malformed. Go back and try again.", code="bad_request")
    return values[0] if values else ""


def _new_password(error: str = "") -> Form:
    labels = {"new_password": "New password", "new_password_again": "New password again"}
    return Form(
        fields=tuple(
            Field(name=name, label=label, type="password", autocomplete="new-password")
            for name, label in labels.items()
        ),
        submit="Set password",
        text="Your password must be changed before you go on. Choose a new one.",
        error=error,
    )


def _accept(terms: Terms, style: str, error: str = "") -> Form:
    """The text, then the box: fields of a form would stand before what they are about."""
    shown = Markup('<link rel="stylesheet" href="{}">').format(style)
    if terms.text:
        shown += Markup(_TEXT).format(terms.text)  # noqa: S704  # all of these are written out below
    if terms.url:
        shown += Markup(_LINK).format(terms.url)  # noqa: S704
    return Form(
        submit="Go on",
        text="The terms of this hub are new, or have changed. Read and accept them to go on.",
        error=error,
        inside=shown + Markup(_BOX).format(terms.version),  # noqa: S704
    )


_TEXT: Final = '<div class="native-terms" tabindex="0" role="region" aria-label="Terms">{}</div>'
_LINK: Final = '<p><a href="{}" target="_blank" rel="noopener">Read the terms</a></p>'
_BOX: Final = (
    '<div class="form-check"><input class="form-check-input" id="native-terms" name="terms" type="checkbox" value="{}" '
    'required> <label class="form-check-label" for="native-terms">I accept the terms</label></div>'
)
