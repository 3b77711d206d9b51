"""What of the hub's configuration a wrapped authenticator sees, and what not."""

from __future__ import annotations

from typing import Any

import pytest
from jupyterhub.auth import Authenticator, DummyAuthenticator, PAMAuthenticator
from oauthenticator.generic import GenericOAuthenticator
from oauthenticator.github import GitHubOAuthenticator
from oauthenticator.google import GoogleOAuthenticator
from traitlets.config import Config

from hubauth_core.errors import ConfigError, LoginRefused

from .wrapping import Wrapped, sign_in

SECTIONS = ["Authenticator", "LocalAuthenticator", "HubAuthenticator"]


def hub_wide(section: str, **options: object) -> Config:
    """The same options in a section of its own and, as traitlets reads it too, inside the hub's."""
    return Config({section: options, "JupyterHub": {section: options}})


@pytest.mark.parametrize("section", SECTIONS)
async def test_hub_wide_admins_are_no_admins_of_the_wrapped_one(wrap: Wrapped, section: str) -> None:
    wrap.hub = hub_wide(section, admin_users={"ann"})
    signed = await sign_in(wrap(DummyAuthenticator))
    assert signed.decision is not None
    assert signed.decision.admin is None


@pytest.mark.parametrize("section", SECTIONS)
async def test_hub_wide_allow_all_lets_nobody_in_at_the_wrapped_one(wrap: Wrapped, section: str) -> None:
    wrap.hub = hub_wide(section, allow_all=True)
    provider = wrap(DummyAuthenticator, {"allowed_users": {"ben"}})
    assert not (await sign_in(provider, "ann")).decision.allowed
    assert (await sign_in(provider, "ben")).decision.allowed


@pytest.mark.parametrize("section", SECTIONS)
async def test_hub_wide_username_map_does_not_rename_at_the_source(wrap: Wrapped, section: str) -> None:
    wrap.hub = hub_wide(section, username_map={"ann": "root"})
    identity = (await sign_in(wrap(DummyAuthenticator))).identity
    assert (identity.username, identity.subject) == ("ann", "ann")


async def test_options_of_the_wrapped_class_reach_it(wrap: Wrapped) -> None:
    wrap.hub = Config({"DummyAuthenticator": {"password": "from-its-section", "admin_users": {"Ann"}}})
    provider = wrap(DummyAuthenticator)
    assert (await sign_in(provider, password="from-its-section")).decision.admin is True
    with pytest.raises(LoginRefused):
        await sign_in(provider, password="something-else")


async def test_own_config_wins_over_the_section_of_the_class(wrap: Wrapped) -> None:
    wrap.hub = Config({"DummyAuthenticator": {"password": "section"}})
    provider = wrap(DummyAuthenticator, {"password": "own"})
    assert (await sign_in(provider, password="own")).identity.subject == "ann"


def test_own_config_may_hold_sections(wrap: Wrapped) -> None:
    provider = wrap(PAMAuthenticator, {"LocalAuthenticator": {"create_system_users": True}, "service": "sudo"})
    assert provider.inner.create_system_users
    assert provider.inner.service == "sudo"


def test_the_hubs_configuration_is_not_changed(wrap: Wrapped) -> None:
    wrap.hub = Config({"Authenticator": {"admin_users": {"ann"}}, "DummyAuthenticator": {"allowed_users": {"ben"}}})
    before = repr(wrap.hub)
    wrap(DummyAuthenticator, {"admin_users": {"cid"}}).inner.allowed_users.add("dan")
    assert repr(wrap.hub) == before


def test_two_wrapped_oauthenticators_share_nothing(wrap: Wrapped) -> None:
    options = {"client_id": "one", "allowed_users": {"ann"}, "extra_authorize_params": {"a": "1"}}
    one = wrap(GitHubOAuthenticator, options, name="one")
    two = wrap(GitHubOAuthenticator, options | {"client_id": "two"}, name="two")
    one.inner.allowed_users.add("ben")
    one.inner.extra_authorize_params["b"] = "2"
    assert (one.inner.client_id, two.inner.client_id) == ("one", "two")
    assert two.inner.allowed_users == {"ann"}
    assert two.inner.extra_authorize_params == {"a": "1"}
    assert options["allowed_users"] == {"ann"}
    mounted = {page.handler for page in one.pages()} & {page.handler for page in two.pages()}
    assert not mounted


