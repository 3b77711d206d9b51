"""`hubauth check` says who may enter, what lets in too many, and whether sources answer."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from hubauth_core.cli import reach_rules
from hubauth_core.cli.check import examine
from hubauth_core.cli.inspected import Finding
from hubauth_core.registry import Registry

HUB = 'c.JupyterHub.authenticator_class = "hubauth"\nc.JupyterHub.spawner_class = "simple"\n'
CLIENT = {"client_id": "i", "client_secret": "canary"}
UNI: dict[str, Any] = {"type": "oidc", "issuer": "https://sso.example", "label": "Uni", **CLIENT}


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("JUPYTERHUB_CRYPT_KEY", raising=False)


def told(level: str, more: str = "", **providers: dict[str, Any]) -> str:
    path = Path("jupyterhub_config.py")
    path.write_text(f"{HUB}c.HubAuthenticator.providers = {providers!r}\n{more}\n")
    return "\n".join(f"{each.about}: {each.text}" for each in examine(path) if each.level == level)


def test_who_may_enter_stands_there_in_words() -> None:
    uni = {
        **UNI,
        "allowed_users": ["ann", "id:7"],
        "allowed_groups": ["staff"],
        "groups_claim": "groups",
        "admin_groups": ["ops"],
        "required_email_domains": ["uni.example"],
        "require_verified_email": True,
        "required_claims": {"kind": ["person", "guest"]},
        "blocked_users": ["eve"],
        "first_login": "refuse",
    }
    assert (
        "uni: May enter: groups staff; users ann, id:7; groups ops. Only if: claims kind = person or guest; "
        "email domains uni.example; an e-mail address that is verified. Never: eve. Administrators: groups ops. "
        'Nobody new (first_login = "refuse").'
    ) in told("ok", uni=uni)


def test_rules_of_a_type_are_told_with_the_others() -> None:
    github = {**CLIENT, "allowed_organizations": ["org", "other:team"]}
    assert "github: May enter: organizations org, other:team." in told("ok", github=github)
    assert "uni: May enter: everybody with an account at Uni." in told("ok", uni={**UNI, "allow_all": True})
    assert "uni: No rule here lets anybody in." in told("ok", uni=UNI)


@pytest.mark.parametrize(
    ("options", "warned"),
    [
        ({"allow_all": True}, True),
        ({"allow_all": True, "required_organizations": ["org"]}, False),
        ({"allow_all": True, "first_login": "link"}, False),
        ({"allow_all": True, "url": "https://ghe.example"}, False),
        ({"allowed_users": ["ann"]}, False),
    ],
)
def test_everybody_in_the_world(options: dict[str, Any], warned: bool) -> None:
    assert ("everybody in the world" in told("warning", github={**CLIENT, **options})) is warned


@pytest.mark.parametrize(
    ("backend", "settings", "warned"),
    [
        ("reddit", {}, True),
        ("azuread-v2-tenant-oauth2", {"TENANT_ID": "t"}, False),
        ("google-oauth2", {"WHITELISTED_DOMAINS": ["uni.example"]}, False),
        ("okta-oauth2", {"API_URL": "https://uni.okta.example/oauth2"}, False),
    ],
)
def test_everybody_in_the_world_has_a_social_account(backend: str, settings: dict[str, Any], warned: bool) -> None:
    pytest.importorskip("hubauth_social")
    one = {"type": "social", "backend": backend, "settings": {"KEY": "k", "SECRET": "s", **settings}, "allow_all": True}
    assert ("everybody in the world" in told("warning", one=one)) is warned


def test_everybody_in_the_world_by_a_rule_of_the_hub() -> None:
    warned = told("warning", "c.Authenticator.allow_all = True", github=CLIENT, uni=UNI)
    assert "github: c.Authenticator.allow_all lets in everybody in the world" in warned
    assert "uni: c.Authenticator" not in warned


def test_what_travels_in_the_clear() -> None:
    uni = {**UNI, "issuer": "http://sso.corp", "allow_insecure_hosts": ["sso.corp"], "allow_all": True}
    warned = told("warning", 'c.JupyterHub.public_url = "http://hub.corp/"', uni=uni)
    assert "uni: http://sso.corp is asked without encryption" in warned
    assert "address: c.JupyterHub.public_url" in warned


def test_addresses_as_usernames() -> None:
    assert "Usernames are e-mail addresses" in told(
        "warning", uni={**UNI, "allow_all": True, "username_claim": "email"}
    )
    assert "e-mail addresses" not in told("warning", uni={**UNI, "allow_all": True})


# Whether sources answer.

METADATA = {
    "issuer": "https://sso.example",
    "authorization_endpoint": "https://sso.example/a",
    "token_endpoint": "https://sso.example/t",
    "userinfo_endpoint": "https://sso.example/u",
    "jwks_uri": "https://sso.example/k",
}


def look(options: dict[str, Any] | None = None, **answers: httpx.Response | Exception) -> Finding:
    """What is said of a source that answers so, by the last part of the path."""
    usual: dict[str, httpx.Response | Exception] = {
        "openid-configuration": httpx.Response(200, json=METADATA),
        "k": httpx.Response(200, json={"keys": [{"kty": "RSA"}]}),
        "t": httpx.Response(405),
        "u": httpx.Response(401),
    }

    def answer(request: httpx.Request) -> httpx.Response:
        found = (usual | answers).get(request.url.path.rpartition("/")[2], httpx.Response(404))
        if isinstance(found, Exception):
            raise found
        return httpx.Response(found.status_code, headers=found.headers, stream=httpx.ByteStream(found.content))

    registry = Registry()
    registry.configure({"uni": {**UNI, **(options or {})}})
    provider: Any = registry.provider("uni")
    provider.api.transport = httpx.MockTransport(answer)
    return asyncio.run(reach_rules._one("uni", provider))


def test_a_source_that_answers() -> None:
    found = look()
    assert found == Finding(
        "ok",
        "uni",
        "Answers: discovery of https://sso.example, keys at https://sso.example/k, "
        "token endpoint https://sso.example/t, userinfo endpoint https://sso.example/u.",
    )


def test_a_source_that_nobody_can_be_signed_out_at() -> None:
    warned = look({"end_session": True})
    assert warned.level == "warning"
    assert "set end_session_url" in warned.text
    assert look({"end_session": True, "end_session_url": "https://sso.example/out"}).level == "ok"


@pytest.mark.parametrize(
    ("answers", "last"),
    [
        ({"openid-configuration": httpx.ConnectError("refused")}, "discovery of"),
        (
            {"openid-configuration": httpx.Response(200, json={**METADATA, "issuer": "https://other.example"})},
            "discovery of",
        ),
        ({"k": httpx.Response(404)}, "keys at"),
        ({"k": httpx.Response(200, json={"keys": []})}, "keys at"),
        ({"t": httpx.Response(502)}, "token endpoint"),
        ({"u": httpx.ReadTimeout("slow")}, "userinfo endpoint"),
    ],
)
def test_a_source_that_does_not(answers: dict[str, Any], last: str) -> None:
    found = look(**answers)
    assert found.level == "error"
    before, _, failed = found.text.partition("Does not: ")
    assert failed.startswith(f"{last} https://sso.example")
    assert last not in before
    assert "canary" not in found.text


def test_a_source_that_says_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach_rules, "PATIENCE", 0.0)
    found = look()
    assert found.level == "error"
    assert "no answer within" in found.text


def test_only_the_command_asks_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    async def one(name: str, provider: object) -> Finding:
        asked.append(name)
        return Finding("error", name, "Does not: anything.")

    monkeypatch.setattr(reach_rules, "_one", one)
    told("ok", uni={**UNI, "allow_all": True}, lib={**UNI, "allow_all": True})
    assert asked == []
    found = examine(Path("jupyterhub_config.py"), network=True)
    assert asked == ["uni", "lib"]
    assert [each.level for each in found][:2] == ["error", "error"]
