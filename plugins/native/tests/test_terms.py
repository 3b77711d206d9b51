"""Terms that are accepted, and by which version."""

from __future__ import annotations

from typing import Any

import pytest

from hubauth_core import ConfigError
from hubauth_native import NativeProvider
from hubauth_native.terms import Terms, TermsRefused, terms_of


def terms(**options: Any) -> Terms:
    return terms_of(NativeProvider("local", **options))


def test_without_terms_there_is_nothing_to_accept() -> None:
    assert not terms().asked
    terms().check("")


@pytest.mark.parametrize("accepted", ["", "on", "another", "\0"])
def test_the_version_in_force_must_be_ticked(accepted: str) -> None:
    named = terms(terms_text="Be kind.", terms_version="2026-01")
    named.check("2026-01")
    with pytest.raises(TermsRefused):
        named.check(accepted)


def test_a_version_that_is_not_named_changes_with_the_text() -> None:
    one, other = terms(terms_text="Be kind."), terms(terms_text="Be kind, always.")
    assert one.version == terms(terms_text="Be kind.").version != other.version
    with pytest.raises(TermsRefused, match="changed"):
        other.check(one.version)


@pytest.mark.parametrize(
    "options",
    [
        {"terms_url": "javascript:alert(1)"},
        {"terms_version": "1"},
        {"terms_text": "Be kind.", "terms_version": "x" * 65},
    ],
)
def test_what_cannot_be_terms_stops_the_start(options: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="terms_"):
        terms(**options)
