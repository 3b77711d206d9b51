"""The issuer in the browser's answer."""

from __future__ import annotations

import pytest

from hubauth_core.errors import LoginRefused

ISS = pytest.mark.row("X19", "R10")


@ISS
@pytest.mark.parametrize("other", ["https://evil.example", "", "{issuer}/", "{issuer}x"])
@pytest.mark.parametrize("outcome", [{}, {"error": "access_denied"}], ids=["success", "error"])
async def test_another_issuer_is_refused_before_the_code_goes_anywhere(idp, sign_in, other, outcome):
    with pytest.raises(LoginRefused) as caught:
        await sign_in(iss=other.format(issuer=idp.issuer), **outcome)
    assert caught.value.code == "issuer_mismatch"
    assert idp.count("/token") == 0


@ISS
async def test_a_missing_issuer_is_refused_where_it_was_promised(idp, sign_in):
    idp.callback = {"iss": None}
    with pytest.raises(LoginRefused) as caught:
        await sign_in(iss=[])
    assert caught.value.code == "issuer_missing"
    assert idp.count("/token") == 0


@ISS
async def test_a_missing_issuer_is_fine_where_it_was_not_promised(idp, sign_in):
    idp.metadata = {"authorization_response_iss_parameter_supported": False}
    assert (await sign_in(iss=[])).identity.subject == "7"


@ISS
async def test_a_repeated_issuer_is_refused(idp, sign_in):
    with pytest.raises(LoginRefused) as caught:
        await sign_in(iss=[idp.issuer, idp.issuer])
    assert caught.value.code == "callback_repeated"
    assert idp.count("/token") == 0
