"""A sign-in under way: sealed, bound to browser and provider, short-lived, used once."""

from __future__ import annotations

import asyncio
import base64
import json
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubauth_core import LoginRefused, ProviderError, Secret, Transaction
from hubauth_core.transaction import (
    COOKIE_PREFIX,
    LIFETIME,
    MOST_AT_ONCE,
    MOST_BYTES,
    Seal,
    UsedStates,
    begin,
    cookie_name,
    ours,
    remember,
)

SECRET = b"0123456789abcdef0123456789abcdef"
UNRESERVED = set(string.ascii_letters + string.digits + "-._~")


class Clock:
    def __init__(self, now: float = 1_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def started(provider: str = "uni", **more: str) -> Transaction:
    return begin(provider, redirect_uri="https://hub.test/cb", next_url=more.pop("next_url", "/hub/spawn"), **more)  # type: ignore[arg-type]  # purpose


def jar(seal: Seal, *transactions: Transaction) -> dict[str, str]:
    """The cookies of a browser that began these."""
    return {cookie_name(each.state): seal.close(each) for each in transactions}


def refusal(seal: Seal, state: str, cookies: dict[str, str], provider: str = "uni") -> str:
    with pytest.raises(LoginRefused) as refused:
        seal.open(state, cookies, provider)
    assert len(state) < 20 or state not in refused.value.sentence
    return refused.value.code


@pytest.mark.row("R03", "R11")
def test_state_nonce_and_verifier_are_long_random_and_of_their_own() -> None:
    transactions = [started() for _ in range(50)]
    values = [value for each in transactions for value in (each.state, each.nonce, each.verifier.reveal())]
    assert len(set(values)) == 150
    for value in values:
        assert 43 <= len(value) <= 128
        assert set(value) <= UNRESERVED
        assert len(base64.urlsafe_b64decode(value + "=")) == 32


@pytest.mark.row("B3")
def test_a_transaction_does_not_print_what_proves_it() -> None:
    transaction = started()
    for secret in (transaction.state, transaction.nonce, transaction.verifier.reveal()):
        assert secret not in repr(transaction)


def test_what_was_sealed_comes_back_as_it_was() -> None:
    seal = Seal(SECRET)
    transaction = remember(started("uni", next_url="/hub/é?a=1&b=%2F", purpose="link"), {"issuer": "https://x.test"})
    assert seal.open(transaction.state, jar(seal, transaction), "uni") == transaction


def test_a_restart_of_the_hub_loses_no_sign_in() -> None:
    transaction = started()
    assert Seal(SECRET).open(transaction.state, jar(Seal(SECRET), transaction), "uni") == transaction


def test_notes_add_up_and_leave_the_rest_alone() -> None:
    transaction = started()
    noted = remember(remember(transaction, {"a": "1", "b": "1"}), {"b": "2"})
    assert noted.memo == {"a": "1", "b": "2"}
    assert remember(transaction, {}) == transaction
    assert transaction.memo == {}


@pytest.mark.row("F16")
@pytest.mark.parametrize("memo", [{"a": b"bytes"}, {"a": 7}, {7: "a"}, {"a": Secret("x")}])
def test_notes_that_are_not_text_are_the_providers_error(memo: dict[str, str]) -> None:
    with pytest.raises(ProviderError):
        remember(started(), memo)


@pytest.mark.row("X17", "R03")
def test_another_browser_cannot_go_on_with_it() -> None:
    seal, transaction = Seal(SECRET), started()
    assert refusal(seal, transaction.state, {}) == "state_unknown"
    assert refusal(seal, transaction.state, jar(seal, started())) == "state_unknown"


@pytest.mark.row("X17", "V28")
def test_a_cookie_of_one_sign_in_does_not_open_another_one() -> None:
    seal, mine, attackers = Seal(SECRET), started(), started()
    cookies = {cookie_name(attackers.state): seal.close(mine)}
    assert refusal(seal, attackers.state, cookies) == "state_unknown"
    assert refusal(seal, "", jar(seal, mine)) == "state_unknown"
    assert refusal(seal, mine.state + "x", jar(seal, mine)) == "state_unknown"


@pytest.mark.row("R01", "R07", "B2", "X17")
def test_another_provider_cannot_end_it() -> None:
    seal, transaction = Seal(SECRET), started("uni")
    assert refusal(seal, transaction.state, jar(seal, transaction), "evil") == "provider_mismatch"


@pytest.mark.row("X17")
def test_another_hub_cannot_open_it() -> None:
    transaction = started()
    assert refusal(Seal(b"x" * 32), transaction.state, jar(Seal(SECRET), transaction)) == "state_unknown"


@pytest.mark.row("B1")
def test_any_number_of_tabs_and_providers_are_under_way_side_by_side() -> None:
    seal = Seal(SECRET)
    begun = [started("uni"), started("uni"), started("github")]
    cookies = jar(seal, *begun)
    assert len(cookies) == 3
    assert [seal.open(each.state, cookies, each.provider) for each in reversed(begun)] == begun[::-1]


@pytest.mark.row("X17", "R03", "F08")
@pytest.mark.parametrize(
    ("age", "code"),
    [
        (0, None),
        (LIFETIME - 1, None),
        (LIFETIME, "state_expired"),
        (LIFETIME + 1e6, "state_expired"),
        (-59, None),
        (-61, "state_expired"),
        (-1e6, "state_expired"),
    ],
)
def test_it_lives_ten_minutes_and_survives_a_clock_that_jumps_back_a_little(age: float, code: str | None) -> None:
    transaction = started()
    seal = Seal(SECRET, clock=Clock(transaction.started_at + age))
    cookies = jar(seal, transaction)
    if code is None:
        assert seal.open(transaction.state, cookies, "uni") == transaction
    else:
        assert refusal(seal, transaction.state, cookies) == code
    assert LIFETIME <= 600


ONE = started(next_url="/hub/spaw")  # a length that needs padding, so that its last letter has bits to spare
SEALED = Seal(SECRET).close(ONE)


@pytest.mark.row("X17")
@given(position=st.integers(0, len(SEALED) - 1), character=st.characters(max_codepoint=255))
def test_no_altered_character_opens(position: int, character: str) -> None:
    altered = SEALED[:position] + character + SEALED[position + 1 :]
    if altered != SEALED:
        assert refusal(Seal(SECRET), ONE.state, {cookie_name(ONE.state): altered}) == "state_unknown"


@given(start=st.integers(0, len(SEALED)), end=st.integers(0, len(SEALED)), inserted=st.text(max_size=5))
def test_nothing_cut_out_or_put_in_opens(start: int, end: int, inserted: str) -> None:
    altered = SEALED[:start] + inserted + SEALED[end:]
    if altered != SEALED:
        assert refusal(Seal(SECRET), ONE.state, {cookie_name(ONE.state): altered}) == "state_unknown"


@given(value=st.text(max_size=300), state=st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=50))
def test_rubbish_is_refused_without_a_fault(value: str, state: str) -> None:
    assert refusal(Seal(SECRET), state, {cookie_name(state): value}) == "state_unknown"


