"""Fifty people sign in at once through backends of python-social-auth with a slow source, beside the hub's Dummy login:

`python -m benchmarks.social [--rounds 4] [--answer 2.0]`

Each answer of the source takes `--answer` seconds, and a sign-in needs two of them. In turns with the hub of the Dummy
login, fifty people at the same moment each; another process asks for `/hub/health` meanwhile, equally long at both.
Held: what holds the event loop of a hub of its own. Imported: backend modules after a start with one backend.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from tornado import httpserver, netutil, web

from .health import EVERY
from .hub import MeasuredHub
from .people import sign_in_in_waves
from .watching import WATCH

PEOPLE = 50
WINDOW = 8.0
PASSWORD = "a snail rode past me"
PROVIDERS = ("gitlab", "ghe")

SOCIAL = """
c.JupyterHub.authenticator_class = "hubauth"
kept = {{"type": "social", "allow_all": True}}
keys = {{"KEY": "hub", "SECRET": "secret"}}
c.HubAuthenticator.providers = {{
    "gitlab": kept | {{"backend": "gitlab", "settings": keys | {{"API_URL": "{url}"}}}},
    "ghe": kept | {{
        "backend": "github-enterprise", "settings": keys | {{"URL": "{url}/login", "API_URL": "{url}/api/v3/"}}
    }},
}}
"""
DUMMY = f"""
c.JupyterHub.authenticator_class = "dummy"
c.DummyAuthenticator.password = {PASSWORD!r}
c.Authenticator.allow_all = True
"""
IMPORTED = """
import atexit, json, sys
from pathlib import Path

def _told():
    found = [name for name in sys.modules if name.startswith("social_core.backends.")]
    Path("imported.json").write_text(json.dumps(found))

import tornado.ioloop
tornado.ioloop.IOLoop.current().add_callback(_told)
"""


class SlowSource(web.RequestHandler):
    """Whoever brings a code is the person of that name, after a while."""

    pause = 2.0

    def check_xsrf_cookie(self) -> None:
        """Nobody has a session here."""

    async def get(self, _: str) -> None:
        await asyncio.sleep(self.pause)
        token = self.get_argument("access_token", "") or self.request.headers["Authorization"].split()[-1]
        number = int(token.removeprefix("person"))
        person = f"person{number}"
        self.write(
            {"id": number, "username": person, "login": person, "name": person, "email": f"{person}@uni.example"}
        )

    async def post(self, _: str) -> None:
        await asyncio.sleep(self.pause)
        self.write({"access_token": self.get_argument("code"), "token_type": "bearer", "expires_in": 3600})


@contextlib.asynccontextmanager
async def slow_source(pause: float) -> AsyncIterator[str]:
    """Its address."""
    SlowSource.pause = pause
    [listening] = netutil.bind_sockets(0, "127.0.0.1")
    server = httpserver.HTTPServer(web.Application([(r"/(.*)", SlowSource)]))
    server.add_socket(listening)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.stop()


async def sign_in(hub: MeasuredHub, number: int) -> float:
    """Seconds of a sign-in, from the first click to the hub."""
    async with httpx.AsyncClient(base_url=hub.url, timeout=60, trust_env=False) as browser:
        begun = time.perf_counter()
        name = PROVIDERS[number % len(PROVIDERS)]
        sent = await browser.get(f"/hub/auth/{name}/login")
        query = parse_qs(urlsplit(sent.headers["Location"]).query)
        back = urlsplit(query["redirect_uri"][0])
        found = {"code": f"person{number}", "state": query.get("state", [""])[0]}
        found |= {key: values[0] for key, values in parse_qs(back.query).items()}
        arrived = await browser.get(back.path, params=found)
        if arrived.status_code != 302 or "/login" in arrived.headers["Location"]:
            raise RuntimeError(f"person{number}: {arrived.status_code} {arrived.text[:300]}")
        return time.perf_counter() - begun


async def everybody(hub: MeasuredHub) -> float:
    """Seconds until all are in, who begin at the same moment."""
    begun = time.perf_counter()
    await asyncio.gather(*(sign_in(hub, number) for number in range(PEOPLE)))
    return time.perf_counter() - begun


async def probed(hub: MeasuredHub, work: Any) -> tuple[Any, list[float]]:
    """What the work answers, and how long health took in a window that begins with it, in milliseconds."""
    command = [sys.executable, "-m", "benchmarks.health", hub.url, str(WINDOW)]
    prober = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    await asyncio.sleep(0.5)
    answer = await work
    printed, _ = await prober.communicate()
    return answer, json.loads(printed)


def as_felt(taken: list[float]) -> list[float]:
    """With those who would have asked while a slow answer held up the next question: one each hundredth of a second.

    Fifty sign-ins that hold up everybody for half a second at once are one slow answer to a program that waits for it.
    """
    every = EVERY * 1000
    return [late for each in taken for late in (each, *(each - every * n for n in range(1, int(each // every) + 1)))]


def p99(taken: list[float]) -> float:
    return sorted(taken)[int(len(taken) * 0.99)]


async def beside_dummy(social: MeasuredHub, dummy: MeasuredHub, rounds: int) -> dict[str, Any]:
    """Social and Dummy in turns."""
    names = [f"person{number}" for number in range(PEOPLE)]
    await everybody(social)
    await sign_in_in_waves(dummy.url, names, PASSWORD, 0.1)
    seconds, ours, theirs = [], [], []
    for _ in range(rounds):
        taken, health = await probed(social, everybody(social))
        seconds.append(taken)
        ours.append(health)
        theirs.append((await probed(dummy, sign_in_in_waves(dummy.url, names, PASSWORD, 0.1)))[1])
    asked = [each for one in ours for each in one], [each for one in theirs for each in one]
    felt = as_felt(asked[0]), as_felt(asked[1])
    return {
        "seconds_until_all_are_in": {"median": statistics.median(seconds), "longest": max(seconds)},
        "health_p99_ms": {"social": p99(felt[0]), "dummy": p99(felt[1])},
        "p99_ratio": p99(felt[0]) / p99(felt[1]),
        "p99_ratio_of_each_round": [
            p99(as_felt(one)) / p99(as_felt(other)) for one, other in zip(ours, theirs, strict=True)
        ],
        "answers_alone_p99_ms": {"social": p99(asked[0]), "dummy": p99(asked[1])},
    }


async def held(folder: Path, config: str) -> dict[str, Any]:
    """What of ours holds the event loop: while everybody signs in, and while their source hangs and others come."""
    with MeasuredHub(folder, config + WATCH) as hub:
        await everybody(hub)
        (folder / "held.jsonl").write_text("")
        await everybody(hub)
        signing_in = longest(folder)
        await asyncio.to_thread(httpx.get, f"{hub.url}/hub/login")  # its template is compiled once
        (folder / "held.jsonl").write_text("")
        await hanging(hub)
        return {"fifty_sign_ins": signing_in, "fifty_who_hang": longest(folder)}


async def hanging(hub: MeasuredHub) -> None:
    """A source that takes half a minute for each answer, and ten seconds of somebody else's requests."""
    usual, SlowSource.pause = SlowSource.pause, 30.0
    hung = [asyncio.create_task(sign_in(hub, number)) for number in range(PEOPLE)]
    async with httpx.AsyncClient(base_url=hub.url, timeout=60, trust_env=False) as somebody:
        until = time.perf_counter() + 10
        while time.perf_counter() < until:
            (await somebody.get("/hub/login")).raise_for_status()
            await asyncio.sleep(0.05)
    for task in hung:
        task.cancel()
    await asyncio.gather(*hung, return_exceptions=True)
    SlowSource.pause = usual


