"""The page of administrators with 10,000 accounts, at a real hub: `python -m benchmarks.native_users [--accounts N]`

How long a page of 50 takes: the first, one in the middle, the last, a search of all names and addresses, a filter, and
the same as a resource for programs. Medians and the slowest, in milliseconds.
"""

from __future__ import annotations

import argparse
import json
import logging
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import Connection

from hubauth_core import Secret
from hubauth_core.database import ensure, open_database
from hubauth_native.accounts import Accounts
from hubauth_native.schema import SCHEMA

from .hub import MeasuredHub

TRIES = 20

CONFIG = """
c.JupyterHub.authenticator_class = "hubauth"
c.HubAuthenticator.providers = {
    "local": {"type": "native", "username_prefix": "", "allow_all": True},
    "staff": {
        "type": "authenticator",
        "authenticator_class": "dummy",
        "username_prefix": "staff-",
        "admin_users": ["boss"],
        "config": {"DummyAuthenticator": {"password": "a staff password", "allow_all": True}},
    },
}
c.JupyterHub.services = [{"name": "watcher", "api_token": "token-of-watcher"}]
c.JupyterHub.load_roles = [{"name": "watching", "scopes": ["custom:hubauth:accounts:read"], "services": ["watcher"]}]
"""

PAGES = {
    "first": "users",
    "middle": "users?page=100",
    "last": "users?page=200",
    "newest": "users?sort=-created",
    "search": "users?q=person 77",
    "found_nowhere": "users?q=nobody like that",
    "pending": "users?status=pending",
    "with_factor": "users?factor=yes",
}


def fill(folder: Path, number: int) -> None:
    """The accounts, made before the hub starts."""
    folder.mkdir(parents=True, exist_ok=True)
    database = open_database(f"sqlite:///{folder / 'hubauth.sqlite'}")
    ensure(database, SCHEMA)
    known = Accounts(database, "local")

    def make(connection: Connection) -> None:
        for each in range(number):
            known.create(
                connection,
                f"person{each:05}",
                full_name=f"Person {each}",
                email=f"person{each}@department{each % 40}.example.org",
                email_verified=True,
                password_hash=Secret("x"),
                status="pending" if each % 10 == 0 else "active",
                last_sign_in_at=1.7e9 + each,
            )

    database.write_now(make)
    database.close()


def sign_in(client: httpx.Client) -> None:
    client.get("/hub/auth/staff/login")
    fields = {"username": "boss", "password": "a staff password", "_xsrf": client.cookies["_xsrf"]}
    client.post("/hub/auth/staff/login", data=fields).raise_for_status()


def measure(client: httpx.Client, path: str, headers: dict[str, str]) -> dict[str, float]:
    taken = []
    for _ in range(TRIES):
        begun = time.perf_counter()
        client.get(path, headers=headers).raise_for_status()
        taken.append((time.perf_counter() - begun) * 1000)
    return {"median_ms": round(statistics.median(taken), 1), "slowest_ms": round(max(taken), 1)}


def run(number: int, folder: Path) -> dict[str, Any]:
    fill(folder, number)
    with MeasuredHub(folder, CONFIG) as hub:
        with httpx.Client(base_url=hub.url, timeout=60, trust_env=False, follow_redirects=True) as client:
            sign_in(client)
            found: dict[str, Any] = {
                name: measure(client, f"/hub/auth/local/{path}", {}) for name, path in PAGES.items()
            }
        with httpx.Client(base_url=hub.url, timeout=60, trust_env=False) as client:
            token = {"Authorization": "token token-of-watcher"}
            found["resource"] = measure(client, "/hub/api/hubauth/providers/local/accounts", token)
    return {"accounts": number, **found}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accounts", type=int, default=10_000)
    logging.disable(logging.INFO)
    with tempfile.TemporaryDirectory() as made:
        print(json.dumps(run(parser.parse_args().accounts, Path(made) / "hub"), indent=2))
