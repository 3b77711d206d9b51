"""Forms of wrapped authenticators: what is shown, what they get, what comes out."""

from __future__ import annotations

import asyncio
import threading
from types import SimpleNamespace
from typing import Any

import pamela
import pytest
from jupyterhub.auth import Authenticator, DummyAuthenticator, PAMAuthenticator
from ldapauthenticator import LDAPAuthenticator
from tornado import web

from hubauth_core.errors import LoginRefused, ProviderError, ProviderUnavailable
from hubauth_core.types import PASSWORD_FORM, Decision, Form, Request

from .wrapping import Wrapped, posted, sign_in, transaction


class Recording(DummyAuthenticator):
    """Notes what it is given."""

    data: Any = None
    handler: Any = None

    async def authenticate(self, handler: Any, data: Any) -> Any:
        self.data, self.handler = data, handler
        return None if data.get("password") == "wrong" else data["username"]


class Answering(Authenticator):
    """Answers with what the test sets."""

    answer: Any = None

    async def authenticate(self, handler: Any, data: Any) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def answering(wrap: Wrapped, answer: Any, config: Any = None, **options: Any) -> Any:
    provider = wrap(Answering, {"allow_all": True} | (config or {}), **{"reusable_names": True, **options})
    provider.inner.answer = answer
    return provider


# What is shown.


async def test_password_form(wrap: Wrapped) -> None:
    assert await wrap(DummyAuthenticator).begin_login(Request(), transaction()) == PASSWORD_FORM


async def test_one_time_code_is_asked_for_where_it_is_wanted(wrap: Wrapped) -> None:
    form = await wrap(PAMAuthenticator, {"request_otp": True, "otp_prompt": "Token"}).begin_login(
        Request(), transaction()
    )
    assert isinstance(form, Form)
    assert [(field.name, field.label) for field in form.fields][-1] == ("otp", "Token")


class OwnMarkup(DummyAuthenticator):
    def get_custom_html(self, base_url: str) -> str:
        return (
            '<form action="/hub/login?next={{ next }}" method="post">'
            '<input name="username" value="{{ username }}"><p>{{ login_error }}</p></form>'
        )


@pytest.mark.row("V11")
async def test_own_markup_shows_nothing_of_the_query_and_comes_back_to_us(wrap: Wrapped) -> None:
    evil = '"><script>alert(1)</script>'
    handler = SimpleNamespace(xsrf_token=b"the-token")
    request = Request(query={"username": [evil]}, handler=handler)
    form = await wrap(OwnMarkup).begin_login(request, transaction(f"/user/ann{evil}"))
    assert isinstance(form, Form)
    assert form.html is not None
    assert "<script>" not in form.html
    assert 'value=""' in form.html
    assert '<form action="/hub/auth/here/login" method="post">' in form.html
    assert 'name="_xsrf" value="the-token"' in form.html


async def test_own_markup_is_filled_in_escaped(wrap: Wrapped) -> None:
    class Named(DummyAuthenticator):
        login_service = "<R&D>"
        custom_html = "<p>{{ authenticator.login_service }}</p>"

    form = await wrap(Named).begin_login(Request(), transaction())
    assert isinstance(form, Form)
    assert form.html == "<p>&lt;R&amp;D&gt;</p>"


async def test_own_markup_without_a_form_stands_inside_ours(wrap: Wrapped) -> None:
    class Fields(DummyAuthenticator):
        custom_html = '<input name="username"><input name="ward">'

    form = await wrap(Fields).begin_login(Request(), transaction())
    assert isinstance(form, Form)
    assert form.html == '<input name="username"><input name="ward">'
    provider = wrap(Fields)
    answer = await provider.finish_login(posted(username="ann", ward="3"), transaction())
    assert answer.identity.username == "ann", "a password is not asked for"


# What they get.


async def test_fields_arrive_as_from_the_hubs_own_page(wrap: Wrapped) -> None:
    provider = wrap(Recording)
    request = posted(username=" ann ", password=" p w ", otp="1", _xsrf="x", state="y", next="/z")
    await provider.finish_login(request, transaction())
    assert provider.inner.data == {"username": "ann", "password": " p w ", "otp": "1"}


async def test_wrapped_code_sees_itself_as_the_handlers_authenticator(wrap: Wrapped) -> None:
    provider = wrap(Recording)
    ours = SimpleNamespace(authenticator="the hub's", settings={"authenticator": "the hub's", "other": 1}, request="r")
    await provider.finish_login(posted(ours, username="ann", password="pw"), transaction())
    seen = provider.inner.handler
    assert isinstance(seen.authenticator, Recording)
    assert seen.settings["authenticator"] is seen.authenticator
    assert (seen.settings["other"], seen.request) == (1, "r")
    seen.note = "set by wrapped code"
    assert ours.note == "set by wrapped code"


