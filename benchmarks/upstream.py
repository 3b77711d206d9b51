"""Sign-ins of a returning user over TLS to a provider 40 ms away, beside OAuthenticator and the hub's Dummy login.

`python -m benchmarks.upstream [--milliseconds 40] [--sign-ins 60]`. One after the other (median), and ten at once
(rate), in alternating rounds of the same run. hubauth verifies the ID token in full; OAuthenticator reads userinfo.
Also counted: new connections and calls upstream for each sign-in.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urljoin

import httpx

from .hub import MeasuredHub
from .provider import SECRET

HUBAUTH = """
c.JupyterHub.authenticator_class = "hubauth"
c.HubAuthenticator.providers = {{
    "uni": {{"type": "oidc", "issuer": {issuer!r}, "client_id": "hub", "client_secret": {secret!r}, "allow_all": True}},
}}
"""
OAUTHENTICATOR = """
c.JupyterHub.authenticator_class = "generic-oauth"
c.GenericOAuthenticator.client_id = "hub"
c.GenericOAuthenticator.client_secret = {secret!r}
c.GenericOAuthenticator.authorize_url = {issuer!r} + "/authorize"
c.GenericOAuthenticator.token_url = {issuer!r} + "/token"
c.GenericOAuthenticator.userdata_url = {issuer!r} + "/userinfo"
c.GenericOAuthenticator.username_claim = "preferred_username"
c.GenericOAuthenticator.scope = ["openid"]
c.GenericOAuthenticator.allow_all = True
"""
DUMMY = 'c.JupyterHub.authenticator_class = "dummy"\nc.Authenticator.allow_all = True\n'
SignIn = Callable[[httpx.AsyncClient, httpx.AsyncClient, str], Awaitable[float]]
"""A sign-in by (a new browser at the hub, connections to the provider that browsers have open already, the hub)."""


@contextmanager
def provider(folder: Path, milliseconds: float) -> Iterator[str]:
    command = [sys.executable, "-m", "benchmarks.provider", str(folder), str(milliseconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield json.loads(process.stdout.readline())["issuer"]
        process.kill()


def through(begin: str) -> SignIn:
    """A sign-in that begins at a path; the time is the hub's: from its redirect to the callback's answer.

    What the browser does at the provider is left out: it is the same for everybody, and not the hub's.
    """

    async def sign_in(client: httpx.AsyncClient, there: httpx.AsyncClient, hub: str) -> float:
        begun = time.perf_counter()
        away = await client.get(urljoin(hub, begin))
        spent = time.perf_counter() - begun
        back = await there.get(away.headers["location"] + "&login_hint=ann")
        begun = time.perf_counter()
        callback = httpx.URL(back.headers["location"])
        done = await client.get(urljoin(hub, callback.raw_path.decode()), headers={"host": callback.netloc.decode()})
        assert done.status_code == 302, done.text
        return spent + time.perf_counter() - begun

    return sign_in


async def with_form(client: httpx.AsyncClient, there: httpx.AsyncClient, hub: str) -> float:
    begun = time.perf_counter()
    await client.get(f"{hub}/hub/login")
    data = {"username": "ann", "password": "pw", "_xsrf": client.cookies["_xsrf"]}
    done = await client.post(f"{hub}/hub/login", data=data)
    assert done.status_code == 302, done.text
    return time.perf_counter() - begun


def new_client(tls: ssl.SSLContext) -> httpx.AsyncClient:
    return httpx.AsyncClient(verify=tls, trust_env=False, timeout=60)


async def alone(sign_in: SignIn, hub: str, tls: ssl.SSLContext, number: int) -> list[float]:
    times = []
    async with new_client(tls) as there:
        for _ in range(number):
            async with new_client(tls) as client:
                times.append(await sign_in(client, there, hub))
    return times


async def together(sign_in: SignIn, hub: str, tls: ssl.SSLContext, number: int, at_once: int = 10) -> float:
    """Sign-ins a second with so many at once."""
    left = iter(range(number))

    async def one_after_the_other(there: httpx.AsyncClient) -> None:
        for _ in left:
            async with new_client(tls) as client:
                await sign_in(client, there, hub)

    async with new_client(tls) as there:
        begun = time.perf_counter()
        await asyncio.gather(*(one_after_the_other(there) for _ in range(at_once)))
        return number / (time.perf_counter() - begun)


def stats(issuer: str, tls: ssl.SSLContext) -> dict[str, int]:
    answer: dict[str, int] = httpx.get(f"{issuer}/stats", verify=tls, trust_env=False).json()
    return answer


def run(milliseconds: float, number: int, rounds: int) -> dict[str, dict[str, float]]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        issuer = stack.enter_context(provider(folder, milliseconds))
        ca = str(folder / "ca.pem")
        tls = ssl.create_default_context(cafile=ca)
        kinds: dict[str, tuple[str, SignIn]] = {
            "hubauth": (HUBAUTH, through("/hub/auth/uni/login")),
            "oauthenticator": (OAUTHENTICATOR, through("/hub/oauth_login")),
            "dummy": (DUMMY, with_form),
        }
        hubs = {
            kind: stack.enter_context(
                MeasuredHub(folder / kind, config.format(issuer=issuer, secret=SECRET), {"SSL_CERT_FILE": ca})
            )
            for kind, (config, _) in kinds.items()
        }
        times: dict[str, list[float]] = {kind: [] for kind in kinds}
        rates: dict[str, list[float]] = {kind: [] for kind in kinds}
        calls: dict[str, float] = {}
        for kind, (_, sign_in) in kinds.items():
            asyncio.run(alone(sign_in, hubs[kind].url, tls, 3))
        for _ in range(rounds):
            for kind, (_, sign_in) in kinds.items():
                before = stats(issuer, tls)
                times[kind] += asyncio.run(alone(sign_in, hubs[kind].url, tls, number))
                after = stats(issuer, tls)
                # the browsers' connection, and the one that asked for the figures, are not the hub's
                own = 2 if kind != "dummy" else 1
                calls[f"{kind}_connections"] = (after["connections"] - before["connections"] - own) / number
                upstream = sum(after.get(path, 0) - before.get(path, 0) for path in ("/token", "/userinfo", "/jwks"))
                calls[f"{kind}_calls"] = upstream / number
                rates[kind].append(asyncio.run(together(sign_in, hubs[kind].url, tls, number)))
        return {
            kind: {
                "median_ms": statistics.median(times[kind]) * 1000,
                "sign_ins_per_second_at_10": statistics.median(rates[kind]),
                "calls_upstream": calls[f"{kind}_calls"],
                "new_connections_upstream": calls[f"{kind}_connections"],
            }
            for kind in kinds
        }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--milliseconds", type=float, default=40)
    parser.add_argument("--sign-ins", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print(json.dumps(run(options.milliseconds, options.sign_ins, options.rounds), indent=2))
