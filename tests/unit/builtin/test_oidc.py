"""The type `oidc`: an issuer and a client are enough."""

from __future__ import annotations

import pytest

from hostile_idp import HostileIdP
from hostile_idp.flow import begin, finish, transaction
from hubauth_core.errors import ConfigError
from hubauth_core.registry import Registry


@pytest.mark.row("C01", "C23")
async def test_signs_in_by_configuration_alone():
    async with HostileIdP() as idp:
        registry = Registry()
        options = {"type": "oidc", "issuer": idp.issuer, "client_id": "hub", "client_secret": "s3cret"}
        registry.configure({"uni": options})
        provider = registry.provider("uni")
        url, under_way = await begin(provider, transaction())
        identity = (await finish(provider, idp.sign_in(url), under_way)).identity
        await provider.api.close()
        assert (identity.subject, identity.username) == ("7", "ann")


def test_what_is_required():
    registry = Registry()
    with pytest.raises(ConfigError, match="'issuer', 'client_id', 'client_secret'"):
        registry.configure({"uni": {"type": "oidc"}})


@pytest.mark.row("F01")
def test_configuring_asks_nobody():
    registry = Registry()
    options = {"type": "oidc", "issuer": "https://idp.invalid", "client_id": "hub", "client_secret": "s3cret"}
    registry.configure({"uni": options})
    assert list(registry.providers) == ["uni"]
