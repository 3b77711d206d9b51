"""What a source says of somebody whom it has signed in a while ago: only a clear no is one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hostile_idp import ABSENT, faults
from hubauth_core import (
    CredentialError,
    HubCall,
    Identity,
    LoginRefused,
    ProviderError,
    ReauthRequired,
    Refused,
    Rotated,
    Unavailable,
    Unchanged,
    Updated,
)
from hubauth_core.builtin.oidc import GenericOIDCProvider

row = pytest.mark.row
ANN = {"sub": "7", "preferred_username": "ann"}


async def ask(provider, signed_in, *, later=0.0):
    """The answer to a refresh of who has signed in, so many seconds after it."""
    [credential] = signed_in.credentials
    began = provider.now()
    provider.now = lambda: began + later
    return await provider.refresh_identity(replace(signed_in.identity, provider="uni"), credential, HubCall())


async def test_what_the_source_says_now_counts(idp, make, sign_in):
    uni = make(groups_claim="groups")
    idp.userinfo = {**ANN, "groups": ["staff", "chess"]}
    signed_in = await sign_in(uni)
    idp.userinfo = {**ANN, "preferred_username": "anna", "groups": ["staff"]}
    answer = await ask(uni, signed_in)
    assert isinstance(answer, Updated)
    assert (answer.identity.username, answer.identity.groups) == ("anna", {"staff"})
    idp.userinfo = ANN
    answer = await ask(uni, signed_in)
    assert answer.identity.groups == frozenset(), "who is in none any more"


async def test_who_has_no_token_changes_nothing(provider):
    assert await provider.refresh_identity(Identity(subject="7", username="ann"), None, HubCall()) == Unchanged()


@row("R20")
@pytest.mark.parametrize("sub", ["8", ABSENT, None, 7, "7 "])
async def test_another_person_behind_the_token_is_a_no(idp, provider, sign_in, sub):
    signed_in = await sign_in()
    idp.userinfo = {name: value for name, value in {**ANN, "sub": sub}.items() if value is not ABSENT}
    assert await ask(provider, signed_in) == Refused("somebody_else")


@row("R20")
async def test_another_account_of_the_same_session_is_a_no(idp, make, sign_in):
    uni = make(subject_claim="oid")
    idp.userinfo = {**ANN, "oid": "first"}
    signed_in = await sign_in(uni)
    idp.userinfo = {**ANN, "oid": "second"}
    assert await ask(uni, signed_in) == Refused("somebody_else")


@row("F02", "F11")
@pytest.mark.parametrize(
    ("status", "headers", "said"),
    [
        (401, {}, ReauthRequired("token_refused")),
        (429, {"retry_after": "120"}, Unavailable(120)),
        (403, {"retry_after": "60"}, Unavailable(60)),
        (503, {}, Unavailable()),
        (500, {}, Unavailable()),
        (403, {}, ProviderError),
        (404, {}, ProviderError),
    ],
)
async def test_a_refused_token_a_busy_source_and_an_odd_answer_are_told_apart(
    idp, provider, sign_in, status, headers, said
):
    signed_in = await sign_in()
    idp.replace("/userinfo", faults.raw(b"{}", status=status, **headers))
    if said is not ProviderError:
        assert await ask(provider, signed_in) == said
        return
    with pytest.raises(ProviderError):
        await ask(provider, signed_in)


@pytest.mark.parametrize(
    ("code", "said"),
    [("account_inactive", Refused("account_inactive")), ("scope_insufficient", ReauthRequired("scope_insufficient"))],
)
async def test_what_a_type_finds_out_is_a_no_and_what_a_sign_in_can_mend_is_not(
    provider, sign_in, monkeypatch, code, said
):
    signed_in = await sign_in()

    async def fetch_claims(*arguments):
        raise LoginRefused("No.", code=code)

    monkeypatch.setattr(provider, "fetch_claims", fetch_claims)
    assert await ask(provider, signed_in) == said


@row("R20")
async def test_groups_in_the_id_token_alone_count_while_it_is_young(idp, make, sign_in):
    uni = make(groups_claim="groups", username_claim="name")
    idp.claims, idp.userinfo = {"groups": ["staff"], "name": "ann"}, {"sub": "7", "name": "ann"}
    signed_in = await sign_in(uni)
    answer = await ask(uni, signed_in)
    assert isinstance(answer, Updated)
    assert answer.identity.groups == {"staff"}
    with pytest.raises(CredentialError) as caught:
        await ask(uni, signed_in, later=700)
    assert caught.value.code == "id_token_old"


async def test_an_old_id_token_says_nothing_that_userinfo_does_not(idp, make, sign_in):
    uni = make(groups_claim="groups")
    idp.claims, idp.userinfo = {"picture": "https://a.example/old"}, {**ANN, "groups": ["staff"]}
    answer = await ask(uni, await sign_in(uni), later=700)
    assert isinstance(answer, Updated)
    assert (answer.identity.groups, answer.identity.avatar) == ({"staff"}, None)


async def test_a_renewed_id_token_tells_where_userinfo_is_not_asked(idp, make, sign_in):
    uni = make(groups_claim="groups", userinfo="never", username_claim="sub")
    idp.claims, idp.tokens = {"groups": ["staff", "chess"]}, {"refresh_token": "first"}
    signed_in = await sign_in(uni)
    [credential] = signed_in.credentials
    idp.claims = {"groups": ["staff"], "nonce": ABSENT}
    renewed = await uni.refresh_credential(credential)
    assert isinstance(renewed, Rotated)
    answer = await ask(uni, replace(signed_in, credentials=(renewed.credential,)))
    assert answer.identity.groups == {"staff"}
    assert idp.count("/userinfo") == 0


@row("V06")
async def test_an_address_is_not_verified_by_a_word_about_another(idp, provider, sign_in):
    idp.claims = {"email": "a@b", "email_verified": True}
    signed_in = await sign_in()
    idp.userinfo = {**ANN, "email": "x@y"}
    identity = (await ask(provider, signed_in)).identity
    assert (identity.email, identity.email_verified) == ("x@y", False)


async def test_what_only_the_id_token_proves_comes_from_it(idp, sign_in):
    class Proving(GenericOIDCProvider):
        proven_claims = frozenset({"hd"})
        rule_claims = ("hd",)

    uni = Proving("uni", issuer=idp.issuer, client_id="hub", client_secret="s")
    try:
        idp.claims, idp.userinfo = {"hd": "uni.example"}, {**ANN, "hd": "evil.example"}
        signed_in = await sign_in(uni)
        answer = await ask(uni, signed_in)
        assert answer.identity.claims["hd"] == "uni.example"
        with pytest.raises(CredentialError):
            await ask(uni, signed_in, later=700)
    finally:
        await uni.api.close()


async def test_oauth_types_are_asked_every_fifteen_minutes(provider, make):
    assert provider.membership_max_age == 900
    assert make(membership_max_age=None).membership_max_age is None
