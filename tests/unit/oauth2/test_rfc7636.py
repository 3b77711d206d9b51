"""PKCE."""

from __future__ import annotations

import pytest

from hubauth_core.oauth2 import rfc7636


@pytest.mark.row("R02", "R11")
def test_the_example_of_the_standard():
    assert (
        rfc7636.challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
        == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    )  # appendix B


@pytest.mark.row("R11")
@pytest.mark.parametrize("verifier", ["", "a" * 42, "a" * 129, "a" * 42 + " ", "a" * 42 + "ä", "a" * 43 + "\n"])
def test_refuses_a_verifier_that_is_none(verifier):
    with pytest.raises(ValueError, match="43 to 128"):
        rfc7636.challenge(verifier)
