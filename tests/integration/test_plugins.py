"""Plugins on a real hub: found by entry point, called in their order, and able to want one more step of anybody."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.browser import Browser
from harness.hub import Hub
from harness.hubs import StartHub, newest_only
from hostile_idp.server import HostileIdP

from .scene import Rejection, Scene, config

MODULES = {
    "gatekeeper": """
from hubauth_core import Challenge, Field, Form, LoginRefused, hookimpl

@hookimpl
async def hubauth_check_login(identity, answer):
    if identity.username == "banned":
        raise LoginRefused("The gatekeeper says no.", code="gatekeeper")
    if answer is None:
        return Challenge(Form(text="What is the password of the day?", fields=(Field(name="word", label="Word"),)))
    if answer["word"] != ["swordfish"]:
        raise LoginRefused("That was not it.", code="wrong_word")
""",
    "namer": """
from hubauth_core import hookimpl

@hookimpl
def hubauth_map_identity(identity):
    return f"{identity.username}-of-the-plugin"
""",
    "broken": "raise RuntimeError('this plugin cannot be imported')\n",
}


@pytest.fixture
def installed(tmp_path: Path) -> dict[str, str]:
    """An environment in which a distribution with these plugins is installed."""
    folder = tmp_path / "site"
    info = folder / "hubauth_test_plugins-1.0.dist-info"
    info.mkdir(parents=True)
    for name, source in MODULES.items():
        (folder / f"hubauth_test_{name}.py").write_text(source)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: hubauth-test-plugins\nVersion: 1.0\n")
    lines = [f"{name} = hubauth_test_{name}\n" for name in MODULES]
    (info / "entry_points.txt").write_text(
        "[hubauth.plugins]\n" + "".join(lines) + "[hubauth]\nrubble = hubauth_test_broken\n"
    )
    return {"PYTHONPATH": str(folder)}


@newest_only
async def test_a_plugin_wants_one_more_step(
    start_hub: StartHub,
    idps: dict[str, HostileIdP],
    installed: dict[str, str],
    new_browser: Callable[[Hub], Browser],
) -> None:
    """An installed plugin that cannot be imported is in nobody's way as long as nobody names it."""
    scene = Scene(start_hub(config(idps, plugins=["gatekeeper", "namer"]), environment=installed), idps)
    browser = new_browser(scene.hub)
    scene.person("red", "1", "banned")
    async with Rejection(scene, browser, "gatekeeper"):
        assert "The gatekeeper says no." in (await scene.sign_in(browser, "red", next_url="/hub/token")).text
    scene.person("red", "1", "ann")
    async with Rejection(scene, browser, "wrong_word"):
        page = await scene.sign_in(browser, "red", next_url="/hub/token")
        assert "password of the day" in page.text
        assert (await browser.submit(page.form("/auth/red/login"), word="please")).status == 403
    page = await scene.sign_in(browser, "red", next_url="/hub/token")
    form = page.form("/auth/red/login")
    stolen = new_browser(scene.hub)
    await stolen.open("/hub/login")
    assert (await stolen.submit(form, word="swordfish", _xsrf=stolen.xsrf)).status == 400
    assert await stolen.hub_user() is None
    done = await browser.submit(form, word="swordfish")
    assert done.location == f"{scene.hub.url}/hub/token"
    assert await browser.hub_user() == "red-ann-of-the-plugin"


@newest_only
@pytest.mark.row("F16")
@pytest.mark.parametrize(
    ("options", "told"),
    [
        pytest.param({"plugins": ["gatekeper"]}, "Did you mean 'gatekeeper'?", id="misspelt-plugin"),
        pytest.param({"plugins": ["broken"]}, "this plugin cannot be imported", id="broken-plugin"),
        pytest.param({"providers": {"rubble": {}}}, "'rubble' of hubauth-test-plugins 1.0", id="broken-type"),
        pytest.param({"providers": {"oidc": {"isuer": "x"}}}, "Did you mean 'issuer'?", id="misspelt-option"),
        pytest.param({"provider": {}}, "Did you mean 'providers'?", id="misspelt-trait"),
    ],
)
async def test_what_is_wrong_stops_the_start_with_one_message(
    make_hub: Callable[..., Hub], installed: dict[str, str], options: dict[str, object], told: str
) -> None:
    log = make_hub(config({}, **options), environment=installed).start_and_fail()
    assert "hubauth cannot start." in log
    assert told in log
    assert "Traceback" not in log


@newest_only
async def test_without_providers_what_is_complete_becomes_one(
    start_hub: StartHub, idps: dict[str, HostileIdP], new_browser: Callable[[Hub], Browser]
) -> None:
    text = "c.JupyterHub.authenticator_class = 'hubauth'\n" + "".join(
        f"c.GenericOIDCProvider.{option} = {value!r}\n"
        for option, value in {
            "issuer": idps["red"].issuer,
            "client_id": "a",
            "client_secret": "b",
            "allow_all": True,
        }.items()
    )
    scene = Scene(start_hub(text), idps)
    page = await new_browser(scene.hub).open("/hub/login")
    assert [anchor["href"] for anchor in page.soup.select("a.hubauth-button")] == ["/hub/auth/oidc/login"]
    assert "'github' is not used: it lacks" in scene.hub.log
