"""The metadata of an issuer."""

from __future__ import annotations

import pytest

from hostile_idp import ABSENT, HostileIdP, faults
from hubauth_core.errors import ConfigError, HubAuthError, ProviderError
from hubauth_core.oauth2.rfc8414 import well_known

row = pytest.mark.row
WELL_KNOWN = "/.well-known/openid-configuration"


@row("C23", "R18")
@pytest.mark.parametrize(
    ("issuer", "addresses"),
    [
        (
            "https://idp.example",
            [
                "https://idp.example/.well-known/openid-configuration",
                "https://idp.example/.well-known/oauth-authorization-server",
            ],
        ),
        (
            "https://idp.example/realms/a",
            [
                "https://idp.example/realms/a/.well-known/openid-configuration",
                "https://idp.example/.well-known/oauth-authorization-server/realms/a",
                "https://idp.example/.well-known/openid-configuration/realms/a",
            ],
        ),
        (
            "https://idp.example/a/",
            [
                "https://idp.example/a/.well-known/openid-configuration",
                "https://idp.example/.well-known/oauth-authorization-server/a",
                "https://idp.example/.well-known/openid-configuration/a",
            ],
        ),
    ],
    ids=["host", "path", "slash"],
)
def test_where_metadata_may_be(issuer, addresses):
    assert well_known(issuer) == addresses


@row("R18", "C23")
async def test_the_inserted_form_serves_an_issuer_with_a_path(make, sign_in):
    async with HostileIdP(path="/realms/a") as idp:
        metadata = idp.answer_metadata()
        idp.replace(WELL_KNOWN, faults.raw(b"no", "text/plain", 404))
        idp.replace("/.well-known/oauth-authorization-server/realms/a", metadata)
        found = await make(issuer=idp.issuer).metadata()
        assert found.token_endpoint == f"{idp.issuer}/token"


@row("C25", "R18", "X06")
@pytest.mark.parametrize(
    "issuer",
    ["https://evil.example", "{0}/", "{0}x", ABSENT, None, ["{0}"], ""],
    ids=["another", "slash", "longer", "absent", "null", "list", "empty"],
)
async def test_metadata_of_another_issuer_is_not_used(idp, make, sign_in, issuer):
    idp.metadata = {"issuer": issuer.format(idp.issuer) if isinstance(issuer, str) else issuer}
    with pytest.raises(ProviderError) as caught:
        await sign_in()
    assert caught.value.code == "discovery_issuer"
    assert repr(idp.issuer) in caught.value.sentence  # what was configured, to be compared with the source's own page
    assert idp.count("/token") == 0


@row("C25")
async def test_a_wrong_issuer_is_not_made_good_by_the_other_address(idp, sign_in):
    right = idp.answer_metadata()
    idp.metadata = {"issuer": "https://evil.example"}
    idp.replace("/.well-known/oauth-authorization-server", right)
    with pytest.raises(ProviderError):
        await sign_in()


@row("X24")
@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"])
@pytest.mark.parametrize(
    "url",
    ["http://idp.example/x", "file:///etc/passwd", "javascript:alert(1)", "https://169.254.169.254/x", "/relative"],
)
async def test_metadata_may_not_name_such_an_address(idp, sign_in, name, url):
    idp.metadata = {name: url}
    with pytest.raises(ProviderError) as caught:
        await sign_in()
    assert caught.value.code == "provider_insecure_url"
    assert "/token" not in [seen.path for seen in idp.seen]


@row("X24")
@pytest.mark.parametrize("path", [WELL_KNOWN, "/jwks", "/userinfo"])
@pytest.mark.parametrize("target", ["http://169.254.169.254/latest", "{issuer}/caught"])
async def test_no_redirect_is_followed(idp, sign_in, path, target):
    idp.replace(path, faults.redirect(target.format(issuer=idp.issuer)))
    with pytest.raises(ProviderError):
        await sign_in()
    assert idp.count("/caught") == 0


@row("F04")
@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
@pytest.mark.parametrize("value", [ABSENT, None, 7, ["https://idp.example"], ""])
async def test_metadata_that_lacks_something_is_refused(idp, sign_in, name, value):
    idp.metadata = {name: value}
    with pytest.raises(ProviderError) as caught:
        await sign_in()
    assert caught.value.code == "provider_bad_response"


@row("R02", "X22")
async def test_metadata_may_not_set_parameters_of_the_sign_in(idp, sign_in):
    idp.metadata = {"authorization_endpoint": f"{idp.issuer}/authorize?state=theirs"}
    with pytest.raises(ProviderError):
        await sign_in()


@row("F01")
async def test_discovery_is_lazy_and_tried_again(idp, make, sign_in):
    idp.replace(WELL_KNOWN, faults.raw(b"", status=500))
    provider = make()
    assert idp.seen == []
    with pytest.raises(HubAuthError):
        await sign_in(provider)
    idp.answers.clear()
    assert (await sign_in(provider)).identity.subject == "7"


async def test_an_issuer_without_metadata_says_so(idp, sign_in):
    for path in (WELL_KNOWN, "/.well-known/oauth-authorization-server"):
        idp.replace(path, faults.raw(b"no", "text/plain", 404))
    with pytest.raises(ProviderError) as caught:
        await sign_in()
    assert caught.value.code == "discovery_not_found"
    assert idp.issuer + WELL_KNOWN in caught.value.sentence


@row("X24")
@pytest.mark.parametrize("issuer", ["http://idp.example", "idp.example", "https://idp.example?x=1", "https://a#b"])
def test_an_issuer_that_is_none_stops_the_start(make, issuer):
    with pytest.raises(ConfigError, match="issuer"):
        make(issuer=issuer)
