"""Every request of a backend to its source: within the call's time, capped in size, over connections that are shared.

python-social-auth asks with `requests`, python3-openid with `urllib`, without a limit; both go this way here.
"""

from __future__ import annotations

from collections.abc import Mapping
from email.message import Message
from typing import Any, Final, Literal
from urllib.parse import urljoin, urlsplit

import requests
from openid.fetchers import HTTPFetcher, HTTPResponse
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from social_core.backends.base import BaseAuth
from social_core.exceptions import AuthConfigurationError, AuthProviderError, ErrorStage
from social_core.utils import http_error, redact_request_error, user_agent
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.poolmanager import PoolManager

from .call import CURRENT, Call, TookTooLong

CAP: Final = 512 * 1024
"""Bytes of an answer, counted after decompression: all that backends ask for are tokens, claims and keys (row F05)."""

LONGEST_PAGE: Final = 64 * 1024
"""Characters of an OpenID page or document that python3-openid gets to read: it reads slowly."""

PATIENCE: Final = 5.0
"""Seconds for which the next byte of an answer is waited for."""

MOST_REDIRECTS: Final = 5
AT_ONCE: Final = 64
"""Connections to one host that are kept open."""

_CHUNK: Final = 16 * 1024


class TooBig(requests.RequestException):
    """An answer beyond the cap."""


class _Watched(HTTPConnection):
    """A connection that the call which uses it can cut."""

    _by: Call | None = None

    def _new_conn(self) -> Any:
        made = super()._new_conn()
        self._watch(made)
        return made

    def request(self, *args: Any, **kwargs: Any) -> None:
        if self.sock is not None:
            self._watch(self.sock)
        super().request(*args, **kwargs)

    def _watch(self, connection: Any) -> None:
        call = CURRENT.get()
        if call is not None and call is not self._by:
            call.watch(connection)
        self._by = call