@pytest.mark.parametrize(
    "fields",
    [
        {"username": "ann", "password": "wrong"},
        {"username": "", "password": "pw"},
        {"password": "pw"},
        {"username": "ann", "password": ""},
        {"username": "ann"},
        {"username": "an\0n", "password": "pw"},
        {"username": "ann", "password": "x" * 5000},
    ],
)
async def test_what_is_refused_is_refused_with_one_sentence(wrap: Wrapped, fields: dict[str, str]) -> None:
    with pytest.raises(LoginRefused, match=r"^Invalid username or password\.$") as refusal:
        await wrap(Recording).finish_login(posted(**fields), transaction())
    assert refusal.value.code == "bad_credentials"


# What comes out.


async def test_everything_the_wrapped_one_says_is_handed_on(wrap: Wrapped) -> None:
    user = {"sub": "s-1", "name": "Ann A.", "email": "ann@example.org", "email_verified": True}
    state = {"oauth_user": user, "access_token": "t0ken"}
    model = {"name": "Ann", "auth_state": state, "admin": True, "groups": ["g"]}
    provider = answering(wrap, model, {"manage_groups": True}, reusable_names=None, subject_key="oauth_user.sub")
    provider.inner.user_auth_state_key = "oauth_user"
    signed = await sign_in(provider)
    identity = signed.identity
    assert (identity.subject, identity.username, identity.name) == ("s-1", "ann", "Ann A.")
    assert (identity.email, identity.email_verified, identity.groups) == ("ann@example.org", True, frozenset({"g"}))
    assert signed.decision == Decision(allowed=True, admin=True, groups=frozenset({"g"}))
    assert signed.state == state
    assert dict(identity.claims) == user
    assert "t0ken" not in repr(signed)


async def test_groups_that_it_does_not_manage_do_not_count(wrap: Wrapped) -> None:
    signed = await sign_in(answering(wrap, {"name": "ann", "groups": ["g"]}))
    assert signed.decision == Decision(allowed=True, admin=None, groups=None)


@pytest.mark.parametrize(
    ("managed", "says", "roles"),
    [(True, [{"name": "grader", "scopes": ["admin:users"]}], {"grader"}), (True, None, None), (False, [{}], None)],
)
async def test_of_the_roles_that_it_manages_only_the_names_count(
    wrap: Wrapped, managed: bool, says: list[dict[str, Any]] | None, roles: set[str] | None
) -> None:
    signed = await sign_in(answering(wrap, {"name": "ann", "roles": says}, {"manage_roles": managed}))
    assert signed.identity.roles == roles
    assert signed.decision is not None
    assert signed.decision.roles is None, "a role of the source's would be one of the hub's"


async def test_a_rule_here_lets_in_by_a_group_that_it_says(wrap: Wrapped) -> None:
    own = {"manage_groups": True, "allow_all": False}
    signed = await sign_in(answering(wrap, {"name": "ann", "groups": ["g"]}, own, allowed_groups={"g"}))
    assert signed.decision is None
    assert signed.identity.groups == {"g"}


def test_whether_it_says_groups_and_roles_is_its_own_option(wrap: Wrapped) -> None:
    silent, talking = wrap(Recording), wrap(Recording, {"manage_groups": True, "manage_roles": True})
    assert (silent.says_groups, silent.says_roles) == (False, False)
    assert (talking.says_groups, talking.says_roles) == (True, True)


async def test_its_own_block_list_and_name_rules_hold(wrap: Wrapped) -> None:
    for config in ({"blocked_users": {"ann"}}, {"username_pattern": "^b"}):
        with pytest.raises(LoginRefused):
            await sign_in(answering(wrap, "ann", config))


async def test_its_own_username_map_holds(wrap: Wrapped) -> None:
    assert (await sign_in(answering(wrap, "ANN", {"username_map": {"ann": "anna"}}))).identity.username == "anna"


@pytest.mark.parametrize(
    ("rules", "decision"),
    [
        ({}, Decision(allowed=False)),
        ({"allow_all": True}, None),
        ({"allowed_users": {"Ann"}}, None),
        ({"allowed_users": {"id:ann"}}, None),
    ],
    ids=["none", "all", "name", "subject"],
)
async def test_rules_of_the_provider_may_let_in_whom_the_wrapped_rules_do_not(
    wrap: Wrapped, rules: dict[str, Any], decision: Decision | None
) -> None:
    hooked = []

    def hook(authenticator: Any, handler: Any, model: Any) -> Any:
        hooked.append(dict(model))
        return model

    config = {"allow_all": False, "allowed_users": {"ben"}, "post_auth_hook": hook}
    signed = await sign_in(answering(wrap, "ann", config, **rules))
    assert signed.decision == decision
    assert bool(hooked) == bool(rules), "the hook runs for those who enter, and for them only"
    assert all(set(model) <= {"name", "auth_state", "admin", "user_info"} for model in hooked)