def longest(folder: Path) -> dict[str, float]:
    """Of what was written down since the file was emptied, our callbacks: on the clock, and what they worked."""
    rows = [json.loads(line) for line in (folder / "held.jsonl").read_text().splitlines()]
    ours = [row for row in rows if row["ours"]]
    return {
        "longest_ms": max((row["wall"] for row in ours), default=0),
        "above_20_ms": sum(row["wall"] > 20 for row in ours),
        "longest_work_ms": max((row["cpu"] for row in ours), default=0),
        "work_above_20_ms": sum(row["cpu"] > 20 for row in ours),
    }


def imported(folder: Path) -> int:
    """Modules of backends that a hub with one backend has imported when it serves."""
    one = SOCIAL.format(url="http://127.0.0.1:1")
    one = re.sub(r'    "ghe".*?\n    },\n', "", one, flags=re.S)
    with MeasuredHub(folder, one + IMPORTED):
        found = json.loads((folder / "imported.json").read_text())
    bases = {"base", "oauth", "open_id_connect", "open_id", "utils", "legacy"}
    return len({name.rsplit(".", 1)[-1] for name in found} - bases)


async def run(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    async with slow_source(options.answer) as url:
        config = SOCIAL.format(url=url)
        with MeasuredHub(folder / "social", config) as social, MeasuredHub(folder / "dummy", DUMMY) as dummy:
            results = await beside_dummy(social, dummy, options.rounds)
        return {
            "people": PEOPLE,
            "seconds_of_an_answer": options.answer,
            **results,
            "held": await held(folder / "held", config),
            "backend_modules_imported_for_one": imported(folder / "one"),
        }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--answer", type=float, default=2.0, metavar="SECONDS")
    logging.disable(logging.INFO)
    with tempfile.TemporaryDirectory() as made:
        print(json.dumps(asyncio.run(run(parser.parse_args(), Path(made))), indent=2))
