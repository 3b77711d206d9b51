"""Hashing and verifying passwords."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import unicodedata
from collections.abc import Callable

import bcrypt
import pytest
from argon2 import PasswordHasher, extract_parameters

from hubauth_core import ConfigError, Secret
from hubauth_native import NativeProvider
from hubauth_native.passwords.hashing import LEAST, Hasher, is_hash
from hubauth_native.passwords.pool import Busy, Pool
from hubauth_native.passwords.typed import PasswordRefused

PASSWORD = "correct horse battery"
CHEAP = {"argon2_unsafe": True, "argon2_memory_cost": 8, "argon2_time_cost": 1}

Start = Callable[..., NativeProvider]


@pytest.fixture
def hasher(start: Start) -> Hasher:
    return start(**CHEAP).house.hasher


@pytest.mark.row("S01", "P09")
async def test_the_default_is_argon2id_at_what_owasp_advises(native: NativeProvider) -> None:
    stored = (await native.house.hasher.hash(PASSWORD)).reveal()
    cost = extract_parameters(stored.removeprefix("nfc"))
    assert stored.startswith("nfc$argon2id$")
    assert any(cost.memory_cost >= memory and cost.time_cost >= passes for memory, passes in LEAST)
    assert cost.salt_len >= 16
    again = (await native.house.hasher.hash(PASSWORD)).reveal()
    assert again != stored


@pytest.mark.row("S01")
@pytest.mark.parametrize(("memory", "passes"), [(19455, 2), (19456, 1), (7167, 100)])
def test_a_cheaper_hash_stops_the_start(start: Start, memory: int, passes: int) -> None:
    with pytest.raises(ConfigError, match="argon2_memory_cost"):
        start(argon2_memory_cost=memory, argon2_time_cost=passes)


async def test_the_right_password_and_no_other(hasher: Hasher) -> None:
    stored = await hasher.hash(PASSWORD)
    right = await hasher.verify(stored, PASSWORD)
    assert right.ok
    assert right.rehashed is None
    for wrong in (PASSWORD + " ", PASSWORD.upper(), "", "\0", PASSWORD + "\0", "\ud800", "x" * 100_000):
        assert not (await hasher.verify(stored, wrong)).ok


@pytest.mark.row("P03", "6.2.8")
@pytest.mark.parametrize("place", [72, 73, 255])
async def test_every_character_counts(hasher: Hasher, place: int) -> None:
    long = "x" * 256
    stored = await hasher.hash(long)
    assert not (await hasher.verify(stored, long[:place] + "y" + long[place + 1 :])).ok
    assert not (await hasher.verify(stored, long[:place])).ok
    assert (await hasher.verify(stored, long)).ok


@pytest.mark.row("P05")
async def test_what_keyboards_differ_in_makes_no_difference(hasher: Hasher) -> None:
    composed = "Überraschung für ñandú"
    stored = await hasher.hash(unicodedata.normalize("NFD", composed))
    assert (await hasher.verify(stored, composed)).ok
    assert stored.reveal().startswith("nfc$")


@pytest.mark.row("P05", "6.2.8")
async def test_nothing_else_is_folded(hasher: Hasher) -> None:
    stored = await hasher.hash("ﬁve apples and a ½")
    assert not (await hasher.verify(stored, "five apples and a 1⁄2")).ok


@pytest.mark.row("V19")
@pytest.mark.parametrize(
    "stored", [None, "", "!", "nfc", "nfc$argon2id$", "$2b$99$x", "plain", "nfc$argon2id$v=19$m=8"]
)
@pytest.mark.parametrize("typed", ["", PASSWORD, "plain", "!"])
async def test_what_is_no_hash_opens_to_nobody(hasher: Hasher, stored: str | None, typed: str) -> None:
    verified = await hasher.verify(None if stored is None else Secret(stored), typed)
    assert not verified.ok
    assert verified.rehashed is None


@pytest.mark.row("V19")
async def test_nobody_gets_in_with_the_password_of_nobody(hasher: Hasher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hasher, "_nobodys", await hasher.hash(PASSWORD))
    assert not (await hasher.verify(None, PASSWORD)).ok


@pytest.mark.row("P09")
async def test_a_hash_of_other_parameters_is_made_anew(hasher: Hasher, start: Start) -> None:
    stored = await hasher.hash(PASSWORD)
    stronger = start("other", argon2_unsafe=True, argon2_memory_cost=16, argon2_time_cost=2).house.hasher
    assert (await stronger.verify(stored, "wrong")).rehashed is None
    verified = await stronger.verify(stored, PASSWORD)
    assert verified.ok
    assert verified.rehashed is not None
    assert (await stronger.verify(verified.rehashed, PASSWORD)).rehashed is None


@pytest.mark.row("S01")
async def test_bcrypt_is_read_and_replaced(hasher: Hasher) -> None:
    stored = Secret(bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode())
    assert not (await hasher.verify(stored, PASSWORD + "x")).ok
    verified = await hasher.verify(stored, PASSWORD)
    assert verified.ok
    assert verified.rehashed is not None
    assert "argon2id" in verified.rehashed.reveal()


@pytest.mark.row("P03")
async def test_bcrypts_cut_ends_with_the_next_sign_in(hasher: Hasher) -> None:
    whole = "x" * 80
    stored = Secret(bcrypt.hashpw(whole.encode()[:72], bcrypt.gensalt(4)).decode())
    rehashed = (await hasher.verify(stored, whole)).rehashed
    assert rehashed is not None
    assert (await hasher.verify(rehashed, whole)).ok
    assert not (await hasher.verify(rehashed, whole[:72])).ok


async def test_a_hash_of_argon2_from_elsewhere_is_taken_as_it_was_typed(hasher: Hasher) -> None:
    typed = unicodedata.normalize("NFD", "Überraschung")
    stored = Secret(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(typed))
    verified = await hasher.verify(stored, typed)
    assert verified.ok
    assert verified.rehashed is not None
    assert (await hasher.verify(verified.rehashed, unicodedata.normalize("NFC", typed))).ok


@pytest.mark.parametrize(
    "text",
    [
        "$2b$31$" + "." * 53,
        "$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$q6aqVgtVVJ1FTUwFNB6Bs4wSTPFhqLCIUCyqZk3xIWs",
    ],
)
def test_what_would_take_for_ever_is_no_hash(text: str) -> None:
    assert not is_hash(text)


@pytest.mark.parametrize("password", ["", "\0", "a\0b", "\ud800", "x" * 1025, "é" * 513])
async def test_what_can_be_no_password_is_not_hashed(hasher: Hasher, password: str) -> None:
    with pytest.raises(PasswordRefused):
        await hasher.hash(password)


@pytest.mark.row("P02", "P04", "6.2.9")
@pytest.mark.parametrize("character", ["x", " ", "é", "字", "🐈"])
async def test_256_characters_of_any_script_fit(hasher: Hasher, character: str) -> None:
    stored = await hasher.hash(character * 256)
    assert (await hasher.verify(stored, character * 256)).ok
    assert not (await hasher.verify(stored, character * 255)).ok


@pytest.mark.row("S01")
async def test_beyond_the_queue_people_are_asked_to_come_back(start: Start) -> None:
    hasher = start(**CHEAP, hash_threads=1, hash_queue=9).house.hasher
    answers = await asyncio.gather(*(hasher.verify(None, PASSWORD) for _ in range(200)), return_exceptions=True)
    busy = [each for each in answers if isinstance(each, Busy)]
    assert len(busy) == 190
    assert busy[0].retry_after
    assert not (await hasher.verify(None, PASSWORD)).ok


@pytest.mark.row("S01")
@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone has priorities of threads")
async def test_hashing_steps_back_behind_the_event_loop() -> None:
    there = await Pool(1, 1).run(lambda: os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
    assert there > os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


def test_a_hash_is_not_shown(hasher: Hasher) -> None:
    assert "argon2" not in repr(asyncio.run(hasher.hash(PASSWORD)))
