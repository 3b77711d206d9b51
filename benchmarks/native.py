"""Accounts of the hub's own beside the hub's Dummy login, and NativeAuthenticator where it is:

`python -m benchmarks.native [--peer PYTHON] [--rounds 6] [--seconds 10]`

Health: twenty people sign in at the same moment, and again when all are in, while another process asks for
`/hub/health`; then the same at a hub with the Dummy login, at the same number of sign-ins a second; in turns. Answers:
wrong passwords for 200 accounts and for 200 names that are nobody's, in turns. Held: a hub of its own that writes down
what holds its event loop. PYTHON has JupyterHub 5 and jupyterhub-nativeauthenticator.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import psutil
from sqlalchemy import Connection

from hubauth_core import Secret
from hubauth_core.database import ensure, open_database
from hubauth_native.accounts import Accounts
from hubauth_native.options.passwords import PasswordOptions
from hubauth_native.passwords.hashing import Hasher
from hubauth_native.passwords.pool import Pool
from hubauth_native.schema import SCHEMA

from .hub import MeasuredHub
from .people import Person, sign_in_at_once, sign_in_in_waves
from .watching import WATCH

AT_ONCE = 20
TRIES = 200
PASSWORD = "a snail rode past me"
NAMES = [f"person{number}" for number in range(TRIES)]

NATIVE = """
c.JupyterHub.authenticator_class = "hubauth"
unlimited = {kind: {"account": "", "address": "", "overall": ""} for kind in ("sign_in", "password")}
c.HubAuthenticator.providers = {
    "local": {"type": "native", "username_prefix": "", "allow_all": True, "limits": unlimited},
}
"""
DUMMY = f"""
c.JupyterHub.authenticator_class = "dummy"
c.DummyAuthenticator.password = {PASSWORD!r}
c.Authenticator.allow_all = True
"""
PEER = """
c.JupyterHub.authenticator_class = "native"
c.NativeAuthenticator.open_signup = True
c.Authenticator.allow_all = True
"""


def fill(folder: Path, hashed: Secret) -> None:
    """The accounts, made before the hub starts: all with one password, hashed once."""
    folder.mkdir(parents=True, exist_ok=True)
    database = open_database(f"sqlite:///{folder / 'hubauth.sqlite'}")
    ensure(database, SCHEMA)
    known = Accounts(database, "local")

    def make(connection: Connection) -> None:
        for name in NAMES:
            known.create(connection, name, password_hash=hashed)

    database.write_now(make)
    database.close()


async def health_during(hub: MeasuredHub, seconds: float, rate: float = 0.0) -> dict[str, Any]:
    """How long health took while people signed in, and the processor time of the hub's main thread for each."""
    command = [sys.executable, "-m", "benchmarks.health", hub.url, str(seconds)]
    prober = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    before = main_thread(hub)
    done, count = await sign_in_in_waves(hub.url, NAMES[:AT_ONCE], PASSWORD, seconds + 0.5, rate)
    spent = main_thread(hub) - before
    printed, _ = await prober.communicate()
    return {"rate": done, "taken": json.loads(printed), "cpu_ms": spent / count * 1000}


def main_thread(hub: MeasuredHub) -> float:
    """Seconds that the thread of the event loop has worked."""
    process = psutil.Process(hub.process.pid)
    return sum(each.user_time + each.system_time for each in process.threads() if each.id == process.pid)


