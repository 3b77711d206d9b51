"""Who is held up for one more step waits once, for a while, and not without limit."""

from __future__ import annotations

from hubauth_core import Form, Identity, SignIn
from hubauth_core.calls import Asked
from hubauth_core.challenges import MOST, Challenges, HeldUp
from hubauth_core.transaction import LIFETIME


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def held(subject: str = "1") -> HeldUp:
    return HeldUp(SignIn(identity=Identity(subject=subject, username="ann")), Asked("plugin:otp", Form()))


def test_a_sign_in_is_resumed_once() -> None:
    challenges = Challenges()
    challenges.hold("state", held())
    assert challenges.resume("another state") is None
    assert challenges.resume("state") == held()
    assert challenges.resume("state") is None


def test_it_waits_no_longer_than_its_transaction_lives() -> None:
    clock = Clock()
    challenges = Challenges(clock)
    challenges.hold("state", held())
    clock.now = LIFETIME
    assert challenges.resume("state") is None


def test_the_oldest_give_way() -> None:
    challenges = Challenges()
    for number in range(MOST + 1):
        challenges.hold(str(number), held(str(number)))
    assert challenges.resume("0") is None
    assert challenges.resume("1") == held("1")
    assert challenges.resume(str(MOST)) == held(str(MOST))
