"""The provider type: any backend of python-social-auth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from traitlets import default

from hubauth_core import (
    Core,
    Credential,
    Form,
    Fresh,
    HubCall,
    Identity,
    LoginRefused,
    Page,
    Provider,
    ProviderError,
    Redirect,
    RefreshedCredential,
    RefreshedIdentity,
    Request,
    SignIn,
    Step,
    Transaction,
    Unchanged,
)

from . import asking, credentials, refreshing
from .answers import state_of, visit
from .bridge import Bridge
from .cleaning import Cleaning
from .identity import identity_of
from .kinds import under
from .options import ISSUES, SocialOptions
from .pool import Pool
from .schema import SCHEMA
from .store import SocialStore
from .visit import Done, Html
from .web import icon, metadata, telegram

BY_ADDRESS: Final = ("WHITELISTED_EMAILS", "WHITELISTED_DOMAINS")
"""Settings that let people in by an address of mail, which has to be proved then (row V06)."""


class SocialProvider(SocialOptions, Provider):
    """One backend of python-social-auth, configured."""

    title = "Social account"
    by_itself = False
    answers_by_post = True
    schema = SCHEMA
    templates = Path(__file__).with_name("templates")

    bridge: Bridge
    cleaning: Cleaning
    base_url: str = "/hub/"

    def start(self, core: Core) -> None:
        """Import the backend, open the tables."""
        self.base_url = core.base_url
        if not self.icon and self.described.icon:
            self.icon = f"{core.base_url}auth/{self.name}/{icon.PATH}"
        backend = under(self.name, self.described.load(), self.described.kind)
        database = core.store(SCHEMA)
        self.bridge = Bridge(
            backend=backend,
            name=self.name,
            label=self.label,
            settings=self.resolved,
            store=SocialStore(database, self.name, core.key("social")),
            pool=Pool(deadline=self.request_timeout),
            log=core.log,
            steps=self.pipeline_steps,
            public_only=self.described.asks == asking.ADDRESS,
        )
        self.cleaning = Cleaning(core, database, self.name)
        core.in_background(self.cleaning.run)

    def warnings(self) -> Sequence[str]:
        return [*asking.warnings(self)]

    def state_of(self, request: Request) -> str | None:
        return state_of(request)

    async def begin_login(self, request: Request, transaction: Transaction) -> Step:
        """Send the browser to the source, or ask the person first for what the backend has to know."""
        self._check_purpose(transaction)
        if self.described.path == telegram.BACKEND:
            return Redirect(url=telegram.address(self, transaction.state))
        form = asking.form(self, request)
        return form or await self._start(request, transaction, asking.chosen(self, request.query))

    async def finish_login(self, request: Request, transaction: Transaction) -> SignIn | Step:
        """What the person has typed leads to the source; what the source answers, to a sign-in."""
        self._check_purpose(transaction)
        if transaction.memo.get(asking.ASKED) and self.described.kind != "unproven":
            return await self._start(request, transaction, asking.typed(self, request))
        person = transaction.bound_to
        end = await self.bridge.complete(visit(request, transaction, person), transaction.memo)
        return self._signed_in(end) if isinstance(end, Done) else self._step(end)

    @default("membership_max_age")
    def _default_membership_max_age(self) -> float:
        return 900.0

    async def refresh_credential(self, credential: Credential) -> RefreshedCredential:
        if self.described.kind not in ISSUES:
            return Fresh()
        return await self.bridge.ask(lambda backend: credentials.renew(backend, credential))

    async def revoke_credential(self, credential: Credential) -> None:
        if self.described.revokes or self.resolved.get("REVOKE_TOKEN_URL"):
            await self.bridge.ask(lambda backend: credentials.revoke(backend, credential, "me"))

    async def refresh_identity(
        self, identity: Identity, credential: Credential | None, hub: HubCall
    ) -> RefreshedIdentity:
        if credential is None or self.described.kind not in ISSUES:
            return Unchanged()
        return await self.bridge.ask(lambda backend: refreshing.ask(backend, identity, credential, self.reading))

    async def user_deleted(self, identity: Identity, hub: HubCall) -> None:
        await self.cleaning.forget([identity.subject])

    def pages(self) -> Sequence[Page]:
        return [*icon.pages(self), *metadata.pages(self), *telegram.pages(self)]

    def _check_purpose(self, transaction: Transaction) -> None:
        if self.only_connects and transaction.purpose != "link":
            raise LoginRefused(
                f"{self.label} signs nobody in. Sign in another way, and connect it on the page of your connections.",
                code="only_connects",
            )

    async def _start(self, request: Request, transaction: Transaction, given: dict[str, str]) -> Step:
        step = self._step(await self.bridge.start(visit(request, transaction, transaction.bound_to, **given)))
        return replace(step, memo={**step.memo, asking.ASKED: ""})

    def _step(self, answer: Redirect | Form | Html) -> Step:
        if isinstance(answer, Html):
            raise ProviderError(f"{self.label} wants a page that this hub cannot show.", code="page_unsupported")
        return answer

    def _signed_in(self, done: Done) -> SignIn:
        identity = identity_of(done, self.reading)
        if not identity.email_verified and any(self.resolved.get(each) for each in BY_ADDRESS):
            raise LoginRefused(f"Your e-mail address at {self.label} is not verified.", code="email_not_verified")
        credential = credentials.credential_of(done) if self.described.kind in ISSUES else None
        return SignIn(identity=identity, credentials=(credential,) if credential else ())