def figures(rounds: Iterable[dict[str, Any]]) -> dict[str, float]:
    """Of all rounds together."""
    every = list(rounds)
    taken = sorted(each for one in every for each in one["taken"])
    return {
        "sign_ins_per_second": statistics.mean(one["rate"] for one in every),
        "hub_cpu_ms_per_sign_in": statistics.mean(one["cpu_ms"] for one in every),
        "health_p50_ms": taken[len(taken) // 2],
        "health_p99_ms": p99(taken),
        "health_max_ms": taken[-1],
    }


def p99(taken: Iterable[float]) -> float:
    ordered = sorted(taken)
    return ordered[int(len(ordered) * 0.99)]


async def health(native: MeasuredHub, dummy: MeasuredHub, rounds: int, seconds: float) -> dict[str, Any]:
    """Native and Dummy in turns, at the same rate."""
    for hub in (native, dummy):
        await sign_in_at_once(hub.url, NAMES[:AT_ONCE], PASSWORD, 2)
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(await health_during(native, seconds))
        theirs.append(await health_during(dummy, seconds, rate=ours[-1]["rate"]))
    ratios = [p99(one["taken"]) / p99(other["taken"]) for one, other in zip(ours, theirs, strict=True)]
    found = {"native": figures(ours), "dummy": figures(theirs)}
    return {
        **found,
        "p99_ratio": found["native"]["health_p99_ms"] / found["dummy"]["health_p99_ms"],
        "p99_ratio_median_of_rounds": statistics.median(ratios),
    }


async def answers(hub: MeasuredHub, tries: int = TRIES) -> dict[str, float]:
    """Medians of how long a refusal takes for an account, and for a name that is nobody's."""
    person, taken = Person(hub.url), {"known": [], "unknown": []}
    page = await person.open()
    for number in range(-5, tries):
        for kind, name in (("known", NAMES[number]), ("unknown", f"nobody{number}")):
            tried = await person.send(page, name, "a snail ran past you")
            if tried.status not in (200, 403):
                raise RuntimeError(f"{name}: {tried.status}")
            if number >= 0:
                taken[kind].append(tried.milliseconds)
    known, unknown = statistics.median(taken["known"]), statistics.median(taken["unknown"])
    return {"known_ms": known, "unknown_ms": unknown, "difference": abs(known - unknown) / max(known, unknown)}


async def held(folder: Path, config: str, seconds: float) -> dict[str, Any]:
    """What holds the event loop while people sign in at once: the longest, and how many of more than 20 ms."""
    with MeasuredHub(folder, config + WATCH) as hub:
        await sign_in_at_once(hub.url, NAMES[:AT_ONCE], PASSWORD, 2)
        (folder / "held.jsonl").write_text("")
        _, count = await sign_in_at_once(hub.url, NAMES[:AT_ONCE], PASSWORD, seconds)
    rows = [json.loads(line) for line in (folder / "held.jsonl").read_text().splitlines()]
    return {
        "sign_ins": count,
        **{
            whose: {
                "longest_ms": max((row["wall"] for row in chosen), default=0),
                "longest_work_ms": max((row["cpu"] for row in chosen), default=0),
                "above_20_ms": sum(row["wall"] > 20 for row in chosen),
                "work_above_20_ms": sum(row["cpu"] > 20 for row in chosen),
            }
            for whose, chosen in (("ours", [row for row in rows if row["ours"]]), ("all", rows))
        },
    }


async def peer(folder: Path, python: str, seconds: float) -> dict[str, Any]:
    """The same of NativeAuthenticator, with as many accounts as there are people at once."""
    with MeasuredHub(folder, PEER, python=python) as hub:
        async with httpx.AsyncClient(base_url=hub.url, timeout=60, trust_env=False) as client:
            for name in NAMES[:AT_ONCE]:
                await client.get("/hub/signup")
                fields = {"username": name, "signup_password": PASSWORD, "signup_password_confirmation": PASSWORD}
                fields["_xsrf"] = client.cookies["_xsrf"]
                (await client.post("/hub/signup", data=fields)).raise_for_status()
        await sign_in_at_once(hub.url, NAMES[:AT_ONCE], PASSWORD, 2)
        during = figures([await health_during(hub, seconds)])
        return {**during, "answers": await answers(hub, tries=AT_ONCE)}


async def run(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    results: dict[str, Any] = {}
    hashed = await Hasher(PasswordOptions().argon2_cost, Pool(1, 1)).hash(PASSWORD)
    fill(folder / "native", hashed)
    fill(folder / "held", hashed)
    with ExitStack() as hubs:
        native = hubs.enter_context(MeasuredHub(folder / "native", NATIVE))
        dummy = hubs.enter_context(MeasuredHub(folder / "dummy", DUMMY))
        results["health"] = await health(native, dummy, options.rounds, options.seconds)
        results["answers"] = await answers(native)
    results["held"] = {
        "native": await held(folder / "held", NATIVE, options.seconds),
        "dummy": await held(folder / "held-dummy", DUMMY, options.seconds),
    }
    if options.peer:
        results["native_authenticator"] = await peer(folder / "peer", options.peer, options.seconds)
    return results


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", metavar="PYTHON")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=10)
    logging.disable(logging.INFO)
    with tempfile.TemporaryDirectory() as made:
        print(json.dumps(asyncio.run(run(parser.parse_args(), Path(made))), indent=2))
