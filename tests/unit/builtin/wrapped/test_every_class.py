"""Every authenticator class at hand, wrapped: where its pages lie and what its subject is."""

from __future__ import annotations

from importlib.metadata import entry_points
from types import SimpleNamespace
from typing import Any

import pytest
from jupyterhub.auth import DummyAuthenticator
from jupyterhub.handlers.base import BaseHandler
from jupyterhub.handlers.login import LoginHandler

from hubauth_core.builtin.wrapped.subjects import subject_of
from hubauth_core.errors import ConfigError, LoginRefused, ProviderError
from hubauth_core.types import Redirect, Request

from .wrapping import Wrapped, transaction

REDIRECTING = sorted(
    entry.name for entry in entry_points(group="jupyterhub.authenticators") if entry.module.startswith("oauthenticator")
)
NEEDED: dict[str, dict[str, Any]] = {
    "openshift": {"openshift_auth_api_url": "https://openshift.example"},
    "cilogon": {
        "allowed_idps": {
            "https://github.com/login/oauth/authorize": {"username_derivation": {"username_claim": "email"}}
        }
    },
}
SUBJECTS = {
    "auth0": ({"sub": "auth0|1"}, "auth0|1"),
    "azuread": ({"tid": "t", "oid": "o", "sub": "pairwise"}, "t/o"),
    "bitbucket": ({"uuid": "{b}", "username": "ann"}, "{b}"),
    "cilogon": ({"sub": "http://cilogon.org/serverA/users/1"}, "http://cilogon.org/serverA/users/1"),
    "generic-oauth": ({"sub": "1"}, "1"),
    "github": ({"id": 7, "login": "ann"}, "7"),
    "gitlab": ({"id": 8, "username": "ann"}, "8"),
    "globus": ({"sub": "uuid"}, "uuid"),
    "google": ({"id": "9", "email": "ann@example.org"}, "9"),
    "mediawiki": ({"sub": 10, "username": "Ann"}, "10"),
    "openshift": ({"metadata": {"uid": "u", "name": "ann"}}, "u"),
}


def wrapped(wrap: Wrapped, entry: str, **options: Any) -> Any:
    return wrap(entry, NEEDED.get(entry.removeprefix("local-")), name="acme", **options)


@pytest.mark.parametrize("entry", REDIRECTING)
async def test_oauthenticator_lives_below_its_providers_path(wrap: Wrapped, entry: str) -> None:
    provider = wrapped(wrap, entry)
    assert provider.presentation == "button"
    assert {page.pattern for page in provider.pages()} == {"oauth_login", "oauth_callback", "logout"}
    for page in provider.pages():
        assert issubclass(page.handler, BaseHandler)
        assert page.handler.source is provider
    step = await provider.begin_login(Request(), transaction("/user/ann/lab?x=1"))
    assert step == Redirect(url="/hub/auth/acme/oauth_login?next=%2Fuser%2Fann%2Flab%3Fx%3D1")


@pytest.mark.parametrize("entry", REDIRECTING)
@pytest.mark.row("V16")
def test_subject_is_the_sources_immutable_id(wrap: Wrapped, entry: str) -> None:
    provider = wrapped(wrap, entry)
    user, subject = SUBJECTS[entry.removeprefix("local-")]
    model = {"name": "ann", "auth_state": {provider.inner.user_auth_state_key: user}}
    assert subject_of(model, provider._subject_path) == subject


@pytest.mark.parametrize("entry", ["pam", "dummy", "shared-password", "ldap"])
async def test_form_authenticators_have_no_pages(wrap: Wrapped, entry: str) -> None:
    provider = wrap(entry)
    assert provider.presentation == "form"
    assert provider.pages() == []
    assert provider.inner.login_url("/hub/") == "/hub/auth/here/login"
    assert subject_of({"name": "ann"}, provider._subject_path) == "ann"


