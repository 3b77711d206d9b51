"""The options of an OAuth 2.0 source: where they come from, and what stops the start."""

from __future__ import annotations

from typing import Any

import pytest
from traitlets import TraitError

from hubauth_core import ConfigError, Secret
from hubauth_core.builtin.oauth2 import GenericOAuth2Provider
from hubauth_core.builtin.oidc import GenericOIDCProvider
from hubauth_core.oauth2 import OAuth2Provider
from hubauth_core.types import Identity, Transaction

row = pytest.mark.row


class Forge(OAuth2Provider):
    """What an author writes."""

    default_authorize_url = "https://forge.example/oauth/authorize"
    default_token_url = "https://forge.example/oauth/token"
    default_userinfo_url = "https://forge.example/api/user"
    default_scope = ("read_user",)


def forge(name: str = "forge", **options: Any) -> Forge:
    return Forge(name, **{"client_id": "hub", "client_secret": "s3cret", **options})


@row("V16")
@pytest.mark.parametrize("path", ["email", "login", "preferred_username", "upn", "username", "name", "user.email"])
def test_a_subject_that_people_can_change_stops_the_start(path):
    with pytest.raises(ConfigError, match="subject_claim"):
        forge(subject_claim=path)


@row("R02", "R05")
@pytest.mark.parametrize(
    "name", ["state", "nonce", "code_challenge", "code_challenge_method", "redirect_uri", "response_type", "client_id"]
)
def test_an_option_cannot_replace_what_protects_the_sign_in(name):
    with pytest.raises(ConfigError, match=name):
        forge(authorize_params={name: "x"})
    with pytest.raises(ConfigError, match=name):
        forge(authorize_url=f"https://forge.example/?{name}=x")


@row("R05")
def test_no_option_turns_on_another_flow():
    assert not {name for name in Forge.class_trait_names() if "grant" in name or "response" in name or "flow" in name}


@row("X24")
@pytest.mark.parametrize("option", ["authorize_url", "token_url", "userinfo_url", "redirect_url"])
def test_plain_http_stops_the_start(option):
    with pytest.raises(ConfigError, match=option):
        forge(**{option: "http://forge.example/"})
    assert forge(**{option: "http://forge.example/"}, allow_insecure_hosts=["forge.example"])


def test_required_options_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("HUBAUTH_FORGE_CLIENT_ID", "from-environment")
    monkeypatch.setenv("HUBAUTH_FORGE_CLIENT_SECRET", "s3cret\n")
    provider = Forge("forge")
    assert (provider.client_id, provider.client_secret) == ("from-environment", Secret("s3cret"))
    assert provider.missing_options() == []
    assert Forge("other").missing_options() == ["client_id", "client_secret"]


def test_the_configuration_wins_over_the_environment(monkeypatch):
    monkeypatch.setenv("HUBAUTH_FORGE_CLIENT_ID", "from-environment")
    assert forge().client_id == "hub"


def test_the_secret_comes_from_a_file(tmp_path):
    file = tmp_path / "secret"
    file.write_text("s3cret\n")
    assert forge(client_secret="", client_secret_file=str(file)).client_secret == Secret("s3cret")


def test_a_file_that_is_not_there_stops_the_start(tmp_path):
    with pytest.raises(ConfigError, match="client_secret_file"):
        forge(client_secret="", client_secret_file=str(tmp_path / "missing"))
    (tmp_path / "binary").write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="client_secret_file"):
        forge(client_secret="", client_secret_file=str(tmp_path / "binary"))
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(ConfigError, match="empty"):
        forge(client_secret="", client_secret_file=str(tmp_path / "empty"))


def test_a_secret_and_a_file_with_another_one_are_one_too_many(tmp_path):
    (tmp_path / "secret").write_text("newer")
    with pytest.raises(ConfigError, match="both set"):
        forge(client_secret="older", client_secret_file=str(tmp_path / "secret"))


def test_a_public_client_needs_no_secret():
    assert forge(client_secret="", client_authentication="none").missing_options() == []
    assert forge(client_secret="", client_authentication="private_key_jwt").missing_options() == ["private_key_file"]


@row("B3")
def test_the_secret_is_never_printed():
    provider = forge()
    assert "s3cret" not in repr(provider) + str(provider.trait_values())
    with pytest.raises(ConfigError) as caught:
        forge(client_secret={"nested": "s3cret"})
    assert "s3cret" not in str(caught.value)


def test_two_providers_share_nothing(idp):
    one, two = forge("one"), forge("two")
    assert one.api is not two.api
    one.scope.append("more")
    assert two.scope == ["read_user"]
    assert Forge.default_scope == ("read_user",)


# Client id and secret under the names that OAuthenticator and TokenExchangeAuthenticator know.


