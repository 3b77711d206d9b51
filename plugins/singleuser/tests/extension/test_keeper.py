"""Token files stay fresh: in time before expiry, after failures, and no longer than the server runs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from hubauth_singleuser.client import Client
from hubauth_singleuser.extension.keeper import Keeper
from hubauth_singleuser.hub import Hub
from hubauth_singleuser.token_files import Wanted

NOW = 1_800_000_000.0


class Time:
    """A clock that moves when a test lets the keeper sleep."""

    def __init__(self) -> None:
        self.now = NOW
        self.rests: list[float] = []
        self.asleep = asyncio.Event()
        self.wake = asyncio.Event()

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.rests.append(seconds)
        self.asleep.set()
        await self.wake.wait()
        self.wake.clear()
        self.now += seconds

    async def settled(self) -> None:
        """Until the keeper has nothing to do."""
        async with asyncio.timeout(60):
            await self.asleep.wait()
        self.asleep.clear()

    async def reaches(self, seconds: float) -> None:
        """This moment after the start, with all that the keeper does until then."""
        while self.now + self.rests[-1] <= NOW + seconds:
            self.wake.set()
            await self.settled()


def held(path: Path) -> str | None:
    """What is in a file, None if there is none."""
    return path.read_text() if path.exists() else None


def delete(path: Path) -> None:
    """As a person would."""
    path.unlink()


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path / ".tokens/github"


@pytest_asyncio.fixture
async def time() -> Time:
    return Time()


@pytest_asyncio.fixture
async def keep(hub: Any, time: Time, path: Path) -> AsyncIterator[Callable[..., Keeper]]:
    """A keeper of one file, at work."""
    started: list[Keeper] = []

    def start(provider: str = "github", resource: str = "") -> Keeper:
        client = Client(Hub.from_environment(hub.environment), clock=time)
        files = [Wanted(path, provider, resource)]
        started.append(Keeper(files, client, logging.getLogger("test"), clock=time, sleep=time.sleep))
        started[-1].start()
        return started[-1]

    yield start
    for keeper in started:
        await keeper.stop()


async def test_it_writes_the_token_at_once(keep: Any, time: Time, path: Path) -> None:
    keep()
    await time.settled()
    assert held(path) == "gho_token"


async def test_a_resource_has_a_file_of_its_own(keep: Any, time: Time, path: Path) -> None:
    keep(resource="kafka")
    await time.settled()
    assert held(path) == "gho_token-for-kafka"


async def test_it_renews_before_the_token_expires(keep: Any, time: Time, hub: Any, path: Path) -> None:
    hub.connect("github", token="one", expires_at=NOW + 1000)
    keep()
    await time.settled()
    hub.connect("github", token="two", expires_at=NOW + 5000)
    await time.reaches(870)
    assert held(path) == "one"
    await time.reaches(890)
    assert held(path) == "two"
    assert len(hub.requests) == 2


async def test_a_short_lived_token_is_renewed_after_half_its_life(keep: Any, time: Time, hub: Any, path: Path) -> None:
    hub.connect("github", token="one", expires_at=NOW + 40)
    keep()
    await time.settled()
    hub.connect("github", token="two", expires_at=NOW + 80)
    await time.reaches(21)
    assert held(path) == "two"
    assert time.rests[0] == 20


async def test_a_token_without_an_expiry_is_looked_at_every_hour(keep: Any, time: Time, hub: Any, path: Path) -> None:
    keep()
    await time.settled()
    hub.connect("github", token="another")
    await time.reaches(3590)
    assert len(hub.requests) == 1
    await time.reaches(3600)
    assert held(path) == "another"


async def test_a_file_that_somebody_deleted_comes_back(keep: Any, time: Time, path: Path) -> None:
    keep()
    await time.settled()
    delete(path)
    await time.reaches(60)
    assert held(path) == "gho_token"


async def test_a_hub_that_is_down_is_asked_less_and_less_and_the_file_stays(
    keep: Any, time: Time, hub: Any, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    hub.connect("github", token="one", expires_at=NOW + 1000)
    keep()
    await time.settled()
    await time.reaches(600)
    hub.refuse(503, "provider_unavailable", "GitHub is down.")
    await time.reaches(999)
    assert held(path) == "one"
    pauses = [rest for rest in time.rests if rest < 50]
    assert pauses[1] < pauses[2] < pauses[3]
    assert len(hub.requests) < 8
    assert [record.message.endswith(": GitHub is down.") for record in caplog.records] == [True]


async def test_an_expired_token_does_not_stay(keep: Any, time: Time, hub: Any, path: Path) -> None:
    hub.connect("github", token="one", expires_at=NOW + 300)
    keep()
    await time.settled()
    hub.refuse(503, "provider_unavailable")
    await time.reaches(800)
    assert held(path) is None


async def test_the_hub_says_when_to_come_back(keep: Any, time: Time, hub: Any) -> None:
    hub.refuse(503, "provider_unavailable", Retry_After="50")
    keep()
    await time.settled()
    assert time.rests == [50]


@pytest.mark.parametrize("slug", ["needs_login", "not_connected", "forbidden"])
async def test_a_dead_grant_takes_the_file_away_and_a_new_one_brings_it_back(
    keep: Any, time: Time, hub: Any, path: Path, slug: str
) -> None:
    hub.connect("github", token="one", expires_at=NOW + 300)
    keep()
    await time.settled()
    hub.refuse(409 if slug == "needs_login" else 403, slug)
    await time.reaches(200)
    assert held(path) is None
    hub.refusal = None
    hub.connect("github", token="two", expires_at=NOW + 9000)
    await time.reaches(800)
    assert held(path) == "two"


async def test_a_folder_that_cannot_be_written_is_tried_again(
    keep: Any, time: Time, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path.parent.symlink_to(path.parent.parent)
    keep()
    await time.settled()
    assert "is not kept fresh now" in caplog.text
    assert "gho_token" not in caplog.text
    delete(path.parent)
    await time.reaches(10)
    assert held(path) == "gho_token"


async def test_whatever_fails_the_next_try_may_go_well(
    keep: Any, time: Time, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr("hubauth_singleuser.token_files.secrets.token_hex", lambda count: 1 / 0)
        keep()
        await time.settled()
    await time.reaches(10)
    assert held(path) == "gho_token"


async def test_at_the_end_the_files_go(keep: Any, time: Time, path: Path) -> None:
    keeper = keep()
    await time.settled()
    await keeper.stop()
    assert list(path.parent.iterdir()) == []


async def test_at_the_end_nothing_is_written_any_more(keep: Any, hub: Any, path: Path) -> None:
    """The hub answers while the server is stopping."""
    hub.gate.clear()
    keeper = keep()
    await asyncio.to_thread(hub.asked.wait)
    await keeper.stop()
    hub.gate.set()
    await asyncio.get_running_loop().shutdown_default_executor()
    assert held(path) is None