def test_what_another_version_sealed_is_no_transaction() -> None:
    seal, transaction = Seal(SECRET), started()
    name, nonce = cookie_name(transaction.state), b"n" * 12
    for content in ({}, {"state": transaction.state}, {"verifier": "x", "new_field": 1}, ["list"], "text", None):
        sealed = nonce + seal._cipher.encrypt(nonce, json.dumps(content).encode(), name.encode())
        cookies = {name: base64.urlsafe_b64encode(sealed).decode()}
        assert refusal(seal, transaction.state, cookies) == "state_unknown"


@pytest.mark.row("F21")
def test_what_does_not_fit_into_a_cookie_is_refused_with_a_way_on() -> None:
    seal = Seal(SECRET)
    with pytest.raises(LoginRefused) as refused:
        seal.close(started(next_url="/hub/" + "x" * MOST_BYTES))
    assert refused.value.code == "too_large"
    assert "start page" in refused.value.sentence
    largest = started(next_url="/hub/" + "x" * 1500)
    assert len(cookie_name(largest.state)) + len(seal.close(largest)) < 4096 - 150
    assert refusal(seal, largest.state, {cookie_name(largest.state): "A" * (MOST_BYTES + 4)}) == "state_unknown"


@pytest.mark.row("F21")
def test_the_oldest_of_many_give_way_and_dead_ones_first() -> None:
    begun = [started() for _ in range(50)]
    seal = Seal(SECRET)
    cookies: dict[str, str] = {"jupyterhub-session-id": "x", COOKIE_PREFIX + "dead": "rubbish"}
    for each in begun:
        for name in seal.surplus(cookies):
            del cookies[name]
        cookies |= jar(seal, each)
        assert len(ours(cookies)) <= MOST_AT_ONCE
    assert set(cookies) == {"jupyterhub-session-id", *(cookie_name(each.state) for each in begun[-MOST_AT_ONCE:])}


