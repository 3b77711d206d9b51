"""Accounts for programs, below `/hub/api/hubauth/providers/<name>/`: by API token alone, never by a cookie (row M23).

What may be done, and by whom, is what the pages of administrators allow: `rights` and `acts` are the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyterhub.apihandlers.base import APIHandler

from hubauth_core import LoginRefused, Page
from hubauth_core.plugin import JSONHandler, Reply

from ..administration import MOST
from ..invitations import LONGEST, MOST_USES
from ..links import LinkOver
from ..listing import parse
from ..mail.mailbox import mailbox
from .account_model import account_model, history_model, invitation_model
from .acts import Outcome, Wish, perform
from .json_body import Body
from .openapi import LATEST, describe
from .resource import ID, Resource, answering
from .rights import NotAllowed

if TYPE_CHECKING:
    from ..provider import NativeProvider


class AccountsResource(Resource):
    """`accounts`: the list, and new ones."""

    allowed = "GET, POST, OPTIONS"

    @answering
    async def get(self) -> Reply:
        if not self.rights.sees_all:
            raise NotAllowed("This needs custom:hubauth:accounts:read, without a filter.")
        query = parse(self.asked)
        found = await self.house.administration.find(query)
        rows = [account_model(row.account, has_factor=row.has_factor) for row in found.rows]
        return Reply(200, {"accounts": rows, "total": found.total, "page": query.page, "size": query.size})

    @answering
    async def post(self) -> Reply:
        self.rights.check_manages_all()
        body = self.body("NewAccount")
        admin, email = body.flag("admin"), _email(body)
        if admin is not None:
            self.rights.check_admin()
        username = body.text("username", 255)
        await self.rights.check_name(username)
        account, link = await self.house.administration.create(
            username,
            email=email,
            full_name=body.text("full_name", 255, ""),
            admin=admin,
            vouched=self.rights.is_admin,
            **self.who,
        )
        return Reply(201, {"account": self.model(account), "link": link})


class AccountResource(Resource):
    """`accounts/<id>`."""

    allowed = "GET, PATCH, DELETE, OPTIONS"

    @answering
    async def get(self, account_id: str) -> Reply:
        self.no_query()
        return Reply(200, self.model(self.seen(account_id)))

    @answering
    async def patch(self, account_id: str) -> Reply:
        account = self.seen(account_id)
        self.rights.check_manages(account)
        body = self.body("Changes")
        values: dict[str, Any] = {}
        if body.fields.get("full_name") is not None:
            values["full_name"] = body.text("full_name", 255)
        if "email" in body.fields:
            values["email"] = _email(body)
        if values:
            await self.house.administration.describe(account.id, **values, **self.who)
        return Reply(200, self.model(self.seen(account_id)))

    @answering
    async def delete(self, account_id: str) -> Reply:
        self.no_query()
        wish = Wish(act="delete", ids=[self.seen(account_id).id])
        return _outcome(await perform(self.rights, wish, **self.who))


class HistoryResource(Resource):
    """`accounts/<id>/history`."""

    allowed = "GET, OPTIONS"

    @answering
    async def get(self, account_id: str) -> Reply:
        self.no_query()
        account = self.seen(account_id)
        return Reply(200, {"history": [history_model(each) for each in self.house.administration.history(account.id)]})


class ActsResource(Resource):
    """`acts`: one act on one or many accounts; of all, or of none."""

    allowed = "POST, OPTIONS"

    @answering
    async def post(self) -> Reply:
        body = self.body("Act")
        wish = Wish(
            act=body.text("act", 64),
            ids=body.texts("accounts", 64, MOST),
            until=body.number("until", 1, LATEST),
            reason=body.text("reason", 500, ""),
        )
        return _outcome(await perform(self.rights, wish, **self.who))


class InvitationsResource(Resource):
    """`invitations`: those that can still be used, and new ones."""

    allowed = "GET, POST, OPTIONS"

    @answering
    async def get(self) -> Reply:
        self.no_query()
        self.rights.check_manages_all()
        return Reply(200, {"invitations": [invitation_model(each) for each in self.house.invitations.open()]})

    @answering
    async def post(self) -> Reply:
        self.rights.check_manages_all()
        body = self.body("NewInvitation")
        link = await self.house.invitations.invite(
            _email(body),
            body.whole("uses", 1, MOST_USES, 1),
            body.number("lifetime", 60, LONGEST) or 7 * 86400.0,
            self.who["actor"],
        )
        return Reply(201, {"link": link or None})


class InvitationResource(Resource):
    """`invitations/<id>`."""

    allowed = "DELETE, OPTIONS"

    @answering
    async def delete(self, invitation_id: str) -> Reply:
        self.no_query()
        self.rights.check_manages_all()
        if not ID.fullmatch(invitation_id):
            raise LoginRefused("There is no such invitation.", code="not_found")
        try:
            await self.house.invitations.revoke(invitation_id, self.who["actor"])
        except LinkOver:
            raise LoginRefused("There is no such invitation.", code="not_found") from None
        return Reply(200, {"changed": 1, "links": []})


class DescriptionResource(JSONHandler, APIHandler):  # type: ignore[misc]  # jupyterhub is untyped
    """`openapi.json`, for everybody: it holds nothing of a hub but an address."""

    allowed = "GET, OPTIONS"

    async def get(self) -> None:
        self.reply(Reply(200, describe(self.request.path.rpartition("/")[0])))


def _email(body: Body) -> str | None:
    """An address, None where it is missing or null. Raises BadMailbox."""
    return None if body.fields.get("email") is None else mailbox(body.text("email", 254))


def _outcome(done: Outcome) -> Reply:
    links = [{"account": account.id, "link": link} for account, link in done.links]
    return Reply(200, {"changed": done.changed, "links": links})


def pages(provider: NativeProvider) -> list[Page]:
    """Every resource."""
    handlers: list[tuple[str, type[Any]]] = [
        ("accounts", AccountsResource),
        ("accounts/([^/]+)", AccountResource),
        ("accounts/([^/]+)/history", HistoryResource),
        ("acts", ActsResource),
        ("invitations", InvitationsResource),
        ("invitations/([^/]+)", InvitationResource),
    ]
    options = {"provider": provider}
    found = [Page(pattern=pattern, handler=handler, options=options, api=True) for pattern, handler in handlers]
    return [*found, Page(pattern="openapi.json", handler=DescriptionResource, api=True)]
