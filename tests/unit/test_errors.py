"""One tree of errors, by who must act."""

from __future__ import annotations

import pytest

from hubauth_core import errors
from hubauth_core.errors import HubAuthError, LoginRefused, ProviderError, ProviderUnavailable

EVERY = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, HubAuthError)]


@pytest.mark.parametrize("kind", EVERY)
def test_every_error_has_a_code_and_a_sentence(kind: type[HubAuthError]) -> None:
    error = kind("Try again.")
    assert (error.sentence, str(error)) == ("Try again.", "Try again.")
    assert error.code == kind.default_code
    assert kind("Try again.", code="special").code == "special"
    assert (error.subject, error.username) == ("", "")


def test_codes_tell_the_branches_apart() -> None:
    assert len({kind.default_code for kind in EVERY}) == len(EVERY)


def test_a_refusal_is_no_fault_of_the_program() -> None:
    for kind in EVERY:
        assert not issubclass(kind, ValueError | RuntimeError | OSError)


def test_whom_a_refusal_is_about_stays_with_that_refusal() -> None:
    first = LoginRefused("No.")
    first.subject = "7"
    assert LoginRefused("No.").subject == ""


def test_a_source_may_say_when_to_come_back() -> None:
    assert ProviderUnavailable("Later.", retry_after=30).retry_after == 30
    assert ProviderError("Odd.").retry_after is None
    assert issubclass(ProviderUnavailable, ProviderError)
