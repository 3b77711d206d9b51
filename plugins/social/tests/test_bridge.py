"""Sign-ins through a backend of python-social-auth, as values: who gets in, who does not, and what stays behind."""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import json
import logging
import re
import threading
import time
from contextvars import ContextVar
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest
import responses
from openid.message import OPENID2_NS
from social_core.backends.oauth import BaseOAuth2
from social_core.backends.telegram import TelegramAuth
from social_core.backends.ubuntu import UbuntuOpenId
from social_core.pipeline.partial import partial
from sqlalchemy import select

from hubauth_core import ConfigError, Field, Form, LoginRefused, ProviderError, Redirect
from hubauth_social.kinds import under
from hubauth_social.schema import accounts, kept, metadata
from hubauth_social.sessions import FITS, NOTE
from hubauth_social.visit import Done, Html, Visit

BACK = "https://hub.test/hub/auth/acme/callback"
SECRETS = ("at-s3cret", "rt-s3cret")
SEEN: ContextVar[str] = ContextVar("seen", default="")


class Acme(BaseOAuth2):
    """What most backends look like."""

    name = "acme-oauth2"
    AUTHORIZATION_URL = "https://acme.test/authorize"
    ACCESS_TOKEN_URL = "https://acme.test/token"
    EXTRA_DATA = [("id", "id"), ("refresh_token", "refresh_token"), ("expires_in", "expires")]

    def get_user_details(self, response):
        return {"username": response.get("login"), "email": response.get("email"), "fullname": "Ada Lovelace"}

    def user_data(self, access_token, *args, **kwargs):
        return self.get_json("https://acme.test/me", headers={"Authorization": f"Bearer {access_token}"})


