"""State, proof of possession and nonce are on for every backend, whatever its class says (row V18)."""

import base64
import dataclasses
import hashlib
import importlib
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest
from social_core.backends.open_id_connect import OpenIdConnectAuth
from social_core.backends.utils import OIDCDiscoveryMixin

from hubauth_social.catalogue import backends
from hubauth_social.kinds import VERIFIER, under
from hubauth_social.visit import Visit

STATE = "s" * 43
REDIRECT = "https://hub.example/hub/auth/mine/callback"
DISCOVERED = {"authorization_endpoint": "https://op.example/a", "token_endpoint": "https://op.example/t", "issuer": "x"}
OWN_WAYS = {"shopify", "weixinapp"}
"""Backends that build their address by themselves: the state is in it, no challenge is."""
OF_OAUTH2 = [each for each in backends() if each.kind in {"oauth2", "oidc"} and each.name != "shopify"]
"""Without the one that needs a library of its own."""


class Strategy(SimpleNamespace):
    """As much of a strategy as beginning takes."""

    def __init__(self, **settings):
        super().__init__(visit=Visit(url=REDIRECT, redirect_uri=REDIRECT, state=STATE), session={}, settings=settings)
        nonce = SimpleNamespace(use=lambda *_: True)
        self.storage = SimpleNamespace(nonce=nonce, association=SimpleNamespace(store=lambda *_: None))

    def setting(self, name, default=None, backend=None):
        return self.settings.get(name, default)

    def session_get(self, name, default=None):
        return self.session.get(name, default)

    def session_set(self, name, value):
        self.session[name] = value

    def session_pop(self, name):
        return self.session.pop(name, None)

    def random_string(self, length=12):
        return "r" * length

    def absolute_uri(self, path=None):
        return path

    def request_data(self, merge=True):
        return {}

    def redirect(self, url):
        return url


def begun(entry, monkeypatch, anew=False):
    monkeypatch.setattr(OIDCDiscoveryMixin, "oidc_config", lambda self: DISCOVERED)
    needs = dict.fromkeys(entry.needs, "https://source.example") | {"KEY": "key", "SECRET": "secret"}
    cls = under("mine", entry.load(), entry.kind)
    strategy = Strategy(**{**needs, "POLICY": "b2c_one"})
    strategy.visit = dataclasses.replace(strategy.visit, anew=anew)
    backend = cls(strategy, redirect_uri=REDIRECT)
    backend.prepare_auth(SimpleNamespace(id="ann", is_authenticated=True, is_active=True))
    return backend, strategy


@pytest.mark.row("V18")
@pytest.mark.parametrize("entry", OF_OAUTH2, ids=lambda entry: entry.path.removeprefix("social_core.backends."))
def test_every_backend_of_oauth_2_sends_the_state_and_a_challenge(entry, monkeypatch):
    backend, _strategy = begun(entry, monkeypatch)
    if entry.name == "apple-id":
        monkeypatch.setattr(type(backend), "generate_client_secret", lambda self: "jwt")
    sent = parse_qs(urlsplit(backend.start()).query)
    assert sent["state"] == [STATE]
    if entry.name not in OWN_WAYS:
        assert sent["code_challenge_method"][0].lower() == "s256"
        assert len(sent["code_challenge"][0]) == 43
    if isinstance(backend, OpenIdConnectAuth) and backend.USE_NONCE:
        assert sent["nonce"][0]


def test_what_answers_the_challenge_goes_to_whoever_redeems_the_code(monkeypatch):
    """Facebook's backend puts the parameters of that request together itself."""
    [facebook] = [each for each in backends() if each.name == "facebook"]
    backend, strategy = begun(facebook, monkeypatch)
    sent = parse_qs(urlsplit(backend.start()).query)
    asked = []
    base = importlib.import_module("social_core.backends.base").BaseAuth
    monkeypatch.setattr(base, "request", lambda self, url, **options: asked.append(options))
    backend.request("https://graph.facebook.com/token", params={"code": "c"})
    backend.request("https://graph.facebook.com/me", params={"fields": "id"})
    verifier = asked[0]["params"]["code_verifier"]
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    assert sent["code_challenge"] == [digest]
    assert "code_verifier" not in asked[1]["params"]
    assert strategy.session[VERIFIER] == verifier


@pytest.mark.parametrize(("name", "there"), [("discord", True), ("patreon", True), ("google-oauth2", False)])
def test_a_token_is_taken_back_also_where_a_backend_knows_the_address_alone(name, there, monkeypatch):
    [entry] = [each for each in backends() if each.name == name]
    backend, _strategy = begun(entry, monkeypatch)
    asked = []
    base = importlib.import_module("social_core.backends.base").BaseAuth
    monkeypatch.setattr(base, "request", lambda self, url, **options: asked.append((url, options)) or SimpleNamespace())
    monkeypatch.setattr(type(backend), "process_revoke_token_response", lambda *_: True)
    backend.revoke_token("old", "me")
    [(url, options)] = asked
    assert url.startswith("https://")
    if there:
        assert options["data"] == {"token": "old", "client_id": "key", "client_secret": "secret"}
        assert (options["method"], options.get("params")) == ("POST", None)
    else:
        assert options["params"] == {"token": "old"}


def test_two_providers_of_one_backend_share_no_name():
    [entry] = [each for each in backends() if each.name == "twitter-oauth2"]
    one, other = (under(name, entry.load(), entry.kind) for name in ("one", "other"))
    assert (one.name, other.name, entry.load().name) == ("one", "other", "twitter-oauth2")


@pytest.mark.parametrize("name", ["lastfm", "twilio", "mixcloud", "drip"])
def test_the_state_of_what_can_only_be_connected_is_bound_to_the_person(name, monkeypatch):
    [entry] = [each for each in backends() if each.name == name]
    _, strategy = begun(entry, monkeypatch)
    assert strategy.session["mine_state"] == {"state": STATE, "user_id": "ann"}


@pytest.mark.parametrize(
    ("name", "prompt"), [("oidc", ["login"]), ("google-openidconnect", ["select_account"]), ("reddit", None)]
)
def test_who_is_to_prove_it_anew_is_asked_again_where_the_protocol_has_it(name, prompt, monkeypatch):
    [entry] = [each for each in backends() if each.name == name]
    backend, _ = begun(entry, monkeypatch, anew=True)
    assert parse_qs(urlsplit(backend.start()).query).get("prompt") == prompt
