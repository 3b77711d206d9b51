"""Which passwords are good enough."""

from __future__ import annotations

import asyncio
import logging
import time
import unicodedata
from collections.abc import Callable

import pytest

from hubauth_native import NativeProvider
from hubauth_native.passwords.blocklist import COMMON
from hubauth_native.passwords.guessing import guessing
from hubauth_native.passwords.policy import Policy, Rules
from hubauth_native.passwords.pool import Busy
from hubauth_native.passwords.typed import PasswordRefused

Start = Callable[..., NativeProvider]
GOOD = "a snail rode past me"
LOG = logging.getLogger("test")


@pytest.fixture
def policy() -> Policy:
    return Policy(Rules(place=["hub.uni-exampleton.test"]), LOG)


async def refusal(policy: Policy, password: str, *about: str, least: int | None = None) -> str:
    with pytest.raises(PasswordRefused) as refused:
        await policy.check(password, about, least=least)
    assert refused.value.code == "password_refused"
    return refused.value.sentence


@pytest.mark.row("P01", "6.2.1")
async def test_fifteen_characters_at_least(native: NativeProvider) -> None:
    policy = native.house.policy
    assert "14 of at least 15" in await refusal(policy, "kV8qLw2nRz6tYb")
    await policy.check("kV8qLw2nRz6tYbM")


@pytest.mark.row("P01", "6.2.1")
@pytest.mark.parametrize(("second_factor", "least"), [("required", 8), ("admins", 15), ("optional", 15)])
async def test_eight_where_everybody_must_have_a_second_factor(start: Start, second_factor: str, least: int) -> None:
    policy, password = start(second_factor=second_factor).house.policy, "kV8qLw2nRz6tYbM"
    assert f"{least - 1} of at least {least}" in await refusal(policy, password[: least - 1])
    await policy.check(password[:least])


@pytest.mark.row("P04")
async def test_characters_are_counted_not_bytes_and_not_keystrokes(policy: Policy) -> None:
    decomposed = unicodedata.normalize("NFD", "éàüöñçêîôûäëïãõ"[:14])
    assert len(decomposed) == 28
    assert "14 of at least 15" in await refusal(policy, decomposed)
    assert "9 of at least 15" in await refusal(policy, "🐈🐕🦊🐻🐼🐨🐯🦁🐮")
    await policy.check("🐈🐕🦊🐻🐼🐨🐯🦁🐮🐷🐸🐵🐔🐧🐦")


@pytest.mark.row("P04", "P07", "6.2.5")
@pytest.mark.parametrize(
    "password",
    [
        GOOD,
        "onlylowercaseletterswalking",
        "ONLY UPPERCASE SNAILS RUN",
        "731904628551736",
        "~`!@#$%^&*()_+{}|:<>?",
        "字" * 3 + "猫が膝の上で静かに眠っている",
    ],
)
async def test_no_rule_says_which_characters(policy: Policy, password: str) -> None:
    await policy.check(password)


@pytest.mark.row("P02", "6.2.9")
async def test_long_passwords_are_taken(policy: Policy) -> None:
    await policy.check(" ".join([GOOD] * 20)[:256])
    assert "256 characters always fit" in await refusal(policy, GOOD * 100)


@pytest.mark.parametrize("password", ["", "\0" * 20, "a\0" + GOOD, "\ud800" + GOOD])
async def test_what_can_be_no_password_is_refused_in_words(policy: Policy, password: str) -> None:
    assert (await refusal(policy, password)).endswith(".")
    assert not (await policy.strength(password)).ok


@pytest.mark.row("P06", "6.2.4")
@pytest.mark.parametrize("password", ["baseball", "BaseBall", "ｂａｓｅｂａｌｌ", "1qaz2wsx3edc", "qwertyuiop"])
async def test_common_passwords_are_refused(policy: Policy, password: str) -> None:
    assert len(COMMON) >= 3000
    assert "most common" in await refusal(policy, password, least=8)


