"""`hubauth check` finds what would go wrong, says what to do about it, and leaves no trace."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from jupyterhub.spawner import LocalProcessSpawner, SimpleLocalProcessSpawner, Spawner
from traitlets.config import Config

from hubauth_core.cli import main
from hubauth_core.cli.check import examine
from hubauth_core.database import open_database
from hubauth_core.hub import needs_system_users
from hubauth_core.names import Prefix
from hubauth_core.sweep import record_prefixes

HUB = 'c.JupyterHub.authenticator_class = "hubauth"\nc.JupyterHub.spawner_class = "simple"\n'
LOCAL = 'c.JupyterHub.bind_url = "http://127.0.0.1:8000"\n'
OIDC = {"type": "oidc", "issuer": "https://sso.example", "client_id": "i", "client_secret": "s", "allow_all": True}


class Elsewhere(Spawner):
    """A spawner that runs nothing on this machine."""

    async def start(self) -> None:
        raise NotImplementedError

    async def stop(self, now: bool = False) -> None:
        raise NotImplementedError

    async def poll(self) -> None:
        raise NotImplementedError


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("JUPYTERHUB_CRYPT_KEY", raising=False)


def providers(**options: dict[str, Any]) -> str:
    return f"c.HubAuthenticator.providers = {options!r}\n"


def found(config: str, level: str = "") -> str:
    """The findings of one level as lines of `about: text`."""
    path = Path("jupyterhub_config.py")
    path.write_text(config)
    return "\n".join(f"{each.about}: {each.text}" for each in examine(path) if level in ("", each.level))


def test_sound_configuration_has_neither_errors_nor_warnings() -> None:
    config = HUB + LOCAL + providers(uni=OIDC)
    assert found(config, "error") == ""
    assert found(config, "warning") == ""


def test_nothing_is_written() -> None:
    found(HUB + LOCAL + providers(uni=OIDC))
    assert [path.name for path in Path().iterdir()] == ["jupyterhub_config.py"]


def test_callback_address_is_told() -> None:
    config = HUB + LOCAL + providers(uni=OIDC)
    assert "http://127.0.0.1:8000/hub/auth/uni/callback" in found(config, "ok")
    assert "https://hub.example/x/hub/auth/uni/callback" in found(
        HUB + 'c.JupyterHub.public_url = "https://hub.example/x/"\n' + providers(uni=OIDC), "ok"
    )


def test_the_addresses_of_the_way_out_are_told() -> None:
    below = "http://127.0.0.1:8000/hub/auth/uni"
    told = found(HUB + LOCAL + providers(uni=OIDC), "ok")
    assert f"(back-channel logout): {below}/backchannel-logout" in told
    assert "logged-out" not in told
    told = found(HUB + LOCAL + providers(uni=OIDC | {"end_session": True, "backchannel_logout": "off"}), "ok")
    assert f"to be registered: {below}/logged-out" in told
    assert "backchannel-logout" not in told


def test_an_icon_that_is_not_there_is_told_with_the_nearest_one() -> None:
    config = HUB + LOCAL + providers(uni=OIDC | {"icon": "gitlap"}, lib=OIDC | {"icon": "github"})
    assert found(config, "warning").count("icon") == 2
    assert "uni: The sign-in page shows no icon: the hub has no brand icon 'gitlap'" in found(config, "warning")
    assert "'gitlab'" in found(config, "warning")


def test_other_authenticator_is_an_error_with_the_line_to_write() -> None:
    assert 'c.JupyterHub.authenticator_class = "hubauth"' in found(
        'c.JupyterHub.authenticator_class = "dummy"', "error"
    )


def test_every_broken_provider_is_told_not_only_the_first() -> None:
    errors = found(HUB + LOCAL + providers(a={"type": "oidcc"}, b={**OIDC, "isuer": "x"}, c=OIDC), "error")
    assert "a: " in errors
    assert "Did you mean 'oidc'?" in errors
    assert "b: " in errors
    assert "Did you mean 'issuer'?" in errors


def test_broken_provider_is_a_warning_where_the_hub_starts_without_it() -> None:
    config = HUB + LOCAL + providers(a={"type": "oidcc"}, b=OIDC)
    config += 'c.HubAuthenticator.on_broken_provider = "disable"\n'
    assert "a: " in found(config, "warning")
    assert found(config, "error") == ""


def test_misspelt_option_of_the_authenticator() -> None:
    config = HUB + LOCAL + providers(uni=OIDC) + "c.HubAuthenticator.plugin = []\n"
    assert "Did you mean 'plugins'?" in found(config, "error")


def test_no_provider_at_all() -> None:
    assert "no provider is configured" in found(HUB + LOCAL + providers(), "error")


def test_two_providers_without_prefix_clash() -> None:
    bare = {**OIDC, "username_prefix": ""}
    assert "usernames: " in found(HUB + LOCAL + providers(a=bare, b=bare), "error")


def test_prefix_that_differs_from_the_recorded_one() -> None:
    database = open_database("sqlite:///hubauth.sqlite")
    record_prefixes(database, {"uni": Prefix("", explicit=False)})
    database.close()
    errors = found(HUB + LOCAL + providers(uni=OIDC, second={**OIDC, "issuer": "https://two.example"}), "error")
    assert '"username_prefix": ""' in errors


def test_prefix_with_a_spawner_of_system_users() -> None:
    config = HUB + LOCAL + providers(a={**OIDC, "username_prefix": ""}, b=OIDC)
    assert found(config, "error") == ""
    errors = found(config + "c.JupyterHub.spawner_class = 'localprocess'\n", "error")
    assert "LocalProcessSpawner" in errors
    assert "b ('b-')" in errors
    assert "a (" not in errors


@pytest.mark.parametrize(
    ("base", "module", "needed"),
    [
        (LocalProcessSpawner, "mine", True),
        (SimpleLocalProcessSpawner, "mine", False),
        (Elsewhere, "kubespawner.spawner", False),
        (Elsewhere, "systemdspawner.systemdspawner", True),
    ],
)
def test_which_spawners_need_system_users(base: type, module: str, needed: bool) -> None:
    cls = type("Mine", (base,), {"__module__": module})
    assert needs_system_users(cls, Config()) is needed


def test_dynamic_users_of_systemd_are_no_system_users() -> None:
    cls = type("SystemdSpawner", (Elsewhere,), {"__module__": "systemdspawner"})
    assert not needs_system_users(cls, Config(SystemdSpawner={"dynamic_users": True}))


def test_rules_that_let_nobody_in() -> None:
    shut = {**OIDC, "allow_all": False}
    assert "uni: No rule lets anybody in" in found(HUB + LOCAL + providers(uni=shut), "error")
    assert "uni: No rule lets anybody in through this provider" in found(
        HUB + LOCAL + providers(uni=shut, other=OIDC), "warning"
    )
    assert found(HUB + LOCAL + providers(uni=shut) + "c.Authenticator.admin_users = {'ann'}\n", "error") == ""
    assert found(HUB + LOCAL + providers(uni={**shut, "allowed_users": ["ann"]}), "error") == ""


def test_accounts_that_can_only_be_connected_need_no_rule() -> None:
    music = {"type": "social", "backend": "lastfm", "settings": {"KEY": "k", "SECRET": "s"}}
    told = found(HUB + LOCAL + providers(uni=OIDC, music=music))
    assert "No rule" not in told
    assert "registered with Last.fm: http://127.0.0.1:8000/hub/auth/music/callback" in told


def test_age_of_zero_switches_off_the_refresh_before_a_spawn() -> None:
    zero = HUB + LOCAL + providers(uni=OIDC) + "c.Authenticator.auth_refresh_age = 0\n"
    assert "switches refresh_pre_spawn off" in found(zero + "c.Authenticator.refresh_pre_spawn = True\n", "warning")
    assert "who was let in stays in" in found(zero, "warning")


def test_auth_state_needs_crypt_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    config = HUB + LOCAL + providers(uni=OIDC) + "c.Authenticator.enable_auth_state = True\n"
    assert "JUPYTERHUB_CRYPT_KEY" in found(config, "error")
    assert found(config + f"c.CryptKeeper.keys = ['{'ab' * 32}']\n", "error") == ""
    monkeypatch.setenv("JUPYTERHUB_CRYPT_KEY", "ab" * 32)
    assert found(config, "error") == ""
    monkeypatch.setenv("JUPYTERHUB_CRYPT_KEY", "short")
    assert "The crypt keys cannot be used" in found(config, "error")


def test_options_that_need_stored_credentials_are_an_error_without_crypt_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    config = HUB + LOCAL + providers(uni=OIDC) + "c.HubAuthenticator.git_credential_helper = True\n"
    assert "git_credential_helper needs stored credentials" in found(config, "error")
    monkeypatch.setenv("JUPYTERHUB_CRYPT_KEY", "ab" * 32)
    assert found(config, "error") == ""


def test_public_url_is_wanted_where_the_hub_is_reachable_from_outside() -> None:
    config = HUB + providers(uni=OIDC)
    assert "public_url" in found(config, "warning")
    assert found(config + 'c.JupyterHub.public_url = "https://hub.example/"\n', "warning") == ""


def test_wrapped_authenticator_with_a_flow_of_its_own() -> None:
    wrapped = {
        "type": "authenticator",
        "authenticator_class": "github",
        "config": {"client_id": "i", "client_secret": "s"},
        "allow_all": True,
    }
    assert "has its own flow" in found(HUB + LOCAL + providers(gh=wrapped), "warning")


def test_rule_beside_a_wrapped_authenticator_that_lets_everybody_in() -> None:
    wrapped = {"type": "authenticator", "authenticator_class": "dummy", "config": {"password": "p"}}
    beside = found(HUB + LOCAL + providers(guests={**wrapped, "allowed_users": ["guest"]}), "warning")
    assert "keep nobody out" in beside
    wrapped["config"] = {"password": "p", "allowed_users": {"guest"}}
    assert "keep nobody out" not in found(HUB + LOCAL + providers(guests=wrapped), "warning")


def test_scopes_that_are_granted() -> None:
    plain = HUB + LOCAL + providers(uni=OIDC)
    assert "The roles user and server lack custom:hubauth:credentials:read!user" in found(plain, "ok")
    assert "configure(c)." in found(plain, "ok")
    granted = plain + "from hubauth_core import configure\nconfigure(c)\n"
    assert "can read their own credentials" in found(granted, "ok")
    wide = granted + ('c.JupyterHub.load_roles += [{"name": "wide", "scopes": ["custom:hubauth:credentials:read"]}]\n')
    assert "'wide' can read the stored credentials of every user" in found(wide, "warning")


@pytest.mark.parametrize("option", ["git_credential_helper = True", 'spawner_files = {"~/t": "uni"}'])
def test_what_servers_cannot_ask_for_is_a_warning(option: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTERHUB_CRYPT_KEY", "ab" * 32)
    config = HUB + LOCAL + providers(uni=OIDC) + f"c.HubAuthenticator.{option}\n"
    told = f"c.HubAuthenticator.{option.partition(' ')[0]} does nothing while the role server lacks"
    assert told in found(config, "warning")
    assert "does nothing" not in found(config + "from hubauth_core import configure\nconfigure(c)\n")


def test_services_that_read_credentials_are_listed() -> None:
    config = HUB + LOCAL + providers(uni=OIDC)
    assert "Services" not in found(config, "ok")
    config += """