@pytest.mark.parametrize(
    ("path", "patterns", "auth_state", "subject"),
    [
        ("ltiauthenticator.lti11.auth:LTI11Authenticator", {"lti/launch", "lti11/config"}, {"user_id": "u1"}, "u1"),
        (
            "ltiauthenticator.lti13.auth.LTI13Authenticator",
            {"lti13/oauth_login", "lti13/oauth_callback", "lti13/config"},
            {"sub": "s1"},
            "s1",
        ),
    ],
)
async def test_lti_begins_at_the_learning_platform(
    wrap: Wrapped, path: str, patterns: set[str], auth_state: dict[str, str], subject: str
) -> None:
    provider = wrap(path)
    assert {page.pattern for page in provider.pages()} == patterns
    assert subject_of({"name": "ann", "auth_state": auth_state}, provider._subject_path) == subject
    with pytest.raises(LoginRefused, match="open this hub from there"):
        await provider.begin_login(Request(), transaction())


def test_lti_with_two_consumers_needs_a_decision(wrap: Wrapped) -> None:
    lti = "ltiauthenticator.LTIAuthenticator"
    with pytest.raises(ConfigError, match="a provider for each consumer"):
        wrap(lti, {"consumers": {"one": "secret", "two": "secret"}})
    assert wrap(lti, {"consumers": {"one": "secret"}})


@pytest.mark.parametrize("value", [None, "", True, [], ["a", "b"], {"x": 1}])
def test_no_subject_is_made_up(value: object) -> None:
    with pytest.raises(ProviderError):
        subject_of({"name": "ann", "auth_state": {"oauth_user": {"sub": value}}}, ("oauth_user.sub",))


def test_subjects_of_several_parts_are_never_alike() -> None:
    path = ("a", "b")
    assert subject_of({"name": "x", "a": "1/2", "b": "3"}, path) != subject_of(
        {"name": "x", "a": "1", "b": "2/3"}, path
    )


def test_ldap_attribute_as_subject(wrap: Wrapped) -> None:
    provider = wrap("ldap", subject_key="user_attributes.entryUUID")
    model = {"name": "ann", "auth_state": {"user_attributes": {"entryUUID": ["uuid-1"]}}}
    assert subject_of(model, provider._subject_path) == "uuid-1"


def test_an_own_sign_in_page_does_not_take_the_cores_path(wrap: Wrapped) -> None:
    class OwnPage(LoginHandler):
        pass

    class Native(LoginHandler):
        pass

    class OwnForms(DummyAuthenticator):
        def get_handlers(self, app: Any) -> list[Any]:
            return [(r"/login", OwnPage), (r"/signup/([^/]*)", Native, {})]

    provider = wrap(OwnForms)
    assert provider.presentation == "button"
    assert [page.pattern for page in provider.pages()] == ["own/login", "signup/([^/]*)"]
    assert provider.inner.login_url("/hub/") == "/hub/auth/here/own/login"


def test_callback_address_of_each_provider_is_its_own(wrap: Wrapped) -> None:
    handler = SimpleNamespace(
        settings={},
        request=SimpleNamespace(protocol="https", host="hub.example", headers={}),
        hub=SimpleNamespace(base_url="/base/hub/"),
    )
    one, two = (wrap("github", name=name) for name in ("one", "two"))
    assert one.inner.get_callback_url(handler) == "https://hub.example/base/hub/auth/one/oauth_callback"
    assert two.inner.get_callback_url(handler) == "https://hub.example/base/hub/auth/two/oauth_callback"
    handler.settings = {"public_url": "https://public.example/"}
    assert one.inner.get_callback_url(handler).startswith("https://public.example/")
    fixed = wrap("github", {"oauth_callback_url": "https://fixed.example/hub/oauth_callback"})
    assert fixed.inner.get_callback_url(handler) == "https://fixed.example/hub/oauth_callback"
    assert any("oauth_callback_url" in each for each in fixed.warnings())