@pytest.fixture
def common(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OAUTH_CLIENT_ID", "hub")
    monkeypatch.setenv("OAUTH_CLIENT_SECRET", "s3cret")


@pytest.mark.usefixtures("common")
@pytest.mark.parametrize("cls", [GenericOIDCProvider, GenericOAuth2Provider])
def test_the_variables_of_other_authenticators_serve(cls):
    provider = cls("uni")
    assert (provider.client_id, provider.client_secret) == ("hub", Secret("s3cret"))


@pytest.mark.usefixtures("common")
@row("B3")
def test_their_secret_goes_with_their_client_alone():
    assert GenericOIDCProvider("uni", client_id="another").client_secret == Secret("")
    assert GenericOIDCProvider("uni", client_id="hub").client_secret == Secret("s3cret")


@pytest.mark.usefixtures("common")
def test_what_is_the_providers_own_wins(monkeypatch):
    monkeypatch.setenv("HUBAUTH_UNI_CLIENT_ID", "own")
    monkeypatch.setenv("HUBAUTH_UNI_CLIENT_SECRET", "own-s3cret")
    provider = GenericOIDCProvider("uni")
    assert (provider.client_id, provider.client_secret) == ("own", Secret("own-s3cret"))


@pytest.mark.usefixtures("common")
def test_a_type_with_a_source_of_its_own_does_not_take_them():
    assert Forge("forge").missing_options() == ["client_id", "client_secret"]


# Scopes and resources.


def under_way(*scopes: str) -> Transaction:
    return Transaction(
        provider="forge", state="s", nonce="n", verifier=Secret("v"), redirect_uri="", started_at=0, scopes=scopes
    )


def test_what_is_offered_beside_a_sign_in():
    provider = forge(offered_scopes=["repo", "read_user", "gist", "repo"])
    assert provider.further_scopes == ["repo", "gist"]
    assert forge().further_scopes == []


def test_a_sign_in_asks_for_its_own_scope_first_and_for_each_once():
    assert forge().asked_scope(under_way("repo", "read_user", "repo", "gist")) == ["read_user", "repo", "gist"]


@pytest.mark.parametrize("option", ["scope", "offered_scopes"])
@pytest.mark.parametrize("wrong", ["read_user repo", "", 'a"b', "é", "a\\b"])
def test_an_entry_that_is_not_one_scope_stops_the_start(option, wrong):
    with pytest.raises(ConfigError, match=option):
        forge(**{option: ["read_user", wrong]})


@row("R15")
@pytest.mark.parametrize("wrong", ["api", "/api", "https://api.example/#part", "https://api.example/a b"])
def test_a_resource_that_is_no_address_stops_the_start(wrong):
    with pytest.raises(ConfigError, match="resource"):
        forge(resource=["https://api.example/", wrong])


@row("R15")
def test_a_resource_is_not_set_where_only_one_request_would_have_it():
    with pytest.raises(ConfigError, match="resource"):
        forge(authorize_params={"resource": "https://api.example/"})


@row("X24")
def test_a_revocation_address_is_looked_at():
    with pytest.raises(ConfigError, match="revocation_url"):
        forge(revocation_url="http://forge.example/revoke")


def test_a_broker_needs_an_issuer():
    entry = {"requested_issuer": "google", "via": "broker"}
    with pytest.raises(ConfigError, match="oidc"):
        forge(exchange={"google": entry})
    options = {"issuer": "https://uni.example", "client_id": "hub", "exchange": {"google": entry}}
    assert list(GenericOIDCProvider("uni", **options).resources) == ["google"]


@row("R14")
def test_two_providers_share_no_exchange():
    exchange = {"kafka": {"audience": "kafka"}}
    one, other = forge("one", exchange=exchange), forge("other")
    assert list(one.resources) == ["kafka"]
    assert dict(other.resources) == {}


@pytest.mark.parametrize("wrong", ["", "@", "example", "ann@x.example", "*.example", "ex ample.org"])
def test_what_is_no_domain_stops_the_start(wrong):
    with pytest.raises(TraitError, match="required_email_domains"):
        forge(required_email_domains=["uni.example", wrong])


def test_domains_are_kept_in_one_spelling():
    assert forge(required_email_domains=["@Uni.Example"]).required_email_domains == ["uni.example"]


# Rules.


@row("V02")
@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"allowed_scopes": ["admin"]}, "'admin' is never asked for"),
        ({"allowed_scopes": ["read_user", "admin"], "offered_scopes": ["api"]}, "'admin' is never asked for"),
    ],
)
def test_a_scope_that_is_never_asked_for_stops_the_start(options, told):
    with pytest.raises(ConfigError, match=told):
        forge(**options)


@pytest.mark.parametrize(
    ("granted", "let_in"),
    [((), False), (("api",), False), (("api", "read_user"), True), (("api", "read_user", "x"), True)],
)
def test_who_grants_all_allowed_scopes_may_enter(granted, let_in):
    provider = forge(allowed_scopes=["read_user", "api"], offered_scopes=["api"])
    assert provider.grants
    assert provider.admits(Identity(subject="7", username="ann"), frozenset(granted)) is let_in


def test_without_allowed_scopes_no_scope_lets_anybody_in():
    assert not forge().grants
    assert not forge().admits(Identity(subject="7", username="ann"), frozenset({"read_user"}))


@pytest.mark.parametrize("option", ["username_claim", "groups_claim", "roles_claim"])
def test_a_function_of_the_claims_is_a_plain_one(option):
    async def later(claims):
        return "ann"

    with pytest.raises(ConfigError, match=option):
        forge(**{option: later})
    assert forge(**{option: lambda claims: "ann"})


def test_groups_can_be_said_where_a_claim_names_them_or_code_reads_them():
    class Coded(Forge):
        def parse_identity(self, claims):
            return super().parse_identity(claims)

    coded = Coded("coded", client_id="hub", client_secret="s3cret")
    assert (forge().says_groups, forge(groups_claim="teams").says_groups, coded.says_groups) == (False, True, True)
    assert (forge().says_roles, forge(roles_claim="roles").says_roles, coded.says_roles) == (False, True, True)
