"""Accounts for programs, below `/hub/api/hubauth/providers/<name>/`: by API token alone, never by a cookie (row M23).

What may be done, and by whom, is what the pages of administrators allow: `rights` and `acts` are the same.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, Final

from jupyterhub.apihandlers.base import APIHandler
from sqlalchemy.exc import SQLAlchemyError

from hubauth_core import HubAuthError, LoginRefused, Page, StoreError
from hubauth_core.plugin import Caller, JSONHandler, Reply, caller_of, hub_user, refusal

from ..accounts import Account
from ..administration import MOST
from ..invitations import LONGEST, MOST_USES
from ..links import LinkOver
from ..listing import BadQuery, parse
from ..mail.mailbox import mailbox
from .account_model import account_model, history_model, invitation_model
from .acts import NoAccount, Outcome, Wish, perform
from .json_body import Body, parse_body
from .openapi import FIELDS, LATEST, describe
from .rights import NotAllowed, Rights

if TYPE_CHECKING:
    from ..provider import NativeProvider

Answer = Callable[..., Awaitable[Reply]]
"""A method of a resource."""
_ID: Final = re.compile("[0-9a-f]{1,64}")


class Resource(JSONHandler, APIHandler):  # type: ignore[misc]  # jupyterhub is untyped
    """What every resource has: who calls, what they may, and errors as JSON."""

    caller: Caller
    rights: Rights

    def initialize(self, provider: NativeProvider) -> None:
        self.native = provider
        self.house = provider.house

    def let_in(self) -> None:
        """Raises NotAllowed for whoever comes without a valid API token."""
        caller = caller_of(self)
        if caller is None:
            raise NotAllowed("Send a valid API token: Authorization: token <api token>.")
        row = getattr(self.current_user, "orm_user", None)
        own = self.house.core.subject_of(hub_user(row)) if row is not None else None
        admins = self.native.admin_users
        self.caller, self.rights = caller, Rights(handler=self, house=self.house, admins=admins, own=own or "")

    @property
    def who(self) -> dict[str, str]:
        """Who acts, and from where."""
        return {"actor": self.caller.acting_for(""), "address": self.request.remote_ip or ""}

    @property
    def asked(self) -> dict[str, str]:
        """The query, each parameter once. Raises BadQuery."""
        try:
            found = {name: [each.decode() for each in values] for name, values in self.request.query_arguments.items()}
        except UnicodeDecodeError:
            raise BadQuery("The query is not UTF-8.") from None
        if any(len(values) != 1 for values in found.values()):
            raise BadQuery("A parameter is given more than once.")
        return {name: values[0] for name, values in found.items()}

    def body(self, kind: str) -> Body:
        """What was sent, and nothing in the query. Raises BadBody, BadQuery."""
        self.no_query()
        return parse_body(self.request.body, FIELDS[kind])

    def no_query(self) -> None:
        """Raises BadQuery where parameters were sent to what takes none."""
        if self.request.query_arguments:
            raise BadQuery("There are no parameters here.")

    def seen(self, account_id: str) -> Account:
        """The account. Raises NoAccount also where it is none of the caller's business."""
        account = self.house.accounts.by_id(account_id) if _ID.fullmatch(account_id) else None
        if account is None or not self.rights.sees(account):
            raise NoAccount("There is no such account.")
        return account

    def model(self, account: Account) -> dict[str, Any]:
        """An account, with what only a look at one of them shows."""
        return account_model(account, user=self.house.core.hub_user(account.id))


def answering(method: Answer) -> Callable[..., Awaitable[None]]:
    """Let the caller in, and answer what the method says, or what has gone wrong."""

    @wraps(method)
    async def answer(self: Resource, *args: str) -> None:
        try:
            self.let_in()
            reply = await method(self, *args)
        except HubAuthError as error:
            reply = refusal(error)
        except SQLAlchemyError as error:
            self.log.error("hubauth: the hub's database: %s", type(error).__name__)
            self.db.rollback()
            reply = refusal(StoreError("The database of this hub does not answer; try again."))
        self.reply(reply)

    return answer


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
        if not _ID.fullmatch(invitation_id):
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