@pytest.fixture
def acme():
    """Acme's answers; `acme(id=..., login=...)` is who signs in next."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as answers:

        def person(**claims):
            answers.reset()
            token = {"access_token": SECRETS[0], "refresh_token": SECRETS[1], "expires_in": 3600}
            answers.post(Acme.ACCESS_TOKEN_URL, json=token)
            answers.get("https://acme.test/me", json={"id": 7, "login": "ada", "email": "ada@house.org", **claims})
            return answers

        person()
        yield person


def visit(state="state-1", **more) -> Visit:
    return Visit(**{"url": BACK, "redirect_uri": BACK, "state": state, **more})


def back(state="state-1", **more) -> Visit:
    """What the source sends the browser back with."""
    return visit(state, query={"state": state, "code": "c"}, **more)


async def signed_in(bridge, state="state-1") -> Done:
    step = await bridge.start(visit(state))
    done = await bridge.complete(back(state), step.memo)
    assert isinstance(done, Done)
    return done


def everything(store) -> str:
    return repr(
        [store.read(lambda it, table=table: it.execute(select(table)).all()) for table in metadata.sorted_tables]
    )


def known(store) -> list[tuple[str, str, str]]:
    rows = store.read(lambda it: it.execute(select(accounts).order_by(accounts.c.id)).all())
    return [(row.uid, row.id_key, row.subject) for row in rows]


OAUTH2 = under("acme", Acme, "oauth2")


async def test_somebody_signs_in(bridged, acme, store):
    bridge = bridged(OAUTH2)
    step = await bridge.start(visit())
    assert isinstance(step, Redirect)
    asked = parse_qs(urlsplit(step.url).query)
    assert (asked["state"], asked["client_id"], asked["code_challenge_method"]) == (["state-1"], ["key"], ["S256"])
    done = await bridge.complete(back(), step.memo)
    assert isinstance(done, Done)
    assert (done.subject, done.uid, done.id_key, done.groups) == ("7", "7", "id", None)
    assert done.details["username"] == "ada"
    assert (done.tokens["access_token"], done.tokens["refresh_token"]) == SECRETS
    assert json.loads(store.read(lambda it: it.execute(select(accounts.c.extra_data)).scalar())) == {"id": 7}
    assert not any(secret in everything(store) or secret in repr(done) for secret in SECRETS)


async def test_all_of_a_backend_runs_in_threads_and_sees_the_context(bridged, acme):
    threads, seen = set(), []

    class Looking(Acme):
        def __init__(self, *args, **kwargs):
            threads.add(threading.get_ident())
            super().__init__(*args, **kwargs)

        def auth_url(self):
            threads.add(threading.get_ident())
            seen.append(SEEN.get())
            return super().auth_url()

        def user_data(self, *args, **kwargs):
            threads.add(threading.get_ident())
            return super().user_data(*args, **kwargs)

    SEEN.set("of the task")
    bridge = bridged(under("acme", Looking, "oauth2"))
    await signed_in(bridge)
    assert await bridge.ask(lambda backend: backend.name) == "acme"
    assert threading.get_ident() not in threads
    assert seen == ["of the task"]


@pytest.mark.row("V22", "V18")
async def test_a_state_is_taken_once_and_from_its_own_browser_alone(bridged, acme):
    bridge = bridged(OAUTH2)
    mine, yours = await bridge.start(visit("mine")), await bridge.start(visit("yours"))
    for state, memo in (("mine", {}), ("mine", yours.memo), ("never-begun", mine.memo)):
        with pytest.raises(LoginRefused) as refused:
            await bridge.complete(back(state), memo)
        assert refused.value.code == "state_unknown"
    with pytest.raises(LoginRefused) as refused:
        await bridge.complete(visit("mine", query={"code": "c"}), mine.memo)
    assert refused.value.code == "state_missing"
    assert isinstance(await bridge.complete(back("mine"), mine.memo), Done)
    with pytest.raises(LoginRefused) as refused:
        await bridge.complete(back("mine"), mine.memo)
    assert refused.value.code == "state_unknown"


@pytest.mark.row("V22", "V06")
async def test_an_address_or_a_name_in_common_joins_nobody(bridged, acme, store):
    bridge, people = bridged(OAUTH2), []
    for number, name in ((7, "ada"), (8, "ADA"), (9, "ada")):
        acme(id=number, login=name)
        people.append(await signed_in(bridge, f"state-{number}"))
    assert [each.subject for each in people] == ["7", "8", "9"]
    assert [each.details["username"] for each in people] == ["ada", "ADA", "ada"]
    acme(id=7, login="renamed", email="other@house.org")
    assert (await signed_in(bridge, "state-10")).subject == "7"
    assert known(store) == [("7", "id", "7"), ("8", "id", "8"), ("9", "id", "9")]


@pytest.mark.row("V22", "V20")
async def test_identifiers_differ_by_case(bridged, acme):
    bridge = bridged(OAUTH2, ID_KEY="login")
    acme(login="ada")
    assert (await signed_in(bridge, "a")).subject == "ada"
    acme(login="Ada")
    assert (await signed_in(bridge, "b")).subject == "Ada"


@pytest.mark.row("V16", "V22")
async def test_another_key_keeps_people_who_they_are(bridged, acme, store):
    await signed_in(bridged(OAUTH2, ID_KEY="login"), "a")
    later = bridged(OAUTH2, ID_KEY="id", LEGACY_ID_KEYS=["login"])
    assert (await signed_in(later, "b")).subject == "ada"
    assert known(store) == [("7", "id", "ada")]
    acme(id=8, login="ada")  # somebody else has the name by now
    assert (await signed_in(later, "c")).subject == "8"
    back_again = bridged(OAUTH2, ID_KEY="login")
    with pytest.raises(LoginRefused) as refused:
        await signed_in(back_again, "d")
    assert refused.value.code == "identity_conflict"


@pytest.mark.row("V22")
async def test_evidence_of_another_person_moves_nobody(bridged, acme, store):
    await signed_in(bridged(OAUTH2, ID_KEY="login"), "a")
    acme(id=8, login="ada")
    with pytest.raises(LoginRefused) as refused:
        await signed_in(bridged(OAUTH2, ID_KEY="id", LEGACY_ID_KEYS=["login"]), "b")
    assert refused.value.code == "identity_conflict"
    assert known(store) == [("ada", "login", "ada")]


@pytest.mark.parametrize(
    ("claims", "code"), [({"id": None}, "provider_bad_response"), ({"id": "x" * 513}, "provider_bad_response")]
)
async def test_without_a_usable_identifier_nobody_signs_in(bridged, acme, store, claims, code):
    acme(**claims)
    with pytest.raises(ProviderError) as refused:
        await signed_in(bridged(OAUTH2))
    assert refused.value.code == "provider_bad_response"
    assert known(store) == []


async def test_the_backends_own_rules_are_asked(bridged, acme):
    with pytest.raises(LoginRefused) as refused:
        await signed_in(bridged(OAUTH2, WHITELISTED_DOMAINS=["other.org"]))
    assert refused.value.code == "not_allowed"


async def test_two_providers_of_one_class_share_nothing(bridged, acme):
    one, other = bridged(OAUTH2, KEY="one"), bridged(OAUTH2, KEY="other", SCOPE=["more"])
    for state, bridge, key in (("a", one, "one"), ("b", other, "other"), ("c", one, "one")):
        step = await bridge.start(visit(state))
        assert parse_qs(urlsplit(step.url).query)["client_id"] == [key]
    assert one.backend is not other.backend


# A step that asks something.


@partial
def department(details, strategy, *args, **kwargs):
    """An administrator's own step."""
    chosen = strategy.request_data().get("department")
    if not chosen:
        return Form(fields=(Field(name="department", label="Department"),))
    return {"details": {**details, "department": chosen}}


