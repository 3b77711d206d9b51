"""Requests to a provider that misbehaves."""

from __future__ import annotations

import asyncio
import gzip
import ssl
import tracemalloc
from collections.abc import AsyncIterator

import pytest

from harness.ports import free_port
from hostile_idp import HostileIdP, faults
from hubauth_core.errors import ProviderError, ProviderUnavailable
from hubauth_core.oauth2.breaker import FAILURES
from hubauth_core.oauth2.http import CAP, SMALL_CAP, Api
from hubauth_core.types import Secret

row = pytest.mark.row


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    made = Api("Uni", timeout=5)
    yield made
    await made.close()


async def get(api: Api, idp: HostileIdP, *answers: faults.Answer, **options: object):
    idp.replace("/x", *answers)
    return await api.get_json(f"{idp.issuer}/x", **options)


@row("C20", "C21")
async def test_a_token_goes_into_the_header(api, idp):
    await get(api, idp, faults.json_answer({}), token=Secret("t0ken"), params={"page": 2})
    assert idp.last("/x").headers["Authorization"] == "Bearer t0ken"
    assert "t0ken" not in str(idp.last("/x").form) + idp.last("/x").path


@row("F03")
@pytest.mark.parametrize("status", [502, 503, 504])
async def test_a_safe_request_is_made_once_more(api, idp, status):
    answer = await get(api, idp, faults.raw(b"", status=status), faults.json_answer({"a": 1}))
    assert answer.mapping() == {"a": 1}
    assert idp.count("/x") == 2


@row("F03")
@pytest.mark.parametrize("fault", [faults.hang_up, faults.raw(b"", status=503)], ids=["hangs-up", "503"])
async def test_but_only_once(api, idp, fault):
    with pytest.raises(ProviderUnavailable):
        await get(api, idp, fault)
    assert idp.count("/x") == 2


@row("F03")
async def test_after_a_broken_connection_too(api, idp):
    assert (await get(api, idp, faults.hang_up, faults.json_answer({}))).ok


@row("F03")
@pytest.mark.parametrize("fault", [faults.hang_up, faults.raw(b"", status=503)], ids=["hangs-up", "503"])
async def test_a_form_is_sent_exactly_once(api, idp, fault):
    idp.replace("/x", fault)
    with pytest.raises(ProviderUnavailable):
        await api.post_form(f"{idp.issuer}/x", {"code": "c0de"})
    assert idp.count("/x") == 1


@row("F03")
@pytest.mark.parametrize(
    ("status", "header", "seconds"),
    [
        (429, "7", 7),
        (503, "7", 7),
        (500, "99999999", 3600),
        (429, "soon", None),
        (429, "-1", None),
        (429, "²", None),
        (429, "Thu, 01 Jan 1970 00:00:00 GMT", 0),
    ],
)
async def test_says_when_to_come_back(api, idp, status, header, seconds):
    with pytest.raises(ProviderUnavailable) as caught:
        await get(api, idp, faults.raw(b"", status=status, retry_after=header))
    assert caught.value.retry_after == seconds
    assert idp.count("/x") == 1


@row("F07", "X24")
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_follows_no_redirect(api, idp, status):
    answer = await get(api, idp, faults.redirect(f"{idp.issuer}/elsewhere", status), token=Secret("t"))
    assert not answer.ok
    idp.replace("/x", faults.redirect(f"{idp.issuer}/elsewhere", status))
    await api.post_form(f"{idp.issuer}/x", {"code": "c0de"}, headers={"Authorization": "Basic s3cret"})
    assert idp.count("/elsewhere") == 0


@row("X24")
@pytest.mark.parametrize("url", ["http://idp.example/", "file:///etc/passwd", "https://a@b/"])
async def test_asks_no_such_address(api, url):
    with pytest.raises(ProviderError) as caught:
        await api.get_json(url)
    assert caught.value.code == "provider_insecure_url"


@row("F04", "F06")
@pytest.mark.parametrize(
    "answer",
    [
        faults.raw(b"{"),
        faults.raw(b""),
        faults.raw(b"\xef\xbb\xbf{}"),
        faults.raw(b'{"a": NaN}'),
        faults.raw(b"[]"),
        faults.raw(b'"text"'),
        faults.raw(b"{}", "text/html"),
        faults.raw(b"{}", "text/plain"),
        faults.raw(b"{}", ""),
        faults.truncated,
        faults.raw(b"{}", content_encoding="br"),
        faults.raw(b"{}", content_encoding="gzip"),
        faults.raw(gzip.compress(b"{}")[:-4], content_encoding="gzip"),
    ],
    ids=[
        "broken",
        "empty",
        "byte-order-mark",
        "nan",
        "list",
        "text",
        "html",
        "plain",
        "no-type",
        "truncated",
        "brotli",
        "no-gzip",
        "gzip-cut-off",
    ],
)
async def test_an_answer_of_a_wrong_shape_is_refused(api, idp, answer):
    with pytest.raises(ProviderError) as caught:
        (await get(api, idp, answer)).mapping()
    assert caught.value.code == "provider_bad_response"


async def test_reads_gzip(api, idp):
    compressed = faults.raw(gzip.compress(b'{"a": 1}'), content_encoding="gzip")
    assert (await get(api, idp, compressed)).mapping() == {"a": 1}


@row("F05")
async def test_stops_at_the_cap_counted_after_inflation(api, idp):
    fits = b'"' + b"x" * (SMALL_CAP - 2) + b'"'
    packed = faults.raw(gzip.compress(fits), content_encoding="gzip")
    assert (await get(api, idp, packed, cap=SMALL_CAP)).ok
    for body in (fits + b" ", gzip.compress(fits + b" ")):
        encoding = {} if body[:1] == b'"' else {"content_encoding": "gzip"}
        with pytest.raises(ProviderError):
            await get(api, idp, faults.raw(body, **encoding), cap=SMALL_CAP)


