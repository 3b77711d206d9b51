"""Requests to a provider: capped in size and time, never redirected, over connections that all sign-ins share.

https://www.rfc-editor.org/rfc/rfc9110
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import ssl
import zlib
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from time import time
from typing import Any, Final, Protocol

import httpx

from ..errors import ProviderError, ProviderUnavailable
from ..types import Secret
from ..urls import origin, problem_with
from . import strict_json
from .breaker import Breaker

CAP: Final = 1024 * 1024
"""Bytes of an answer, counted after decompression (row F05)."""

SMALL_CAP: Final = 512 * 1024
"""Bytes of an answer that holds claims or keys (row F05)."""

LONGEST_WAIT: Final = 3600.0
"""Seconds that a provider can ask us to stay away."""

Fields = Mapping[str, str | Sequence[str]]
"""The fields of a form; one with several values comes as often."""

_RETRIED: Final = frozenset({502, 503, 504})
_LIMITS: Final = httpx.Limits(max_connections=100, max_keepalive_connections=100, keepalive_expiry=55)


class _Log(Protocol):
    def warning(self, msg: str, *args: Any) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Response:
    """An answer as it came: its body is complete, not larger than allowed, and not looked at."""

    url: str
    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def media_type(self) -> str:
        """The content type without its parameters, in lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def is_json(self) -> bool:
        """Whether the provider says that it is JSON."""
        return self.media_type == "application/json" or self.media_type.endswith("+json")

    @property
    def retry_after(self) -> float | None:
        """Seconds that the provider asks to wait, at most an hour. RFC 9110, section 10.2.3."""
        value = self.headers.get("retry-after", "").strip()
        if value.isascii() and value.isdigit():
            return min(float(value[:10]), LONGEST_WAIT)
        try:
            return min(max(0.0, parsedate_to_datetime(value).timestamp() - time()), LONGEST_WAIT)
        except (ValueError, OverflowError):
            return None


class TokenNotTaken(ProviderError):
    """The provider does not take the access token (status 401; RFC 6750, section 3.1)."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A provider's answer to a question about its API. `json` is None where there was none to read."""

    status: int
    json: Any = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    url: str = ""
    label: str = "The provider"

    @property
    def ok(self) -> bool:
        """Whether the status says that it worked."""
        return 200 <= self.status < 300

    def mapping(self) -> dict[str, Any]:
        """The JSON object of an answer that worked. Raises ProviderError for anything else, TokenNotTaken for 401."""
        if self.ok and isinstance(self.json, dict):
            return self.json
        raise self._fault()

    def sequence(self) -> list[Any]:
        """The JSON array of an answer that worked. Raises ProviderError for anything else, TokenNotTaken for 401."""
        if self.ok and isinstance(self.json, list):
            return self.json
        raise self._fault()

    def _fault(self) -> ProviderError:
        error = bad_response(self.label)
        return TokenNotTaken(error.sentence, code=error.code) if self.status == 401 else error

    @property
    def next_url(self) -> str | None:
        """The next page, which must be on the same host. RFC 8288. Raises ProviderError."""
        links = httpx.Response(200, headers=dict(self.headers)).links
        url = links.get("next", {}).get("url")
        if url and origin(url) != origin(self.url):
            raise bad_response(self.label)
        return url


