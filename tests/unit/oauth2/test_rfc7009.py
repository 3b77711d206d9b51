"""Telling a server that a token is no longer wanted."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from hostile_idp import HostileIdP, faults
from hubauth_core import ProviderError, ProviderUnavailable, Secret
from hubauth_core.oauth2.answers import TokenRules
from hubauth_core.oauth2.client import Client, Server
from hubauth_core.oauth2.http import Api
from hubauth_core.oauth2.rfc7009 import revoke

row = pytest.mark.row


@pytest.fixture
async def server(idp: HostileIdP) -> AsyncIterator[Server]:
    api = Api("Uni", timeout=20)
    client = Client(id="hub", method="post", secret=Secret("s3cret"))
    yield Server(
        api=api,
        client=client,
        rules=TokenRules(label="Uni"),
        token_url=f"{idp.issuer}/token",
        revocation_url=f"{idp.issuer}/revoke",
    )
    await api.close()


@row("R17", "C19")
async def test_the_client_proves_itself(idp, server):
    idp.replace("/revoke", faults.raw(b"anything at all", "text/html"))
    await revoke(server, Secret("t0ken"), "access_token")
    assert idp.last("/revoke").form == {
        "token": "t0ken",
        "token_type_hint": "access_token",
        "client_id": "hub",
        "client_secret": "s3cret",
    }


@row("R17")
async def test_a_kind_of_token_that_is_never_taken_back_is_let_go(idp, server):
    idp.replace("/revoke", faults.json_answer({"error": "unsupported_token_type"}, 400))
    await revoke(server, Secret("t0ken"), "access_token")
    assert idp.count("/revoke") == 1


@row("R17", "F11")
@pytest.mark.parametrize(
    ("answer", "kind", "code", "retry_after"),
    [
        (faults.raw(b"", status=503, retry_after="7"), ProviderUnavailable, "provider_unreachable", 7),
        (faults.hang_up, ProviderUnavailable, "provider_unreachable", None),
        (faults.aged(60, faults.hang), ProviderUnavailable, "provider_unreachable", None),
        (faults.json_answer({"error": "invalid_client"}, 401), ProviderError, "provider_refused_client", None),
        (faults.json_answer({"error": "invalid_request"}, 400), ProviderError, "provider_bad_response", None),
        (faults.raw(b"<html>", "text/html", 404), ProviderError, "provider_bad_response", None),
        (faults.json_answer({}, 202), ProviderError, "provider_bad_response", None),
        (faults.redirect("https://evil.example/"), ProviderError, "provider_bad_response", None),
    ],
    ids=["503", "hangs-up", "hangs", "invalid-client", "invalid-request", "404", "202", "redirect"],
)
async def test_what_else_comes_is_an_error(idp, server, answer, kind, code, retry_after):
    idp.replace("/revoke", answer)
    with pytest.raises(kind) as caught:
        await revoke(server, Secret("t0ken"), "refresh_token")
    assert (type(caught.value), caught.value.code, caught.value.retry_after) == (kind, code, retry_after)
    assert idp.count("/revoke") == 1
    assert "t0ken" not in str(caught.value)