@row("F05")
@pytest.mark.parametrize("fault", ["bomb", "endless"])
async def test_memory_stays_small(api, idp, fault):
    """The provider runs in this process too, so its own 64 KiB chunks are in the figure."""
    idp.replace("/warm", faults.json_answer({}))
    await api.get_json(f"{idp.issuer}/warm")
    answer = faults.gzip_bomb(100 * CAP) if fault == "bomb" else faults.endless
    tracemalloc.start()
    try:
        with pytest.raises(ProviderError):
            await get(api, idp, answer)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20_000_000
    assert idp.sent < 20_000_000


@row("F05")
async def test_ten_thousand_headers(api, idp):
    with pytest.raises(ProviderError):
        await get(api, idp, faults.many_headers)


@row("F01", "F02", "F05")
@pytest.mark.parametrize("fault", [faults.hang, faults.drip], ids=["nothing", "a-byte-at-a-time"])
async def test_a_provider_that_does_not_come_to_an_end(idp, fault):
    api = Api("Uni", timeout=0.3)
    with pytest.raises(ProviderUnavailable, match="Uni does not answer, try again"):
        await get(api, idp, fault)
    await api.close()


@row("F01")
async def test_a_provider_that_is_not_there(api):
    with pytest.raises(ProviderUnavailable):
        await api.get_json(f"http://127.0.0.1:{free_port()}/")


@row("F01")
async def test_a_name_that_does_not_exist(api):
    with pytest.raises(ProviderUnavailable):
        await api.get_json("https://idp.invalid/")


@row("F01")
async def test_a_provider_that_speaks_no_tls(idp):
    api = Api("Uni", connect_timeout=0.3)
    with pytest.raises(ProviderUnavailable):
        await api.get_json(idp.issuer.replace("http:", "https:") + "/x")


@row("F01")
async def test_a_certificate_is_checked(api):
    api_tls = (await api._connect())._transport._pool._ssl_context  # type: ignore[attr-defined]
    assert api_tls.verify_mode is ssl.CERT_REQUIRED
    assert api_tls.check_hostname


@row("F02")
async def test_a_silent_provider_is_left_alone_for_a_while(idp):
    api = Api("Uni", timeout=0.1)
    for _ in range(FAILURES):
        with pytest.raises(ProviderUnavailable):
            await get(api, idp, faults.hang)
    asked = idp.count("/x")
    with pytest.raises(ProviderUnavailable) as caught:
        await get(api, idp, faults.json_answer({}))
    assert idp.count("/x") == asked
    assert caught.value.retry_after
    await api.close()


async def test_all_requests_share_connections(api, idp):
    idp.replace("/x", faults.json_answer({}))
    for _ in range(5):
        await api.get_json(f"{idp.issuer}/x")
    assert idp.connections() == 1


async def test_more_than_ten_at_once(api, idp):
    arrived = asyncio.Barrier(30)

    async def together(handler):
        await arrived.wait()
        await faults.json_answer({})(handler)

    idp.replace("/x", together)
    await asyncio.gather(*(api.get_json(f"{idp.issuer}/x") for _ in range(30)))
    assert idp.connections() == 30


async def test_a_cookie_of_one_sign_in_is_not_sent_with_the_next(api, idp):
    await get(api, idp, faults.json_answer({}, set_cookie="session=first; Path=/"))
    await get(api, idp, faults.json_answer({}))
    assert "Cookie" not in idp.last("/x").headers


@row("B3")
async def test_neither_errors_nor_logs_hold_what_was_sent_or_received(api, idp, caplog):
    caplog.set_level("DEBUG", "hubauth")
    for fault in (faults.raw(b"body-s3cret"), faults.raw(b"body-s3cret", status=500), faults.hang_up):
        with pytest.raises(ProviderError) as caught:
            await get(api, idp, fault, token=Secret("t0ken"), params={"q": "query-s3cret"})
        assert caught.value.__cause__ is None
        told = caplog.text + str(caught.value)
        assert not any(secret in told for secret in ("t0ken", "s3cret"))


@row("F07")
@pytest.mark.parametrize(("link", "same"), [("{0}/x?page=2", True), ("https://evil.example/x", False)])
async def test_the_next_page_is_on_the_same_host(api, idp, link, same):
    answer = await get(api, idp, faults.json_answer([], link=f'<{link.format(idp.issuer)}>; rel="next"'))
    if same:
        assert answer.next_url == f"{idp.issuer}/x?page=2"
    else:
        with pytest.raises(ProviderError):
            _ = answer.next_url


@row("C21", "F03")
async def test_what_is_to_be_deleted_stands_in_the_body_and_is_said_once(api, idp):
    idp.replace("/x", faults.raw(b"", status=202))
    answer = await api.delete(f"{idp.issuer}/x", {"access_token": "t0ken"}, headers={"X-Kind": "a"})
    assert (answer.status, idp.last("/x").method, idp.last("/x").body) == (202, "DELETE", '{"access_token":"t0ken"}')
    assert (idp.last("/x").headers["X-Kind"], idp.last("/x").headers["Content-Type"]) == ("a", "application/json")
    idp.replace("/x", faults.raw(b"", status=503))
    with pytest.raises(ProviderUnavailable):
        await api.delete(f"{idp.issuer}/x", {})
    assert idp.count("/x") == 2
