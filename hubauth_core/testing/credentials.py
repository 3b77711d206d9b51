"""What a provider type owes to a credential after the sign-in: to renew it, exchange it, and have it taken back."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, ClassVar, Final
from urllib.parse import parse_qs

import pytest

from ..errors import CredentialError, ProviderError, ProviderUnavailable
from ..oauth2 import OAuth2Provider
from ..types import Credential, Fresh, ReauthRequired, Rotated, Secret, Unavailable
from .asked_again import AskedAgainContract
from .faults import DOWN, NEARLY_TOKENS, RUBBISH, token_rubbish
from .marks import each, holds
from .source import FakeSource, Reply, answer_json

ACCESS: Final = "canary-held-access-5e02"
REFRESH: Final = "canary-held-refresh-c8d1"
RENEWED: Final[dict[str, Any]] = {
    "access_token": "canary-renewed-access-19f4",
    "refresh_token": "canary-rotated-refresh-a37b",
    "token_type": "Bearer",
    "expires_in": 600,
}
EXCHANGE: Final = {"elsewhere": {"audience": "elsewhere", "scope": "read"}}
EXCHANGED: Final[dict[str, Any]] = {
    "access_token": "canary-exchanged-access-60c9",
    "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
    "token_type": "Bearer",
    "expires_in": 600,
}


class CredentialContract(AskedAgainContract):
    """What every OAuth provider type owes to a credential."""

    revocation: ClassVar[tuple[str, str, int] | None] = None
    """How the source takes a token back: method, address, and the status of success. None says that it does not."""

    @pytest.fixture
    def held(self, source: FakeSource) -> Credential:
        """A credential that was stored at a sign-in, and has run out."""
        source.excuse()
        issued = [RENEWED["access_token"], RENEWED["refresh_token"], EXCHANGED["access_token"]]
        self.canaries += [ACCESS, REFRESH, *issued]
        return Credential(
            access_token=Secret(ACCESS), refresh_token=Secret(REFRESH), scopes=frozenset({"read"}), expires_at=1.0
        )

    # Renewal.

    @pytest.mark.asyncio
    @holds("R12", "C20", "C21", "B3")
    async def test_a_renewal_keeps_what_is_rotated(
        self, source: FakeSource, provider: OAuth2Provider, held: Credential
    ) -> None:
        outcome = await self._renew(source, provider, held, answer_json(RENEWED))
        assert isinstance(outcome, Rotated)
        assert outcome.credential.access_token == Secret(RENEWED["access_token"])
        assert outcome.credential.refresh_token == Secret(RENEWED["refresh_token"])
        assert outcome.credential.scopes == held.scopes, "an answer without scopes leaves those that there were"
        form = parse_qs(source.requests[-1].content.decode())
        assert (form["grant_type"], form["refresh_token"]) == (["refresh_token"], [REFRESH])

    @pytest.mark.asyncio
    @holds("R12")
    async def test_a_renewal_without_a_new_refresh_token_keeps_the_old_one(
        self, source: FakeSource, provider: OAuth2Provider, held: Credential
    ) -> None:
        answer = {name: value for name, value in RENEWED.items() if name != "refresh_token"}
        outcome = await self._renew(source, provider, held, answer_json(answer))
        assert isinstance(outcome, Rotated)
        assert outcome.credential.refresh_token == held.refresh_token

    @pytest.mark.asyncio
    @holds("F11")
    async def test_a_grant_that_is_dead_asks_for_a_sign_in(
        self, source: FakeSource, provider: OAuth2Provider, held: Credential
    ) -> None:
        answer = answer_json({"error": "invalid_grant"}, 400)
        assert isinstance(await self._renew(source, provider, held, answer), ReauthRequired)

    @pytest.mark.asyncio
    @holds("F11", "F03", "B3")
    @each("fault", DOWN)
    async def test_a_source_that_is_down_keeps_the_grant(
        self, source: FakeSource, provider: OAuth2Provider, held: Credential, fault: str
    ) -> None:
        reply = DOWN[fault]()
        outcome = await self._renew(source, provider, held, reply)
        assert outcome == Unavailable(7.0 if "retry-after" in reply.headers else None)

    @pytest.mark.asyncio
    @holds("F11", "F02")
    async def test_a_source_that_never_answers_keeps_the_grant(self, source: FakeSource, held: Credential) -> None:
        provider = self.make_provider(source, request_timeout=0.1)
        assert isinstance(await self._renew(source, provider, held, Reply(hangs=True)), Unavailable)

    @pytest.mark.asyncio
    @holds("F11", "F04", "F05", "F07", "B3")
    @each("fault", RUBBISH)
    async def test_rubbish_keeps_the_grant(
        self, source: FakeSource, provider: OAuth2Provider, held: Credential, fault: str
    ) -> None:
        with self.refused(ProviderError):
            await self._renew(source, provider, held, RUBBISH[fault]())
        assert len(source.calls("POST", self.token_url)) == 1

    @pytest.mark.asyncio
    @holds("F04", "F06", "X25")
    @each("fault", NEARLY_TOKENS)
    async def test_a_renewal_nearly_right_brings_nothing(
        self, source: FakeSource, provider: OAuth2Provider, held: Credential, fault: str
    ) -> None:
        reply = token_rubbish(RENEWED)[fault]()
        try:
            outcome = await self._renew(source, provider, held, reply)
        except ProviderError:
            return
        assert not isinstance(outcome, Rotated)

    @pytest.mark.asyncio
    @pytest.mark.parametrize(("expires_at", "kind"), [(None, Fresh), (1e12, Fresh), (1.0, ReauthRequired)])
    async def test_without_a_refresh_token_nobody_is_asked(
        self, source: FakeSource, provider: OAuth2Provider, held: Credential, expires_at: float | None, kind: type[Any]
    ) -> None:
        alone = Credential(access_token=held.access_token, expires_at=expires_at)
        assert isinstance(await provider.refresh_credential(alone), kind)
        assert source.requests == []

    # Exchange.

    @pytest.mark.asyncio
    @holds("R13", "R14", "C21", "B3")
    async def test_only_ones_own_token_is_exchanged_for_what_is_configured(
        self, source: FakeSource, held: Credential
    ) -> None:
        found = await self._exchange(source, held, answer_json(EXCHANGED))
        assert found.access_token == Secret(EXCHANGED["access_token"])
        assert found.resource == "elsewhere"
        self.assert_discreet(repr(found))
        form = parse_qs(source.calls("POST", self.token_url)[0].content.decode())
        assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:token-exchange"]
        assert (form["subject_token"], form["audience"], form["scope"]) == ([ACCESS], ["elsewhere"], ["read"])
        assert "actor_token_type" not in form

    @pytest.mark.asyncio
    @holds("R14")
    async def test_what_is_not_configured_is_asked_of_nobody(
        self, source: FakeSource, provider: OAuth2Provider, held: Credential
    ) -> None:
        assert "elsewhere" not in provider.resources
        with self.refused(CredentialError):
            await provider.retrieve_credential(held, "elsewhere")
        assert source.requests == []

    @pytest.mark.asyncio
    @holds("R13")
    @each("told", ["issued_token_type", "wider", "token_type"])
    async def test_another_token_than_was_asked_for_is_not_taken(
        self, source: FakeSource, held: Credential, told: str
    ) -> None:
        changed = {"wider": {"scope": "read write"}}.get(told, {told: "urn:another"})
        with self.refused(ProviderError):
            await self._exchange(source, held, answer_json({**EXCHANGED, **changed}))

    @pytest.mark.asyncio
    @holds("R13", "F11")
    @each("error", ["invalid_request", "invalid_target"])
    async def test_a_refused_exchange_is_told_as_such(self, source: FakeSource, held: Credential, error: str) -> None:
        with self.refused(CredentialError) as caught:
            await self._exchange(source, held, answer_json({"error": error}, 400))
        assert caught.value.code == error

    @pytest.mark.asyncio
    @holds("F03", "B3")
    @each("fault", {**DOWN, **RUBBISH})
    async def test_a_source_that_fails_exchanges_nothing(
        self, source: FakeSource, held: Credential, fault: str
    ) -> None:
        with self.refused(ProviderUnavailable if fault in DOWN else ProviderError, CredentialError):
            await self._exchange(source, held, {**DOWN, **RUBBISH}[fault]())
        assert len(source.calls("POST", self.token_url)) == 1

    # Revocation.

    @pytest.mark.asyncio
    @holds("R17", "C21", "B3")
    async def test_a_credential_is_taken_back(
        self, source: FakeSource, provider: OAuth2Provider, held: Credential
    ) -> None:
        await self._revoke(source, provider, held, Reply(status=self.revocation[2] if self.revocation else 500))
        told = "".join(request.content.decode() for request in source.requests)
        assert (REFRESH in told or ACCESS in told) == (self.revocation is not None)

    @pytest.mark.asyncio
    @holds("R17", "F11")
    @each("fault", DOWN)
    async def test_a_source_that_is_down_is_told_later(
        self, source: FakeSource, provider: OAuth2Provider, held: Credential, fault: str
    ) -> None:
        if self.revocation is not None:  # otherwise there is nothing to tell
            with self.refused(ProviderUnavailable):
                await self._revoke(source, provider, held, DOWN[fault]())

    # The kit's own means.

    async def _renew(self, source: FakeSource, provider: OAuth2Provider, held: Credential, reply: Reply) -> Any:
        source.on("POST", self.token_url, reply)
        outcome = await self._discreetly(source, provider.refresh_credential(held))
        assert len(source.calls("POST", self.token_url)) == 1, "a refresh token is sent once"
        return outcome

    async def _exchange(self, source: FakeSource, held: Credential, reply: Reply) -> Credential:
        provider = self.make_provider(source, exchange=EXCHANGE)
        source.on("POST", self.token_url, reply)
        found: Credential = await self._discreetly(source, provider.retrieve_credential(held, "elsewhere"))
        return found

    async def _revoke(self, source: FakeSource, provider: OAuth2Provider, held: Credential, reply: Reply) -> None:
        if self.revocation is not None:
            source.on(*self.revocation[:2], reply)
        await self._discreetly(source, provider.revoke_credential(held))

    async def _discreetly(self, source: FakeSource, call: Awaitable[Any]) -> Any:
        try:
            outcome = await call
            self.assert_discreet(repr(outcome))
            return outcome
        finally:
            for request in source.requests:
                self.assert_discreet(str(request.url))
