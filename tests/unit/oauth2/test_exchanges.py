"""The option `exchange`: what it may say, and what stops the start."""

from __future__ import annotations

import pytest

from hubauth_core import ConfigError
from hubauth_core.oauth2.exchanges import KEYS, parse_exchanges
from hubauth_core.oauth2.rfc8693 import TYPES, Exchange

row = pytest.mark.row
ELSEWHERE = {"subject_issuer": "uni", "token_url": "https://keycloak.example/token", "client_id": "hub"}


def parse(entry: object, name: object = "kafka", insecure_hosts: tuple[str, ...] = ()) -> Exchange:
    [found] = parse_exchanges({name: entry}, insecure_hosts).values()
    return found


def test_texts_and_lists_of_texts():
    short = parse({"audience": "a", "resource": "urn:b", "scope": "read write read"})
    assert short == parse({"audience": ["a"], "resource": ["urn:b"], "scope": ["read", "write"]})
    assert short.scope == ("read", "write")
    assert parse({"audience": ["a", "b"]}).audience == ("a", "b")


@pytest.mark.parametrize("name", ["access_token", "id_token", "jwt", "saml1", "saml2"])
def test_types_by_their_short_names(name):
    found = parse({"audience": "a", "requested_token_type": name, "subject_token_type": name})
    assert (found.requested_token_type, found.subject_token_type) == (TYPES + name, TYPES + name)


def test_types_that_a_source_made_up():
    assert parse({"audience": "a", "requested_token_type": "urn:x:y"}).requested_token_type == "urn:x:y"


@pytest.mark.parametrize("target", [{"audience": "a"}, {"resource": "urn:a"}, {"requested_issuer": "a"}, ELSEWHERE])
def test_each_target_is_one(target):
    assert parse(target)


@row("R14", "R15")
@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ({}, "it has no target; one of audience, resource, requested_issuer, subject_issuer"),
        ({"scope": "read"}, "it has no target"),
        ({"audiense": "a"}, "unknown key 'audiense'. Did you mean 'audience'?"),
        ({7: "a"}, "unknown key 7"),
        ("kafka", "must be a dictionary, not str"),
        ({"audience": ""}, "'audience' must be a text"),
        ({"audience": ["a", " "]}, "'audience' must be a text"),
        ({"audience": []}, "'audience' must be a text or a list of texts"),
        ({"audience": 7}, "'audience' must be a text or a list of texts"),
        ({"audience": "a\nb"}, "'audience' must be a text"),
        ({"requested_issuer": ["a"]}, "'requested_issuer' must be a text"),
        ({"resource": "api"}, "resource: 'api' is no absolute address"),
        ({"resource": ["urn:a", "https://a/#b"]}, "resource: 'https://a/#b' holds a fragment"),
        ({"audience": "a", "scope": 'a"b'}, "scope: "),
        ({"audience": "a", "requested_token_type": "acces_token"}, "Did you mean 'access_token'?"),
        ({"audience": "a", "subject_token_type": "refresh_token"}, "a refresh token is not exchanged"),
        ({"audience": "a", "actor_token_type": "jwt"}, "actor_token_file and actor_token_type go together"),
        ({"audience": "a", "actor_token_file": "/x"}, "actor_token_file and actor_token_type go together"),
        ({"subject_issuer": "uni"}, "subject_issuer goes with a token_url"),
        ({"audience": "a", "client_id": "hub"}, "client_id goes with a token_url"),
        ({"audience": "a", "client_secret_file": "/x"}, "client_secret_file goes with a token_url"),
        ({"audience": "a", "token_url": "https://x/"}, "token_url is another server, which needs its own client_id"),
        ({**ELSEWHERE, "token_url": "http://x/"}, "token_url = 'http://x/' cannot be used"),
        ({**ELSEWHERE, "revocation_url": "http://x/"}, "revocation_url = 'http://x/' cannot be used"),
        ({"requested_issuer": "a", "via": "brocker"}, "via = 'brocker' does not exist. Valid: 'broker'"),
        ({"audience": "a", "via": "broker"}, "via = 'broker' goes with requested_issuer"),
        ({"requested_issuer": "a", "via": "broker", "scope": "x"}, "and nothing else"),
    ],
)
def test_what_is_wrong_is_named(entry, told):
    with pytest.raises(ConfigError) as caught:
        parse(entry)
    assert caught.value.sentence.startswith("exchange['kafka']: ")
    assert told in caught.value.sentence


@pytest.mark.parametrize("name", ["", "a/b", "a b", ".a", "a" * 65, "ä", 7, "a?b", "a#b"])
def test_a_name_that_cannot_stand_in_an_address(name):
    with pytest.raises(ConfigError, match="exchange: the name"):
        parse({"audience": "a"}, name)


def test_plain_http_where_it_is_allowed():
    assert parse({**ELSEWHERE, "token_url": "http://intranet/"}, insecure_hosts=("intranet",))


def test_no_key_holds_a_secret():
    """Values of this option are quoted in messages; secrets come from files."""
    assert not {key for key in KEYS if "secret" in key and not key.endswith("_file")}