class _WatchedTLS(_Watched, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Watched


class _PoolTLS(HTTPSConnectionPool):
    ConnectionCls = _WatchedTLS


POOLS: Final = {"http": _Pool, "https": _PoolTLS}


class _Adapter(HTTPAdapter):
    """Threads share it, as they may share urllib3's pools."""

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **more: Any) -> None:
        self.poolmanager = PoolManager(num_pools=connections, maxsize=maxsize, block=block, **more)
        self.poolmanager.pool_classes_by_scheme = POOLS

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **options)
        manager.pool_classes_by_scheme = POOLS
        return manager

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Raises TooBig, TookTooLong."""
        call = CURRENT.get()
        if call is not None:
            kwargs["timeout"] = min(kwargs.get("timeout") or PATIENCE, PATIENCE, call.left())
        try:
            answer = _read(super().send(request, *args, **{**kwargs, "stream": True}))
        finally:
            if call is not None:
                call.unwatch()
        if call is not None:
            call.left()  # one that was cut off looks like a short one
        return answer


class _Session(requests.Session):
    """One request's session: cookies of a source are never kept, and what is sent goes to where it was sent."""

    max_redirects = MOST_REDIRECTS

    def __init__(self) -> None:
        super().__init__()
        self.adapters.clear()
        self.auth = _unchanged
        for scheme in ("https://", "http://"):
            self.mount(scheme, ADAPTER)

    def close(self) -> None:
        """The connections are not its own."""

    def rebuild_auth(self, prepared_request: requests.PreparedRequest, response: requests.Response) -> None:
        """What proves something to one host is not sent to another."""
        if self.should_strip_auth(response.request.url, prepared_request.url):  # type: ignore[no-untyped-call]
            prepared_request.headers.pop("Authorization", None)

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Only a GET is sent on, and never from https to http."""
        target = super().get_redirect_target(resp)
        if target is None or resp.request.method != "GET":
            return None
        if urlsplit(resp.url).scheme == "https" and urlsplit(urljoin(resp.url, target)).scheme != "https":
            raise requests.exceptions.InvalidSchema("redirected away from https")
        return target


def _unchanged(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """No credentials but a backend's own: `requests` would take the account's from its .netrc, and put them in place
    of a token."""
    return request


ADAPTER: Final = _Adapter(pool_maxsize=AT_ONCE)


def fetch(method: str, url: str, **options: Any) -> requests.Response:
    """A request, as `requests.request` makes it. Raises what that does, TooBig, TookTooLong, NotPublic."""
    with _Session() as session:
        return session.request(method, url, **options)


def _read(response: requests.Response) -> requests.Response:
    """The whole body, up to the cap."""
    body = bytearray()
    for part in response.iter_content(_CHUNK):
        body += part
        if len(body) > CAP:
            response.close()
            raise TooBig(f"an answer of more than {CAP} bytes")
    response._content = bytes(body)
    return response


class Fetching(BaseAuth[Any]):
    """The last of a backend's bases before python-social-auth's own: what every backend asks its source with."""

    def request(
        self,
        url: str,
        *,
        method: Literal["GET", "POST", "DELETE"] = "GET",
        headers: Mapping[str, str | bytes] | None = None,
        data: dict[Any, Any] | None = None,
        json: dict[Any, Any] | None = None,
        auth: tuple[str, str] | AuthBase | None = None,
        params: dict[Any, Any] | None = None,
        timeout: float | None = None,
        stage: ErrorStage = "user_info",
    ) -> requests.Response:
        """As python-social-auth's own, with its errors. Raises AuthProviderError, AuthConfigurationError."""
        sent = dict(headers or {})
        if self.SEND_USER_AGENT and "User-Agent" not in sent:
            sent["User-Agent"] = self.setting("USER_AGENT") or user_agent()
        patience = timeout or self.setting("REQUESTS_TIMEOUT") or self.setting("URLOPEN_TIMEOUT") or PATIENCE
        proxies, verify = self.setting("PROXIES"), self.setting("VERIFY_SSL", True)
        body: dict[str, Any] = {"data": data, "json": json, "params": params}
        try:
            answer = fetch(
                method, url, headers=sent, auth=auth, timeout=patience, proxies=proxies, verify=verify, **body
            )
            answer.raise_for_status()
        except (requests.RequestException, TookTooLong) as error:
            redact_request_error(error, request_url=url)
            raise self._failure(error, stage) from error
        return answer

    def _failure(self, error: Exception, stage: ErrorStage) -> Exception:
        if isinstance(error, requests.HTTPError):
            failure: Exception = http_error(self, error, stage=stage)
            return failure
        if isinstance(error, UNUSABLE):
            return AuthConfigurationError(backend=self, code="invalid_setting", parameter="url", stage=stage)
        code = next((code for kind, code in FAILURES.items() if isinstance(error, kind)), None)
        return AuthProviderError(self, code=code, stage=stage)


UNUSABLE: Final = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
)
FAILURES: Final[Mapping[type[Exception], str]] = {
    requests.exceptions.SSLError: "tls_error",
    requests.Timeout: "timeout",
    TookTooLong: "timeout",
    requests.ConnectionError: "connection_failed",
}
"""python-social-auth's code for each way in which a request fails; the first that fits."""


class OpenIDFetcher(HTTPFetcher):  # type: ignore[misc]  # python3-openid is untyped
    """The same for python3-openid: `setDefaultFetcher` takes it."""

    def fetch(self, url: str, body: str | bytes | None = None, headers: Mapping[str, str] | None = None) -> Any:
        """Raises what `fetch` does, which python3-openid wraps into its own."""
        method = "GET" if body is None else "POST"
        answer = fetch(method, url, data=body, headers={"User-Agent": user_agent(), **(headers or {})})
        told = Message()
        told["content-type"] = answer.headers.get("content-type", "")
        charset = told.get_content_charset("latin1")
        found = {name.lower(): value for name, value in answer.headers.items()}
        try:
            text: str | bytes = answer.content.decode(charset)
        except (LookupError, UnicodeDecodeError):
            text = answer.content
        return HTTPResponse(final_url=answer.url, status=answer.status_code, headers=found, body=text[:LONGEST_PAGE])
