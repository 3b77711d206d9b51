"""A source that hangs holds up nobody but who signs in there, and not for ever (point 3 of the bridge)."""

from __future__ import annotations

import asyncio
import threading

import pytest
import responses

from hubauth_core import ProviderUnavailable
from hubauth_social.call import CURRENT, TookTooLong
from hubauth_social.kinds import under
from hubauth_social.pool import MOST_OF_ONE, Busy, Pool
from hubauth_social.visit import Done, Visit

from .test_bridge import BACK, Acme, back, visit


def hanging(url):
    """A backend whose source is at an address that does not answer."""

    class Hanging(Acme):
        def auth_url(self):
            self.get_json(f"{url}/discovery")

    return under("acme", Hanging, "oauth2")


async def asked(source) -> None:
    """Until somebody waits for the source."""
    await asyncio.to_thread(source.asked.acquire)


async def free(ask):
    """What `ask` answers, as soon as there is room for it."""
    while True:
        try:
            return await ask()
        except Busy:
            await asyncio.sleep(0)


async def test_others_are_answered_while_a_source_hangs(bridged, source):
    silent = source(lambda it: silent.over.wait(30))
    stuck, quick = bridged(hanging(silent.url)), bridged(under("acme", Acme, "oauth2"))
    waiting = [asyncio.create_task(stuck.start(visit(f"stuck-{number}"))) for number in range(3)]
    for _ in waiting:
        await asked(silent)
    for number in range(5):
        assert (await quick.start(visit(f"quick-{number}"))).url.startswith("https://acme.test/")
    assert await stuck.ask(lambda backend: backend.name) == "acme"  # there is a fourth thread
    assert not any(task.done() for task in waiting)
    for task in waiting:
        task.cancel()
    assert all(
        isinstance(each, asyncio.CancelledError) for each in await asyncio.gather(*waiting, return_exceptions=True)
    )


async def test_a_call_ends_at_its_deadline_and_its_thread_comes_back(bridged, source):
    def drip(connection):
        while not endless.over.wait(0.02):
            connection.sendall(b"H")

    endless = source(drip)
    bridge = bridged(hanging(endless.url), deadline=0.3, threads=1, queue=0)
    with pytest.raises(ProviderUnavailable) as late:
        await bridge.start(visit())
    assert (late.value.code, late.value.sentence) == ("provider_unreachable", "Acme does not answer, try again.")
    # its connection was cut: the only thread is free again, though the source goes on
    assert await free(lambda: bridge.ask(lambda backend: backend.name)) == "acme"
    assert not endless.over.is_set()


async def test_threads_and_those_who_wait_for_one_are_bounded():
    pool, go = Pool(threads=2, queue=1, deadline=30), threading.Event()
    calls = [asyncio.create_task(pool.run(go.wait)) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(Busy) as refused:
        await pool.run(go.wait)
    assert (refused.value.code, refused.value.retry_after) == ("busy", 5.0)
    assert sum(thread.name.startswith("hubauth-social") and thread.is_alive() for thread in threading.enumerate()) >= 2
    go.set()
    assert await asyncio.gather(*calls) == [True] * 3
    assert await pool.run(lambda: "room again") == "room again"
    pool.close()


async def test_nobody_takes_all_threads_where_people_choose_who_is_asked():
    pool, go = Pool(threads=2, queue=60, deadline=30), threading.Event()
    calls = [asyncio.create_task(pool.run(go.wait, whose=f"2001:db8::{number:x}")) for number in range(MOST_OF_ONE)]
    await asyncio.sleep(0)
    with pytest.raises(Busy):
        await pool.run(go.wait, whose="2001:db8::ffff")
    calls += [asyncio.create_task(pool.run(go.wait, whose=each)) for each in ("2001:db8:0:1::1", "192.0.2.1", "")]
    go.set()
    assert await asyncio.gather(*calls) == [True] * (MOST_OF_ONE + 3)
    pool.close()


async def test_who_waits_for_a_thread_does_not_wait_for_ever():
    pool, go, ran = Pool(threads=1, queue=1, deadline=0.2), threading.Event(), []
    first = asyncio.create_task(pool.run(go.wait))
    await asyncio.sleep(0)
    with pytest.raises(TookTooLong):
        await pool.run(lambda: ran.append("too late"))
    with pytest.raises(TookTooLong):
        await first
    go.set()
    assert await free(lambda: pool.run(lambda: "done")) == "done"
    assert ran == []
    pool.close()


async def test_a_call_that_nobody_waits_for_any_more_is_cut(bridged, source):
    silent = source(lambda it: silent.over.wait(30))
    bridge = bridged(hanging(silent.url), threads=1, queue=0)
    task = asyncio.create_task(bridge.start(visit()))
    await asked(silent)
    task.cancel()
    assert await free(lambda: bridge.ask(lambda backend: CURRENT.get() is not None))


async def test_what_a_call_raises_comes_out(bridged):
    pool = Pool(1, 0)
    with pytest.raises(ZeroDivisionError):
        await pool.run(lambda: 1 // 0)
    assert await pool.run(lambda: 1) == 1
    pool.close()


async def test_many_sign_in_at_once(bridged):
    """Each with its own session, whatever thread it lands on."""
    bridge = bridged(under("acme", Acme, "oauth2"), threads=8, queue=100)
    with responses.RequestsMock() as answers:
        answers.post(Acme.ACCESS_TOKEN_URL, json={"access_token": "t"})
        answers.get("https://acme.test/me", json={"id": 7, "login": "ada"})

        async def one(state):
            step = await bridge.start(visit(state))
            return await bridge.complete(back(state), step.memo)

        done = await asyncio.gather(*(one(f"state-{number}") for number in range(20)))
    assert {each.subject for each in done if isinstance(each, Done)} == {"7"}
    assert len(done) == 20


async def test_only_public_addresses_are_asked_for_somebody(bridged, source):
    inside = source(lambda it: it.close())
    with pytest.raises(ProviderUnavailable):
        await bridged(hanging(inside.url), public_only=True).start(Visit(url=BACK, redirect_uri=BACK, state="s"))
    assert not inside.asked.acquire(blocking=False)


async def test_people_choose_who_is_asked_where_they_type_its_address(bridged, monkeypatch):
    shares, run = [], Pool.run

    async def watched(self, work, *, whose="", **more):
        shares.append(whose)
        return await run(self, work, whose=whose, **more)

    monkeypatch.setattr(Pool, "run", watched)
    for public_only in (True, False):
        bridge = bridged(under("acme", Acme, "oauth2"), public_only=public_only)
        await bridge.start(visit(f"state-{public_only}", address="192.0.2.1"))
    assert shares == ["192.0.2.1", ""]