async def test_post_auth_hook_may_change_the_model(wrap: Wrapped) -> None:
    async def hook(authenticator: Any, handler: Any, model: Any) -> Any:
        return {**model, "auth_state": {"added": 1}}

    assert (await sign_in(answering(wrap, "ann", {"post_auth_hook": hook}))).state == {"added": 1}


@pytest.mark.parametrize(
    ("raised", "error", "said"),
    [
        (web.HTTPError(403, "Only %s people", "staff"), LoginRefused, "Only staff people"),
        (web.HTTPError(500, "Bad response: {'access_token': 'canary'}"), ProviderUnavailable, "does not answer"),
        (TimeoutError(), ProviderUnavailable, "does not answer"),
        (ConnectionRefusedError(), ProviderUnavailable, "does not answer"),
        (ValueError("canary"), ProviderError, "has a fault"),
    ],
)
async def test_what_it_raises_says_who_must_act_and_no_secret(
    wrap: Wrapped, raised: Exception, error: type[Exception], said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    provider = answering(wrap, raised)
    with pytest.raises(error, match=said) as told:
        await sign_in(provider)
    assert "canary" not in str(told.value)
    assert "canary" not in capfd.readouterr().err


async def test_a_missing_subject_refuses_and_tells_the_admin_which(
    wrap: Wrapped, capfd: pytest.CaptureFixture[str]
) -> None:
    provider = answering(wrap, {"name": "ann", "auth_state": {}}, reusable_names=None, subject_key="oauth_user.sub")
    with pytest.raises(ProviderError) as told:
        await sign_in(provider)
    assert told.value.code == "subject_missing"
    assert "oauth_user.sub" in capfd.readouterr().err


# Nothing blocks.


class Blocking(Authenticator):
    thread: Any = None

    def authenticate(self, handler: Any, data: Any) -> Any:
        self.thread = threading.current_thread()
        return data["username"]


async def test_a_plain_function_runs_in_a_thread(wrap: Wrapped) -> None:
    provider = wrap(Blocking, {"allow_all": True}, reusable_names=True)
    await sign_in(provider)
    assert provider.inner.thread is not threading.main_thread()
    here = wrap(Blocking, {"allow_all": True}, reusable_names=True, in_thread=False)
    await sign_in(here)
    assert here.inner.thread is threading.main_thread()


async def test_ldap_does_not_block_the_event_loop(wrap: Wrapped, monkeypatch: pytest.MonkeyPatch) -> None:
    provider = wrap(LDAPAuthenticator, {"bind_dn_template": "uid={username},dc=x", "allow_all": True})
    entered, release = threading.Event(), threading.Event()

    def slow_server(self: Any, userdn: str, password: str) -> Any:
        entered.set()
        assert release.wait(30), "the event loop did not run meanwhile"
        return SimpleNamespace(bound=True, unbind=lambda: None)

    monkeypatch.setattr(LDAPAuthenticator, "get_connection", slow_server)
    asking = asyncio.create_task(sign_in(provider))
    assert await asyncio.to_thread(entered.wait, 30)
    release.set()
    assert (await asking).identity.subject == "ann"


async def test_threads_are_bounded(wrap: Wrapped) -> None:
    running: set[str] = set()

    class Slow(Authenticator):
        def authenticate(self, handler: Any, data: Any) -> Any:
            running.add(threading.current_thread().name)
            return data["username"]

    provider = wrap(Slow, {"allow_all": True}, reusable_names=True, threads=2)
    await asyncio.gather(*(sign_in(provider) for _ in range(20)))
    assert len(running) <= 2


# PAM itself.


async def test_pam_in_its_own_thread(wrap: Wrapped, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []

    def check(username: str, password: Any, **options: Any) -> None:
        calls.append((username, password, threading.current_thread() is threading.main_thread()))
        if password != "pw":
            raise pamela.PAMError("no")

    monkeypatch.setattr(pamela, "authenticate", check)
    monkeypatch.setattr(pamela, "check_account", lambda *args, **options: None)
    provider = wrap(PAMAuthenticator, {"allowed_users": {"ann"}})
    assert (await sign_in(provider)).decision == Decision(allowed=True)
    assert not (await sign_in(provider, "eve")).decision.allowed
    with pytest.raises(LoginRefused):
        await sign_in(provider, password="guess")
    assert calls == [("ann", "pw", False), ("eve", "pw", False), ("ann", "guess", False)]
