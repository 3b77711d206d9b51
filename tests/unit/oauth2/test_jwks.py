"""Keys: which fit, how they rotate, how seldom they are asked for."""

from __future__ import annotations

import json

import pytest

from hostile_idp import ABSENT, faults
from hostile_idp import tokens as made
from hubauth_core.errors import ProviderUnavailable
from hubauth_core.oauth2.cached import COOL_DOWN, FRESH, USABLE
from hubauth_core.oauth2.jwks import FEWEST_RSA_BITS, fitting

row = pytest.mark.row


@pytest.fixture
def clock(provider):
    """The provider's caches' clock, which only the test moves."""

    class Clock:
        now = 1000.0

    for cached in (provider._metadata, provider._keys._cached):
        cached._clock = lambda: Clock.now
    return Clock


@row("C07")
async def test_no_kid_and_one_key(idp, sign_in):
    idp.header = {"kid": ABSENT}
    idp.keys = [made.public(idp.key, kid=ABSENT)]
    assert (await sign_in()).identity.subject == "7"


@row("C08")
async def test_no_kid_and_many_keys_of_which_one_verifies(idp, sign_in):
    idp.header = {"kid": ABSENT}
    idp.keys = [made.public(made.ec()), made.public(made.rsa(1)), made.public(idp.key), made.public(made.ed())]
    assert (await sign_in()).identity.subject == "7"


@row("C08")
async def test_at_most_sixteen_keys_are_tried(idp, refused):
    idp.header = {"kid": ABSENT}
    idp.keys = [made.public(made.rsa(1), kid=str(number)) for number in range(16)] + [made.public(idp.key)]
    assert (await refused()).code == "id_token_signature"


@row("X10")
@pytest.mark.parametrize(
    "changes",
    [{"use": "enc"}, {"key_ops": ["encrypt"]}, {"alg": "PS256"}, {"kty": "EC"}, {"key_ops": "verify"}, {"use": 7}],
    ids=["for-encryption", "operation", "another-algorithm", "another-type", "operations-text", "use-number"],
)
async def test_refuses_a_key_that_is_for_something_else(idp, refused, changes):
    idp.keys = [made.public(idp.key, **changes)]
    assert (await refused()).code == "id_token_signature"


@row("X10", "C09")
async def test_takes_a_key_that_says_what_it_is_for(idp, sign_in):
    idp.keys = [made.public(idp.key, use="sig", alg="RS256", key_ops=["verify"], x5c=["junk"], x5u=7)]
    assert (await sign_in()).identity.subject == "7"


@row("X11")
async def test_refuses_a_short_rsa_key(idp, refused):
    idp.key = made.rsa(5, 1024)
    assert idp.key.raw_value.key_size < FEWEST_RSA_BITS
    assert (await refused()).code == "id_token_signature"


@row("X11")
async def test_a_broken_key_does_not_hide_a_good_one(idp, sign_in):
    broken = {"kty": "RSA", "kid": idp.key.kid, "n": "!", "e": "AQAB"}
    idp.keys = [broken, {"kty": "RSA", "kid": idp.key.kid}, "no key", 7, made.public(idp.key)]
    assert (await sign_in()).identity.subject == "7"


@row("C13", "X07")
async def test_a_symmetric_key_in_the_set_is_no_key(idp, refused):
    idp.keys = [{"kty": "oct", "kid": idp.key.kid, "k": made.encode(b"s3cret")}]
    idp.mint = lambda header, claims: made.with_hmac(header, json.dumps(claims).encode(), b"s3cret")
    assert (await refused()).code == "id_token_algorithm"


@row("C26", "C27")
async def test_a_new_key_is_fetched_within_the_login(idp, sign_in):
    await sign_in()
    idp.key = made.rsa(1)
    assert (await sign_in()).identity.subject == "7"
    assert idp.count("/jwks") == 2


@row("C26")
async def test_a_new_key_without_kid_is_fetched_too(idp, sign_in):
    idp.header = {"kid": ABSENT}
    await sign_in()
    idp.key = made.rsa(1)
    assert (await sign_in()).identity.subject == "7"


@row("X23", "V29", "F09")
async def test_a_hundred_unknown_kids_cost_two_fetches(idp, sign_in, refused, clock):
    for number in range(100):
        idp.header = {"kid": f"unknown-{number}"}
        assert (await refused()).code == "id_token_signature"
    assert idp.count("/jwks") == 2
    clock.now += COOL_DOWN
    await refused()
    assert idp.count("/jwks") == 3


@row("F09")
@pytest.mark.parametrize(
    "keys", [[], ["no key"], "keys", None, {"kid": 1}], ids=["empty", "junk", "text", "null", "object"]
)
async def test_an_empty_set_does_not_replace_a_good_one(idp, sign_in, clock, keys):
    await sign_in()
    idp.replace("/jwks", faults.json_answer({"keys": keys}))
    clock.now += FRESH
    assert (await sign_in()).identity.subject == "7"
    assert idp.count("/jwks") == 2


@row("F09")
async def test_an_empty_set_lets_nobody_in(idp, refused):
    idp.keys = []
    assert (await refused()).code == "provider_bad_response"


@row("F09")
async def test_finds_the_right_one_of_a_thousand_keys(idp, sign_in):
    idp.keys = [made.public(made.rsa(1), kid=f"other-{number}") for number in range(999)] + [made.public(idp.key)]
    assert (await sign_in()).identity.subject == "7"


@row("F03")
async def test_old_keys_serve_until_their_greatest_age(idp, sign_in, clock):
    await sign_in()
    idp.replace("/jwks", faults.raw(b"", status=500))
    clock.now += FRESH
    assert (await sign_in()).identity.subject == "7"
    clock.now += USABLE
    with pytest.raises(ProviderUnavailable):
        await sign_in()


@row("C24")
async def test_keys_come_from_where_the_metadata_says(idp, sign_in):
    idp.metadata = {"jwks_uri": f"{idp.issuer}/elsewhere/keys"}
    idp.replace("/elsewhere/keys", faults.json_answer({"keys": [made.public(idp.key)]}))
    await sign_in()
    assert idp.count("/jwks") == 0


@row("X10")
def test_a_curve_belongs_to_its_algorithm():
    keys = [made.public(made.ec(0, "P-256")), made.public(made.ec(1, "P-384")), made.public(made.ed())]
    assert [key.curve_name for key in fitting(keys, {"alg": "ES256"})] == ["P-256"]
    assert [key.curve_name for key in fitting(keys, {"alg": "EdDSA"})] == ["Ed25519"]


async def test_a_private_key_in_the_set_is_read_as_a_public_one(idp, sign_in):
    idp.keys = [idp.key.as_dict(private=True)]
    assert (await sign_in()).identity.subject == "7"


@row("V35")
@pytest.mark.parametrize(
    ("named", "fits"),
    [
        (None, True),
        ("https://login.example/{tenantid}/v2.0", True),
        ("https://login.example/one/v2.0", True),
        ("https://login.example/two/v2.0", False),
        ("https://elsewhere.example/{tenantid}/v2.0", False),
        ("https://login.example/{tenantid}/v1.0", False),
        (7, False),
    ],
    ids=["nobody", "anybody-there", "itself", "another", "anybody-elsewhere", "another-version", "number"],
)
def test_a_key_signs_for_the_issuers_that_it_names(named, fits):
    key = made.public(made.rsa(1)) | ({} if named is None else {"issuer": named})
    found = fitting([key], {"alg": "RS256"}, "https://login.example/one/v2.0")
    assert bool(found) is fits
    assert fitting([key], {"alg": "RS256"})