STEP = f"{__name__}.department"


@pytest.fixture
async def asked(bridged, acme):
    """A sign-in that waits for an answer: the bridge, and what the form has brought."""
    bridge = bridged(OAUTH2, steps=[STEP])
    step = await bridge.start(visit())
    form = await bridge.complete(back(), step.memo)
    assert isinstance(form, Form)
    return bridge, form


@pytest.mark.row("V22")
async def test_a_form_is_answered_by_post_in_the_same_browser_once(asked, store):
    bridge, form = asked
    assert not any(secret in everything(store) or secret in repr(form.memo) for secret in SECRETS)
    token = json.loads(form.memo[NOTE])["partial_pipeline_token"]
    assert token not in everything(store)
    answer = {"department": "maths"}
    for attempt, memo, code in (
        (visit(query=answer), form.memo, "form_needed"),
        (back(), form.memo, "form_needed"),
        (visit(method="POST", form={**answer, "partial_token": token}), {}, "state_missing"),
        (visit(method="POST", form={**answer, "partial_token": "another"}), form.memo, "state_unknown"),
        (visit(method="POST", form=answer), {NOTE: json.dumps({"partial_pipeline_token": "guessed"})}, "state_unknown"),
    ):
        with pytest.raises(LoginRefused) as refused:
            await bridge.complete(attempt, memo)
        assert refused.value.code == code
    done = await bridge.complete(visit(method="POST", form=answer), form.memo)
    assert (done.subject, done.details["department"], done.tokens["access_token"]) == ("7", "maths", SECRETS[0])
    with pytest.raises(LoginRefused) as refused:
        await bridge.complete(visit(method="POST", form=answer), form.memo)
    assert refused.value.code == "state_unknown"


async def test_a_form_is_asked_again_until_it_is_answered(asked):
    bridge, form = asked
    again = await bridge.complete(visit(method="POST", form={"other": "field"}), form.memo)
    assert isinstance(again, Form)
    assert again.memo != form.memo
    assert isinstance(await bridge.complete(visit(method="POST", form={"department": "x"}), again.memo), Done)


async def test_a_form_is_not_waited_for_for_ever(asked, clock, store):
    bridge, form = asked
    clock.now += 901
    with pytest.raises(LoginRefused) as refused:
        await bridge.complete(visit(method="POST", form={"department": "x"}), form.memo)
    assert refused.value.code == "state_unknown"
    assert known(store) == []


@pytest.mark.parametrize(
    "step",
    [
        "social_core.pipeline.social_auth.associate_by_email",
        "social_core.pipeline.user.get_username",
        "no.such.step",
        "x",
        "json.__name__",
    ],
)
def test_steps_that_cannot_be_added_stop_the_start(bridged, step):
    with pytest.raises(ConfigError, match="step"):
        bridged(OAUTH2, steps=[step])


