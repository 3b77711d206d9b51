"""Users of the machine: whose they are, who gets one, and that a name is never an option of a command."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jupyterhub.auth import LocalAuthenticator

from hubauth_core import LoginRefused, ProviderError
from hubauth_core.system_users import SystemUsers

PASSWD = {"ann": 1001, "root": 0, "postgres": 106, "nobody": 65534}
GROUPS = {"students": (2000, ["ann"]), "wheel": (10, ["root"])}
ADD = "import sys, pathlib; pathlib.Path(sys.argv[1]).write_text('\\n'.join(sys.argv[2:]))"

Make = Callable[..., SystemUsers]


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Make:
    """Makes `SystemUsers` of a machine with PASSWD and GROUPS, whose command writes a file `added`."""

    def getpwnam(name: str) -> Any:
        assert threading.current_thread() is not threading.main_thread(), "asked on the event loop"
        return SimpleNamespace(pw_uid=PASSWD[name], pw_gid=PASSWD[name])

    def grouplist(name: str, gid: int) -> list[int]:
        return [gid, *(number for number, members in GROUPS.values() if name in members)]

    monkeypatch.setattr(LocalAuthenticator, "_getpwnam", staticmethod(getpwnam))
    monkeypatch.setattr(LocalAuthenticator, "_getgrouplist", staticmethod(grouplist))
    monkeypatch.setattr(
        LocalAuthenticator, "_getgrnam", staticmethod(lambda name: SimpleNamespace(gr_gid=GROUPS[name][0]))
    )

    def build(**options: Any) -> SystemUsers:
        command = [sys.executable, "-c", ADD, str(tmp_path / "added"), "--home", "/srv/people/USERNAME"]
        told = {"create": False, "require": False, "command": command, "uids": {}, "groups": set(), **options}
        return SystemUsers(log=logging.getLogger("hubauth.test"), **told)

    return build


@pytest.fixture
def added(tmp_path: Path) -> Callable[[], list[str] | None]:
    file = tmp_path / "added"
    return lambda: file.read_text().split("\n") if file.exists() else None


Added = Callable[[], list[str] | None]


async def test_who_has_no_user_gets_one_under_the_hub_username(make: Make, added: Added) -> None:
    await make(create=True).ensure("github-bob")
    assert added() == ["--home", "/srv/people/github-bob", "github-bob"]


async def test_a_uid_goes_with_the_name(make: Make, added: Added) -> None:
    await make(create=True, uids={"bob": 1234}).ensure("bob")
    assert added() == ["--home", "/srv/people/bob", "--uid", "1234", "bob"]


@pytest.mark.parametrize("options", [{"create": True}, {"require": True}, {}])
async def test_who_has_a_user_keeps_it(make: Make, added: Added, options: dict[str, bool]) -> None:
    await make(**options).ensure("ann")
    assert added() is None


async def test_without_the_options_nobody_needs_a_user(make: Make, added: Added) -> None:
    await make().ensure("bob")
    await make().ensure("root")
    assert added() is None


async def test_where_one_is_required_who_has_none_stays_out(make: Make) -> None:
    with pytest.raises(LoginRefused) as refused:
        await make(require=True).ensure("bob")
    assert refused.value.code == "system_user_missing"


@pytest.mark.parametrize("options", [{"create": True}, {"require": True}])
@pytest.mark.parametrize("name", ["root", "postgres", "nobody"])
async def test_nobody_becomes_an_account_of_the_system(make: Make, name: str, options: dict[str, bool]) -> None:
    with pytest.raises(LoginRefused) as refused:
        await make(**options).ensure(name)
    assert refused.value.code == "system_account"


@pytest.mark.parametrize(
    "name", ["-x", "--shell=/bin/sh", "a b", "a;reboot", "$(reboot)", "a\nb", "1000", "ann@uni.example", "ü", "x" * 33]
)
async def test_a_name_that_is_more_than_a_name_reaches_no_command(make: Make, added: Added, name: str) -> None:
    with pytest.raises(LoginRefused) as refused:
        await make(create=True).ensure(name)
    assert refused.value.code == "name_invalid"
    assert added() is None


async def test_a_command_that_fails_lets_nobody_in_and_its_words_are_for_the_log(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    broken = [sys.executable, "-c", "import sys; sys.exit('the disk is full')"]
    with pytest.raises(ProviderError) as failed:
        await make(create=True, command=broken).ensure("bob")
    assert failed.value.code == "add_user_failed"
    assert "disk" not in failed.value.sentence
    assert "the disk is full" in caplog.text


@pytest.mark.parametrize(
    ("name", "groups", "let_in"),
    [
        ("ann", {"students"}, True),
        ("ann", {"wheel"}, False),
        ("ann", set(), False),
        ("bob", {"students"}, False),
        ("root", {"wheel"}, False),
        ("ann", {"no-such-group", "students"}, True),
    ],
)
async def test_members_of_a_group_of_the_machine_may_enter(
    make: Make, name: str, groups: set[str], let_in: bool
) -> None:
    assert await make(groups=groups).lets_in(name) is let_in