class Api:
    """One provider's addresses, asked over one pool of connections.

    Raises ProviderUnavailable where the provider does not answer or asks to come back later, ProviderError where its
    answer cannot be used. Neither says what was sent or received. `transport` stands for the network where it is set
    before the first request, as tests do.
    """

    transport: httpx.AsyncBaseTransport | None = None

    def __init__(
        self,
        label: str,
        *,
        insecure_hosts: Collection[str] = (),
        connect_timeout: float = 5,
        timeout: float = 10,
        proxy: str | None = None,
        proxy_from_environment: bool = True,
        ca_file: str = "",
        breaker: Breaker | None = None,
        log: _Log | None = None,
    ) -> None:
        self.label = label
        self.insecure_hosts = insecure_hosts
        self._connect_timeout = connect_timeout
        self._timeout = timeout
        self._proxy = proxy
        self._proxy_from_environment = proxy_from_environment
        self._ca_file = ca_file
        self._breaker = breaker or Breaker()
        self._log = log or logging.getLogger("hubauth")
        self._client: httpx.AsyncClient | None = None

    async def get_json(
        self,
        url: str,
        *,
        token: Secret | None = None,
        params: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
        cap: int = CAP,
    ) -> Answer:
        """Ask for JSON, with an access token in the Authorization header (rows C20, C21).

        A status below 500 is the caller's to judge, other than 429 and a 403 that says when to come back;
        `Answer.mapping` and `Answer.sequence` accept only success.
        """
        return self.answer(await self.get(url, token=token, params=params, headers=headers, cap=cap))

    def answer(self, response: Response) -> Answer:
        """A response read as JSON. Raises ProviderError if one that worked is none."""
        body = self._json(response)
        return Answer(status=response.status, json=body, headers=response.headers, url=response.url, label=self.label)

    async def get(
        self,
        url: str,
        *,
        token: Secret | None = None,
        params: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
        cap: int = CAP,
    ) -> Response:
        """Ask for a document; once more if a gateway or the connection failed (row F03)."""
        sent = {"Accept": "application/json", **(headers or {})}
        if token is not None:
            sent["Authorization"] = f"Bearer {token.reveal()}"
        request = _Request("GET", str(httpx.URL(url).copy_merge_params(dict(params or {}))) if params else url, sent)
        return await self._ask(request, cap, tries=2)

    async def post_form(
        self, url: str, fields: Fields, *, headers: Mapping[str, str] | None = None, cap: int = CAP
    ) -> Response:
        """Send a form, exactly once: what is in it may be good for one use only (row F03)."""
        sent = {"Accept": "application/json", **(headers or {})}
        return await self._ask(_Request("POST", url, sent, fields), cap, tries=1)

    async def delete(
        self, url: str, body: Mapping[str, str], *, headers: Mapping[str, str] | None = None, cap: int = SMALL_CAP
    ) -> Response:
        """Have something deleted that the JSON body names, so that no secret stands in the address (row C21)."""
        sent = {"Accept": "application/json", **(headers or {})}
        return await self._ask(_Request("DELETE", url, sent, body=body), cap, tries=1)

    @contextlib.asynccontextmanager
    async def patience(self) -> AsyncIterator[None]:
        """What is asked within takes no longer together than one answer may (row F02). Raises ProviderUnavailable."""
        try:
            async with asyncio.timeout(self._timeout):
                yield
        except TimeoutError:
            self._breaker.failed()
            raise self.unavailable() from None

    async def close(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def unavailable(self, retry_after: float | None = None) -> ProviderUnavailable:
        """The error for a provider that does not answer."""
        return ProviderUnavailable(f"{self.label} does not answer, try again.", retry_after=retry_after)

    def bad_response(self) -> ProviderError:
        """The error for an answer that cannot be used."""
        return bad_response(self.label)

    def _json(self, response: Response) -> Any:
        ok = 200 <= response.status < 300
        if not response.body and ok:
            return None
        try:
            if not response.is_json:
                raise ValueError("not JSON by its content type")
            return strict_json.loads(response.body)
        except ValueError:
            if ok:
                raise self.bad_response() from None
            return None

    async def _ask(self, request: _Request, cap: int, tries: int) -> Response:
        if problem := problem_with(request.url, self.insecure_hosts):
            self._note(request, problem)
            raise ProviderError(f"{self.label} names an address that cannot be used.", code="provider_insecure_url")
        if pause := self._breaker.pause():
            raise self.unavailable(retry_after=pause)
        try:
            async with asyncio.timeout(self._timeout):
                response = await self._tried(request, cap, tries)
        except (httpx.TransportError, httpx.InvalidURL, TimeoutError) as error:
            self._breaker.failed()
            self._note(request, _reason(error))
            raise self.unavailable() from None
        self._breaker.answered()
        limited = response.status == 403 and response.retry_after is not None
        if response.status == 429 or response.status >= 500 or limited:
            self._note(request, f"status {response.status}")
            raise self.unavailable(response.retry_after)
        return response

    async def _tried(self, request: _Request, cap: int, tries: int) -> Response:
        for _ in range(tries - 1):
            try:
                response = await self._send(request, cap)
            except (httpx.NetworkError, httpx.RemoteProtocolError, httpx.ConnectTimeout):
                continue
            if response.status not in _RETRIED or response.retry_after:
                return response
        return await self._send(request, cap)

    async def _send(self, request: _Request, cap: int) -> Response:
        client = self._client or await self._connect()
        sending = client.stream(
            request.method, request.url, headers=request.headers, data=request.fields, json=request.body
        )
        async with sending as response:
            try:
                body = await _read(response, cap)
            except (ValueError, zlib.error, httpx.RemoteProtocolError) as error:
                self._note(request, _reason(error))
                raise self.bad_response() from None
            return Response(url=request.url, status=response.status_code, headers=response.headers, body=body)

    async def _connect(self) -> httpx.AsyncClient:
        tls = await asyncio.to_thread(_tls, self._ca_file)
        if self._client is None:
            self._client = httpx.AsyncClient(
                transport=self.transport,
                proxy=self._proxy,
                trust_env=self._proxy_from_environment,
                verify=tls,
                limits=_LIMITS,
                timeout=httpx.Timeout(self._timeout, connect=self._connect_timeout),
                follow_redirects=False,
                # what a provider sets for one person must not be sent with the sign-in of the next
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
                headers={"User-Agent": "hubauth", "Accept-Encoding": "gzip"},
            )
        return self._client

    def _note(self, request: _Request, reason: str) -> None:
        where = request.url.partition("?")[0]
        self._log.warning("hubauth: %s: %s %s: %s", self.label, request.method, where, reason)


@dataclass(frozen=True)
class _Request:
    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    fields: Fields | None = field(default=None, repr=False)
    body: Mapping[str, str] | None = field(default=None, repr=False)


def bad_response(label: str) -> ProviderError:
    """The error for an answer that cannot be used (row F04)."""
    return ProviderError(f"{label} does not answer as it should, try again.", code="provider_bad_response")


def _reason(error: Exception) -> str:
    """Why a request failed, for the log: only what the network or TLS says, nothing that was received."""
    told = f": {error}" if isinstance(error, httpx.ConnectError) else ""
    return type(error).__name__ + told


@functools.cache
def _tls(ca_file: str) -> ssl.SSLContext:
    """The common authorities, the machine's own, SSL_CERT_FILE, and those of a file; one context for each file."""
    context = httpx.create_ssl_context()
    context.load_default_certs()
    if ca_file:
        context.load_verify_locations(ca_file)
    return context


async def _read(response: httpx.Response, cap: int) -> bytes:
    """The body, decompressed no further than the cap (row F05). Raises ValueError."""
    inflate = _inflater(response.headers.get("content-encoding", ""))
    body = bytearray()
    async for part in response.aiter_raw():
        body += inflate.decompress(part, cap + 1 - len(body)) if inflate else part
        if len(body) > cap:
            raise ValueError("the answer is too large")
    if inflate and not inflate.eof:
        raise ValueError("the answer is cut off")
    return bytes(body)


def _inflater(encoding: str) -> zlib._Decompress | None:
    match encoding.strip().lower():
        case "" | "identity":
            return None
        case "gzip" | "x-gzip":
            return zlib.decompressobj(zlib.MAX_WBITS | 16)
        case _:
            raise ValueError("a compression that was not asked for")
