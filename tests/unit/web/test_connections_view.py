"""What the page of connections shows of what is recorded, and of what a link to it asks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from hubauth_core import Provider
from hubauth_core.mapping import Record
from hubauth_core.retrieval import Connection
from hubauth_core.web.connections_view import Offer, Wish, card_of, day, is_unmet, wish_for
from hubauth_core.web.view import Icon

RECORD = Record(
    id="1", provider="forge", subject="7", username="ann", hub_user=(1, 1.0), hub_name="ann", home=False,
    created_at=1_714_556_800.0, last_used_at=1_717_200_000.0,
)  # fmt: skip


class Forge(Provider):
    """Offers two scopes."""

    @property
    def further_scopes(self) -> Sequence[str]:
        return ("repo", "gist")


PROVIDERS: dict[str, Provider] = {"forge": Forge("forge", label="Forge"), "uni": Provider("uni")}


def card(
    state: Any = "ready", wish: Wish | None = None, provider: Provider | None = PROVIDERS["forge"], **more: Any
) -> Any:
    connection = Connection(record=RECORD, label="Forge", state=state, scopes=frozenset(more.pop("scopes", ())))
    return card_of(connection, provider, wish or Wish(), lambda _: Icon(), "")


def test_days_are_written_for_people_and_for_machines() -> None:
    assert (card().since, card().last_used) == (day(RECORD.created_at), day(RECORD.last_used_at))
    assert (day(0.0).text, day(0.0).iso) == ("1 January 1970", "1970-01-01")


@pytest.mark.parametrize(
    ("state", "text", "good"),
    [
        ("ready", "Ready to use", True),
        ("not_stored", "For signing in only", True),
        ("storage_disabled", "For signing in only: this hub keeps no credentials", True),
        ("needs_login", "Needs a new sign-in", False),
        ("unavailable", "Does not answer now", False),
    ],
)
def test_each_state_has_its_words(state: str, text: str, good: bool) -> None:
    shown = card(state)
    assert (shown.state, shown.good, shown.renew) == (text, good, state == "needs_login")


def test_a_provider_out_of_service_renews_nothing() -> None:
    shown = card("needs_login", provider=None)
    assert (shown.state, shown.good, shown.renew, shown.further) == ("Out of service on this hub", False, False, ())


def test_one_whose_own_pages_carry_no_link_renews_nothing_here() -> None:
    wrapped = Forge("forge")
    wrapped.ends_here = False
    shown = card("needs_login", provider=wrapped)
    assert (shown.renew, shown.further) == (False, ())


def test_what_is_granted_is_not_asked_for_again() -> None:
    assert [scope.name for scope in card(scopes=["repo", "user"]).further] == ["gist"]
    assert card(scopes=["repo", "user"]).scopes == ("repo", "user")


def test_what_a_link_asks_for_is_checked_beforehand_where_it_is_offered() -> None:
    wish = wish_for("forge", ["repo", "delete_everything"], PROVIDERS)
    assert [(scope.name, scope.checked) for scope in wish.boxes(PROVIDERS["forge"])] == [
        ("repo", True),
        ("gist", False),
    ]
    assert card(wish=wish).selected
    assert wish.query == {"connect": "forge", "scope": "repo"}


@pytest.mark.parametrize(
    ("name", "scopes", "unmet"),
    [
        ("", [], False),
        ("nowhere", [], True),
        ("forge", [], False),
        ("forge", ["repo", "user"], False),
        ("forge", ["delete_everything"], True),
        ("uni", [], False),
        ("uni", ["user"], True),
    ],
)
def test_what_cannot_be_had_is_said(name: str, scopes: list[str], unmet: bool) -> None:
    offer = Offer(provider="uni", label="Uni", icon=Icon(), further=(), selected=False, problem="")
    wish = wish_for(name, scopes, PROVIDERS)
    assert is_unmet(wish, [card(scopes=["user"])], [offer]) is unmet
    assert "nowhere" not in repr(wish.query)


def test_a_provider_that_is_not_on_the_page_cannot_be_had() -> None:
    assert is_unmet(wish_for("uni", [], PROVIDERS), [card()], [])