def test_where_there_is_room_nothing_gives_way() -> None:
    seal = Seal(SECRET)
    assert seal.surplus(jar(seal, *(started() for _ in range(MOST_AT_ONCE - 1)))) == []


# Used states.


@pytest.mark.row("R03", "X17", "F12")
async def test_only_the_first_claims_a_state_and_the_second_hears_what_came_of_it() -> None:
    used = UsedStates()
    assert used.claim("s") is None
    waiting = [used.claim("s"), used.claim("s")]
    assert None not in waiting
    assert not any(each.done() for each in waiting if each)
    used.settle("s", signed_in=True)
    assert [await each for each in waiting if each] == [True, True]
    late = used.claim("s")
    assert late is not None
    assert await late


@pytest.mark.row("R03", "F12")
async def test_who_waited_for_a_sign_in_that_failed_hears_that_and_gets_no_second_try() -> None:
    used = UsedStates()
    used.claim("s")
    used.settle("s", signed_in=False)
    second = used.claim("s")
    assert second is not None
    assert not await second


@pytest.mark.row("R03")
async def test_many_at_once_are_one_first_and_many_seconds() -> None:
    used = UsedStates()

    async def call_back() -> bool:
        return used.claim("s") is None

    assert sorted(await asyncio.gather(*(call_back() for _ in range(20)))) == [False] * 19 + [True]


async def test_states_do_not_meet() -> None:
    used = UsedStates()
    assert used.claim("a") is None
    assert used.claim("b") is None


async def test_a_sign_in_with_a_further_step_may_come_again_once() -> None:
    used = UsedStates()
    used.claim("s")
    waiting = used.claim("s")
    used.settle("s", signed_in=False, over=False)
    assert waiting is not None
    assert not await waiting
    assert used.claim("s") is None
    assert used.claim("s") is not None


async def test_what_is_settled_twice_or_unknown_keeps_its_first_result() -> None:
    used = UsedStates()
    used.settle("unknown", signed_in=True)
    used.claim("s")
    used.settle("s", signed_in=True)
    used.settle("s", signed_in=False)
    result = used.claim("s")
    assert result is not None
    assert await result
    assert len(used) == 1


@pytest.mark.row("V07", "R03")
async def test_used_states_are_kept_as_long_as_they_could_be_replayed_and_no_longer() -> None:
    clock = Clock()
    used = UsedStates(clock)
    for number in range(100):
        used.claim(f"early{number}")
    clock.now += LIFETIME + 59
    assert used.claim("early0") is not None
    used.claim("late")
    assert len(used) == 101
    clock.now += 1
    assert used.claim("late") is not None
    assert len(used) == 1


async def test_the_states_themselves_are_not_kept() -> None:
    used = UsedStates()
    used.claim("a-state-of-somebody")
    assert "a-state-of-somebody" not in repr(vars(used))
