"""`signup` and `invite`: the form of an applicant; `signup/status`: how their application stands, for their browser."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from hubauth_core import HubAuthError, LoginRefused, Page
from hubauth_core.plugin import keep_cookie, recall_cookie

from ..accounts import Account
from ..signup import Application
from .page import NativePage

if TYPE_CHECKING:
    from ..provider import NativeProvider

APPLIED: Final = "hubauth_applied"
"""The cookie of a browser that has asked for an account: which one."""

REMEMBERED_DAYS: Final = 30.0

FIELDS: Final = ("name", "full_name", "email", "password", "terms")
"""What the codes of refusals begin with: the field that they are about."""


class ApplicantPage(NativePage):
    """A page that knows the account that this browser has asked for."""

    @property
    def applied(self) -> Account | None:
        """That account, None where there is none, or none any more."""
        account_id = recall_cookie(self, self._cookie, REMEMBERED_DAYS * 86400)
        return self.house.accounts.by_id(account_id) if account_id else None

    def remember(self, account: Account) -> None:
        """Let this browser ask how the application stands."""
        keep_cookie(self, self._cookie, account.id, self.host.public_url, REMEMBERED_DAYS)

    @property
    def _cookie(self) -> str:
        return f"{APPLIED}_{self.native.name}"


class SignUpPage(ApplicantPage):
    """Asks for an account."""

    async def get(self) -> None:
        token = ""
        try:
            token = self._token()
            link = self.house.sign_up.invitation(token)
        except HubAuthError as error:
            await self.say(error)
        else:
            await self._show(token, email=link.email if link else "")

    async def post(self) -> None:
        token = ""
        try:
            token = self.one("invitation")
            await self.check_captcha()
            account = await self.house.sign_up.register(self._application(token))
        except HubAuthError as error:
            await self._show_again(token, error)
        else:
            self.remember(account)
            self.redirect(self.url("signup/status"), status=303)

    async def _show_again(self, token: str, error: HubAuthError) -> None:
        """The form once more with what was typed, but for the password; without an invitation that holds, only why."""
        try:
            link = self.house.sign_up.invitation(token)
            typed = {name: self.one(name) for name in ("username", "full_name", "email")}
        except HubAuthError:
            await self.say(error)
        else:
            await self._show(token, error, email=link.email if link else "", typed=typed)

    async def _show(
        self, token: str, error: HubAuthError | None = None, *, email: str = "", typed: dict[str, str] | None = None
    ) -> None:
        options = self.native
        await self.show(
            "native-signup.html",
            error,
            wrong=_field_of(error),
            typed=typed or {},
            invitation=token,
            invited_email=email,
            form=secrets.token_urlsafe(24),
            captcha=self.captcha,
            terms=self.house.sign_up.terms,
            asks_email=options.asks_email,
            asks_full_name=options.ask_full_name,
            email_hint=self._email_hint(invited=bool(token)),
            waits=options.mode == "approval" and not (token and options.invitation_approves),
        )

    def _email_hint(self, *, invited: bool) -> str:
        """What the domain of an address does here."""
        domains = " or ".join(sorted(self.house.approval.vouching))
        if not domains or invited:
            return ""
        if self.native.mode == "email_domain":
            return f"At {domains}."
        return f"With one at {domains} you need nobody's approval." if self.native.mode == "approval" else ""

    def _token(self) -> str:
        values = self.plain_request().query.get("token", ())
        if len(values) > 1:
            raise LoginRefused("This link is not complete. Copy all of it.", code="link_over")
        return values[0] if values else ""

    def _application(self, token: str) -> Application:
        repeated = self.one("password_again") if "password_again" in self.request.body_arguments else None
        return Application(
            username=self.one("username"),
            password=self.one("password", longest=16 * 1024),
            repeated=repeated,
            full_name=self.one("full_name"),
            email=self.one("email"),
            terms=self.one("terms"),
            invitation=token,
            form=self.one("form"),
            origin=self.address,
        )


class StatusPage(ApplicantPage):
    """Tells an applicant how things stand; a browser that has not applied learns nothing (row S03)."""

    async def get(self) -> None:
        await self._show()

    async def post(self) -> None:
        """Send the letter once more."""
        account = self.applied
        try:
            if account is not None:
                await self.house.verification.send_again(account.id, origin=self.address)
        except HubAuthError as error:
            await self._show(error)
        else:
            self.done("We have sent another letter. Only the newest link works.", "signup/status")

    async def _show(self, error: HubAuthError | None = None) -> None:
        await self.show(
            "native-signup-status.html",
            error,
            account=self.applied,
            told=self.house.post.enabled,
            vouched=self.house.approval.vouches,
            offered=self.house.sign_up.offered,
        )


def _field_of(error: HubAuthError | None) -> str:
    """The field of the form that an error is about."""
    code = error.code if error else ""
    return next((name for name in FIELDS if code.startswith(name)), "")


def pages(provider: NativeProvider) -> Sequence[Page]:
    """Below the provider's own path."""
    options: dict[str, Any] = {"provider": provider}
    return [
        Page(pattern="signup", handler=SignUpPage, options=options),
        Page(pattern="invite", handler=SignUpPage, options=options),
        Page(pattern="signup/status", handler=StatusPage, options=options),
    ]
