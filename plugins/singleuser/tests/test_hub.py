"""How the hub is found and asked: nowhere else, by no detour, and never more than it should answer."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from hubauth_singleuser import CredentialError, NeedsLogin, NotConnected, NotInServer, Refused, Unavailable
from hubauth_singleuser import hub as hub_module
from hubauth_singleuser.hub import Hub, Tls

TOLD = {"JUPYTERHUB_API_URL": "http://hub:8081/hub/api", "JUPYTERHUB_API_TOKEN": "canary", "JUPYTERHUB_USER": "ann"}


@contextlib.contextmanager
def listener(answer: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """A socket that answers every connection with these bytes, and what it was asked."""
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with connection:
                        asked.append(connection.recv(65536))
                        connection.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", asked
        server.shutdown(socket.SHUT_RDWR)


def at(url: str) -> Hub:
    return Hub.from_environment({**TOLD, "JUPYTERHUB_API_URL": f"{url}/hub/api"})


def test_the_environment_says_where_the_hub_is() -> None:
    told = Hub.from_environment(TOLD)
    assert told.api_url == "http://hub:8081/hub/api/hubauth"
    assert told.connections_url == "/hub/connections"
    assert "canary" not in repr(told)


@pytest.mark.parametrize(
    ("more", "page"),
    [
        ({"JUPYTERHUB_BASE_URL": "/jupyter/"}, "/jupyter/hub/connections"),
        ({"JUPYTERHUB_HOST": "https://hub.test"}, "https://hub.test/hub/connections"),
        ({"JUPYTERHUB_PUBLIC_HUB_URL": "https://hub.test/j/hub/"}, "https://hub.test/j/hub/connections"),
    ],
    ids=["base url", "host", "public url"],
)
def test_the_connections_page_is_as_full_as_the_environment_allows(more: dict[str, str], page: str) -> None:
    assert Hub.from_environment(TOLD | more).connections_url == page


def test_another_address_for_credentials_wins(hub: Any) -> None:
    elsewhere = {**hub.environment, "HUBAUTH_API_URL": f"{hub.url}/hub/api/hubauth/", "JUPYTERHUB_API_URL": ""}
    assert Hub.from_environment(elsewhere).ask("credentials", "github")["access_token"] == "gho_token"


@pytest.mark.parametrize("missing", TOLD)
def test_outside_of_a_server_the_error_says_what_is_missing(missing: str) -> None:
    with pytest.raises(NotInServer, match=f"{missing} is not set"):
        Hub.from_environment({name: value for name, value in TOLD.items() if name != missing})


@pytest.mark.parametrize("url", ["hub:8081", "ftp://hub", "http://", "http://hub:port", "file:///etc/passwd"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(NotInServer, match="http://"):
        Hub.from_environment(TOLD | {"JUPYTERHUB_API_URL": url})


def test_a_token_with_a_line_break_is_refused_without_showing_it() -> None:
    with pytest.raises(NotInServer) as refused:
        Hub.from_environment(TOLD | {"JUPYTERHUB_API_TOKEN": "canary\r\nX: y"})
    assert "canary" not in str(refused.value)


def test_names_stay_in_their_place_of_the_path() -> None:
    with listener(b"HTTP/1.1 404 Not Found\r\n\r\n") as (url, asked):
        odd = Hub.from_environment(TOLD | {"JUPYTERHUB_API_URL": url, "JUPYTERHUB_USER": "../admin@uni?x=1"})
        with pytest.raises(Refused):
            odd.ask("credentials", "github", resource="a&b")
    assert asked[0].startswith(
        b"GET /hubauth/users/..%2Fadmin%40uni%3Fx%3D1/credentials/github?resource=a%26b HTTP/1.1\r\n"
    )


@pytest.mark.parametrize(
    ("status", "slug", "error"),
    [
        (409, "needs_login", NeedsLogin),
        (404, "not_connected", NotConnected),
        (404, "unknown_provider", Refused),
        (404, "unknown_resource", Refused),
        (403, "forbidden", Refused),
        (400, "invalid_target", Refused),
        (501, "storage_disabled", Refused),
        (429, "rate_limited", Unavailable),
        (502, "provider_bad_response", Unavailable),
        (503, "provider_unavailable", Unavailable),
    ],
)
def test_every_refusal_of_the_contract_has_its_error(
    hub: Any, status: int, slug: str, error: type[CredentialError]
) -> None:
    hub.refuse(status, slug, "Plain words.", Retry_After="7")
    with pytest.raises(error) as refused:
        Hub.from_environment(hub.environment).ask("credentials", "github")
    assert type(refused.value) is error
    assert (refused.value.slug, refused.value.status, refused.value.message) == (slug, status, "Plain words.")
    if isinstance(refused.value, Unavailable):
        assert refused.value.retry_after == 7


@pytest.mark.parametrize("slug", ["needs_login", "not_connected"])
def test_who_has_to_sign_in_is_told_where(hub: Any, slug: str) -> None:
    hub.refuse(409, slug, "GitHub wants you to sign in again.")
    public = {**hub.environment, "JUPYTERHUB_PUBLIC_HUB_URL": "https://hub.test/hub/"}
    with pytest.raises(CredentialError) as refused:
        Hub.from_environment(public).ask("credentials", "github")
    assert str(refused.value) == "GitHub wants you to sign in again. https://hub.test/hub/connections"


@pytest.mark.parametrize("page", ["//evil.test/", "/\\evil.test", "https://evil.test", "javascript:x", 7, "/a\nb"])
def test_a_page_elsewhere_is_not_named(hub: Any, page: object) -> None:
    hub.refuse(409, "needs_login")
    hub.refusal[1]["login_url"] = page
    with pytest.raises(NeedsLogin) as refused:
        Hub.from_environment(hub.environment).ask("credentials", "github")
    assert refused.value.login_url == "/hub/connections"


def test_a_sentence_is_fit_for_a_terminal(hub: Any) -> None:
    hub.refuse(503, "provider_unavailable", "Red \x1b[31malert\x07\r\n" + "x" * 10_000)
    with pytest.raises(Unavailable) as refused:
        Hub.from_environment(hub.environment).ask("credentials", "github")
    assert refused.value.message.isprintable()
    assert len(refused.value.message) <= 500


@pytest.mark.parametrize(("status", "slug"), [(403, "forbidden"), (404, "not_found"), (500, "bad_response")])
def test_the_hubs_own_refusals_are_explained(status: int, slug: str) -> None:
    with listener(b"HTTP/1.1 %d X\r\n\r\n{}" % status) as (url, _), pytest.raises(CredentialError) as refused:
        at(url).ask("credentials")
    assert refused.value.slug == slug


def test_a_redirect_is_not_followed_with_the_token(hub: Any) -> None:
    moved = b"HTTP/1.1 302 Found\r\nLocation: %s/hub/api/hubauth/users/ann/credentials\r\n\r\n" % hub.url.encode()
    with listener(moved) as (url, _), pytest.raises(Unavailable) as refused:
        at(url).ask("credentials")
    assert refused.value.slug == "bad_response"
    assert hub.requests == []


def test_a_proxy_of_the_environment_does_not_see_the_token(hub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with listener(b"HTTP/1.1 500 X\r\n\r\n") as (proxy, asked):
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy)
        assert Hub.from_environment(hub.environment).ask("credentials", "github")["provider"] == "github"
    assert asked == []


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b"null", b"\xff", b"[" * 100_000],
    ids=["empty", "html", "list", "null", "not text", "deep"],
)
def test_what_is_no_object_is_no_answer(body: bytes) -> None:
    with listener(b"HTTP/1.1 200 OK\r\n\r\n" + body) as (url, _), pytest.raises(Unavailable) as refused:
        at(url).ask("credentials")
    assert refused.value.slug == "bad_response"


def test_an_answer_without_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "LARGEST_ANSWER", 1000)
    with listener(b"HTTP/1.1 200 OK\r\n\r\n{" + b" " * 2000 + b"}") as (url, _), pytest.raises(Unavailable) as refused:
        at(url).ask("credentials")
    assert refused.value.slug == "hub_unreachable"


def test_nobody_there_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(Unavailable, match="try again") as refused:
        at(f"http://127.0.0.1:{port}").ask("credentials")
    assert refused.value.slug == "hub_unreachable"


def test_no_http_is_unavailable() -> None:
    with listener(b"SSH-2.0-OpenSSH\r\n") as (url, _), pytest.raises(Unavailable):
        at(url).ask("credentials")


def test_internal_ssl_meets_both_certificates(hub: Any, certificates: Any) -> None:
    """The hub's certificate is of its own authority, and it wants one of ours: JupyterHub's `internal_ssl`."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=certificates.ca)
    context.load_cert_chain(certificates.cert, certificates.key)
    context.verify_mode = ssl.CERT_REQUIRED
    hub.server.socket = context.wrap_socket(hub.server.socket, server_side=True)
    secure = {
        **hub.environment,
        "JUPYTERHUB_API_URL": f"https://localhost:{hub.server.server_port}/hub/api",
        "JUPYTERHUB_SSL_KEYFILE": certificates.key,
        "JUPYTERHUB_SSL_CERTFILE": certificates.cert,
        "JUPYTERHUB_SSL_CLIENT_CA": certificates.ca,
    }
    assert Hub.from_environment(secure).ask("credentials", "github")["access_token"] == "gho_token"
    for left_out in ("JUPYTERHUB_SSL_CLIENT_CA", "JUPYTERHUB_SSL_CERTFILE"):
        with pytest.raises(Unavailable):
            Hub.from_environment(secure | {left_out: ""}).ask("credentials", "github")


def test_a_certificate_that_is_not_there_is_unavailable() -> None:
    lost = Hub.from_environment(TOLD | {"JUPYTERHUB_API_URL": "https://localhost:1"})
    assert lost.tls == Tls()
    gone = Hub.from_environment(TOLD | {"JUPYTERHUB_API_URL": "https://localhost:1", "JUPYTERHUB_SSL_CLIENT_CA": "/no"})
    with pytest.raises(Unavailable, match="FileNotFoundError"):
        gone.ask("credentials")
