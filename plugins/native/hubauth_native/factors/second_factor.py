"""The second step of a sign-in with name and password: asked for, or added where it is needed and missing."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import replace

from hubauth_core import ConfigError, Form, LoginRefused, Request

from ..accounts import Account
from ..house import House
from ..options.factors import ADMINS, OPTIONAL, REQUIRED, FactorOptions
from . import forms
from .browsers import Browsers
from .enrolment import Enrolment, Proposal
from .passkeys import FIELD, Passkeys
from .proof import Proof
from .store import PASSKEY, TOTP, FactorRefused, Factors, Owner
from .telling import Act, done
from .totp import Totp

APP_ADDED = Act(kind="factor_added", reason="totp", said="An authenticator app was added.")
PASSKEY_ADDED = Act(kind="factor_added", reason="passkey", said="A passkey was added.")
APP_LABEL = "Authenticator app"
PASSKEY_LABEL = "Passkey"


class SecondFactor:
    """Asks for the second factor of accounts."""

    def __init__(
        self,
        house: House,
        options: FactorOptions,
        *,
        factors: Factors,
        totp: Totp,
        passkeys: Passkeys,
        browsers: Browsers,
        enrolment: Enrolment,
        proof: Proof,
        admins: Set[str] = frozenset(),
    ) -> None:
        self._house = house
        self._options = options
        self._factors = factors
        self._totp = totp
        self._passkeys = passkeys
        self._browsers = browsers
        self._enrolment = enrolment
        self._proof = proof
        self._admins = admins

    def check_options(self) -> None:
        """Raises ConfigError for a provider that is not there, and where somebody would need what nobody can add."""
        known = self._house.core.providers
        for option in ("second_factor_for", "second_factor_required_for"):
            for name in getattr(self._options, option):
                if known and name not in known:
                    raise ConfigError(f"The option {option!r} names {name!r}, and there are: {', '.join(known)}.")
        if self._totp.possible:
            return
        if self._options.second_factor_required_for:
            raise ConfigError("The option 'second_factor_required_for' needs crypt keys: set c.CryptKeeper.keys.")
        if self._options.second_factor != OPTIONAL and not self._passkeys.possible():
            raise ConfigError(
                f"The option 'second_factor' is {self._options.second_factor!r}, but nobody can add a second factor: "
                "set c.CryptKeeper.keys for authenticator apps, or c.JupyterHub.public_url with a host name for "
                "passkeys."
            )

    def is_needed(self, account: Account) -> bool:
        """Whether an account must have a second factor."""
        if self._options.second_factor != ADMINS:
            return bool(self._options.second_factor == REQUIRED)
        if account.admin or {account.username, f"id:{account.id}"} & self._admins:  # the latter before the hub knows it
            return True
        user = self._house.core.hub_user(account.id)
        return user is not None and user.has_special_rights

    async def ask(self, account: Account, request: Request) -> Form | None:
        """After a right password: the form of the second step, None where there is none. Raises LoginRefused."""
        owner = (self._house.name, account.id)
        owners = self._factors.owners(*owner)
        if not self._factors.of(owners, TOTP, PASSKEY):
            return self._enrol(account, owners, request) if self.is_needed(account) else None
        return None if self._browsers.knows(request.handler, owner) else self._step(owners, request)

    async def answer(self, account: Account, request: Request) -> Form | None:
        """What somebody has answered to that form: None lets them pass, a form asks again.

        Raises LoginRefused: TooMany, or there is no way to add a factor; StoreError.
        """
        owner = (self._house.name, account.id)
        owners = self._factors.owners(*owner)
        if not self._factors.of(owners, TOTP, PASSKEY):
            return await self._add(account, owners, request) if self.is_needed(account) else None
        use = _one(request, "use")
        if use and not request.form.get(FIELD):
            return self._step(owners, request, recovery=use == "recovery")
        try:
            await self._proof.by_factor(owners, request)
        except LoginRefused as refusal:
            if refusal.code != "bad_credentials":
                raise
            _is_refused(request)
            return self._step(owners, request, error=refusal.sentence)
        if _one(request, "remember"):
            await self._browsers.remember(request.handler, owner)
        return None

    def _step(self, owners: Sequence[Owner], request: Request, *, recovery: bool = False, error: str = "") -> Form:
        found = self._factors.of(owners, TOTP, PASSKEY)
        usable = self._passkeys if self._passkeys.possible(request.handler) else None
        return forms.step(
            {factor.kind for factor in found},
            recovery=recovery,
            passkeys=usable,
            known=self._passkeys.known(owners),
            days=self._browsers.days,
            error=error,
        )

    def _enrol(
        self,
        account: Account,
        owners: Sequence[Owner],
        request: Request,
        again: Proposal | None = None,
        error: str = "",
    ) -> Form:
        usable = self._passkeys if self._passkeys.possible(request.handler) else None
        if usable is None and not self._totp.possible:
            raise LoginRefused(
                "Your account here needs a second factor, and none can be added here. Ask the administrators.",
                code="second_factor_needed",
            )
        return forms.enrol(
            again or self._enrolment.propose(owners),
            username=account.username,
            issuer=self._options.totp_issuer,
            apps=self._totp.possible,
            passkeys=usable,
            wanted=self._passkeys.wanted(owners, account.username),
            error=error,
        )

    async def _add(self, account: Account, owners: Sequence[Owner], request: Request) -> Form | None:
        proposal = self._enrolment.resume(owners, _one(request, "proposal"))
        if proposal is None:
            return self._enrol(account, owners, request, error="That took too long. This is a new secret.")
        try:
            await self._throttled_add(owners, proposal, request)
        except FactorRefused as refusal:
            _is_refused(request)
            return self._enrol(account, owners, request, proposal, refusal.sentence)
        return None

    async def _throttled_add(self, owners: Sequence[Owner], proposal: Proposal, request: Request) -> None:
        await self._house.throttle.admit("second_factor", account=":".join(owners[0]), address=request.address)
        await self.add(owners, proposal, request)

    async def add(self, owners: Sequence[Owner], proposal: Proposal, request: Request, label: str = "") -> None:
        """Store the app whose code, or the passkey whose answer, a form brings.

        Raises FactorRefused, StoreError.
        """
        if request.form.get(FIELD):
            add = self._passkeys.added(request, owners[0], label or PASSKEY_LABEL)
            work, act = self._enrolment.with_codes(owners, proposal, add), PASSKEY_ADDED
        elif self._totp.possible:
            work = await self._enrolment.app(owners, proposal, _one(request, "code"), label or APP_LABEL)
            act = APP_ADDED
        else:
            raise FactorRefused("Authenticator apps cannot be added here: the hub has no crypt keys.")
        await done(self._house, owners, replace(act, address=request.address), work)


def _one(request: Request, name: str) -> str:
    values = request.form.get(name, ())
    return values[0] if len(values) == 1 else ""


def _is_refused(request: Request) -> None:
    if request.handler is not None:
        request.handler.set_status(403)
