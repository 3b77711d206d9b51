"""`security`: the second factors of whoever is signed in, whichever provider they came by.

What weakens or adds a way in wants a recent sign-in, and the password or a factor beside (rows M06, 6.4.4).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from tornado import web

from hubauth_core import HubAuthError, LoginRefused, Page
from hubauth_core.plugin import hub_user

from ..accounts import Account
from ..factors import forms
from ..factors.enrolment import LASTS, Proposal
from ..factors.passkeys import FIELD, LARGEST
from ..factors.recovery import FEW, new_codes
from ..factors.store import LONGEST_LABEL, PASSKEY, RECOVERY, TOTP, Factor, FactorRefused, Owner
from ..factors.telling import Act, account_of, done
from ..password_change import WrongPassword, prove
from .page import NativePage
from .shown import moment

if TYPE_CHECKING:
    from ..provider import NativeProvider

KINDS: Final = {TOTP: "Authenticator app", PASSKEY: "Passkey"}
ADVICE: Final = "If somebody else may have used your account, end your other sessions below."

REMOVED: Final = Act(kind="factor_removed", said="A second factor was removed.")
NEW_CODES: Final = Act(kind="recovery_codes_made", said="New recovery codes were made; the old ones are void.")
RENAMED: Final = Act(kind="factor_renamed", letter="")
ENDED: Final = Act(kind="sessions_ended", letter="")
FORGOTTEN: Final = Act(kind="browsers_forgotten", letter="")


class SecurityPage(NativePage):
    """Lists factors, and changes them."""

    @web.authenticated
    async def get(self) -> None:
        await self._list()

    async def post(self) -> None:
        if not self.current_user:
            raise web.HTTPError(403, "You are not signed in any more. Nothing was changed.")
        acts = {
            "add": self._add,
            "confirm": self._confirm,
            "rename": self._rename,
            "remove": self._remove,
            "codes": self._codes,
            "forget_browsers": self._forget_browsers,
            "end_sessions": self._end_sessions,
        }
        try:
            act = self.one("act")
            if act not in acts:
                raise web.HTTPError(400, "This form is not one of ours.")
            self.must_be_recent(LASTS if act == "confirm" else 0.0)
            await acts[act]()
        except HubAuthError as error:
            await self._list(error)

    # Who it is.

    @property
    def owners(self) -> tuple[Owner, ...]:
        """Their identities; 404 for people whose sign-ins ask for nothing that is kept here."""
        found = tuple(self.house.core.identities_of(hub_user(self.current_user.orm_user)))
        if not any(self.house.step_up.guards(provider) for provider, _ in found):
            raise web.HTTPError(404, "No second factor is kept here for the way in which you sign in.")
        return found

    @property
    def username(self) -> str:
        account = account_of(self.house, self.owners)
        return account.username if account else str(self.current_user.name)

    async def _is_proved(self, account: Account | None, act: str, what: str) -> bool:
        """Whether the form brings a proof; else the page that asks for one is the answer.

        Raises TooMany, StoreError.
        """
        owners = self.owners
        kinds = {factor.kind for factor in self.house.factors.of(owners)}
        has_password = account is not None and account.password_hash is not None
        if not kinds and not has_password:
            return True  # a recent sign-in is all that there is
        try:
            if self.one(FIELD, LARGEST) or self.one("code"):
                await self.house.proof.by_factor(owners, self.plain_request())
                return True
            if account is not None and has_password and self.one("password"):
                await prove(self.house, account, self.one("password"), self.address)
                return True
        except LoginRefused as refusal:
            if refusal.code not in {"bad_credentials", WrongPassword.default_code}:
                raise
            await self._ask_for_proof(act, what, kinds, has_password, refusal)
            return False
        await self._ask_for_proof(act, what, kinds, has_password, None)
        return False

    async def _ask_for_proof(
        self, act: str, what: str, kinds: set[Any], has_password: bool, error: HubAuthError | None
    ) -> None:
        known = self.house.passkeys.known(self.owners) if self.house.passkeys.possible(self) else []
        await self.show(
            "native-security-proof.html",
            error,
            act=act,
            factor=self.one("id"),
            what=what,
            has_password=has_password,
            has_app=TOTP in kinds,
            has_codes=RECOVERY in kinds,
            passkey=forms.passkey_data({"allow": known}) if known else "",
            script=self.house.passkeys.script,
        )

    # Acts.

    async def _add(self) -> None:
        if await self._is_proved(account_of(self.house, self.owners), "add", "add a second factor"):
            await self._propose(self.house.enrolment.propose(self.owners))

    async def _propose(self, proposal: Proposal, error: HubAuthError | None = None) -> None:
        apps, passkeys = self.house.totp.possible, self.house.passkeys.possible(self)
        wanted = self.house.passkeys.wanted(self.owners, self.username)
        issuer = self.native.totp_issuer
        await self.show(
            "native-security-add.html",
            error,
            shown=forms.shown(proposal, username=self.username, issuer=issuer, apps=apps),
            apps=apps,
            passkeys=passkeys,
            passkey=forms.passkey_data(wanted) if passkeys else "",
            script=self.house.passkeys.script,
            longest=LONGEST_LABEL,
        )

    async def _confirm(self) -> None:
        owners = self.owners
        proposal = self.house.enrolment.resume(owners, self.one("proposal", 4096))
        if proposal is None:
            raise FactorRefused("That took too long. Begin again.")
        await self.house.throttle.admit("second_factor", account=":".join(owners[0]), address=self.address)
        try:
            label = self._label()
            await self.house.second_factor.add(owners, proposal, self.plain_request(), label)
        except FactorRefused as refusal:
            await self._propose(proposal, refusal)
        else:
            self.done(f"Added. You are asked for it when you sign in. {ADVICE}", "security")

    async def _rename(self) -> None:
        label = self._label()
        if not label:
            raise FactorRefused("Type a name for it.")
        rename = partial(self.house.factors.rename, owners=self.owners, factor_id=self.one("id"), label=label)
        await self._carry_out(RENAMED, rename)
        self.done("Renamed.", "security")

    async def _remove(self) -> None:
        owners, wanted = self.owners, self.one("id")
        found = {factor.id: factor for factor in self.house.factors.of(owners, TOTP, PASSKEY)}
        if wanted not in found:
            raise FactorRefused("It was removed already.", code="not_found")
        if len(found) == 1 and self._is_needed():
            raise FactorRefused("You need a second factor here. Add another one before you remove this one.")
        factor = found[wanted]
        what = f"remove {factor.label or KINDS[factor.kind]}"
        if await self._is_proved(account_of(self.house, owners), "remove", what):

            def remove(connection: Any) -> bool:
                self.house.factors.distrust(connection, owners)
                return self.house.factors.remove(connection, owners, wanted)

            await self._carry_out(replace(REMOVED, reason=factor.kind), remove)
            self.done(f"Removed. {ADVICE}", "security")

    async def _codes(self) -> None:
        owners = self.owners
        if not self.house.factors.of(owners, TOTP, PASSKEY):
            raise FactorRefused("Add an authenticator app or a passkey first; recovery codes come with it.")
        if await self._is_proved(account_of(self.house, owners), "codes", "make new recovery codes"):
            codes = new_codes()
            make = partial(self.house.recovery_codes.replace, owners=owners, codes=codes)
            await self._carry_out(NEW_CODES, make)
            await self.show("native-security-codes.html", codes=codes)

    async def _forget_browsers(self) -> None:
        await self._carry_out(FORGOTTEN, partial(self.house.factors.distrust, owners=self.owners))
        self.done("Every browser is asked for your second factor again.", "security")

    async def _end_sessions(self) -> None:
        await self._carry_out(ENDED, lambda connection: None)
        self.end_other_sessions()
        self.done("Every other session of yours has ended.", "security")

    async def _carry_out(self, act: Act, work: Any) -> None:
        await done(self.house, self.owners, replace(act, address=self.address), work)

    def _label(self) -> str:
        label = " ".join(self.one("label", 255).split())
        if len(label) > LONGEST_LABEL or not label.isprintable():
            raise FactorRefused(f"A name for it has {LONGEST_LABEL} plain characters at most.")
        return label

    def _is_needed(self) -> bool:
        account, required = account_of(self.house, self.owners), self.native.second_factor_required_for
        needed = account is not None and self.house.second_factor.is_needed(account)
        return needed or any(provider in required for provider, _ in self.owners)

    # The page.

    async def _list(self, error: HubAuthError | None = None) -> None:
        owners = self.owners
        found = self.house.factors.of(owners)
        left = sum(factor.kind == RECOVERY for factor in found)
        await self.show(
            "native-security.html",
            error,
            factors=[_shown(factor) for factor in found if factor.kind in KINDS],
            left=left,
            few=left <= FEW,
            apps=self.house.totp.possible,
            passkeys=self.house.passkeys.possible(self),
            days=self.native.remember_browser_days,
            needed=self._is_needed(),
            has_account=account_of(self.house, owners) is not None,
            longest=LONGEST_LABEL,
            **self.recency(self.url("security")),
        )


def _shown(factor: Factor) -> dict[str, Any]:
    kind = KINDS[factor.kind]
    return {
        "id": factor.id,
        "kind": kind,
        "label": factor.label or kind,
        "added": moment(factor.created_at),
        "used": moment(factor.last_used_at) if factor.last_used_at else None,
    }


def pages(provider: NativeProvider) -> Sequence[Page]:
    """Below the provider's own path."""
    return [Page(pattern="security", handler=SecurityPage, options={"provider": provider})]
