"""`hubauth migrate` prints a configuration that hubauth takes, for every class of OAuthenticator."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from jupyterhub.auth import Authenticator
from traitlets.config import Config

from hubauth_core.authenticator import HubAuthenticator
from hubauth_core.cli import main
from hubauth_core.cli.migrate.known import KINDS, REMOVED, RENAMED
from hubauth_core.registry import Registry

TENANT = "0f0f0f0f-0f0f-0f0f-0f0f-0f0f0f0f0f0f"
CLIENT = {"client_id": "our-hub", "client_secret": "canary-secret"}


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("JUPYTERHUB_CRYPT_KEY", "OAUTH_CLIENT_ID", "OAUTH_CLIENT_SECRET", "LOGIN_SERVICE"):
        monkeypatch.delenv(name, raising=False)


def config(cls: str, options: Mapping[str, Any], more: str = "") -> str:
    kinds = {kind.entry_point: kind.cls for kind in KINDS}
    section = kinds.get(cls.removeprefix("local-"), cls.rpartition(".")[2])
    lines = [f"c.{section}.{option} = {value!r}" for option, value in options.items()]
    return "\n".join([f"c.JupyterHub.authenticator_class = {cls!r}", *lines, more, ""])


def migrate(text: str, *options: str) -> str:
    Path("old.py").write_text(text)
    done = CliRunner().invoke(main, ["migrate", "-f", "old.py", *options])
    assert done.exit_code == 0, done.output
    return done.output


def loaded(printed: str, tmp_path: Path, **names: Any) -> tuple[Config, Registry]:
    """The printed configuration as a hub would take it: every option there is, every provider made."""
    text = printed.replace("/etc/jupyterhub/", f"{tmp_path}/")
    for kind in KINDS:
        (tmp_path / f"{kind.name}-client-secret").write_text("s3cret")
    c = Config()
    exec(compile(text, "printed", "exec"), {"c": c, **names})
    known = HubAuthenticator.class_trait_names(config=True)
    assert set(c.HubAuthenticator) <= set(known), set(c.HubAuthenticator) - set(known)
    assert set(c.Authenticator) <= set(Authenticator.class_trait_names(config=True))
    registry = Registry()
    registry.configure(c.HubAuthenticator.providers)
    return c, registry


def moved(cls: str, tmp_path: Path, more: str = "", **options: Any) -> tuple[dict[str, Any], Config, Any]:
    """The options of the only provider, the whole configuration, and the provider as hubauth makes it."""
    printed = migrate(config(cls, {**CLIENT, **options}, more))
    assert "canary-secret" not in printed
    c, registry = loaded(printed, tmp_path)
    ((name, provider),) = registry.providers.items()
    return c.HubAuthenticator.providers[name], c, provider


@pytest.mark.parametrize("local", ["", "local-"])
def test_github(tmp_path: Path, local: str) -> None:
    options, c, provider = moved(
        f"{local}github",
        tmp_path,
        github_url="https://ghe.example/",
        allowed_organizations={"org", "other:team"},
        scope=["read:user"],
    )
    assert options["allowed_organizations"] == {"org", "other:team"}
    assert options["url"] == "https://ghe.example"
    assert options["username_prefix"] == ""
    assert options["scope"] == ["read:user", "read:org"]
    assert provider.userinfo_url == "https://ghe.example/api/v3/user"
    assert c.HubAuthenticator.oauth_callback_provider == "github"
    assert bool(c.HubAuthenticator.get("require_system_users")) is bool(local)


def test_github_under_names_of_long_ago(tmp_path: Path) -> None:
    text = (
        'c.JupyterHub.authenticator_class = "oauthenticator.github.GitHubOAuthenticator"\n'
        'c.GitHubOAuthenticator.github_client_id = "old"\n'
        'c.GitHubOAuthenticator.github_client_secret = "canary-secret"\n'
        'c.GitHubOAuthenticator.github_organization_whitelist = {"org"}\n'
        'c.Authenticator.whitelist = {"ann"}\n'
        'c.Authenticator.admin_users.add("root")\n'
    )
    c, registry = loaded(migrate(text), tmp_path)
    assert registry.provider("github").client_id == "old"
    assert c.HubAuthenticator.providers["github"]["allowed_organizations"] == {"org"}
    assert c.Authenticator.allowed_users == {"ann"}
    assert c.Authenticator.admin_users == {"root"}


def test_what_a_local_class_had(tmp_path: Path) -> None:
    more = (
        "c.LocalAuthenticator.update({'create_system_users': True, 'add_user_cmd': ['useradd'], 'uids': {'ann': 1001}, "
        "'group_whitelist': {'staff'}})"
    )
    options, c, _ = moved("local-github", tmp_path, more)
    assert c.HubAuthenticator.create_system_users is True
    assert c.HubAuthenticator.add_user_cmd == ["useradd"]
    assert c.HubAuthenticator.uids == {"ann": 1001}
    assert c.HubAuthenticator.allowed_system_groups == {"staff"}
    assert "allowed_groups" not in options


def test_gitlab(tmp_path: Path) -> None:
    options, _, provider = moved(
        "oauthenticator.gitlab.GitLabOAuthenticator",
        tmp_path,
        gitlab_url="https://gitlab.corp.example/",
        gitlab_group_whitelist={"top/sub"},
        allowed_project_ids={7},
        scope=["read_user"],
    )
    assert provider.url == "https://gitlab.corp.example"
    assert options["allowed_gitlab_groups"] == {"top/sub"}
    assert options["allowed_project_ids"] == {7}
    assert options["scope"] == ["read_user", "read_api"]


def test_google(tmp_path: Path) -> None:
    options, _, provider = moved(
        "oauthenticator.google.GoogleOAuthenticator",
        tmp_path,
        hosted_domain=["uni.example"],
        login_service="The university",
    )
    assert options["required_hosted_domains"] == ["uni.example"]
    assert provider.strip_domain
    assert provider.label == "The university"


def test_google_groups() -> None:
    printed = migrate(
        config(
            "oauthenticator.google.GoogleOAuthenticator",
            {
                **CLIENT,
                "google_service_account_keys": {"uni.example": "/key.json"},
                "gsuite_administrator": {"uni.example": "root"},
                "allowed_google_groups": {"uni.example": {"data"}},
                "admin_google_groups": {"uni.example": {"ops"}},
                "include_nested_groups": True,
            },
        )
    )
    assert '"directory": {"uni.example": {"key_file": "/key.json", "administrator": "root@uni.example"}}' in printed
    assert '"allowed_groups": {"data@uni.example"}' in printed
    assert '"admin_groups": {"ops@uni.example"}' in printed
    assert '"nested_groups": True' in printed


def test_auth0(tmp_path: Path) -> None:
    options, _, provider = moved("auth0", tmp_path, auth0_subdomain="ours", scope=["email"])
    assert provider.issuer == "https://ours.auth0.com/"
    assert provider.username_claim == "email"
    assert options["scope"] == ["email", "openid"]
    assert options["require_verified_email"]


def test_azuread(tmp_path: Path) -> None:
    options, _, provider = moved("oauthenticator.azuread.AzureAdOAuthenticator", tmp_path, tenant_id=TENANT)
    assert provider.issuer == f"https://login.microsoftonline.com/{TENANT}/v2.0"
    assert options["username_claim"] == "name"


def test_a_directory_is_called_by_its_id() -> None:
    printed = migrate(config("azuread", {**CLIENT, "tenant_id": "uni.onmicrosoft.com"}))
    assert "# Put in the directory's id" in printed


def test_bitbucket(tmp_path: Path) -> None:
    options, _, _ = moved("oauthenticator.bitbucket.BitbucketOAuthenticator", tmp_path, team_whitelist={"ours"})
    assert options["allowed_groups"] == {"ours"}


def test_cilogon(tmp_path: Path) -> None:
    idps = {
        "https://idp.uni.example/shibboleth": {
            "username_derivation": {"username_claim": "eppn", "action": "strip_idp_domain", "domain": "uni.example"},
            "allow_all": True,
            "default": True,
        },
        "https://github.com/login/oauth/authorize": {
            "username_derivation": {"username_claim": "preferred_username", "action": "prefix", "prefix": "github"},
            "allowed_domains": ["uni.example"],
            "allowed_domains_claim": "email",
        },
    }
    _, _, provider = moved("oauthenticator.cilogon.CILogonOAuthenticator", tmp_path, allowed_idps=idps, skin="ours")
    uni, github = provider.institutions.values()
    assert uni.username({"eppn": "ann@uni.example"}) == "ann"
    assert uni.allow_all
    assert github.username({"preferred_username": "bob"}) == "github:bob"
    assert github.admits({"email": "bob@uni.example"})
    assert provider.default_idp == "https://idp.uni.example/shibboleth"
    assert provider.skin == "ours"


def test_cilogon_elsewhere(tmp_path: Path) -> None:
    idps = {"https://idp.example": {"username_derivation": {"username_claim": "eppn"}}}
    options, _, provider = moved("cilogon", tmp_path, cilogon_host="test.cilogon.org", idps=idps, scope=["email"])
    assert provider.issuer == "https://test.cilogon.org"
    assert options["scope"] == ["email", "openid", "org.cilogon.userinfo"]


@pytest.mark.parametrize(("cls", "option"), [(cls, option) for cls, options in REMOVED.items() for option in options])
def test_options_that_were_removed_are_told(cls: str, option: str) -> None:
    (kind,) = (kind for kind in KINDS if kind.cls == cls)
    printed = migrate(config(kind.entry_point, {**CLIENT, option: "x"}))
    assert f"# {option} stops OAuthenticator 17 itself" in printed


def test_globus(tmp_path: Path) -> None:
    options, _, provider = moved(
        "oauthenticator.globus.GlobusOAuthenticator",
        tmp_path,
        identity_provider="uni.example",
        username_from_email=True,
        allowed_globus_groups={"11111111-2222-3333-4444-555555555555"},
    )
    assert provider.required_identity_providers == ["uni.example"]
    assert provider.strip_domain
    assert provider.username_claim == "email"
    assert options["allowed_groups"] == {"11111111-2222-3333-4444-555555555555"}


def test_openshift(tmp_path: Path) -> None:
    _, _, provider = moved(
        "oauthenticator.openshift.OpenShiftOAuthenticator",
        tmp_path,
        openshift_url="https://api.ocp.example:6443",
        openshift_auth_api_url="https://oauth.ocp.example",
    )
    assert provider.authorize_url == "https://oauth.ocp.example/oauth/authorize"
    assert provider.userinfo_url == "https://api.ocp.example:6443/apis/user.openshift.io/v1/users/~"
    account = {"metadata": {"name": "ann", "uid": "u-1"}, "groups": ["dev"]}
    identity = provider.parse_identity(account)
    assert (identity.username, identity.subject, identity.groups) == ("ann", "u-1", {"dev"})


def test_mediawiki(tmp_path: Path) -> None:
    options, c, provider = moved(
        "oauthenticator.mediawiki.MWOAuthenticator", tmp_path, mw_index_url="https://w.example"
    )
    assert options["settings"] == {"MEDIAWIKI_URL": "https://w.example", "KEY": "our-hub"}
    assert provider.backend == "mediawiki"
    assert "oauth_callback_provider" not in c.HubAuthenticator


def test_generic(tmp_path: Path) -> None:
    options, c, provider = moved(
        "generic-oauth",
        tmp_path,
        authorize_url="https://sso.example/authorize",
        token_url="https://sso.example/token",
        userdata_url="https://sso.example/me",
        username_key="preferred_username",
        claim_groups_key="roles",
        manage_groups=True,
        allowed_groups={"staff"},
        admin_groups={"ops"},
        scope=["openid"],
        extra_authorize_params={"prompt": "login"},
        extra_params={"audience": "us"},
        userdata_params={"fields": "id"},
        http_request_kwargs={"proxy_host": "proxy.example", "proxy_port": 3128},
        oauth_callback_url="https://hub.example/hub/oauth_callback",
    )
    assert provider.username_claim == "preferred_username"
    assert provider.groups_claim == "roles"
    assert provider.client_authentication == "post"
    assert options["allowed_groups"] == {"staff"}
    assert options["admin_groups"] == {"ops"}
    assert options["authorize_params"] == {"prompt": "login"}
    assert provider.token_params == {"audience": "us"}
    assert provider.userinfo_params == {"fields": "id"}
    assert provider.proxy == "http://proxy.example:3128"
    assert options["redirect_url"] == "https://hub.example/hub/oauth_callback"
    assert c.HubAuthenticator.oauth_callback_provider == "oauth"
    assert c.Authenticator.manage_groups is True


def test_generic_by_its_id_token(tmp_path: Path) -> None:
    options, _, _ = moved(
        "oauthenticator.generic.GenericOAuthenticator",
        tmp_path,
        authorize_url="https://kc.example/realms/r/protocol/openid-connect/auth",
        token_url="https://kc.example/realms/r/protocol/openid-connect/token",
        userdata_from_id_token=True,
        auth_state_groups_key="oauth_user.realm_access.roles",
    )
    assert options["type"] == "oidc"
    assert options["issuer"] == "https://kc.example/realms/r"
    assert options["userinfo"] == "never"
    assert options["groups_claim"] == "realm_access.roles"


def test_functions_keep_their_names(tmp_path: Path) -> None:
    text = config(
        "generic-oauth",
        {},
        "def shorten(user):\n    return user['mail'].split('@')[0]\n"
        "def groups_in(state):\n    return state['oauth_user']['teams']\n"
        "c.GenericOAuthenticator.username_claim = shorten\n"
        "c.GenericOAuthenticator.auth_state_groups_key = groups_in\n"
        "c.GenericOAuthenticator.update({'client_id': 'x', 'client_secret': 'y', 'authorize_url': 'https://s.example/a',"
        "'token_url': 'https://s.example/t', 'userdata_url': 'https://s.example/u'})",
    )
    names: dict[str, Any] = {
        "shorten": lambda user: user["mail"].split("@")[0],
        "groups_in": lambda state: state["oauth_user"]["teams"],
    }
    _, registry = loaded(migrate(text), tmp_path, **names)
    identity = registry.provider("oauth").parse_identity({"sub": "1", "mail": "ann@x.example", "teams": ["a"]})
    assert (identity.username, identity.groups) == ("ann", {"a"})


def test_what_the_sign_in_sets_itself_is_left_out_and_not_printed(tmp_path: Path) -> None:
    more = (
        "c.OAuthenticator.token_params = {'client_secret': 'canary-too', 'audience': 'a'}\n"
        "c.OAuthenticator.extra_authorize_params = {'state': 'x', 'prompt': 'login', 'resource': 'https://api.example'}"
    )
    text = config("oauthenticator.github.GitHubOAuthenticator", CLIENT, more)
    printed = migrate(text)
    assert "canary-too" not in printed
    assert "token_params['client_secret'] was left out" in printed
    github = loaded(printed, tmp_path)[1].provider("github")
    assert (github.token_params, github.authorize_params) == ({"audience": "a"}, {"prompt": "login"})
    assert github.resource == ["https://api.example"]


def test_a_secret_of_the_environment_stays_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUR_SECRET", "canary-secret")
    text = config(
        "github",
        {},
        "import os\nc.OAuthenticator.client_id = 'x'\nc.OAuthenticator.client_secret = os.environ['OUR_SECRET']",
    )
    printed = migrate(text)
    assert "canary-secret" not in printed
    assert loaded(printed, tmp_path)[1].provider("github").client_secret.reveal() == "canary-secret"
    monkeypatch.setenv("GITHUB_CLIENT_SECRET", "other")
    monkeypatch.setenv("GITHUB_CLIENT_ID", "theirs")
    assert 'os.environ["GITHUB_CLIENT_SECRET"]' in migrate(config("github", {}))


def test_the_hub_s_own_options_stay(tmp_path: Path) -> None:
    more = (
        "c.Authenticator.update({'username_map': {'ann': 'anna'}, 'blocked_users': {'eve'}, 'auto_login': True, "
        "'enable_auth_state': True, 'username_pattern': 'a.*'})\n"
        "c.KubeSpawner.auth_state_hook = print\nc.OAuthenticator.allow_existing_users = True"
    )
    _, c, _ = moved("oauthenticator.github.GitHubOAuthenticator", tmp_path, more)
    assert c.Authenticator.username_map == {"ann": "anna"}
    assert c.Authenticator.blocked_users == {"eve"}
    assert c.Authenticator.auto_login is True
    assert c.Authenticator.allow_existing_users is True
    assert c.Authenticator.refresh_pre_spawn is True, "OAuthenticator's default where auth_state is kept"
    assert c.HubAuthenticator.auth_state_tokens is True


def test_what_has_no_counterpart_is_told() -> None:
    printed = migrate(
        config(
            "oauthenticator.github.GitHubOAuthenticator",
            {
                **CLIENT,
                "enable_pkce": False,
                "validate_server_cert": False,
                "userdata_token_method": "url",
                "no_such_option": 1,
                "http_request_kwargs": {
                    "ca_certs": "/ca.pem",
                    "proxy_host": "p",
                    "proxy_port": 8080,
                    "max_redirects": 2,
                },
            },
        )
    )
    for option in (
        *("enable_pkce", "validate_server_cert", "userdata_token_method"),
        *("no_such_option", "max_redirects"),
    ):
        assert [line for line in printed.splitlines() if line.strip().startswith("#") and option in line], option


def test_a_class_of_one_s_own_is_told_apart(tmp_path: Path) -> None:
    text = (
        "from oauthenticator.github import GitHubOAuthenticator\n"
        "class Ours(GitHubOAuthenticator):\n"
        "    async def pre_spawn_start(self, user, spawner):\n        pass\n"
        "    def user_info_to_username(self, user_info):\n        return 'x'\n"
        "c.JupyterHub.authenticator_class = Ours\n"
        "c.Ours.client_id = 'x'\nc.Ours.enable_auth_state = True\nc.Ours.client_secret = 'y-canary'\n"
    )
    printed = migrate(text)
    assert "Ours has its own pre_spawn_start" in printed
    assert "Ours has its own user_info_to_username" in printed
    assert "auth_state_tokens = True" in printed
    assert "y-canary" not in printed


def test_multiauthenticator(tmp_path: Path) -> None:
    text = (
        'c.JupyterHub.authenticator_class = "multiauthenticator.multiauthenticator.MultiAuthenticator"\n'
        "c.MultiAuthenticator.authenticators = [\n"
        '  {"authenticator_class": "github", "url_prefix": "/github", "config": {"client_id": "a",'
        ' "client_secret": "k1", "allow_all": True, "username_map": {"ann": "anna"}, "admin_users": {"root"}}},\n'
        '  ("oauthenticator.gitlab.GitLabOAuthenticator", "/corp", {"client_id": "b", "client_secret": "k2",'
        ' "service_name": "Corp", "gitlab_url": "https://gl.example", "allowed_users": {"bob"}}),\n'
        "]\n"
        'c.Authenticator.admin_users = {"github:root"}\n'
    )
    printed = migrate(text)
    for name in ("github", "corp"):
        (tmp_path / f"{name}-client-secret").write_text("s")
    c, registry = loaded(printed, tmp_path)
    assert list(registry.providers) == ["github", "corp"]
    github, corp = registry.provider("github"), registry.provider("corp")
    assert (github.username_prefix, corp.username_prefix) == ("github:", "corp:")
    assert github.allow_all
    assert github.username_map == {"ann": "anna"}
    assert corp.allowed_users == {"bob"}
    assert corp.label == "Corp"
    assert corp.url == "https://gl.example"
    assert c.Authenticator.admin_users == {"github:root"}
    assert "none matched" in printed


def test_multiauthenticator_beside_pam_and_ldap(tmp_path: Path) -> None:
    text = (
        "from jupyterhub.auth import PAMAuthenticator\n"
        'c.JupyterHub.authenticator_class = "multiauthenticator.multiauthenticator.MultiAuthenticator"\n'
        "c.MultiAuthenticator.authenticators = [\n"
        '  (PAMAuthenticator, "/pam", {"service_name": "PAM", "open_sessions": False, "allow_all": True}),\n'
        '  {"authenticator_class": "ldap", "url_prefix": "/ldap", "config": {"service_name": "Campus",\n'
        '   "server_address": "ldap.example", "lookup_dn_search_password": "canary", "allowed_users": {"ann"}}},\n'
        "]\n"
    )
    (tmp_path / "campus-lookup-dn-search-password").write_text("s3cret")
    printed = migrate(text)
    assert "canary" not in printed
    c, registry = loaded(printed, tmp_path)
    pam, ldap = registry.provider("pam"), registry.provider("campus")
    assert (pam.username_prefix, pam.label, pam.allow_all) == ("pam:", "PAM", True)
    assert c.HubAuthenticator.providers["pam"]["config"] == {"open_sessions": False}
    assert (ldap.username_prefix, ldap.allowed_users) == ("campus:", {"ann"})
    assert c.HubAuthenticator.providers["campus"]["config"]["lookup_dn_search_password"] == "s3cret"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("c.JupyterHub.authenticator_class = 'pam'", "neither of OAuthenticator"),
        ("", "neither of OAuthenticator"),
        ("c.JupyterHub.authenticator_class = 'nowhere.to.be.Found'", "cannot be imported"),
    ],
)
def test_other_authenticators_are_refused(text: str, told: str) -> None:
    Path("old.py").write_text(text)
    done = CliRunner().invoke(main, ["migrate", "-f", "old.py"])
    assert done.exit_code == 1
    assert told in done.output


def test_json() -> None:
    told = json.loads(migrate(config("github", {}, "c.OAuthenticator.enable_pkce = False"), "--json"))
    assert 'authenticator_class = "hubauth"' in told["configuration"]
    assert told["notes"][-1] == "github: enable_pkce was left out. PKCE is always used."
    assert "run this where the hub runs" in told["notes"][0]


def test_old_names_are_oauthenticator_s_own() -> None:
    for kind in KINDS:
        cls = _class(kind.cls)
        assert getattr(cls, "user_auth_state_key", kind.key) == kind.key
        assert getattr(cls, "client_id_env", "") == (f"{kind.own_variables}_CLIENT_ID" if kind.own_variables else "")
        aliases = cls._deprecated_oauth_aliases
        known = {**RENAMED.get(kind.cls, {}), **dict.fromkeys(REMOVED.get(kind.cls, ()))}
        assert known.keys() == aliases.keys(), kind.cls


def _class(name: str) -> Any:
    modules = ("auth0", "azuread", "bitbucket", "cilogon", "generic", "github", "gitlab", "globus", "google")
    for module in (*modules, "mediawiki", "openshift"):
        found = __import__(f"oauthenticator.{module}", fromlist=[name])
        if hasattr(found, name):
            return getattr(found, name)
    raise AssertionError(name)
