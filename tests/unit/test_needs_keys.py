"""Without crypt keys nothing is stored, so what needs stored credentials says so before the hub starts."""

from __future__ import annotations

from typing import Any

import pytest
from traitlets import Bool, Dict, Float, HasTraits, List, Unicode

from hubauth_core import ConfigError, Provider
from hubauth_core.authenticator import HubAuthenticator
from hubauth_core.needs_keys import OF_THE_AUTHENTICATOR, check_without_keys


class Authenticator(HasTraits):
    """Some of the options of HubAuthenticator."""

    auth_state_tokens = Bool(False)
    spawner_environment = Dict()


class Exchanging(HasTraits):
    """A provider that offers one scope by default."""

    exchange = Dict()
    offered_scopes = List(["read"])


def test_options_that_need_a_store_are_named_with_the_remedy() -> None:
    told = Authenticator(auth_state_tokens=True, spawner_environment={"TOKEN": "uni"})
    providers = {"uni": Exchanging(exchange={"kafka": {}}), "forge": Exchanging(offered_scopes=["repo"])}
    with pytest.raises(ConfigError) as error:
        check_without_keys(told, providers)
    assert error.value.sentence == (
        "c.HubAuthenticator.auth_state_tokens and c.HubAuthenticator.spawner_environment and exchange of provider "
        "'uni' and offered_scopes of provider 'forge' need stored credentials, and without crypt keys this hub stores "
        "none. Set JUPYTERHUB_CRYPT_KEY, for example to the output of `openssl rand -hex 32`, or leave those options "
        "out."
    )


def test_what_nobody_asked_for_stops_nothing() -> None:
    check_without_keys(Authenticator(), {"uni": Exchanging(), "other": HasTraits()})


def test_every_option_is_the_authenticators_and_off_by_default() -> None:
    options = HubAuthenticator.class_traits(config=True)
    assert not any(options[name].default() for name in OF_THE_AUTHENTICATOR)


def test_a_promise_to_renew_or_to_revoke_is_not_made_where_nothing_is_kept() -> None:
    options = {"renew_ahead": Float(0), "revoke_on_logout": Bool(False), "credential_api_url": Unicode()}
    told = type("Told", (HasTraits,), options)(renew_ahead=300, revoke_on_logout=True, credential_api_url="http://x")
    with pytest.raises(ConfigError) as error:
        check_without_keys(told, {})
    assert [name in error.value.sentence for name in options] == [True, True, True]
    with pytest.raises(ConfigError, match="revoke_on_logout of provider 'uni'"):
        check_without_keys(Authenticator(), {"uni": Provider("uni", revoke_on_logout=True)})
    check_without_keys(Authenticator(), {"uni": Provider("uni", revoke_on_logout=False)})


class Asked(Provider):
    """Only a person's own token can ask its source."""

    needs_credential = True


class Organized(Asked):
    @property
    def rule_claims(self) -> tuple[str, ...]:
        return ("organizations",)


@pytest.mark.parametrize(
    ("kind", "rules", "named"),
    [
        (Asked, {"allowed_groups": {"staff"}}, "allowed_groups"),
        (Asked, {"required_groups": {"staff"}, "allow_all": True}, "required_groups"),
        (Asked, {"admin_groups": {"staff"}}, "admin_groups"),
        (Asked, {"group_map": {"a": "b"}}, "group_map"),
        (Asked, {"role_map": {"a": "b"}}, "role_map"),
        (Asked, {"required_claims": {"hd": "uni.example"}}, "required_claims"),
        (Organized, {}, "organizations"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_rules_that_a_token_has_to_be_asked_for_name_both_ways_out(
    kind: type[Provider], rules: dict[str, Any], named: str
) -> None:
    with pytest.raises(ConfigError) as error:
        check_without_keys(Authenticator(), {"uni": kind("uni", **rules)})
    for words in ("'uni'", f"({named})", "JUPYTERHUB_CRYPT_KEY", "membership_max_age = None"):
        assert words in error.value.sentence
    check_without_keys(Authenticator(), {"uni": kind("uni", membership_max_age=None, **rules)})


def test_rules_that_need_no_token_stop_nothing() -> None:
    by_name: dict[str, Any] = {
        "allowed_users": {"ann"},
        "blocked_users": {"bob"},
        "required_email_domains": ["a.example"],
    }
    check_without_keys(Authenticator(), {"uni": Asked("uni", **by_name)})
    check_without_keys(Authenticator(), {"own": Provider("own", allowed_groups={"staff"})})
