"""What the hub asks after a sign-in: each call reaches the wrapped one with the source's own username."""

from __future__ import annotations

import inspect
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pamela
import pytest
from jupyterhub.auth import Authenticator, DummyAuthenticator, LocalAuthenticator, PAMAuthenticator
from jupyterhub.handlers.login import LogoutHandler
from oauthenticator.generic import GenericOAuthenticator
from oauthenticator.globus import GlobusOAuthenticator
from tornado import web
from tornado.httpclient import HTTPClientError

from hubauth_core.errors import ProviderError
from hubauth_core.types import (
    Decision,
    Identity,
    ReauthRequired,
    RefreshedIdentity,
    Refused,
    Unavailable,
    Unchanged,
    Updated,
)

from .wrapping import ANN, Wrapped, call, hub_user


class Witness(DummyAuthenticator):
    """Notes every call about a user, and answers refreshes with what the test sets."""

    calls: list[Any] = []
    refreshed: Any = True

    def add_user(self, user: Any) -> None:
        self.calls.append(("add_user", user.name, user.id))

    async def delete_user(self, user: Any) -> None:
        self.calls.append(("delete_user", user.name, user.id))

    async def pre_spawn_start(self, user: Any, spawner: Any) -> None:
        self.calls.append(("pre_spawn_start", user.name, await user.get_auth_state()))
        spawner.environment["FROM"] = user.name
        await user.save_auth_state({"saved": "now"})

    def post_spawn_stop(self, user: Any, spawner: Any) -> None:
        self.calls.append(("post_spawn_stop", user.name, spawner))

    def is_admin(self, handler: Any, authentication: Any) -> Any:
        self.calls.append(("is_admin", authentication["name"]))
        return None

    def check_blocked_users(self, username: str, authentication: Any = None) -> bool:
        self.calls.append(("check_blocked_users", username))
        return super().check_blocked_users(username, authentication)

    async def refresh_user(self, user: Any, handler: Any = None) -> Any:
        self.calls.append(("refresh_user", user.name, await user.get_auth_state()))
        if isinstance(self.refreshed, Exception):
            raise self.refreshed
        return self.refreshed


async def test_each_call_is_about_the_sources_own_name(wrap: Wrapped) -> None:
    provider = wrap(Witness)
    spawner = SimpleNamespace(environment={})
    await provider.user_added(ANN, call())
    await provider.pre_spawn(ANN, call({"token": 1}, spawner=spawner))
    await provider.post_stop(ANN, call(spawner=spawner))
    await provider.user_deleted(ANN, call())
    assert provider.inner.calls == [
        ("add_user", "ann", 4),
        ("pre_spawn_start", "ann", {"token": 1}),
        ("post_spawn_stop", "ann", spawner),
        ("delete_user", "ann", 4),
    ]
    assert spawner.environment == {"FROM": "ann"}


async def test_what_is_saved_before_a_spawn_is_kept(wrap: Wrapped) -> None:
    provider = wrap(Witness)
    await provider.pre_spawn(ANN, call({"token": 1}, spawner=SimpleNamespace(environment={})))
    assert provider.parent.kept == (("here", "ann"), {"saved": "now"})


async def test_wrapped_code_cannot_change_the_hub_user(wrap: Wrapped) -> None:
    class Promoter(DummyAuthenticator):
        def add_user(self, user: Any) -> None:
            user.admin = True

    user = hub_user()
    await wrap(Promoter).user_added(ANN, replace(call(), user=user))
    assert not hasattr(user, "admin")


async def test_adding_everybody_at_every_start_changes_no_rule(wrap: Wrapped) -> None:
    provider = wrap(DummyAuthenticator, {"allowed_users": {"ben"}})
    for _ in range(2):
        await provider.user_added(ANN, call())
    assert provider.inner.allowed_users == {"ben"}


