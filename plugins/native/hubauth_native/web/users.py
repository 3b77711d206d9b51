"""`users`: the accounts for those who look after them: found, and acted on, one or many at once.

Every act is a form of ours by POST; some ask first. Nothing needs a script.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tornado import web
from tornado.httputil import url_concat

from hubauth_core import HubAuthError, LoginRefused, Page

from ..invitations import Invitation
from ..listing import Query, parse
from ..mail.mailbox import mailbox
from .acts import ACTS, Outcome, Wish, meant, perform, until_of
from .page import NativePage
from .rights import Rights
from .shown import Moment, Shown, moment

if TYPE_CHECKING:
    from ..provider import NativeProvider

LIST: Final = "users"


class AdministrationPage(NativePage):
    """A page about accounts: who looks, what they may, and how an act goes."""

    @property
    def rights(self) -> Rights:
        """What this request may do."""
        own, admins = self.account, self.native.admin_users
        return Rights(handler=self, house=self.house, admins=admins, own=own.id if own else "")

    async def prepare(self) -> None:
        await super().prepare()
        if self.request.method == "POST" and self.current_user is None:
            raise web.HTTPError(403, "You are not signed in any more.")

    @property
    def wish(self) -> Wish:
        """The act of a form. Raises LoginRefused."""
        ids = self.plain_request().form.get("id", ())
        days, reason = self.one("days", 16), self.one("reason", 1000)
        return Wish(act=self.one("act", 64), ids=ids, until=until_of(days), reason=reason.strip())

    async def carry_out(self, wish: Wish, back: str) -> None:
        """Do what a form asks, or ask whether it is meant."""
        self.must_be_recent()
        if ACTS.get(wish.act) and ACTS[wish.act].asks and self.one("sure", 8) != "yes":
            found = [Shown.of(each) for each in meant(self.rights, wish)]
            await self.show(
                "native-users-sure.html",
                heading=ACTS[wish.act].label,
                wish=wish,
                act=ACTS[wish.act],
                found=found,
                back=back,
            )
            return
        outcome = await perform(self.rights, wish, actor=self.current_user.name, address=self.address)
        if outcome.links:
            await self.show_links(outcome, back)
        else:
            self.done(_said(ACTS[wish.act].done, outcome.changed), back)

    async def show_links(self, outcome: Outcome, back: str) -> None:
        """One-time links, which are seen here and nowhere else."""
        links = [(Shown.of(account), url) for account, url in outcome.links]
        await self.show("native-users-links.html", heading="One-time links", links=links, back=back)


class UsersPage(AdministrationPage):
    """The list."""

    @web.authenticated
    async def get(self) -> None:
        if not self.rights.sees_all and self.rights.sees_some:
            await self._find()
        else:
            self._check_sees()
            await self._show()

    async def post(self) -> None:
        self._check_sees()
        try:
            await self._do(self.one("act", 64))
        except HubAuthError as error:
            await self._show(error)

    async def _do(self, act: str) -> None:
        if act == "create":
            await self._create()
        elif act == "invite":
            await self._invite()
        elif act == "withdraw":
            await self._withdraw()
        else:
            await self.carry_out(self.wish, LIST)

    def _check_sees(self) -> None:
        if not self.rights.sees_all:
            raise web.HTTPError(404, "There is no such page for you: only those who look after accounts may see it.")

    async def _find(self) -> None:
        """For whoever may look at some accounts: by name to the page of one; what is none of theirs is not there."""
        name = self.get_query_argument("q", "").strip()
        account = self.house.accounts.by_name(name)
        if account is not None and self.rights.sees(account):
            self.redirect(self.url(f"{LIST}/{account.id}"))
        else:
            await self.show("native-users-find.html", heading="Accounts", asked=name)

    async def _create(self) -> None:
        self.must_be_recent()
        rights, username, email = self.rights, self.one("username", 255), self.one("email", 254).strip()
        rights.check_manages_all()
        await rights.check_name(username)
        account, url = await self.house.administration.create(
            username,
            email=mailbox(email) if email else None,
            full_name=self.one("full_name", 255).strip(),
            vouched=rights.is_admin,
            actor=self.current_user.name,
            address=self.address,
        )
        await self.show_links(Outcome(1, [(account, url)]), LIST)

    async def _invite(self) -> None:
        self.must_be_recent()
        self.rights.check_manages_all()
        email = self.one("invited", 254).strip()
        url = await self.house.invitations.invite(email or None, by=self.current_user.name)
        if url:
            await self.show("native-users-invited.html", heading="Invitation", invitation=url, email=email, back=LIST)
        else:
            self.done(f"An invitation is on its way to {email}.", LIST)

    async def _withdraw(self) -> None:
        self.must_be_recent()
        self.rights.check_manages_all()
        await self.house.invitations.revoke(self.one("invitation", 64), self.current_user.name)
        self.done("The invitation is withdrawn.", LIST)

    async def _show(self, error: HubAuthError | None = None) -> None:
        asked: dict[str, str] = {}
        try:
            asked = {name: values[0] for name, values in self.plain_request().query.items() if values and values[0]}
            query = parse(asked)
        except LoginRefused as bad:
            asked, query, error = {}, Query(), error or bad
        found, overview = await self.house.administration.find(query), await self.house.administration.overview()
        rights, pages = self.rights, max(1, -(-found.total // query.size))
        if found.total and not found.rows:  # there were more of them a moment ago
            self.redirect(self._link({**asked, "page": str(pages)}))
            return
        await self.show(
            "native-users.html",
            error,
            heading="Accounts",
            query=query,
            rows=[Shown.of(row.account, row.has_factor) for row in found.rows],
            total=found.total,
            pages=pages,
            at_page=lambda page: self._link({**asked, "page": str(page)}),
            sorted_by=lambda order: self._link({**asked, "sort": order, "page": "1"}),
            counts=overview.counts,
            origins=overview.origins,
            acts={name: act for name, act in ACTS.items() if name != "send_link" or self.house.post.enabled},
            manages=rights.manages_all,
            is_admin=rights.is_admin,
            invitations=self._invitations() if rights.manages_all else None,
            trouble=self.house.post.trouble(),
            **self.recency(self.url(LIST)),
        )

    def _invitations(self) -> list[tuple[Invitation, Moment]] | None:
        """Those that can still be used, with their ends; None where nobody signs up by one."""
        if self.native.mode == "closed":
            return None
        return [(each, moment(each.expires_at)) for each in self.house.invitations.open()]

    def _link(self, asked: dict[str, str]) -> str:
        return url_concat(self.url(LIST), {name: value for name, value in asked.items() if value})


def _said(done: str, number: int) -> str:
    match number:
        case 0:
            return "Nothing was changed: it is so already."
        case 1:
            return f"1 account is {done}."
    return f"{number} accounts are {done}."


def pages(provider: NativeProvider) -> list[Page]:
    """The list, at the provider's own path."""
    return [Page(pattern=LIST, handler=UsersPage, options={"provider": provider})]
