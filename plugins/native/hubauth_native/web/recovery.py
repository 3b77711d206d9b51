"""`forgotten`, `reset` and `first-password`: a new password for people who are not signed in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from hubauth_core import HubAuthError, Page

from .page import NativePage

if TYPE_CHECKING:
    from ..provider import NativeProvider

SENT: Final = (
    "If an account has this name or address, and a confirmed e-mail address, a link is on its way there. "
    "It works for {minutes} minutes."
)


class ForgottenPage(NativePage):
    """Asks whose password is forgotten, and says the same whoever it is (row S03)."""

    async def get(self) -> None:
        await self._show()

    async def post(self) -> None:
        typed = ""
        try:
            if not self.house.post.enabled:
                await self._show()
                return
            typed = self.one("who")
            await self.check_captcha()
            await self.house.recovery.ask_reset(typed, self.address)
        except HubAuthError as error:
            await self._show(error, typed)
        else:
            self.done(SENT.format(minutes=self.native.reset_link_minutes), "forgotten")

    async def _show(self, error: HubAuthError | None = None, typed: str = "") -> None:
        await self.show(
            "native-forgotten.html",
            error,
            mails=self.house.post.enabled,
            contact=self.native.mail_contact,
            captcha=self.captcha,
            typed=typed,
        )


class TokenPage(NativePage):
    """A page that a one-time link leads to: GET looks at it, POST uses it (row S02)."""

    @property
    def page(self) -> str:
        """The last part of its path."""
        return str(self.request.path.rsplit("/", 1)[-1])

    async def get(self) -> None:
        try:
            await self.show_form(self.query_token())
        except HubAuthError as error:
            await self.say(error)

    def query_token(self) -> str:
        """The token in the address; "" where there is none, or several."""
        values = self.plain_request().query.get("token", ())
        return values[0] if len(values) == 1 else ""

    async def show_form(self, token: str, error: HubAuthError | None = None) -> None:
        """What the link stands for, and the button. Raises LinkOver."""
        raise NotImplementedError

    async def show_again(self, token: str, error: HubAuthError) -> None:
        """The form once more, if the link is still good."""
        try:
            await self.show_form(token, error)
        except HubAuthError:
            await self.say(error)


class NewPasswordPage(TokenPage):
    """Sets the password of the account that the link is for. Nobody is signed in by it."""

    async def post(self) -> None:
        token = ""
        try:
            token = self.one("token")
            await self.house.recovery.reset(token, self.one("password", longest=16 * 1024), self.address)
        except HubAuthError as error:
            await self.show_again(token, error)
        else:
            self.done("Your password is set. Sign in with it.", "done")

    async def show_form(self, token: str, error: HubAuthError | None = None) -> None:
        account = self.house.recovery.look(token)
        await self.show("native-new-password.html", error, page=self.page, token=token, username=account.username)


class DonePage(NativePage):
    """Says what was done."""

    async def get(self) -> None:
        await self.show("native-done.html", signed_in=self.account is not None)


def pages(provider: NativeProvider) -> list[Page]:
    """The pages of this file, for one provider."""
    options: dict[str, Any] = {"provider": provider}
    return [
        Page(pattern="forgotten", handler=ForgottenPage, options=options),
        Page(pattern="reset", handler=NewPasswordPage, options=options),
        Page(pattern="first-password", handler=NewPasswordPage, options=options),
        Page(pattern="done", handler=DonePage, options=options),
    ]
