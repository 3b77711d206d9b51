"""The type `oauth2`: everything by configuration."""

from __future__ import annotations

import pytest

from hostile_idp import HostileIdP
from hostile_idp.flow import begin, finish, transaction
from hubauth_core.builtin import oauth2
from hubauth_core.errors import ConfigError, ProviderError
from hubauth_core.registry import Registry


async def test_signs_in_by_configuration_alone():
    async with HostileIdP() as idp:
        idp.userinfo = {"user": {"id": 7, "login": "ann", "teams": ["a", "b"]}}
        registry = Registry()
        registry.configure(
            {
                "forge": {
                    "type": "oauth2",
                    "client_id": "hub",
                    "client_secret": "s3cret",
                    "authorize_url": f"{idp.issuer}/authorize",
                    "token_url": f"{idp.issuer}/token",
                    "userinfo_url": f"{idp.issuer}/userinfo",
                    "scope": ["read"],
                    "subject_claim": "user.id",
                    "username_claim": "user.login",
                    "groups_claim": "user.teams",
                }
            }
        )
        provider = registry.provider("forge")
        url, under_way = await begin(provider, transaction())
        identity = (await finish(provider, idp.sign_in(url), under_way)).identity
        await provider.api.close()
        assert (identity.subject, identity.username, identity.groups) == ("7", "ann", {"a", "b"})


def test_what_is_required():
    provider = oauth2.hubauth_provider_type()("forge")
    assert provider.missing_options() == ["client_id", "authorize_url", "token_url", "userinfo_url", "client_secret"]


@pytest.mark.row("V16", "V02")
def test_an_address_is_no_subject():
    registry = Registry()
    with pytest.raises(ConfigError, match="subject_claim"):
        registry.configure({"forge": {"type": "oauth2", "client_id": "hub", "subject_claim": "email"}})


@pytest.mark.row("X13")
@pytest.mark.parametrize("value", [None, "", True, "a" * 256, ["7"]])
async def test_a_subject_that_is_none_lets_nobody_in(value):
    async with HostileIdP() as idp:
        idp.userinfo = {"sub": value, "username": "ann"}
        urls = {name: f"{idp.issuer}/{name.removesuffix('_url')}" for name in ("authorize_url", "token_url")}
        options = {**urls, "userinfo_url": f"{idp.issuer}/userinfo", "client_id": "hub", "client_secret": "s"}
        provider = oauth2.GenericOAuth2Provider("forge", **options)
        url, under_way = await begin(provider, transaction())
        with pytest.raises(ProviderError):
            await finish(provider, idp.sign_in(url), under_way)
        await provider.api.close()
