"""What a provider type owes to people at work: it asks its source again, and takes only a clear no for one."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest

from ..errors import ProviderError
from ..oauth2 import OAuth2Provider
from ..types import HubCall, ReauthRequired, RefreshedIdentity, Refused, SignIn, Unavailable, Unchanged, Updated
from .facts import ProviderFacts
from .faults import DOWN, RUBBISH
from .marks import each, holds
from .source import FakeSource, answer_json
from .variants import another, replaced

NO_WORD: Final = ("html", "empty", "broken-json", "list", "redirect-302")
"""Answers that say nothing of anybody."""


class AskedAgainContract(ProviderFacts):
    """What every OAuth provider type owes to somebody who has signed in a while ago."""

    @pytest.mark.asyncio
    async def test_who_it_is_now(self, provider: OAuth2Provider) -> None:
        answer = await self._ask_again(provider, await self.sign_in(provider))
        assert isinstance(answer, Updated)
        assert replace(answer.identity, provider="") == self.identity

    @pytest.mark.asyncio
    async def test_without_a_token_nobody_is_asked(self, source: FakeSource, provider: OAuth2Provider) -> None:
        signed_in = await self.sign_in(provider)
        asked = len(source.requests)
        assert await provider.refresh_identity(signed_in.identity, None, HubCall()) == Unchanged()
        assert len(source.requests) == asked

    @pytest.mark.asyncio
    @holds("R20")
    async def test_somebody_else_behind_the_token(self, source: FakeSource, provider: OAuth2Provider) -> None:
        signed_in = await self.sign_in(provider)
        self.state_answers(source, replaced(self.answers(), self.subject_value or self.identity.subject, another))
        source.excuse()
        try:
            answer = await self._ask_again(provider, signed_in)
        except ProviderError:
            return
        as_proven = isinstance(answer, Updated) and answer.identity.subject == signed_in.identity.subject
        assert as_proven or isinstance(answer, Refused | ReauthRequired), "an answer about somebody else was taken"

    @pytest.mark.asyncio
    @holds("F11")
    async def test_a_token_that_is_not_taken(self, source: FakeSource, provider: OAuth2Provider) -> None:
        signed_in = await self.sign_in(provider)
        source.excuse()
        source.on("GET", self.userinfo_url, answer_json({"message": "Bad credentials"}, 401))
        source.excuse()
        assert isinstance(await self._ask_again(provider, signed_in), ReauthRequired)

    @pytest.mark.asyncio
    @holds("F01", "F02")
    @each("fault", DOWN)
    async def test_down_while_people_work(self, source: FakeSource, provider: OAuth2Provider, fault: str) -> None:
        signed_in, reply = await self.sign_in(provider), DOWN[fault]()
        source.on("GET", self.userinfo_url, reply)
        source.excuse()
        answer = await self._ask_again(provider, signed_in)
        assert answer == Unavailable(7.0 if "retry-after" in reply.headers else None)

    @pytest.mark.asyncio
    @holds("F04", "F07")
    @each("fault", NO_WORD)
    async def test_rubbish_while_people_work(self, source: FakeSource, provider: OAuth2Provider, fault: str) -> None:
        signed_in = await self.sign_in(provider)
        source.on("GET", self.userinfo_url, RUBBISH[fault]())
        source.excuse()
        with self.refused(ProviderError):
            await self._ask_again(provider, signed_in)

    async def _ask_again(self, provider: OAuth2Provider, signed_in: SignIn) -> RefreshedIdentity:
        return await provider.refresh_identity(signed_in.identity, signed_in.credentials[0], HubCall())
