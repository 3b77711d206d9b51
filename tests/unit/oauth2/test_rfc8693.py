"""The form that asks for an exchange, and what may come back."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from hostile_idp import ABSENT, tokens
from hubauth_core import Credential, ProviderError, Secret
from hubauth_core.oauth2 import rfc8693
from hubauth_core.oauth2.answers import TokenRules
from hubauth_core.oauth2.rfc8693 import TYPES, Exchange

row = pytest.mark.row
SOUND = {"access_token": "t", "issued_token_type": rfc8693.ACCESS_TOKEN, "token_type": "Bearer", "expires_in": 60}
NOW = 1_700_000_000.0


def issued(exchange: Exchange | None = None, **changes: Any) -> Credential:
    members = tokens.applied(SOUND, changes)
    return (exchange or Exchange(audience=("a",))).issued(members, TokenRules(label="Uni"), NOW)


@row("R13")
def test_all_that_can_be_asked_for():
    exchange = Exchange(
        audience=("a", "b"),
        resource=("urn:c",),
        scope=("read", "write"),
        requested_issuer="google",
        requested_token_type=TYPES + "jwt",
        subject_issuer="uni",
        subject_token_type=TYPES + "id_token",
        actor_token_type=TYPES + "jwt",
    )
    assert exchange.fields(Secret("subject"), Secret("actor")) == {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token": "subject",
        "subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
        "requested_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "audience": ("a", "b"),
        "resource": ("urn:c",),
        "scope": "read write",
        "subject_issuer": "uni",
        "requested_issuer": "google",
        "actor_token": "actor",
        "actor_token_type": "urn:ietf:params:oauth:token-type:jwt",
    }


@row("R13")
def test_no_actors_type_without_an_actor():
    fields = Exchange(audience=("a",), actor_token_type=TYPES + "jwt").fields(Secret("subject"))
    assert set(fields) == {"grant_type", "subject_token", "subject_token_type", "requested_token_type", "audience"}


@row("R13")
@pytest.mark.parametrize("told", [ABSENT, None, "", 7, "access_token", TYPES + "jwt", TYPES + "refresh_token"])
def test_another_type_than_was_asked_for_is_refused(told):
    with pytest.raises(ProviderError) as caught:
        issued(issued_token_type=told)
    assert caught.value.code == "provider_bad_response"


@row("R13")
@pytest.mark.parametrize(("told", "kept"), [("Bearer", "Bearer"), ("bearer", "Bearer"), ("N_A", "N_A"), ("n_a", "N_A")])
def test_token_types_that_can_be_used(told, kept):
    assert issued(token_type=told).token_type == kept


@row("R13", "X25")
@pytest.mark.parametrize("told", [ABSENT, None, "", "DPoP", "mac"])
def test_token_types_that_cannot(told):
    with pytest.raises(ProviderError):
        issued(token_type=told)


@row("R13")
@pytest.mark.parametrize(("told", "kept"), [("read", {"read"}), ("write read", {"read", "write"}), ("", set())])
def test_as_much_as_was_asked_for_or_less(told, kept):
    assert issued(Exchange(audience=("a",), scope=("read", "write")), scope=told).scopes == kept


@row("R13")
def test_more_than_was_asked_for_is_refused():
    with pytest.raises(ProviderError) as caught:
        issued(Exchange(audience=("a",), scope=("read",)), scope="read admin")
    assert caught.value.code == "exchange_widened"


@row("R13")
def test_where_no_scope_was_asked_for_the_answer_says_which():
    assert issued(scope="read").scopes == {"read"}
    assert issued(Exchange(audience=("a",), scope=("read",))).scopes == {"read"}


def test_a_refresh_token_beside_an_access_token():
    """Keycloak's reading: both come, each under its own name."""
    exchange = Exchange(audience=("a",), requested_token_type=rfc8693.REFRESH_TOKEN)
    found = issued(exchange, issued_token_type=rfc8693.REFRESH_TOKEN, refresh_token="r")
    assert (found.access_token, found.refresh_token) == (Secret("t"), Secret("r"))
    with pytest.raises(ProviderError):  # the RFC's: the only one there is would be handed out
        issued(exchange, issued_token_type=rfc8693.REFRESH_TOKEN)


def test_an_id_token_that_nobody_verifies_is_left_out():
    assert issued(id_token="a.b.c").id_token is None


# Keycloak's tokens of another issuer.

GOOGLE = Exchange(requested_issuer="google")


@pytest.mark.parametrize(
    ("life", "until"),
    [(60, NOW + 60), (0, None), (ABSENT, None), (NOW + 90, NOW + 90), (int(NOW) - 5, NOW), ("60", NOW + 60)],
    ids=["seconds", "unknown", "absent", "a-time", "a-time-gone-by", "text"],
)
def test_how_long_another_issuers_token_lasts(life, until):
    assert issued(GOOGLE, expires_in=life).expires_at == until


def test_another_issuers_token_need_not_name_its_type():
    assert issued(GOOGLE, token_type=ABSENT).token_type == "Bearer"


def test_another_issuers_refresh_token_renews_nothing_here():
    assert issued(GOOGLE, refresh_token="r").refresh_token is None


# Who acts.


def token(claims: Any) -> Secret:
    payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    return Secret(f"e30.{base64.urlsafe_b64encode(payload).rstrip(b'=').decode()}.c2ln")


@row("R14")
def test_the_one_who_acts_now_comes_first():
    assert rfc8693.actors(token({"act": {"sub": "gateway", "act": {"client_id": "hub"}}})) == ("'gateway'", "'hub'")


@row("R14")
@pytest.mark.parametrize(
    "opaque",
    [
        Secret("opaque"),
        Secret("a.b.c"),
        Secret("..."),
        Secret("a.é.c"),
        token({}),
        token([]),
        token(b"\xff"),
        token({"act": "hub"}),
    ],
)
def test_a_token_that_cannot_be_read_names_nobody(opaque):
    assert rfc8693.actors(opaque) == ()


@row("R14", "X12")
def test_a_chain_without_end_is_cut():
    chain: dict[str, Any] = {"sub": "x" * 1000}
    for _ in range(20):
        chain = {"sub": "y" * 1000, "act": chain}
    named = rfc8693.actors(token({"act": chain}))
    assert len(named) == rfc8693.MOST_ACTORS
    assert max(map(len, named)) == rfc8693.LONGEST_ACTOR
