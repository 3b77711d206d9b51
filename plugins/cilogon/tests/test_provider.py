"""What is CILogon's own: where people come from decides how they are called and whether they may enter."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

import pytest

from hubauth_cilogon import CILogonProvider
from hubauth_core import ConfigError, Identity, LoginRefused, ProviderError, Request
from hubauth_core.testing.openid import OIDCProviderContract
from hubauth_core.testing.source import FakeSource, answer_json

UNI, GITHUB = "https://idp.uni.test/shibboleth", "https://github.com/login/oauth/authorize"
ADA = {"sub": "http://cilogon.org/serverE/users/1", "idp": UNI, "eppn": "Ada@uni.test", "email": "ada@uni.test"}
EVE = {
    "sub": "http://cilogon.org/serverE/users/2",
    "idp": GITHUB,
    "preferred_username": "eve",
    "email": "ada@uni.test",
    "eppn": "ada@uni.test",
}
OF_UNI = {"username_claim": "eppn", "strip_domain": "uni.test", "allow_all": True}


def cilogon(*, uni: dict[str, Any] = OF_UNI, **more: Any) -> CILogonProvider:
    return CILogonProvider(
        "cilogon", client_id="hub", client_secret="secret", idps={UNI: uni, **more.pop("idps", {})}, **more
    )


def admits(provider: CILogonProvider, claims: dict[str, Any]) -> bool:
    identity = provider.identity(claims)
    provider.restrict(identity)
    return provider.admits(identity, frozenset())


@pytest.mark.parametrize(
    ("entry", "username"),
    [
        ({"username_claim": "eppn"}, "Ada@uni.test"),
        ({"username_claim": "eppn", "strip_domain": "UNI.test"}, "Ada"),
        ({"username_claim": "eppn", "strip_domain": "@uni.test"}, "Ada"),
        ({"username_claim": "eppn", "strip_domain": "ni.test"}, "Ada@uni.test"),
        ({"username_claim": "eppn", "prefix": "uni"}, "uni:Ada@uni.test"),
        ({"username_claim": "eppn", "prefix": "uni", "strip_domain": "uni.test"}, "uni:Ada"),
        ({"username_claim": "email", "verifies_email": True}, "ada@uni.test"),
    ],
    ids=["whole", "stripped", "with-at", "another-domain", "prefix", "both", "address"],
)
def test_an_institution_names_its_people(entry: dict[str, Any], username: str) -> None:
    assert cilogon(uni=entry).identity(ADA).username == username


@pytest.mark.row("V03")
def test_an_address_of_the_campus_does_not_make_one_of_its_people() -> None:
    with pytest.raises(LoginRefused) as caught:
        cilogon(allow_all=True).identity(EVE)
    assert caught.value.code == "idp_not_allowed"
    both = cilogon(idps={GITHUB: {"username_claim": "preferred_username", "prefix": "github"}})
    assert not admits(both, EVE)
    assert both.identity(EVE).username == "github:eve"


@pytest.mark.row("V03")
@pytest.mark.parametrize("idp", [None, "", f"{UNI}/", UNI.upper(), [UNI], {UNI: 1}, "https://idp.uni.test"])
def test_nobody_enters_from_elsewhere(idp: Any) -> None:
    provider = cilogon(allow_all=True)
    claims = {name: value for name, value in ADA.items() if name != "idp"} | ({} if idp is None else {"idp": idp})
    for refuses in (
        lambda: provider.identity(claims),
        lambda: provider.restrict(Identity(subject="1", username="ada", claims=claims)),
    ):
        with pytest.raises(LoginRefused) as caught:
            refuses()
        assert caught.value.code == "idp_not_allowed"


@pytest.mark.parametrize(
    ("domains", "eppn", "enters"),
    [
        (["uni.test"], "ada@uni.test", True),
        (["UNI.test"], "ada@Uni.Test", True),
        (["uni.test"], "ada@cs.uni.test", False),
        (["*.uni.test"], "ada@cs.uni.test", True),
        (["*.uni.test"], "ada@evil-uni.test", False),
        (["uni.test"], "ada@uni.test@evil.test", False),
        (["uni.test"], "uni.test", False),
        (["uni.test"], "@uni.test", False),
        ([], "ada@uni.test", False),
    ],
)
def test_domains_of_an_institution(domains: list[str], eppn: str, enters: bool) -> None:
    provider = cilogon(uni={"username_claim": "eppn", "allowed_domains": domains})
    assert admits(provider, {**ADA, "eppn": eppn}) is enters
    assert provider.grants is bool(domains)


def test_rules_go_by_what_is_recorded() -> None:
    provider = cilogon(uni={"username_claim": "eppn", "allowed_domains": ["uni.test"], "domain_claim": "affiliation"})
    assert list(provider.rule_claims) == ["idp", "affiliation"]
    recorded = Identity(subject="1", username="ada", claims={"idp": UNI, "affiliation": "staff@uni.test"})
    assert provider.admits(recorded, frozenset())


def test_an_address_counts_where_the_institution_answers_for_it() -> None:
    assert not cilogon().identity({**ADA, "email_verified": True}).email_verified
    assert cilogon(uni={**OF_UNI, "verifies_email": True}).identity(ADA).email_verified


def test_a_name_that_lacks_is_an_error_of_the_source() -> None:
    with pytest.raises(ProviderError):
        cilogon().identity({"sub": ADA["sub"], "idp": UNI})


async def test_the_page_offers_what_may_be_used(new_transaction: Any) -> None:
    provider, source = cilogon(idps={GITHUB: {"username_claim": "sub"}}, default_idp=GITHUB, skin="uni"), FakeSource()
    provider.api.transport = source
    metadata = {
        "issuer": "https://cilogon.org",
        "authorization_endpoint": "https://cilogon.org/authorize",
        "token_endpoint": "https://cilogon.org/oauth2/token",
        "jwks_uri": "https://cilogon.org/oauth2/certs",
    }
    source.on("GET", "https://cilogon.org/.well-known/openid-configuration", answer_json(metadata))
    step = await provider.begin_login(Request(), new_transaction("cilogon"))
    asked = parse_qs(step.url.partition("?")[2])
    assert (asked["selected_idp"], asked["skin"]) == ([f"{GITHUB},{UNI}"], ["uni"])
    assert asked["scope"] == ["openid email profile org.cilogon.userinfo"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"idps": {"uni.test": OF_UNI}}, "entity id"),
        ({"uni": {}}, "lacks 'username_claim'"),
        ({"uni": {**OF_UNI, "alow_all": True}}, "Did you mean 'allow_all'"),
        ({"uni": {**OF_UNI, "allow_all": "yes"}}, "cannot be 'yes'"),
        ({"uni": {**OF_UNI, "allowed_domains": "uni.test"}}, "cannot be 'uni.test'"),
        ({"uni": {**OF_UNI, "allowed_domains": [7]}}, "cannot be"),
        ({"uni": {"username_claim": "email"}}, "verifies_email"),
        ({"uni": {**OF_UNI, "allowed_domains": ["uni.test"], "domain_claim": "email"}}, "verifies_email"),
        ({"uni": "eppn"}, "dictionary"),
        ({"default_idp": GITHUB}, "not among idps"),
        ({"scope": ["openid"]}, "org.cilogon.userinfo"),
    ],
)
def test_what_cannot_be_meant_stops_the_start(options: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        cilogon(**options)


def test_without_institutions_nobody_could_enter() -> None:
    provider = CILogonProvider("cilogon", client_id="hub", client_secret="secret")
    assert provider.missing_options() == ["idps"]


def test_groups_and_roles_are_told_where_a_claim_says_them() -> None:
    assert (cilogon().says_groups, cilogon().says_roles) == (False, False)
    told = cilogon(groups_claim="isMemberOf", roles_claim="affiliation")
    assert (told.says_groups, told.says_roles) == (True, True)


class Kit(OIDCProviderContract):
    """The kit as a means: its sign-in, with none of its tests."""

    __test__ = False
    provider_type = CILogonProvider
    options = {
        "client_id": "hub",
        "client_secret": "secret",
        "idps": {GITHUB: {"username_claim": "preferred_username"}},
    }
    authorize_url = "https://cilogon.org/authorize"
    token_url = "https://cilogon.org/oauth2/token"
    userinfo_url = "https://cilogon.org/oauth2/userinfo"
    userinfo = EVE
    identity = Identity(subject="x", username="x")
    in_id_token = ("idp", "email", "eppn")


async def test_what_names_somebody_may_stand_in_userinfo_alone() -> None:
    kit, source = Kit(), FakeSource()
    kit.asked, kit.canaries = {}, []
    kit.state_answers(source, kit.answers())
    assert (await kit.sign_in(kit.make_provider(source))).identity.username == "eve"
