"""A hub whose crypt keys change, or get lost: nobody loses anything that a key still opens, and everybody gets in."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable
from typing import Any

import pytest

from harness.browser import Browser
from harness.hub import Hub
from harness.hubs import StartHub, newest_only
from hostile_idp.server import HostileIdP

from .asking import RIGHTS, Person, told
from .scene import Scene, config

OLD, NEW, OTHER = (secrets.token_hex(32) for _ in range(3))


def restart_with(hub: Hub, *keys: str) -> None:
    """Start the hub again with other crypt keys."""
    hub.process.environment["JUPYTERHUB_CRYPT_KEY"] = ";".join(keys)
    hub.restart()


def rotate(hub: Hub) -> tuple[int, dict[str, Any]]:
    """`hubauth rotate-keys`, as an administrator at the hub's machine runs it."""
    done = hub.command("rotate-keys", "--json")
    return done.returncode, json.loads(done.stdout)


@newest_only
@pytest.mark.row("F14")
async def test_keys_rotate_under_a_running_hub_and_a_lost_one_costs_a_sign_in(
    start_hub: StartHub, idps: dict[str, HostileIdP], new_browser: Callable[[Hub], Browser]
) -> None:
    scene = Scene(start_hub(config(idps) + RIGHTS, {"JUPYTERHUB_CRYPT_KEY": OLD}), idps)
    hub = scene.hub
    kira = Person(scene, new_browser(hub), "kira")
    scene.person("red", "keys", "kira")
    await scene.sign_in(kira.browser, "red")
    token = await kira.token()

    async def asked() -> tuple[tuple[int, str], str]:
        answer = await kira.ask(token)
        return told(answer), answer.json().get("access_token", "")

    before = await asked()
    assert before[0] == (200, "")

    restart_with(hub, NEW, OLD)
    code, found = await asyncio.to_thread(rotate, hub)
    assert (code, found["rewritten"]) == (0, 1)
    assert await asked() == before
    restart_with(hub, NEW)
    assert await asked() == before

    restart_with(hub, OTHER)
    assert (await asked())[0] == (409, "needs_login")
    assert await kira.browser.hub_user() == kira.name
    assert (await asyncio.to_thread(rotate, hub))[0] == 3
    await scene.sign_in(kira.browser, "red")
    again = await asked()
    assert again[0] == (200, "")
    assert again != before
    for key in (OLD, NEW, OTHER, again[1]):
        assert key not in hub.log
