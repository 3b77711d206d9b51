"""Processor time for each request in one credential service, and in each of three.

`python -m benchmarks.credential_service`: a hub over PostgreSQL and copies of `hubauth credential-service` beside it.
The same requests go once to one copy, once spread over three, in alternating rounds. The limit is 1.15 times as much in
each of the three.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import psutil

from .credential_api import CONFIG, token_of
from .hub import MeasuredHub, free_ports
from .load import requests_per_second
from .provider import SECRET
from .upstream import alone, provider, through

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from harness import databases, parts


@contextlib.contextmanager
def copy(folder: Path, port: int, environment: dict[str, str]) -> Iterator[psutil.Process]:
    """A running service."""
    command = [sys.executable, "-m", "hubauth_core.cli", "credential-service", "--port", str(port)]
    command += ["-f", "jupyterhub_config.py"]
    with (folder / f"copy-{port}.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env={**os.environ, **environment}, stdout=log, stderr=log)
    try:
        while not _answers(f"http://127.0.0.1:{port}/health"):
            if process.poll() is not None:
                raise RuntimeError((folder / f"copy-{port}.log").read_text())
            time.sleep(0.05)
        yield psutil.Process(process.pid)
    finally:
        process.kill()
        process.wait()


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def spent(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


async def together(urls: list[str], headers: dict[str, str], number: int) -> None:
    await asyncio.gather(*(requests_per_second(url, headers, number // len(urls)) for url in urls))


def run(number: int, rounds: int) -> dict[str, float]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        database = databases.new_database(stack.enter_context(databases.postgresql(parts.require)))
        issuer = stack.enter_context(provider(folder, 0))
        ca = str(folder / "ca.pem")
        environment = {"SSL_CERT_FILE": ca, "JUPYTERHUB_CRYPT_KEY": "ab" * 32}
        config = CONFIG.format(issuer=issuer, secret=SECRET) + f"c.JupyterHub.db_url = {database!r}\n"
        hub = stack.enter_context(MeasuredHub(folder / "hub", config, environment))
        asyncio.run(alone(through("/hub/auth/uni/login"), hub.url, ssl.create_default_context(cafile=ca), 1))
        headers = dict(token_of(hub.url, "ann"))
        ports = free_ports(3)
        copies = [stack.enter_context(copy(folder / "hub", port, environment)) for port in ports]
        urls = [f"http://127.0.0.1:{port}/users/ann/credentials/uni" for port in ports]
        one: list[float] = []
        three: list[list[float]] = [[], [], []]
        for _ in range(rounds + 1):
            before = spent(copies[0])
            asyncio.run(together(urls[:1], headers, number))
            one.append((spent(copies[0]) - before) / number)
            begun = [spent(each) for each in copies]
            asyncio.run(together(urls, headers, number * 3))
            for each, process, since in zip(three, copies, begun, strict=True):
                each.append((spent(process) - since) / number)
        alone_ms = statistics.median(one[1:]) * 1000
        each_ms = [statistics.median(each[1:]) * 1000 for each in three]
    return {"one_ms": alone_ms, "worst_of_three_ms": max(each_ms), "ratio": max(each_ms) / alone_ms}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=3_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    print(json.dumps(run(options.requests, options.rounds), indent=2))
