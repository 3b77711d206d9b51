"""People of NativeAuthenticator and FirstUseAuthenticator go on: old names, old passwords, the same hub users.

What is taken over was written by those packages themselves.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import bcrypt
import onetimepass
import pytest
from firstuseauthenticator import FirstUseAuthenticator
from jupyterhub import orm
from nativeauthenticator.orm import UserInfo
from sqlalchemy import create_engine, text

from harness import hubs
from harness.browser import Browser, Page
from harness.hub import Hub

pytestmark = [hubs.newest_only, pytest.mark.row("M24")]

KEY = {"JUPYTERHUB_CRYPT_KEY": "11" * 32}
OLD = "old and long enough"
CONFIG = """
c.JupyterHub.authenticator_class = "hubauth"
c.Authenticator.admin_users = {"root"}
c.HubAuthenticator.providers = {"local": {
    "type": "native", "argon2_memory_cost": 64, "argon2_time_cost": 1, "argon2_unsafe": True,
}}
"""

Command = Callable[..., str]


@pytest.fixture
def hub(make_hub: Callable[..., Hub]) -> Iterator[Hub]:
    """A hub that had root, ann and ben before hubauth came; it is not started."""
    hub = make_hub(CONFIG, KEY)
    secret = hub.directory / "jupyterhub_cookie_secret"
    secret.touch(0o600)
    secret.write_text("22" * 32)
    with orm.new_session_factory(f"sqlite:///{hub.directory / 'jupyterhub.sqlite'}")() as session:
        session.add_all(orm.User(name=name, admin=name == "root") for name in ("root", "ann", "ben"))
        session.commit()
        session.get_bind().dispose()
    yield hub
    hub.stop()


@pytest.fixture
def command(hub: Hub) -> Command:
    """`command("native", "list")`: what `hubauth native list` prints where the hub runs."""

    def command(*words: str) -> str:
        done = hub.command(*words)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return command


@pytest.fixture
def enter(hub: Hub, new_browser: Callable[[Hub], Browser]) -> Callable[..., Awaitable[tuple[Browser, Page]]]:
    """`enter("ann", password)`: somebody's browser after the form, and what it shows."""

    async def enter(name: str, password: str = OLD) -> tuple[Browser, Page]:
        browser = new_browser(hub)
        return browser, await browser.sign_in_with_form("local", name, password)

    return enter


def native(folder: Path, *people: dict[str, Any]) -> dict[str, str]:
    """Write accounts as NativeAuthenticator's own model does; the secrets of second factors."""
    secrets = {}
    with orm.new_session_factory(f"sqlite:///{folder / 'jupyterhub.sqlite'}")() as session:
        for each in people:
            password = bcrypt.hashpw(str(each.pop("password", OLD)).encode(), bcrypt.gensalt(4))
            info = UserInfo(password=password, **each)
            session.add(info)
            session.flush()
            secrets[info.username] = info.otp_secret
        session.commit()
        session.get_bind().dispose()
    return secrets


def stored_hash(folder: Path, name: str) -> str:
    engine = create_engine(f"sqlite:///{folder / 'hubauth.sqlite'}")
    with engine.connect() as connection:
        query = text("SELECT password_hash FROM hubauth_native_accounts WHERE username = :name")
        return str(connection.execute(query, {"name": name}).scalar_one())


@pytest.mark.row("V19")
async def test_people_of_nativeauthenticator_go_on(
    hub: Hub, command: Command, enter: Callable[..., Awaitable[tuple[Browser, Page]]]
) -> None:
    secrets = native(
        hub.directory,
        {"username": "root", "is_authorized": True},
        {"username": "ann", "is_authorized": True, "email": "ann@example.org", "has_2fa": True},
        {"username": "ben", "is_authorized": True},
        {"username": "zoe", "is_authorized": False},
    )
    command("init", "--yes")
    told = command("native", "import", "nativeauthenticator")
    assert "4 created, 0 updated, 0 unchanged, 0 left out; 3 have the hub user of their name." in told
    hub.start()
    before = {name: (await hub.user(name) or {})["created"] for name in ("root", "ann", "ben")}

    browser, _ = await enter("ben")
    assert await browser.hub_user() == "ben"
    assert stored_hash(hub.directory, "ben").startswith("nfc$argon2id$")
    browser, _ = await enter("root")
    assert await browser.hub_user() == "root"
    assert (await hub.user("root") or {})["admin"]

    browser, page = await enter("ann")
    assert await browser.hub_user() is None, "the second factor came along"
    code = f"{onetimepass.get_totp(secrets['ann']):06d}"
    [name] = [each for each in page.form("/local/").fields if "code" in each]
    await browser.follow(await browser.submit(page.form("/local/"), **{name: code}))
    assert await browser.hub_user() == "ann"

    for stranger, password in (("zoe", OLD), ("ben", "another password")):
        browser, page = await enter(stranger, password)
        assert page.status == 403
        assert await browser.hub_user() is None
    assert {name: (await hub.user(name) or {})["created"] for name in before} == before

    newer = stored_hash(hub.directory, "ben")
    assert "0 created, 0 updated, 4 unchanged" in command("native", "import", "nativeauthenticator")
    assert stored_hash(hub.directory, "ben") == newer


async def test_people_of_firstuse_go_on(
    hub: Hub, command: Command, enter: Callable[..., Awaitable[tuple[Browser, Page]]]
) -> None:
    theirs = FirstUseAuthenticator(dbm_path=str(hub.directory / "passwords.dbm"), check_passwords_on_startup=False)
    for name in ("root", "ann", "new"):
        assert await theirs.authenticate(None, {"username": name, "password": OLD}) == name
    files = {path.name: path.read_bytes() for path in hub.directory.glob("passwords.dbm*")}
    command("init", "--yes")
    assert "2 have the hub user of their name" in command("native", "import", "firstuse")
    hub.start()
    for name in ("root", "ann", "new"):
        browser, _ = await enter(name)
        assert await browser.hub_user() == name
    browser, _ = await enter("ben")
    assert await browser.hub_user() is None
    command("native", "import", "firstuse")
    browser, _ = await enter("ann")
    assert await browser.hub_user() == "ann"
    assert {path.name: path.read_bytes() for path in hub.directory.glob("passwords.dbm*")} == files


async def test_system_users_of_a_hub_keep_their_names_by_a_table(
    hub: Hub, command: Command, new_browser: Callable[[Hub], Browser]
) -> None:
    """As on The Littlest JupyterHub with PAM: there are no passwords to take along."""
    (hub.directory / "people.csv").write_text("username,admin\nroot,yes\nann,\nben,\n")
    command("init", "--yes")
    command("native", "import", "table", "people.csv", "--adopt", "--links", "links.csv")
    links = [line.split(",") for line in (hub.directory / "links.csv").read_text().splitlines()[1:]]
    hub.start()
    for name, _, link in links:
        browser = new_browser(hub)
        page = await browser.open(link)
        form = next(each for each in page.forms if any("password" in field for field in each.fields))
        typed = {field: "violet otter under seven bridges" for field in form.fields if "password" in field}
        await browser.follow(await browser.submit(form, **typed))
        await browser.sign_in_with_form("local", name, "violet otter under seven bridges")
        assert await browser.hub_user() == name
    assert [name for name, _, _ in links] == ["root", "ann", "ben"]
