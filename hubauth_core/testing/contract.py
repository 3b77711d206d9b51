"""The test kit for OAuth provider types: state your provider's facts, inherit the behaviour that every provider owes.

    class TestForge(ProviderContract):
        provider_type = Forge
        options = {"client_id": "id", "client_secret": "canary-secret"}
        authorize_url = "https://forge.test/oauth/authorize"
        token_url = "https://forge.test/oauth/token"
        userinfo_url = "https://forge.test/api/user"
        userinfo = {"id": 7, "username": "ann", "email": "ann@forge.test", "confirmed_at": "2024-05-23T09:05:22Z"}
        unverified = {"id": 7, "username": "ann", "email": "ann@forge.test", "confirmed_at": None}
        identity = Identity(subject="7", username="ann", email="ann@forge.test", email_verified=True)

A fact that is missing fails. Nothing goes over the network. Needs pytest and pytest-asyncio.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import parse_qs, urlencode

import httpx
import pytest
from traitlets import Bool, Dict, TraitError

from ..errors import HubAuthError, LoginRefused, ProviderError, ProviderUnavailable
from ..hookspecs import SPECS
from ..oauth2 import OAuth2Provider
from ..provider import Provider
from ..types import Transaction
from .credentials import CredentialContract
from .facts import CODE, Answers, s256
from .faults import CAP, DOWN, NEARLY_TOKENS, RUBBISH, token_rubbish
from .marks import each, holds
from .source import FakeSource, Reply, answer_json
from .variants import NO_SUBJECTS, NO_USERNAMES, another, changeable, replaced

OURS: Final = {
    "state": "fixed", "nonce": "fixed", "code_challenge": "fixed", "code_challenge_method": "plain",
    "response_type": "token", "redirect_uri": "https://elsewhere.test/",
}  # fmt: skip
"""What a configuration could wish for and must not get (row V18)."""

UNIQUE: Final = ("state", "nonce", "code_challenge")


class ProviderContract(CredentialContract):
    """What every OAuth provider type owes."""

    # The class.

    @holds("V18")
    def test_the_hooks_are_the_cores_own(self) -> None:
        ours = [hook for hook in SPECS if getattr(self.provider_type, hook, None) is not getattr(Provider, hook, None)]
        assert ours == [], "override the plain methods: the hooks belong to the core"

    def test_title_and_required_options(self) -> None:
        assert self.provider_type.title
        assert set(self.provider_type.required_options) <= set(self.provider_type.class_trait_names(config=True))

    def test_two_instances_share_nothing_that_changes(self, source: FakeSource) -> None:
        source.excuse()
        one, other = self.make_provider(source, "one"), self.make_provider(source, "other")
        for option in self.provider_type.class_trait_names(config=True):
            mine, theirs = getattr(one, option), getattr(other, option)
            assert mine is not theirs or not isinstance(mine, list | dict | set | bytearray), option

    @pytest.mark.asyncio
    async def test_two_instances_sign_in_side_by_side(self, source: FakeSource) -> None:
        one = self.make_provider(source, "one", client_id="client-one")
        other = self.make_provider(source, "other", client_id="client-other")
        kept = changeable(self.provider_type)
        first, asked, _ = await self.begin(one)
        assert asked["client_id"] == ["client-one"]
        second, asked, _ = await self.begin(other)
        assert asked["client_id"] == ["client-other"]
        signed_in = [await self.finish(one, first), await self.finish(other, second)]
        assert [found.identity.subject for found in signed_in] == [self.identity.subject] * 2
        assert changeable(self.provider_type) == kept, "a sign-in changed something on the class"

    # To the source.

    @pytest.mark.asyncio
    @holds("R02", "R03", "R11", "C16", "V18")
    async def test_the_browser_leaves_with_state_nonce_and_pkce(
        self, source: FakeSource, provider: OAuth2Provider
    ) -> None:
        source.excuse()
        transaction, asked, address = await self.begin(provider)
        assert address == self.authorize_url.partition("?")[0]
        assert _ours_in(asked) == _expected(transaction)
        assert transaction.verifier.reveal() not in str(asked)

    @pytest.mark.asyncio
    @holds("R03", "R11")
    async def test_no_two_sign_ins_are_alike(self, source: FakeSource, provider: OAuth2Provider) -> None:
        source.excuse()
        one, other = [_ours_in((await self.begin(provider))[1]) for _ in range(2)]
        assert not {one[name] for name in UNIQUE} & {other[name] for name in UNIQUE}

    @pytest.mark.asyncio
    @holds("V18", "R02", "R05")
    async def test_no_option_switches_state_nonce_or_pkce_off(self, source: FakeSource) -> None:
        source.excuse()
        for wish in self._wishes():
            try:
                provider = self.make_provider(source, **wish)
            except (TraitError, HubAuthError):
                continue
            transaction, asked, _ = await self.begin(provider)
            assert _ours_in(asked) == _expected(transaction), wish

    # Back from the source.

    @pytest.mark.asyncio
    async def test_sign_in(self, provider: OAuth2Provider) -> None:
        signed_in = await self.sign_in(provider)
        assert replace(signed_in.identity, provider="") == self.identity
        [credential] = signed_in.credentials
        assert credential.access_token.reveal() == self.token["access_token"]

    @pytest.mark.asyncio
    @holds("R02", "R12", "C18", "C19")
    async def test_the_code_is_sent_with_all_that_proves_it(self, source: FakeSource, provider: OAuth2Provider) -> None:
        transaction, *_ = await self.begin(provider)
        await self.finish(provider, transaction)
        [request] = source.calls("POST", self.token_url)
        form = parse_qs(request.content.decode())
        assert form["grant_type"] == ["authorization_code"]
        assert (form["code"], form["redirect_uri"]) == ([CODE], [transaction.redirect_uri])
        assert form["code_verifier"] == [transaction.verifier.reveal()]
        if "client_secret" in self.options:
            proofs = "Authorization" in request.headers, "client_secret" in form, "client_assertion" in form
            assert sum(proofs) == 1, "the client proves itself in one way"

    @pytest.mark.asyncio
    @holds("C20", "C21", "R06")
    async def test_secrets_travel_in_headers_and_bodies_only(
        self, source: FakeSource, provider: OAuth2Provider
    ) -> None:
        await self.sign_in(provider)
        for request in source.requests:
            self.assert_discreet(str(request.url))
            assert request.headers.get("User-Agent")
        [request, *_] = source.calls("GET", self.userinfo_url)
        assert request.headers["Authorization"] == f"Bearer {self.token['access_token']}"

    @pytest.mark.asyncio
    @holds("B3")
    async def test_nothing_prints_a_secret(self, provider: OAuth2Provider) -> None:
        signed_in = await self.sign_in(provider)
        self.assert_discreet(f"{provider!r} {provider} {signed_in!r} {signed_in.credentials} {vars(provider)}")

    @pytest.mark.asyncio
    @holds("X20")
    async def test_cancel(self, source: FakeSource, provider: OAuth2Provider) -> None:
        source.excuse()
        with self.refused(LoginRefused):
            await self.sign_in(provider, code=[], error=["access_denied"])
        assert not source.calls("POST", self.token_url)

    @pytest.mark.asyncio
    @holds("X20", "X21")
    @each("error", ["server_error", "temporarily_unavailable", "invalid_scope", "<script>alert(1)</script>"])
    async def test_the_source_says_no(self, source: FakeSource, provider: OAuth2Provider, error: str) -> None:
        source.excuse()
        with self.refused() as caught:
            await self.sign_in(provider, error=[error], error_description=["<script>alert(1)</script>"])
        assert "<script>" not in str(caught.value)
        assert not source.calls("POST", self.token_url)

    @pytest.mark.asyncio
    @holds("X22")
    @each("parameter", ["code", "state", "error"])
    async def test_a_parameter_given_twice(self, source: FakeSource, provider: OAuth2Provider, parameter: str) -> None:
        source.excuse()
        with self.refused(LoginRefused):
            await self.sign_in(provider, **{parameter: [CODE, CODE]})
        assert not source.calls("POST", self.token_url)

    @pytest.mark.asyncio
    async def test_no_code(self, source: FakeSource, provider: OAuth2Provider) -> None:
        source.excuse()
        with self.refused(LoginRefused):
            await self.sign_in(provider, code=[])
        assert not source.calls("POST", self.token_url)

    # A source that fails.

    @pytest.mark.asyncio
    @holds("F01", "F02", "F03", "B3")
    @each("fault", DOWN)
    async def test_token_endpoint_down(self, source: FakeSource, provider: OAuth2Provider, fault: str) -> None:
        await self._token_fails(source, provider, DOWN[fault](), ProviderUnavailable)

    @pytest.mark.asyncio
    @holds("F04", "F05", "F06", "F07", "B3")
    @each("fault", RUBBISH)
    async def test_token_endpoint_rubbish(self, source: FakeSource, provider: OAuth2Provider, fault: str) -> None:
        await self._token_fails(source, provider, RUBBISH[fault](), LoginRefused, ProviderError)

    @pytest.mark.asyncio
    @holds("F04", "F06", "X25", "R12")
    @each("fault", NEARLY_TOKENS)
    async def test_token_answer_nearly_right(self, source: FakeSource, provider: OAuth2Provider, fault: str) -> None:
        reply = token_rubbish(self.token)[fault]()
        await self._token_fails(source, provider, reply, LoginRefused, ProviderError)

    @pytest.mark.asyncio
    @holds("F01", "F02", "F03", "B3")
    @each("fault", DOWN)
    async def test_userinfo_down(self, source: FakeSource, provider: OAuth2Provider, fault: str) -> None:
        await self._userinfo_fails(source, provider, DOWN[fault](), ProviderUnavailable)

    @pytest.mark.asyncio
    @holds("F04", "F05", "F06", "F07", "B3")
    @each("fault", RUBBISH)
    async def test_userinfo_rubbish(self, source: FakeSource, provider: OAuth2Provider, fault: str) -> None:
        await self._userinfo_fails(source, provider, RUBBISH[fault](), LoginRefused, ProviderError)

    @pytest.mark.asyncio
    @holds("F02")
    @each("address", ["token_url", "userinfo_url"])
    async def test_a_source_that_never_answers(self, source: FakeSource, address: str) -> None:
        source.excuse()
        source.on("POST" if address == "token_url" else "GET", getattr(self, address), Reply(hangs=True))
        with self.refused(ProviderUnavailable):
            await self.sign_in(self.make_provider(source, request_timeout=0.1))

    @pytest.mark.asyncio
    @holds("F03")
    async def test_userinfo_is_asked_again_after_a_hiccup(self, source: FakeSource, provider: OAuth2Provider) -> None:
        hiccup = Reply(error=httpx.RemoteProtocolError)
        source.on("GET", self.userinfo_url, hiccup, answer_json(self.userinfo))
        assert (await self.sign_in(provider)).identity.subject == self.identity.subject

    @pytest.mark.asyncio
    @holds("F01", "F03", "F04")
    @each("fault", {**DOWN, **RUBBISH})
    async def test_further_addresses_fail(self, source: FakeSource, provider: OAuth2Provider, fault: str) -> None:
        for address in self.further:
            source.on("GET", address, {**DOWN, **RUBBISH}[fault]())
        try:
            signed_in = await self.sign_in(provider)
        except (LoginRefused, ProviderError):
            source.excuse()  # those after the first are not asked any more
            return
        assert signed_in.identity.subject == self.identity.subject

    # Who it is.

    @pytest.mark.asyncio
    @holds("V16")
    async def test_the_subject_is_no_name_and_no_address(self, provider: OAuth2Provider) -> None:
        identity = (await self.sign_in(provider)).identity
        assert identity.subject not in {identity.username, identity.email, identity.name}

    @pytest.mark.asyncio
    @holds("V36", "V16")
    async def test_a_renamed_account_keeps_its_subject(self, source: FakeSource, provider: OAuth2Provider) -> None:
        before = (await self.sign_in(provider)).identity
        renamed = self._with(self.identity.username, "renamed")
        if self.identity.email:
            renamed = replaced(renamed, self.identity.email, "renamed@elsewhere.test")
        self.state_answers(source, renamed)
        after = (await self.sign_in(provider)).identity
        assert (after.subject, after.username) == (before.subject, "renamed")

    @pytest.mark.asyncio
    @holds("V36", "V16")
    async def test_a_namesake_is_somebody_else(self, source: FakeSource, provider: OAuth2Provider) -> None:
        first = (await self.sign_in(provider)).identity
        self.state_answers(source, self._with(self.subject_value or self.identity.subject, another))
        second = (await self.sign_in(provider)).identity
        assert first.subject != second.subject
        assert first.username == second.username

    @pytest.mark.asyncio
    @holds("X13")
    @each("subject", NO_SUBJECTS)
    async def test_no_subject(self, source: FakeSource, provider: OAuth2Provider, subject: str) -> None:
        source.excuse()
        self.state_answers(source, self._with(self.subject_value or self.identity.subject, NO_SUBJECTS[subject]))
        source.excuse()
        with self.refused():
            await self.sign_in(provider)

    @pytest.mark.asyncio
    @each("username", NO_USERNAMES)
    async def test_no_username(self, source: FakeSource, provider: OAuth2Provider, username: str) -> None:
        self.state_answers(source, self._with(self.identity.username, NO_USERNAMES[username]))
        source.excuse()
        with self.refused():
            await self.sign_in(provider)

    @pytest.mark.asyncio
    @holds("V06")
    async def test_an_unverified_address_is_not_taken_for_verified(
        self, source: FakeSource, provider: OAuth2Provider
    ) -> None:
        assert self.unverified is not None or not self.identity.email_verified, "state `unverified`"
        self.state_answers(source, self._unverified())
        identity = (await self.sign_in(provider)).identity
        assert identity.subject == self.identity.subject
        assert not identity.email_verified

    # The kit's own means.

    def _wishes(self) -> Iterator[dict[str, Any]]:
        """Every switch turned round, and every dictionary of options and the address filled with what is not theirs."""
        untouched = {"enabled", "allow_all"}
        for name, option in self.provider_type.class_traits(config=True).items():
            if isinstance(option, Bool) and name not in untouched:
                yield {name: not option.default_value}
            elif isinstance(option, Dict):
                yield {name: {**self.options.get(name, {}), **OURS}}
        yield {"authorize_url": f"{self.authorize_url}?{urlencode(OURS)}"}

    def _unverified(self) -> Answers:
        """All answers about a person whose address nobody has verified."""
        stated = self.unverified or self.userinfo
        return {**self.answers(), **(stated if stated.keys() & self.answers().keys() else {self.userinfo_url: stated})}

    def _with(self, old: str, new: Any) -> Answers:
        """What the source answers, with one value replaced. Fails where the value is nowhere in the answers."""
        answers: Answers = replaced(self.answers(), old, new)
        assert answers != self.answers(), f"{old!r} of the expected identity is nowhere in what the source answers"
        return answers

    async def _token_fails(
        self, source: FakeSource, provider: OAuth2Provider, reply: Reply, *kinds: type[HubAuthError]
    ) -> None:
        """The code went out once, the token of a bad answer nowhere."""
        source.excuse()
        source.on("POST", self.token_url, reply)
        with self.refused(*kinds):
            await self.sign_in(provider)
        assert len(source.calls("POST", self.token_url)) == 1
        assert all(not source.calls("GET", address) for address in self.answers())
        _assert_capped(reply)

    async def _userinfo_fails(
        self, source: FakeSource, provider: OAuth2Provider, reply: Reply, *kinds: type[HubAuthError]
    ) -> None:
        source.excuse()
        source.on("GET", self.userinfo_url, reply)
        with self.refused(*kinds):
            await self.sign_in(provider)
        assert len(source.calls("POST", self.token_url)) == 1
        assert 1 <= len(source.calls("GET", self.userinfo_url)) <= 2
        _assert_capped(reply)


def _expected(transaction: Transaction) -> dict[str, str]:
    return {
        "state": transaction.state,
        "nonce": transaction.nonce,
        "code_challenge": s256(transaction.verifier.reveal()),
        "code_challenge_method": "S256",
        "response_type": "code",
        "redirect_uri": transaction.redirect_uri,
    }


def _ours_in(asked: Mapping[str, list[str]]) -> dict[str, str]:
    """The parameters that belong to the core, each of which must be there once."""
    assert {name: len(asked.get(name, ())) for name in OURS} == dict.fromkeys(OURS, 1)
    return {name: asked[name][0] for name in OURS}


def _assert_capped(reply: Reply) -> None:
    """Nobody read an endless answer to its end (row F05)."""
    assert reply.flood is None or reply.flood.taken <= CAP
