"""What every page of ours has: the provider behind it, the account of whoever looks, one frame, errors as sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from markupsafe import Markup
from tornado import web

from hubauth_core import HubAuthError, LoginRefused
from hubauth_core.plugin import ActingHandler, answer_to, hub_user, recall_note

from ..accounts import Account
from ..house import House

if TYPE_CHECKING:
    from ..provider import NativeProvider


class NativePage(ActingHandler):
    """A page of one native provider. Its options: `provider`."""

    def initialize(self, provider: NativeProvider) -> None:
        self.native = provider

    @property
    def house(self) -> House:
        return self.native.house

    @property
    def account(self) -> Account | None:
        """The account of whoever is signed in, None where they have none here."""
        user = self.current_user
        subject = user and self.house.core.subject_of(hub_user(user.orm_user))
        return self.house.accounts.by_id(subject) if subject else None

    @property
    def own(self) -> Account:
        """The same, where the page means nothing without one: 404 for everybody else."""
        account = self.account
        if account is None:
            raise web.HTTPError(404, "You have no account here. You sign in in another way.")
        return account

    @property
    def address(self) -> str:
        """Where the request comes from, as the hub believes it."""
        address: str = self.request.remote_ip or ""
        return address

    def url(self, path: str = "") -> str:
        """The path of a page of this provider."""
        return f"{self.hub.base_url}auth/{self.native.name}/{path}"

    def one(self, name: str, longest: int = 1024) -> str:
        """The only value of a field of the form, "" where it is missing; 400 for several, or for a longer one."""
        values = self.plain_request().form.get(name, ())
        if len(values) > 1 or any(len(value) > longest for value in values):
            raise web.HTTPError(400, "The form is malformed. Go back and try again.")
        return values[0] if values else ""

    @property
    def captcha(self) -> Markup:
        """What stands in a form of visitors to tell people from programs; nothing, where nobody wants it."""
        return self.house.captcha.field() if self.house.captcha else Markup()

    async def check_captcha(self) -> None:
        """Raises LoginRefused where a form of visitors does not come from a person."""
        asked = self.house.captcha
        if asked is not None and not await asked.check(self.plain_request()):
            raise LoginRefused("Show that you are a person, and send the form again.", code="captcha_refused")

    async def show(self, template: str, error: HubAuthError | None = None, **shown: Any) -> None:
        """A page, with what went wrong above its form, and what the act before has done."""
        self.renew_xsrf()
        if error is not None:
            self.set_status(answer_to(error).status)
            if retry_after := getattr(error, "retry_after", None):
                self.set_header("Retry-After", str(int(retry_after)))
        page = await self.render_template(
            template,
            provider=self.native,
            url=self.url(),
            error=error.sentence if error else "",
            said="" if error else recall_note(self),
            xsrf=self.xsrf_token.decode("ascii"),
            **shown,
        )
        self.finish(page)

    def done(self, said: str, path: str = "") -> None:
        """An act is done: go to a page of ours and say so there."""
        self.note_text(said)
        self.redirect(self.url(path), status=303)