# What a backend does wrong.


def raising(error):
    class Broken(Acme):
        def auth_url(self):
            raise error

    return under("acme", Broken, "oauth2")


@pytest.mark.row("B3")
@pytest.mark.parametrize("error", [KeyError("s3cret"), TypeError("s3cret"), AssertionError("s3cret")])
async def test_what_a_backend_trips_over_stays_out_of_page_and_log(bridged, caplog, error):
    caplog.set_level(logging.DEBUG)
    with pytest.raises(ProviderError) as failed:
        await bridged(raising(error)).start(visit())
    assert "Acme does not answer as it should" in failed.value.sentence
    assert type(error).__name__ in caplog.text
    assert "s3cret" not in caplog.text
    assert failed.value.__suppress_context__


async def test_an_answer_that_is_none_is_refused(bridged):
    class Silent(Acme):
        def start(self):
            return None

    with pytest.raises(ProviderError):
        await bridged(under("acme", Silent, "oauth2")).start(visit())


# Sessions.


def wordy(size):
    class Wordy(Acme):
        def auth_url(self):
            self.strategy.session_set("much", "s3cret" * size)
            return super().auth_url()

        def auth_complete(self, *args, **kwargs):
            assert self.strategy.session_get("much") == "s3cret" * size
            return super().auth_complete(*args, **kwargs)

    return under("acme", Wordy, "oauth2")


@pytest.mark.row("V22")
async def test_a_session_that_no_cookie_holds_waits_sealed_for_its_browser(bridged, acme, store, clock):
    bridge = bridged(wordy(200))
    mine, yours = await bridge.start(visit("mine")), await bridge.start(visit("yours"))
    assert all(len(json.dumps(dict(step.memo))) < FITS for step in (mine, yours))
    assert "s3cret" not in everything(store)
    with pytest.raises(LoginRefused):
        await bridge.complete(back("another"), mine.memo)
    assert isinstance(await bridge.complete(back("mine"), mine.memo), Done)
    clock.now += 901
    with pytest.raises(LoginRefused) as refused:
        await bridge.complete(back("yours"), yours.memo)
    assert refused.value.code == "state_expired"


async def test_a_session_without_end_is_refused(bridged, store):
    with pytest.raises(ProviderError):
        await bridged(wordy(3_000)).start(visit())
    assert store.read(lambda it: it.execute(select(kept)).all()) == []


class Linked(Acme):
    """A backend that can only be connected."""

    ASSOCIATION_ONLY = True


@pytest.mark.row("V22", "V28")
async def test_what_one_person_begins_to_connect_nobody_else_ends(bridged, acme):
    bridge = bridged(under("acme", Linked, "oauth2"))
    with pytest.raises(LoginRefused):
        await bridge.start(visit())
    step = await bridge.start(visit(person="ada"))
    for person in ("", "mallory"):
        with pytest.raises(LoginRefused):
            await bridge.complete(back(person=person), step.memo)
    assert isinstance(await bridge.complete(back(person="ada"), step.memo), Done)


async def test_a_page_of_the_backends_own_comes_with_its_headers(bridged):
    class Paged(Acme):
        def start(self):
            return self.strategy.html_with_headers("<p>hello</p>", {"Cache-Control": "no-store"})

    page = await bridged(under("acme", Paged, "oauth2")).start(visit())
    assert isinstance(page, Html)
    assert (page.content, page.headers, dict(page.memo)) == (
        "<p>hello</p>",
        {"Cache-Control": "no-store"},
        {NOTE: "{}"},
    )
    assert dataclasses.asdict(page)["content"] not in repr(page)


@pytest.mark.row("V22")
@pytest.mark.parametrize("told", [None, "", True, False, [], {}, 1.5])
async def test_who_has_no_identifier_is_nobody(told, bridged, acme, store):
    acme(id=told)
    with pytest.raises(ProviderError):
        await signed_in(bridged(under("acme", Acme, "oauth2")))
    assert not store.read(lambda it: it.execute(select(accounts)).all())


