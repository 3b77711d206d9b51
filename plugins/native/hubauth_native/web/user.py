"""`users/<id>`: one account for those who look after it: what it is, what happened to it, and what can be done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select
from tornado import web

from hubauth_core import HubAuthError, Page

from ..accounts import INACTIVE, PENDING, Account
from ..schema import browsers, factors
from .acts import ACTS
from .shown import Moment, Shown, moment
from .users import LIST, AdministrationPage

if TYPE_CHECKING:
    from ..provider import NativeProvider

FACTORS = {"totp": "Authenticator app", "passkey": "Passkey", "recovery": "Recovery code"}


class UserPage(AdministrationPage):
    """One account. Its acts stand on its page; what they ask is asked on the next one."""

    @web.authenticated
    async def get(self, account_id: str) -> None:
        await self._show(self._asked_about(account_id))

    async def post(self, account_id: str) -> None:
        account = self._asked_about(account_id)
        try:
            wish = self.wish
            back = LIST if wish.act in ("delete", "refuse") else f"{LIST}/{account.id}"
            await self.carry_out(wish, back)
        except HubAuthError as error:
            await self._show(self.house.accounts.by_id(account.id) or account, error)

    def _asked_about(self, account_id: str) -> Account:
        """Answers 404 for an account that is not there, or is none of one's business."""
        account = self.house.accounts.by_id(account_id)
        if account is None or not self.rights.sees(account):
            raise web.HTTPError(404, "There is no such account, or you may not see it.")
        return account

    async def _show(self, account: Account, error: HubAuthError | None = None) -> None:
        rights, user = self.rights, self.house.core.hub_user(account.id)
        history = [(moment(each.at), each) for each in self.house.administration.history(account.id)]
        await self.show(
            "native-user.html",
            error,
            heading=account.username,
            shown=Shown.of(account),
            approved=moment(account.approved_at) if account.approved_at else None,
            password_set=moment(account.password_set_at) if account.password_set_at else None,
            terms=moment(account.terms_at) if account.terms_at else None,
            hub_name=user.name if user else "",
            factors=self._factors(account),
            browsers=self._browsers(account),
            history=history,
            acts={name: ACTS[name] for name in self._acts(account)},
            may=rights.manages(account),
            sees_all=rights.sees_all,
            special=rights.is_special(account),
            trouble=self.house.post.trouble(),
            **self.recency(self.url(f"{LIST}/{account.id}")),
        )

    def _acts(self, account: Account) -> list[str]:
        """The acts that make sense now, and are allowed."""
        rights, own = self.rights, account.id == self.rights.own
        if not rights.manages(account):
            return []
        if account.status == PENDING:
            fitting = ["approve", "refuse"]
        else:
            state = "reactivate" if account.status == INACTIVE else "deactivate"
            admin = "unmake_admin" if account.admin else "make_admin"
            link = ["send_link"] if account.email and self.house.post.enabled else []
            fitting = ["reset", *link, "end_sessions", "reset_factors", state, admin, "delete"]
        allowed = [name for name in fitting if not own or ACTS[name].own]
        return [name for name in allowed if rights.is_admin or not ACTS[name].of_admins]

    def _factors(self, account: Account) -> list[tuple[str, str, Moment | None]]:
        own = (factors.c.provider == self.house.name, factors.c.subject == account.id)
        query = select(factors).where(*own, factors.c.kind != "recovery")
        with self.house.database.read() as connection:
            rows = connection.execute(query.order_by(factors.c.created_at)).mappings().all()
        return [
            (
                FACTORS.get(row["kind"], row["kind"]),
                row["label"],
                moment(row["last_used_at"]) if row["last_used_at"] else None,
            )
            for row in rows
        ]

    def _browsers(self, account: Account) -> int:
        own = (browsers.c.provider == self.house.name, browsers.c.subject == account.id)
        with self.house.database.read() as connection:
            return len(connection.execute(select(browsers.c.digest).where(*own)).all())


def pages(provider: NativeProvider) -> list[Page]:
    """The page of each account."""
    return [Page(pattern=f"{LIST}/([0-9a-f]{{32}})", handler=UserPage, options={"provider": provider})]
