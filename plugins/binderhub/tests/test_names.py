"""Names of what only one person may see."""

from __future__ import annotations

import pytest
from binderhub.builder import _generate_build_name, _safe_build_slug

from hubauth_binderhub.names import private_slug

KEY, USER, URL = "service-secret", "ann", "https://forge.test/lab/data"
SLUG = "lab-" + 60 * "data"


def slug(key: str = KEY, user: str = USER, url: str = URL) -> str:
    return private_slug(SLUG, key=key, user=user, url=url)


def test_the_same_for_the_same_person() -> None:
    assert slug() == slug()


@pytest.mark.parametrize(
    "other", [{"user": "bob"}, {"url": f"{URL}2"}, {"key": "another"}, {"user": "ann\0https", "url": ""}]
)
def test_another_for_anything_else(other: dict[str, str]) -> None:
    assert slug(**other) != slug()


def test_what_tells_them_apart_survives_binderhubs_cuts() -> None:
    """BinderHub keeps 43 characters of a slug in a build's name, and six digits of its hash."""
    digest = slug().split("-")[1]
    assert len(digest) == 32
    assert digest in _generate_build_name(slug(), "a" * 40, prefix="build-")
    assert digest in _safe_build_slug(slug(), limit=60)


def test_the_slug_cannot_be_told_from_what_others_know() -> None:
    assert USER not in slug().removesuffix(SLUG)
    assert KEY not in slug()
