"""Where the browser of somebody who has signed out of the hub goes."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from hostile_idp import faults
from hubauth_core import ConfigError, Credential, Identity, Secret
from hubauth_core.types import HubCall

row = pytest.mark.row
ANN = Identity(subject="7", username="ann")
HINT = Credential(access_token=Secret("a"), id_token=Secret("h.i.nt"))
BACK = "https://hub.example/hub/auth/uni/logged-out?state=s1"


@pytest.fixture
def leaving(idp, make):
    """A provider of a source that says where to sign out."""
    idp.metadata = {"end_session_endpoint": f"{idp.issuer}/out?ui=1"}
    return make(end_session=True)


async def way_out(provider, credential=HINT):
    await provider.logged_out(ANN, HubCall())
    return provider.logout_url(credential, BACK)


@row("C40")
async def test_the_source_learns_whom_it_is_about_and_where_to_send_the_browser(idp, leaving):
    url = urlsplit(await way_out(leaving))
    assert f"{url.scheme}://{url.netloc}{url.path}" == f"{idp.issuer}/out"
    assert {name: value for name, [value] in parse_qs(url.query).items()} == {
        "ui": "1",
        "client_id": "hub",
        "id_token_hint": "h.i.nt",
        "post_logout_redirect_uri": "https://hub.example/hub/auth/uni/logged-out",
        "state": "s1",
    }


@pytest.mark.parametrize(
    "credential",
    [None, Credential(access_token=Secret("a")), Credential(access_token=Secret("a"), id_token=Secret("x" * 6000))],
)
async def test_without_a_token_that_fits_the_client_is_named_alone(leaving, credential):
    query = parse_qs(urlsplit(await way_out(leaving, credential)).query)
    assert "id_token_hint" not in query
    assert query["client_id"] == ["hub"]


async def test_a_configured_address_wins_and_the_source_is_not_asked(idp, make):
    provider = make(end_session=True, end_session_url="https://sso.example/leave")
    assert (await way_out(provider)).startswith("https://sso.example/leave?client_id=hub&")
    assert idp.seen == []


@row("R21")
async def test_a_source_that_is_down_keeps_nobody(idp, leaving):
    idp.replace("/.well-known/openid-configuration", faults.raw(b"", status=503))
    assert await way_out(leaving) is None


@pytest.mark.parametrize("end_session", [True, False])
async def test_nobody_is_sent_where_there_is_nothing(idp, make, end_session):
    if not end_session:
        idp.metadata = {"end_session_endpoint": f"{idp.issuer}/out"}
    assert await way_out(make(end_session=end_session)) is None


async def test_a_way_out_that_cannot_be_used_is_none_and_people_still_come_in(idp, make, sign_in):
    idp.metadata = {"end_session_endpoint": "http://elsewhere.example/out"}
    provider = make(end_session=True)
    await sign_in(provider)
    assert await way_out(provider) is None


def test_the_address_is_checked_at_the_start(make):
    with pytest.raises(ConfigError, match="end_session_url"):
        make(end_session_url="http://elsewhere.example/out")


async def test_a_fixed_address_in_place_of_that(make):
    assert await way_out(make(logout_redirect_url="https://portal.example/bye")) == "https://portal.example/bye"