XRDS = """<xrds:XRDS xmlns:xrds="xri://$xrds" xmlns="xri://$xrd*($v*2.0)"><XRD><Service>
<Type>http://specs.openid.net/auth/2.0/server</Type><URI>https://login.ubuntu.com/op</URI></Service></XRD></xrds:XRDS>"""
ELSEWHERE = ("http://169.254.169.254/latest", "http://2130706433/", "https://ubuntu.com.evil.test/", "=evil")


@pytest.mark.row("F13")
@pytest.mark.parametrize("address", ELSEWHERE)
async def test_an_answer_of_openid_leads_the_hub_nowhere_else(address, bridged):
    bridge = bridged(under("acme", UbuntuOpenId, "openid"))
    with responses.RequestsMock(assert_all_requests_are_fired=False) as answers:
        answers.get("https://login.ubuntu.com/", XRDS, content_type="application/xrds+xml")
        answers.post("https://login.ubuntu.com/op", "is_valid:true\n")
        answers.get(re.compile("."), "")
        step = await bridge.start(visit())
        answers.calls.reset()
        told = {"ns": OPENID2_NS, "mode": "id_res", "op_endpoint": "https://login.ubuntu.com/op", "sig": "x"}
        told |= {"return_to": f"{BACK}?redirect_state=state-1", "assoc_handle": "h", "claimed_id": address}
        told |= {"identity": address, "response_nonce": "2026-01-01T00:00:00Zx"}
        told["signed"] = ",".join(name for name in told if name not in {"ns", "sig", "mode"})
        fields = {f"openid.{name}": value for name, value in told.items()} | {"redirect_state": "state-1"}
        with pytest.raises(ProviderError):
            await bridge.complete(visit(query=fields), step.memo)
        assert [each.request.url for each in answers.calls] == []


@pytest.mark.row("B3")
async def test_what_python3_openid_says_of_an_answer_is_not_in_the_log(bridged, caplog):
    bridge = bridged(under("acme", UbuntuOpenId, "openid"))
    with responses.RequestsMock(assert_all_requests_are_fired=False) as answers, caplog.at_level(logging.DEBUG):
        answers.get("https://login.ubuntu.com/", XRDS, content_type="application/xrds+xml")
        step = await bridge.start(visit())
        told = {"ns": OPENID2_NS, "mode": "id_res", "op_endpoint": "https://login.ubuntu.com/op", "sig": "s3cret"}
        told |= {"return_to": f"{BACK}?redirect_state=s3cret", "assoc_handle": "h"}
        told["signed"] = "return_to,op_endpoint,assoc_handle"
        with pytest.raises(ProviderError):
            await bridge.complete(visit(query={f"openid.{name}": value for name, value in told.items()}), step.memo)
    assert "s3cret" not in caplog.text


@pytest.mark.row("M21")
async def test_an_assertion_of_saml_counts_once(bridged, monkeypatch):
    """One whose source has not signed which request it answers could be sent with another one."""
    saml = pytest.importorskip("social_core.backends.saml").SAMLAuth
    monkeypatch.setattr(saml, "_process_response", lambda self, auth, request_id=None: None)
    bridge = bridged(under("acme", saml, "saml"))

    def answered(name):
        auth = SimpleNamespace(get_last_assertion_id=lambda: name, get_last_assertion_not_on_or_after=lambda: None)
        return bridge.ask(lambda backend: backend._process_response(auth, "request"))

    await answered("one")
    await answered("another")
    with pytest.raises(LoginRefused) as refused:
        await answered("one")
    assert refused.value.code == "code_refused"


async def test_what_telegram_has_signed_counts_once(bridged):
    bridge = bridged(under("acme", TelegramAuth, "own"), BOT_TOKEN="bot")
    told = {"id": "7", "username": "tim", "auth_date": str(int(time.time()))}
    lines = "\n".join(f"{name}={told[name]}" for name in sorted(told))
    told["hash"] = hmac.new(hashlib.sha256(b"bot").digest(), lines.encode(), hashlib.sha256).hexdigest()
    assert isinstance(await bridge.complete(visit(query=told), {}), Done)
    with pytest.raises(LoginRefused) as refused:
        await bridge.complete(visit("another", query=told), {})
    assert refused.value.code == "code_refused"
