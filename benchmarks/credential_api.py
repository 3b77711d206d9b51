"""How many credentials a second the hub hands out, beside its own `GET /hub/api/user` with the same token.

`python -m benchmarks.credential_api [--requests 2000]`. In alternating rounds of the same run; also the hub's processor
time for each request. The limit is 0.8 of the hub's own rate.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import ssl
import statistics
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import httpx
import psutil

from .hub import MeasuredHub
from .load import requests_per_second
from .provider import SECRET
from .upstream import alone, provider, through

CONFIG = """
from hubauth_core import configure
configure(c)
c.JupyterHub.authenticator_class = "hubauth"
c.HubAuthenticator.credential_rate_limit = 0
c.HubAuthenticator.audit_log = "audit.jsonl"
c.HubAuthenticator.providers = {{
    "uni": {{"type": "oidc", "issuer": {issuer!r}, "client_id": "hub", "client_secret": {secret!r}, "allow_all": True}},
}}
c.JupyterHub.services = [{{"name": "bench", "api_token": "benchmark-token", "admin": True}}]
"""
ADMIN = {"Authorization": "token benchmark-token"}


def token_of(hub: str, name: str) -> Mapping[str, str]:
    """What a hub user sends with a token of their own."""
    made = httpx.post(f"{hub}/hub/api/users/{name}/tokens", headers=ADMIN, json={}, trust_env=False).json()
    return {"Authorization": f"token {made['token']}"}


def run(number: int, rounds: int) -> dict[str, float]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        issuer = stack.enter_context(provider(folder, 0))
        ca = str(folder / "ca.pem")
        environment = {"SSL_CERT_FILE": ca, "JUPYTERHUB_CRYPT_KEY": "ab" * 32}
        config = CONFIG.format(issuer=issuer, secret=SECRET)
        hub = stack.enter_context(MeasuredHub(folder / "hub", config, environment))
        asyncio.run(alone(through("/hub/auth/uni/login"), hub.url, ssl.create_default_context(cafile=ca), 1))
        headers, process = token_of(hub.url, "ann"), psutil.Process(hub.process.pid)
        urls = {
            "user": f"{hub.url}/hub/api/user",
            "credential": f"{hub.url}/hub/api/hubauth/users/ann/credentials/uni",
        }
        rates: dict[str, list[float]] = {name: [] for name in urls}
        cpu: dict[str, list[float]] = {name: [] for name in urls}
        for _ in range(rounds + 1):
            for name, url in urls.items():
                before = process.cpu_times()
                rates[name].append(asyncio.run(requests_per_second(url, headers, number)))
                after = process.cpu_times()
                cpu[name].append((after.user + after.system - before.user - before.system) / number * 1000)
    figures = {f"{name}_per_second": statistics.median(rates[name][1:]) for name in urls}
    figures |= {f"{name}_cpu_ms": statistics.median(cpu[name][1:]) for name in urls}
    return figures | {"ratio": figures["credential_per_second"] / figures["user_per_second"]}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    print(json.dumps(run(options.requests, options.rounds), indent=2))
