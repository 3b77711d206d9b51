"""A password has no age: it is changed when somebody knows it, and never because time has passed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hubauth_core import Form, SignIn
from hubauth_native import NativeProvider

from ..signing_in import CHEAP, Visitor, make

Start = Callable[..., NativeProvider]


@pytest.mark.row("P07", "6.2.10")
async def test_nobody_is_asked_to_change_an_old_password(start: Start) -> None:
    native = start(**CHEAP)
    make(native, password_set_at=1.0, created_at=1.0)
    assert isinstance(await Visitor(native).signs_in(), SignIn)


@pytest.mark.row("P07")
async def test_whoever_has_a_compromised_one_must(start: Start) -> None:
    native = start(**CHEAP)
    make(native, must_change=True)
    form = await Visitor(native).signs_in()
    assert isinstance(form, Form)
    assert "must be changed" in form.text


@pytest.mark.row("P07", "6.2.10")
def test_no_option_makes_passwords_grow_old_or_prescribes_characters(start: Start) -> None:
    options = set(start(**CHEAP).trait_names(config=True)) - {"membership_max_age"}  # of what sources say of people
    words = ("expire", "max_age", "rotation", "history", "uppercase", "digits", "symbols", "hint", "question")
    assert not [name for name in options if any(word in name for word in words)]
