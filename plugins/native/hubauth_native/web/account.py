"""`account`: own data, another password, another address; `email-change`, `email-undo`: links about addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tornado import web

from hubauth_core import HubAuthError, Page

from .page import NativePage
from .recovery import TokenPage
from .shown import moment

if TYPE_CHECKING:
    from ..provider import NativeProvider

LONGEST_PASSWORD = 16 * 1024
"""Characters of a field that are looked at; the policy says how long a password may be."""


class AccountPage(NativePage):
    """Shows one's own account."""

    @web.authenticated
    async def get(self) -> None:
        await self.show_account()

    async def prepare(self) -> None:
        await super().prepare()
        if self.request.method == "POST" and self.current_user is None:
            raise web.HTTPError(403, "You are not signed in any more.")

    async def show_account(self, error: HubAuthError | None = None, *, wrong: str = "", typed: str = "") -> None:
        """The page; `wrong` is the field that the error is about, `typed` the address to correct."""
        await self.show(
            "native-account.html",
            error,
            own=self.own,
            mails=self.house.post.enabled,
            contact=self.native.mail_contact,
            moment=moment,
            wrong=wrong,
            typed=typed,
            **self.recency(self.url("account")),
        )


class ChangePassword(AccountPage):
    """Changes one's own password."""

    async def get(self) -> None:
        self.redirect(self.url("account"))

    async def post(self) -> None:
        own = self.own
        try:
            self.must_be_recent()
            current, new = (self.one(name, LONGEST_PASSWORD) for name in ("current", "password"))
            await self.house.password_change.change(own, current, new, self.address)
        except HubAuthError as error:
            await self.show_account(error, wrong="current" if error.code == "wrong_password" else "password")
        else:
            self.stay_signed_in()
            self.done("Your password is changed. Everything else that was signed in as you is signed out.", "account")


class ChangeEmail(AccountPage):
    """Asks for another address."""

    async def get(self) -> None:
        self.redirect(self.url("account"))

    async def post(self) -> None:
        own, typed = self.own, ""
        try:
            self.must_be_recent()
            if not self.house.post.enabled:
                raise web.HTTPError(404, "This hub sends no mails, so it cannot confirm an address.")
            typed = self.one("email")
            proof = self.one("proof", LONGEST_PASSWORD)
            email = await self.house.email_change.ask(own, typed, proof, self.address)
        except HubAuthError as error:
            await self.show_account(error, wrong="proof" if error.code == "wrong_password" else "email", typed=typed)
        else:
            self.done(f"We have sent a link to {email}. The address counts once you have opened it.", "account")


class ConfirmEmail(TokenPage):
    """Lets a new address count."""

    async def post(self) -> None:
        token = ""
        try:
            token, proof = self.one("token"), self.one("proof", LONGEST_PASSWORD)
            change = await self.house.email_change.confirm(token, self.address, by=self.account, password=proof)
        except HubAuthError as error:
            await self.show_again(token, error)
        else:
            self.done(f"{change.email} is the address of {change.account.username} now.", "done")

    async def show_form(self, token: str, error: HubAuthError | None = None) -> None:
        change = self.house.email_change.look(token)
        shown = {"change": change, "undo": False, "asks": change.needs_proof(self.account)}
        await self.show("native-email-link.html", error, page=self.page, token=token, **shown)


class UndoEmail(TokenPage):
    """Lets the old address count again."""

    async def post(self) -> None:
        try:
            reset = await self.house.email_change.undo(self.one("token"), self.address)
        except HubAuthError as error:
            await self.say(error)
        else:
            self.note_text("The address is as it was. Now choose a new password.")
            self.redirect(reset, status=303)

    async def show_form(self, token: str, error: HubAuthError | None = None) -> None:
        change = self.house.email_change.look_undo(token)
        shown = {"change": change, "undo": True, "asks": False}
        await self.show("native-email-link.html", error, page=self.page, token=token, **shown)


def pages(provider: NativeProvider) -> list[Page]:
    """The pages of this file, for one provider."""
    options: dict[str, Any] = {"provider": provider}
    return [
        Page(pattern="account", handler=AccountPage, options=options),
        Page(pattern="account/password", handler=ChangePassword, options=options),
        Page(pattern="account/email", handler=ChangeEmail, options=options),
        Page(pattern="email-change", handler=ConfirmEmail, options=options),
        Page(pattern="email-undo", handler=UndoEmail, options=options),
    ]