async def test_system_user_of_the_sources_name_is_looked_for(wrap: Wrapped, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_for = []
    monkeypatch.setattr(LocalAuthenticator, "system_user_exists", lambda self, user: not looked_for.append(user.name))
    await wrap(PAMAuthenticator).user_added(ANN, call())
    assert looked_for == ["ann"]


async def test_the_admin_is_told_why_an_account_cannot_be_set_up(
    wrap: Wrapped, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(LocalAuthenticator, "system_user_exists", lambda self, user: False)
    with pytest.raises(ProviderError, match="cannot set up your account") as told:
        await wrap(PAMAuthenticator).user_added(ANN, call())
    assert told.value.code == "add_user_failed"
    assert "create_system_users" in capfd.readouterr().err


async def test_pam_session_is_that_of_the_source(wrap: Wrapped, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []
    monkeypatch.setattr(pamela, "open_session", lambda name, **options: opened.append(name))
    await wrap(PAMAuthenticator, {"open_sessions": True}).pre_spawn(ANN, call(spawner=SimpleNamespace()))
    assert opened == ["ann"]


# Refresh.


async def refreshed(wrap: Wrapped, answer: Any, config: Any = None, state: Any = None, **options: Any) -> Any:
    provider = wrap(Witness, config, **options)
    provider.inner.refreshed = answer
    return await provider.refresh_identity(ANN, None, call(state))


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (True, Unchanged()),
        (False, ReauthRequired("refused_by_source")),
        (None, ReauthRequired("refused_by_source")),
        (web.HTTPError(401), ReauthRequired("expired")),
        (web.HTTPError(403), Refused("not_allowed")),
        (web.HTTPError(502), Unavailable()),
        (HTTPClientError(599), Unavailable()),
        (HTTPClientError(429), Unavailable()),
        (ConnectionResetError(), Unavailable()),
        (KeyError("a fault of theirs"), Unavailable()),
    ],
    ids=str,
)
async def test_outcomes_of_a_refresh(wrap: Wrapped, answer: Any, outcome: RefreshedIdentity) -> None:
    assert await refreshed(wrap, answer) == outcome


async def test_refresh_finds_the_auth_state_it_needs(wrap: Wrapped) -> None:
    provider = wrap(Witness)
    await provider.refresh_identity(ANN, None, call({"refresh_token": "r"}))
    assert provider.inner.calls[0] == ("refresh_user", "ann", {"refresh_token": "r"})


async def test_a_new_model_passes_the_wrapped_rules_again(wrap: Wrapped) -> None:
    model = {"name": "Ann", "auth_state": {"new": 1}, "groups": ["g"], "admin": False}
    rules = {"allowed_users": {"ann"}, "manage_groups": True}
    decided = Decision(allowed=True, admin=False, groups=frozenset({"g"}))
    outcome = await refreshed(wrap, model, rules)
    assert outcome == Updated(replace(ANN, groups=frozenset({"g"})), decision=decided, state={"new": 1})
    assert await refreshed(wrap, model, {"blocked_users": {"ann"}}) == Refused("not_allowed")
    assert await refreshed(wrap, model, {"allowed_users": {"ben"}}) == Refused("not_allowed")
    assert isinstance(await refreshed(wrap, model, {"allowed_users": {"ben"}}, allow_all=True), Updated)


async def test_who_was_taken_out_of_the_wrapped_rules_is_out(wrap: Wrapped) -> None:
    assert await refreshed(wrap, True, {"allowed_users": {"ben"}}) == Refused("not_allowed")
    assert await refreshed(wrap, True, {"blocked_users": {"ann"}}) == Refused("not_allowed")


@pytest.mark.row("V05", "V17")
async def test_who_was_taken_out_of_the_wrapped_rules_is_not_confirmed_by_a_rule_for_others(wrap: Wrapped) -> None:
    rules = {"allowed_users": {"ben"}}
    for answer in (True, {"name": "ann"}):
        assert await refreshed(wrap, answer, rules, allowed_users={"carl"}) == Updated(ANN, decision=None)


async def test_a_partial_model_keeps_what_it_does_not_name(wrap: Wrapped) -> None:
    outcome = await refreshed(wrap, {"admin": True}, state={"old": 1})
    assert isinstance(outcome, Updated)
    assert (outcome.identity, outcome.state) == (ANN, {"old": 1})
    assert outcome.decision == Decision(allowed=True, admin=True)


@pytest.mark.row("V36")
async def test_somebody_else_s_model_is_not_taken(wrap: Wrapped) -> None:
    assert await refreshed(wrap, {"name": "eve"}) == ReauthRequired("somebody_else")
    answer = {"name": "ann", "auth_state": {"user": {"id": 8}}}
    provider = wrap(Witness, subject_key="user.id")
    provider.inner.refreshed = answer
    seven = Identity(provider="here", subject="7", username="ann")
    assert await provider.refresh_identity(seven, None, call()) == ReauthRequired("somebody_else")


async def test_a_person_renamed_at_the_source_stays_the_same(wrap: Wrapped) -> None:
    provider = wrap(Witness, subject_key="user.id")
    provider.inner.refreshed = {"name": "anna", "auth_state": {"user": {"id": 7}}}
    seven = Identity(provider="here", subject="7", username="ann")
    outcome = await provider.refresh_identity(seven, None, call())
    assert isinstance(outcome, Updated)
    assert outcome.identity.username == "anna"


def token_source(monkeypatch: pytest.MonkeyPatch, provider: Any, users: dict[str, dict[str, str]]) -> list[Any]:
    """Stands for the network of a wrapped OAuthenticator: access token -> user; refreshing gives `new`."""
    asked: list[Any] = []

    async def token_to_user(token_info: dict[str, str]) -> dict[str, str]:
        asked.append(token_info["access_token"])
        if token_info["access_token"] not in users:
            raise HTTPClientError(401)
        return users[token_info["access_token"]]

    async def get_token_info(handler: Any, params: dict[str, str]) -> dict[str, str]:
        asked.append(params["refresh_token"])
        return {"access_token": "new", "token_type": "bearer"}

    monkeypatch.setattr(provider.inner, "token_to_user", token_to_user)
    monkeypatch.setattr(provider.inner, "get_token_info", get_token_info)
    return asked


@pytest.mark.usefixtures("crypt_keys")
async def test_wrapped_oauthenticator_renews_its_token(wrap: Wrapped, monkeypatch: pytest.MonkeyPatch) -> None:
    provider = wrap(GenericOAuthenticator, {"allow_all": True, "username_claim": "name"})
    asked = token_source(monkeypatch, provider, {"new": {"sub": "7", "name": "ann"}})
    state = {"token_response": {"access_token": "old", "token_type": "bearer"}, "refresh_token": "r"}
    seven = Identity(provider="here", subject="7", username="ann")
    outcome = await provider.refresh_identity(seven, None, call(state))
    assert asked == ["old", "r", "new"]
    assert isinstance(outcome, Updated)
    assert outcome.state is not None
    assert outcome.state["refresh_token"] == "r"
    assert outcome.state["access_token"] == "new"
    assert await provider.refresh_identity(seven, None, call(None)) == ReauthRequired("refused_by_source")


async def test_without_keys_nothing_is_kept_and_nobody_is_signed_out(wrap: Wrapped) -> None:
    provider = wrap(GenericOAuthenticator, {"allow_all": True})
    assert not provider.inner.enable_auth_state
    assert await provider.refresh_identity(ANN, None, call(None)) == Unchanged()


@pytest.mark.usefixtures("crypt_keys")
async def test_mediawiki_which_cannot_refresh_is_not_asked_to(wrap: Wrapped) -> None:
    provider = wrap("mediawiki", {"allow_all": True})
    assert await provider.refresh_identity(ANN, None, call({"ACCESS_TOKEN_KEY": "k"})) == Unchanged()


# Logout.


async def test_logout_of_the_wrapped_one_sees_its_own_user_and_state(wrap: Wrapped) -> None:
    provider = wrap(GlobusOAuthenticator, {"revoke_tokens_on_logout": True})
    revoked = []

    async def revoke(services: Any) -> None:
        revoked.append(services)

    provider.inner.revoke_service_tokens = revoke
    handler = SimpleNamespace(
        request=SimpleNamespace(),
        application=SimpleNamespace(settings={}),
        cleared=[],
    )
    handler.set_cookie = lambda name, *args, **options: handler.cleared.append(name)
    handler._jupyterhub_user = hub_user()
    handler.hubauth_hub = SimpleNamespace(base_url="/hub/", cookie_name="jupyterhub-hub-login")
    handler.application.settings = {"hub": handler.hubauth_hub}
    await provider.logged_out(ANN, call({"tokens": {"a": "t"}}, handler=handler))
    assert revoked == [{"a": "t"}]
    assert provider.parent.kept == (("here", "ann"), {"tokens": {}})
    assert handler.cleared == ["source-here-oauthenticator-state"]


def test_where_the_browser_goes_after_logout(wrap: Wrapped) -> None:
    class Elsewhere(LogoutHandler):
        async def render_logout_page(self) -> None:
            self.redirect("https://cas.example/logout")

    class Cas(Authenticator):
        def get_handlers(self, app: Any) -> list[Any]:
            return [("/logout", Elsewhere)]

    class Named(Authenticator):
        def logout_url(self, base_url: str) -> str:
            return "https://sso.example/logout"

    assert wrap("dummy").logout_url(None, "/") is None
    assert wrap("github").logout_url(None, "/") is None
    assert wrap("github", {"logout_redirect_url": "https://idp.example/out"}).logout_url(None, "/") == (
        "https://idp.example/out"
    )
    assert wrap(Cas, reusable_names=True).logout_url(None, "/") == "/hub/auth/here/logout"
    assert wrap(Named, reusable_names=True).logout_url(None, "/") == "https://sso.example/logout"


def test_nothing_that_a_hub_asks_of_an_authenticator_is_forgotten() -> None:
    """Fails when JupyterHub learns to call something new: then it needs a place here, or a reason."""
    asked = {name for name, _ in inspect.getmembers(Authenticator, inspect.isfunction) if not name.startswith("_")}
    asked -= set(dir(type("Plain", (Authenticator.__mro__[1],), {})))
    delegated = {
        "add_user",
        "delete_user",
        "pre_spawn_start",
        "post_spawn_stop",
        "refresh_user",
        "get_custom_html",
        "get_handlers",
        "login_url",
        "logout_url",
        "get_authenticated_user",
        "check_allow_config",
    }
    inside_the_pipeline = {
        "authenticate",
        "normalize_username",
        "validate_username",
        "check_blocked_users",
        "check_blacklist",
        "check_allowed",
        "check_whitelist",
        "is_admin",
        "run_post_auth_hook",
    }
    roles_are_the_hubs = {"load_managed_roles"}
    assert asked == delegated | inside_the_pipeline | roles_are_the_hubs
