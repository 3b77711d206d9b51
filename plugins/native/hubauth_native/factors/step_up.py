"""The second factor of people who sign in at another provider: a code after the sign-in there (row M17).

The hook sees no request, so there is a code of an app, or a recovery code; no passkey.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hubauth_core import Answered, Challenge, Form, Identity, LoginRefused, Request

from ..house import House
from ..options.factors import FactorOptions
from . import forms
from .enrolment import Enrolment, Proposal
from .proof import Proof
from .second_factor import SecondFactor
from .store import PASSKEY, RECOVERY, TOTP, FactorRefused, Factors, Owner


class StepUp:
    """Looks at sign-ins of other providers."""

    def __init__(
        self,
        house: House,
        options: FactorOptions,
        *,
        factors: Factors,
        second_factor: SecondFactor,
        enrolment: Enrolment,
        proof: Proof,
    ) -> None:
        self._house = house
        self._options = options
        self._factors = factors
        self._second_factor = second_factor
        self._enrolment = enrolment
        self._proof = proof

    def guards(self, provider: str) -> bool:
        """Whether a second factor kept here counts for sign-ins of that provider."""
        options = self._options
        also = provider in options.second_factor_for or provider in options.second_factor_required_for
        return also or provider == self._house.name

    async def check(self, provider: str, identity: Identity, answer: Answered | None) -> Challenge | None:
        """Ask for a factor, or take the answer; None lets them pass. Raises LoginRefused, StoreError."""
        if provider == self._house.name or not self.guards(provider) or self._shown_there(identity.claims):
            return None
        owners = self._factors.owners(provider, identity.subject)
        kinds = {factor.kind for factor in self._factors.of(owners)}
        if not kinds & {TOTP, PASSKEY}:
            needed = provider in self._options.second_factor_required_for
            return await self._enrol(owners, identity, answer) if needed else None
        return await self._ask(owners, kinds, answer)

    async def _ask(self, owners: tuple[Owner, ...], kinds: set[Any], answer: Answered | None) -> Challenge | None:
        if not kinds & {TOTP, RECOVERY}:
            raise LoginRefused(
                "Your second factor is a passkey, which cannot be asked for here. Make recovery codes on the page "
                "about your sign-in security, or ask an administrator.",
                code="second_factor_needed",
            )
        use = answer.get("use", ("",))[0] if answer else ""
        if answer is None or use:
            return Challenge(self._form(kinds, recovery=use == "recovery"))
        try:
            await self._proof.by_factor(owners, Request(method="POST", form={"code": answer.get("code", ())}))
        except LoginRefused as refusal:
            if refusal.code != "bad_credentials":
                raise
            return Challenge(self._form(kinds, error=refusal.sentence))
        return None

    async def _enrol(self, owners: tuple[Owner, ...], identity: Identity, answer: Answered | None) -> Challenge | None:
        proposal = self._enrolment.resume(owners, answer.get("proposal", ("",))[0]) if answer else None
        if answer is None or proposal is None:
            error = "" if answer is None else "That took too long. This is a new secret."
            return Challenge(self._enrol_form(self._enrolment.propose(owners), identity, error))
        await self._house.throttle.admit("second_factor", account=":".join(owners[0]))
        request = Request(method="POST", form={"code": answer.get("code", ())})
        try:
            await self._second_factor.add(owners, proposal, request)
        except FactorRefused as refusal:
            return Challenge(self._enrol_form(proposal, identity, refusal.sentence))
        return None

    def _form(self, kinds: set[Any], *, recovery: bool = False, error: str = "") -> Form:
        return forms.step(kinds, recovery=recovery, passkeys=None, known=(), days=0, error=error)

    def _enrol_form(self, proposal: Proposal, identity: Identity, error: str) -> Form:
        return forms.enrol(
            proposal,
            username=identity.username,
            issuer=self._options.totp_issuer,
            apps=True,
            passkeys=None,
            wanted=None,
            error=error,
        )

    def _shown_there(self, claims: Mapping[str, Any]) -> bool:
        """Whether the source says that it has seen a second factor: claims `amr` and `acr` of OpenID Connect."""
        amr = claims.get("amr")
        methods = {each for each in amr if isinstance(each, str)} if isinstance(amr, list | tuple) else set()
        acr = claims.get("acr")
        return bool(methods & set(self._options.second_factor_amr)) or (
            isinstance(acr, str) and acr in self._options.second_factor_acr
        )
