"""What the author of a provider type states, and how the kit plays the source and the browser with it."""

from __future__ import annotations

import base64
import copy
import hashlib
import logging
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar, Final
from urllib.parse import parse_qs

import httpx
import pytest

from .. import transaction as transactions
from ..errors import HubAuthError, LoginRefused, ProviderError
from ..oauth2 import OAuth2Provider
from ..types import Identity, Redirect, Request, SignIn, Transaction
from .source import FakeSource, Reply, answer_json
from .variants import MISSING

FACTS: Final = (
    "provider_type", "options", "authorize_url", "token_url", "userinfo_url", "userinfo", "unverified", "identity"
)  # fmt: skip
CODE: Final = "canary-code-5b8f2c"

Answers = Mapping[str, Any]


def s256(verifier: str) -> str:
    """The challenge that belongs to a verifier, worked out apart from the code under test. RFC 7636, section 4.2."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode("ascii")).digest()).rstrip(b"=").decode()


class ProviderFacts:
    """The facts of one provider type, and one sign-in with them."""

    provider_type: ClassVar[type[OAuth2Provider]] = MISSING
    """The class under test."""
    options: ClassVar[Mapping[str, Any]] = MISSING
    """What an administrator would configure; a client_secret that occurs nowhere else shows where it leaks."""
    authorize_url: ClassVar[str] = MISSING
    """Where the browser is sent."""
    token_url: ClassVar[str] = MISSING
    """Where a code becomes a token."""
    userinfo_url: ClassVar[str] = MISSING
    """Where the source says who signed in."""
    userinfo: ClassVar[Mapping[str, Any]] = MISSING
    """What it says there about one person."""
    unverified: ClassVar[Mapping[str, Any] | None] = MISSING
    """The same, or answers by address, where nobody has verified the person's address of mail. None says that this
    source never vouches for an address."""
    identity: ClassVar[Identity] = MISSING
    """What becomes of `userinfo`."""

    subject_value: ClassVar[str] = ""
    """What of `userinfo` the subject is made of, where it is not that value as it stands."""
    further: ClassVar[Answers] = {}
    """What further addresses answer that a sign-in asks, as JSON by address."""
    token: ClassVar[Mapping[str, Any]] = {
        "access_token": "canary-access-token-9d41",
        "refresh_token": "canary-refresh-token-77c0",
        "token_type": "Bearer",
        "expires_in": 7200,
    }
    """What the token endpoint answers; `scope` is added from the request."""

    canaries: list[str]
    """What nobody may print."""
    asked: dict[str, dict[str, list[str]]]
    """What the browsers asked the source for, by code challenge."""
    stated: Answers
    """What the source's API answers at the moment."""

    @pytest.fixture(autouse=True)
    def facts_are_stated(self) -> None:
        missing = [fact for fact in FACTS if getattr(self, fact) is MISSING]
        assert not missing, f"{type(self).__name__} does not state: {', '.join(missing)}"
        self.asked = {}
        secret = self.options.get("client_secret", "")
        self.canaries = [CODE, *filter(None, [secret, self.token.get("access_token"), self.token.get("refresh_token")])]

    @pytest.fixture
    def source(self) -> Iterator[FakeSource]:
        source = FakeSource()
        self.state_answers(source, self.answers())
        yield source
        source.check()

    @pytest.fixture
    def provider(self, source: FakeSource) -> OAuth2Provider:
        return self.make_provider(source)

    @pytest.fixture(autouse=True)
    def nothing_secret_is_logged(self, caplog: pytest.LogCaptureFixture, facts_are_stated: None) -> Iterator[None]:
        caplog.set_level(logging.DEBUG)
        yield
        as_in_a_file = logging.Formatter("%(message)s")
        for record in [*caplog.get_records("setup"), *caplog.get_records("call")]:
            self.assert_discreet(as_in_a_file.format(record))

    def make_provider(self, source: FakeSource, name: str = "under_test", **options: Any) -> OAuth2Provider:
        """The provider as an administrator configures it, talking to `source` only."""
        provider = self.provider_type(name, **{**copy.deepcopy(dict(self.options)), **options})
        provider.api.transport = source
        return provider

    def answers(self, userinfo: Any = None) -> Answers:
        """Everything that the source's API answers, by address."""
        return {self.userinfo_url: userinfo or self.userinfo, **self.further}

    def state_answers(self, source: FakeSource, answers: Answers) -> None:
        """Tell `source` what to answer in a sign-in that goes well."""
        self.stated = answers
        source.on("POST", self.token_url, self.token_answer)
        for address, answer in answers.items():
            source.on("GET", address, answer_json(answer))

    def token_answer(self, request: httpx.Request) -> Reply:
        """The answer of the token endpoint: all that was asked for is granted."""
        return answer_json({"scope": " ".join(self.asked_with(request).get("scope", [])), **self.token})

    def asked_with(self, request: httpx.Request) -> dict[str, list[str]]:
        """What the browser asked for whose code this is: the verifier tells."""
        [verifier] = parse_qs(request.content.decode())["code_verifier"]
        return self.asked[s256(verifier)]

    def new_transaction(self, provider: OAuth2Provider) -> Transaction:
        """A sign-in as the hub begins it."""
        callback = f"https://hub.test/hub/auth/{provider.name}/callback"
        transaction = transactions.begin(provider.name, redirect_uri=callback, next_url="/hub/home")
        self.canaries += [transaction.state, transaction.verifier.reveal()]
        return transaction

    async def begin(self, provider: OAuth2Provider) -> tuple[Transaction, dict[str, list[str]], str]:
        """Begin a sign-in: its transaction, what the browser asks for, and where."""
        transaction = self.new_transaction(provider)
        step = await provider.begin_login(Request(), transaction)
        assert isinstance(step, Redirect)
        self.assert_discreet(repr(step))
        address, _, query = step.url.partition("?")
        asked = parse_qs(query, keep_blank_values=True)
        self.asked[asked.get("code_challenge", [""])[0]] = asked
        return transactions.remember(transaction, step.memo), asked, address

    async def sign_in(self, provider: OAuth2Provider, **query: list[str]) -> SignIn:
        """One sign-in from start to end; `query` changes what the browser brings back."""
        transaction, *_ = await self.begin(provider)
        return await self.finish(provider, transaction, **query)

    async def finish(self, provider: OAuth2Provider, transaction: Transaction, **query: list[str]) -> SignIn:
        """The end of a sign-in, with what the browser brings back."""
        answer = {**self.browser_brings(transaction), **query}
        outcome = await provider.finish_login(Request(query={k: v for k, v in answer.items() if v}), transaction)
        assert isinstance(outcome, SignIn)
        self.assert_discreet(repr(outcome))
        return outcome

    def browser_brings(self, transaction: Transaction) -> dict[str, list[str]]:
        """The query of the callback."""
        return {"code": [CODE], "state": [transaction.state]}

    def assert_discreet(self, text: str) -> None:
        """No code, state, verifier or token is in a text that somebody may read (row B3)."""
        assert [canary for canary in self.canaries if canary in text] == []

    @contextmanager
    def refused(self, *kinds: type[HubAuthError]) -> Iterator[pytest.ExceptionInfo[HubAuthError]]:
        """What happens inside is refused, with an error that tells no secret."""
        with pytest.raises(kinds or (LoginRefused, ProviderError)) as caught:
            yield caught
        self.assert_discreet("".join(traceback.format_exception(caught.value)))