def test_what_a_class_keeps_for_all_its_instances_is_copied(wrap: Wrapped) -> None:
    one, two = (wrap(GoogleOAuthenticator, name=name) for name in ("one", "two"))
    one.inner._service_credentials["example.org"] = "a secret"
    assert not two.inner._service_credentials
    assert not GoogleOAuthenticator._service_credentials


def test_removing_somebody_from_the_rules_removes_them(wrap: Wrapped) -> None:
    assert wrap(DummyAuthenticator, {"allowed_users": {"ann"}}).inner.allow_existing_users is False
    own_wish = wrap(DummyAuthenticator, {"allowed_users": {"ann"}, "allow_existing_users": True})
    assert own_wish.inner.allow_existing_users is True


def test_names_in_rules_are_normal_as_in_a_hub_of_its_own(wrap: Wrapped) -> None:
    inner = wrap(DummyAuthenticator, {"allowed_users": {"Ann"}, "admin_users": {"BEN"}}).inner
    assert inner.allowed_users == {"ann", "ben"}
    assert inner.admin_users == {"ben"}


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ("pma", "Did you mean 'pam'?"),
        ("no.such.module.Class", "cannot be imported"),
        (dict, "not a JupyterHub authenticator"),
        ("null", "lets nobody sign in"),
        ("hubauth", "must not be hubauth"),
    ],
)
def test_a_wrong_class_is_told_at_start(wrap: Wrapped, choice: object, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        wrap(choice)


@pytest.mark.parametrize("choice", ["dummy", "Dummy", "jupyterhub.auth.DummyAuthenticator", DummyAuthenticator])
def test_a_class_is_found_by_entry_point_path_or_itself(wrap: Wrapped, choice: object) -> None:
    assert isinstance(wrap(choice).inner, DummyAuthenticator)


def test_an_unknown_option_is_told_at_start(wrap: Wrapped) -> None:
    with pytest.raises(ConfigError, match=r"client_idd.*Did you mean 'client_id'"):
        wrap(GenericOAuthenticator, {"client_idd": "x"})


def test_options_that_are_no_options_are_told_at_start(wrap: Wrapped) -> None:
    nonsense: Any = "client_id=x"
    with pytest.raises(ConfigError, match="must be a dictionary"):
        wrap(GenericOAuthenticator, nonsense)


def test_a_wrong_value_is_told_without_the_secret(wrap: Wrapped) -> None:
    with pytest.raises(ConfigError) as told:
        wrap(GenericOAuthenticator, {"client_secret": 4711})
    assert "4711" not in told.value.sentence


def test_a_class_without_known_subject_needs_a_decision(wrap: Wrapped) -> None:
    class Unknown(Authenticator):
        pass

    with pytest.raises(ConfigError, match=r"(?s)subject_key.*reusable_names"):
        wrap(Unknown)
    assert wrap(Unknown, reusable_names=True).needs_system_users is False
    assert wrap(Unknown, subject_key="id")
    with pytest.raises(ConfigError, match="exclude each other"):
        wrap(Unknown, subject_key="id", reusable_names=True)


@pytest.mark.row("V16")
@pytest.mark.parametrize("key", ["oauth_user.email", ["tid", "oauth_user.preferred_username"], "sub|name"], ids=str)
def test_a_login_or_an_address_is_no_subject(wrap: Wrapped, key: str | list[str]) -> None:
    with pytest.raises(ConfigError, match="can pass from one person to another"):
        wrap(GenericOAuthenticator, subject_key=key)


def test_who_needs_users_of_the_system_is_told(wrap: Wrapped) -> None:
    assert wrap(PAMAuthenticator).needs_system_users
    assert not wrap(DummyAuthenticator).needs_system_users