@pytest.mark.row("P06")
async def test_a_common_password_within_another_one_is_no_matter(policy: Policy) -> None:
    await policy.check("my baseball is purple")


@pytest.mark.row("P06", "6.2.11")
@pytest.mark.parametrize(
    "password",
    [
        "jupyterhubjupyter",
        "JupyterHub-2026!",
        "annabelmuster@post.test",
        "annabel muster annabel",
        "ExampletonHubExampleton",
        "ａｎｎａｂｅｌｍｕｓｔｅｒｐｏｓｔ",
    ],
)
async def test_what_is_made_of_words_of_the_person_or_the_place_is_refused(policy: Policy, password: str) -> None:
    about = ("annabel42", "annabel@post.test", "Annabel Muster")
    assert "words of this place" in await refusal(policy, password, *about)


@pytest.mark.row("6.2.11", "6.1.2")
async def test_an_administrator_adds_words(start: Start) -> None:
    policy = start(context_words=["Quokkaversity"]).house.policy
    assert "words of this place" in await refusal(policy, "quokkaversity2026")
    await policy.check("quokkaversity has snails")


@pytest.mark.row("P06")
async def test_spellings_of_one_word_are_one_word(policy: Policy) -> None:
    assert "words of this place" in await refusal(policy, "STRASSENBAHN strassenbahn", "Straßenbahn")


async def test_what_others_know_of_a_person_makes_a_password_weaker(policy: Policy) -> None:
    password = "xq7 quokkaversity"
    known = await policy.strength(password, ("quokkaversity", "other"))
    assert known.score < (await policy.strength(password)).score


@pytest.mark.parametrize("password", ["a" * 15, "passwordpassword", "123456789012345", "abcdefghijklmnop"])
async def test_what_is_guessed_at_once_is_refused_and_why(policy: Policy, password: str) -> None:
    assert "easy to guess" in await refusal(policy, password)


@pytest.mark.row("6.2.4")
@pytest.mark.parametrize("password", [GOOD, "short", "passwordpassword", "jupyterhub jupyterhub", "", "x" * 2000])
async def test_the_meter_says_what_the_check_does(policy: Policy, password: str) -> None:
    shown = await policy.strength(password)
    if shown.ok:
        assert shown.score >= 2
        await policy.check(password)
    else:
        assert shown.score < 2
        assert shown.words == await refusal(policy, password)


def test_words_of_one_person_are_not_held_against_the_next() -> None:
    before = guessing("quokkaversity snail").score
    assert guessing("quokkaversity snail", ["quokkaversity", "snail"]).score < before
    assert guessing("quokkaversity snail").score == before


async def test_the_worst_password_takes_a_moment() -> None:
    """zxcvbn alone takes ten seconds for it: every sign may stand for several letters."""
    worst = ("4@8({[<369!1|0$57+%2" * 5)[:100]
    begun = time.thread_time()
    await asyncio.to_thread(guessing, worst)
    guessing(worst)
    assert time.thread_time() - begun < 1


async def test_shorter_passwords_are_an_administrators_word(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    policy = start(password_min_length=10).house.policy
    assert "NIST" in caplog.text
    await policy.check("kV8qLw2nRz")
    with pytest.raises(Exception, match="password_min_length"):
        start(password_min_length=7)


@pytest.mark.row("S01")
async def test_whoever_floods_the_meter_keeps_nobody_from_a_new_password(policy: Policy) -> None:
    done: list[str] = []

    async def strength() -> None:
        await policy.strength("|7(+<xzg1" * 11)
        done.append("meter")

    flood = asyncio.gather(*(strength() for _ in range(100)), return_exceptions=True)
    await asyncio.sleep(0)
    await policy.check(GOOD)
    done.append("check")
    busy = [each for each in await flood if isinstance(each, Busy)]
    assert busy, "the meter is what is busy"
    assert done.index("check") < len(done) - 1