SCOPE = "custom:hubauth:credentials:read"
c.JupyterHub.services = [
    {"name": "binder", "oauth_client_allowed_scopes": [SCOPE + "!user"]}, {"name": "wide"}, {"name": "narrow"},
]
c.JupyterHub.load_roles = [
    {"name": "all", "scopes": [SCOPE], "services": ["wide"]},
    {"name": "staff", "scopes": [SCOPE + "!group=staff"], "services": ["narrow"]},
]
"""
    told = "wide (role all: everybody's), narrow (role staff: group=staff), binder (those of whoever signs in to it)."
    assert told in found(config, "ok")


def test_configuration_is_not_there() -> None:
    result = CliRunner().invoke(main, ["check", "--offline"])
    assert result.exit_code == 1
    assert "Name the hub's configuration with -f" in result.output


@pytest.mark.parametrize(("config", "code"), [(HUB + LOCAL + providers(uni=OIDC), 0), (HUB + LOCAL + providers(), 1)])
def test_exit_code_and_json(config: str, code: int) -> None:
    Path("jupyterhub_config.py").write_text(config)
    result = CliRunner().invoke(main, ["check", "--offline", "--json"])
    told = json.loads(result.output)
    assert result.exit_code == code
    assert told["errors"] == code
    assert {"level", "about", "text"} == told["findings"][0].keys()


def test_worst_stands_first() -> None:
    Path("jupyterhub_config.py").write_text(HUB + providers(a={"type": "oidcc"}, b=OIDC))
    lines = CliRunner().invoke(main, ["check", "--offline"]).output.splitlines()
    assert lines[0].startswith("error    a: ")
    assert lines[-1] == "1 error, 1 warning."


@pytest.mark.parametrize("users", [0, 3])
def test_hub_with_users_is_told_of_init_before_the_first_start_only(users: int) -> None:
    with sqlite3.connect("jupyterhub.sqlite") as hub:
        hub.execute("CREATE TABLE users (id INTEGER, name TEXT)")
        hub.executemany("INSERT INTO users VALUES (?, ?)", [(number, f"user{number}") for number in range(users)])
    config = HUB + LOCAL + providers(uni=OIDC)
    told = found(config, "warning")
    assert ("has 3 users" in told and "hubauth init" in told) == bool(users)
    assert not Path("hubauth.sqlite").exists()
    open_database("sqlite:///hubauth.sqlite").close()
    assert "hubauth init" not in found(config, "warning")


# First sign-ins, and the way to the page of connections.

PAGES = {"type": "authenticator", "authenticator_class": "github", "config": {"client_id": "i", "client_secret": "s"}}


@pytest.mark.parametrize(("role", "wrong"), [("grader", False), ("teacher", False), ("graders", True), ("admin", True)])
def test_a_role_that_is_none_is_told_before_the_hub_starts(role: str, wrong: bool) -> None:
    managed = "c.Authenticator.manage_roles = True\n"
    managed += "c.HubAuthenticator.managed_roles = [{'name': 'teacher', 'scopes': []}]\n"
    managed += "c.JupyterHub.load_roles = [{'name': 'grader', 'scopes': []}]\n"
    uni = OIDC | {"groups_claim": "groups", "role_map": {"staff": role}}
    errors = found(HUB + LOCAL + providers(uni=uni) + managed, "error")
    assert (f"role {role!r}" in errors or f"{role!r} is no role" in errors) is wrong


def test_codes_that_nobody_is_asked_for_are_told() -> None:
    config = HUB + LOCAL + providers(uni=OIDC) + "c.Authenticator.request_otp = True\n"
    assert "put request_otp = True into the config of the wrapped" in found(config, "warning")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"uni": OIDC, "pages": PAGES | {"first_login": "choose"}}, 'pages: first_login = "choose" turns everybody'),
        ({"uni": OIDC, "pages": PAGES | {"first_login": "link"}}, "which cannot connect an account"),
        ({"uni": OIDC, "two": OIDC | {"first_login": "link", "linkable": False}}, 'two: first_login = "link" turns'),
        ({"uni": OIDC | {"first_login": "link"}}, "there is no other way to sign in first"),
        ({"uni": OIDC | {"first_login": "link"}, "two": OIDC | {"first_login": "refuse"}}, "lets anybody new in"),
    ],
)
def test_a_policy_under_which_nobody_new_gets_in_is_told(options: dict[str, Any], says: str) -> None:
    assert says in found(HUB + LOCAL + providers(**options), "warning")


@pytest.mark.parametrize("policy", ["create", "choose", "link", "refuse"])
def test_a_policy_beside_a_provider_that_lets_people_in_is_fine(policy: str) -> None:
    config = HUB + LOCAL + providers(uni=OIDC | {"username_prefix": ""}, two=OIDC | {"first_login": policy})
    assert "first" not in found(config, "warning")


@pytest.mark.parametrize(
    ("page", "told"),
    [
        ('{% extends "templates/page.html" %}', True),
        ('{% extends "hubauth-page.html" %}', False),
        ('{% extends "templates/page.html" %}{% include "hubauth-nav.html" %}', False),
        (None, False),
    ],
)
def test_a_page_frame_without_the_entry_for_connections_is_told(page: str | None, told: bool, tmp_path: Path) -> None:
    folder = tmp_path / "templates"
    folder.mkdir()
    if page is not None:
        (folder / "page.html").write_text(page)
    config = HUB + LOCAL + providers(uni=OIDC) + f"c.JupyterHub.template_paths = [{str(folder)!r}]\n"
    assert ("has no entry for /hub/connections" in found(config, "warning")) is told


@pytest.mark.parametrize(("name", "told"), [("unj", "Did you mean 'uni'?"), ("pam", "only a type with redirect_url")])
def test_the_old_callback_address_belongs_to_a_provider_that_can_have_it(name: str, told: str) -> None:
    both = providers(uni=OIDC, pam={"type": "authenticator", "authenticator_class": "pam", "username_prefix": "p-"})
    config = HUB + LOCAL + both + f"c.HubAuthenticator.oauth_callback_provider = {name!r}\n"
    assert told in found(config, "error")
    assert "oauth_callback_provider" in found(config, "error")


def test_the_old_callback_address_is_told_and_must_have_its_provider() -> None:
    config = HUB + LOCAL + providers(uni=OIDC, lib=OIDC | {"username_prefix": "lib-"})
    old = config + "c.HubAuthenticator.oauth_callback_provider = 'uni'\n"
    assert (
        "uni: Its callback address, to be registered with OpenID Connect: http://127.0.0.1:8000/hub/oauth_callback"
        in (found(old, "ok"))
    )
    assert "http://127.0.0.1:8000/hub/auth/lib/callback" in found(old, "ok")
    url = "https://hub.example/hub/oauth_callback"
    assert f"uni: Nothing answers at {url}" in found(HUB + LOCAL + providers(uni=OIDC | {"redirect_url": url}), "error")
