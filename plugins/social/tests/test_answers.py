"""Each answer finds the transaction that it belongs to, or none."""

import json

import pytest

from hubauth_core import LoginRefused, Request, Secret, Transaction
from hubauth_social.answers import state_of, visit


@pytest.mark.parametrize(
    "sent",
    [
        {"query": {"state": ["s"]}},
        {"query": {"redirect_state": ["s"], "oauth_token": ["t"]}},
        {"query": {"redirect_state": ["s"], "state": ["s"]}},
        {"form": {"state": ["s"], "code": ["c"]}},
        {"form": {"RelayState": [json.dumps({"idp": "uni", "next": "s"})]}},
    ],
)
def test_the_state_is_found_wherever_a_protocol_puts_it(sent):
    assert state_of(Request(**sent)) == "s"


@pytest.mark.parametrize("relayed", ["uni", '{"idp": "uni"}', '["s"]', '{"next": 7}', "{"])
def test_a_relay_state_of_nobody_here_names_none(relayed):
    assert not state_of(Request(form={"RelayState": [relayed]}))


@pytest.mark.parametrize(
    "sent",
    [
        {"query": {"state": ["s", "t"]}},
        {"query": {"redirect_state": ["s"], "state": ["t"]}},
        {"query": {"state": ["s"]}, "form": {"state": ["t"]}},
    ],
)
def test_several_states_are_refused(sent):
    with pytest.raises(ValueError, match="several"):
        state_of(Request(**sent))


def transaction():
    return Transaction(
        provider="mine",
        state="s",
        nonce="n",
        verifier=Secret("v"),
        redirect_uri="https://hub.example/hub/auth/mine/callback",
        started_at=0,
    )


def test_a_backend_sees_the_address_that_its_source_was_given():
    request = Request(method="POST", query={"a": ["1"]}, form={"b": ["2"]}, address="192.0.2.1")
    seen = visit(request, transaction(), idp="uni")
    assert (seen.url, seen.state) == ("https://hub.example/hub/auth/mine/callback", "s")
    assert seen.address == "192.0.2.1"
    assert (seen.query, seen.form, seen.method) == ({"a": "1", "idp": "uni"}, {"b": "2"}, "POST")


def test_a_browser_does_not_say_which_client_the_hub_is():
    """Apple's backend would sign whatever it is told."""
    seen = visit(Request(query={"client_id": ["evil"]}, form={"client_id": ["evil"]}), transaction())
    assert not [*seen.query, *seen.form]


def test_a_parameter_that_came_twice_is_refused():
    with pytest.raises(LoginRefused):
        visit(Request(query={"oauth_verifier": ["1", "2"]}), transaction())
