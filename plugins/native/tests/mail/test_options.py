"""Options about mail that cannot be meant so stop the start, with a sentence that names them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import pytest

from hubauth_core import ConfigError
from hubauth_native import NativeProvider

Start = Callable[..., NativeProvider]
GOOD: dict[str, Any] = {"smtp_host": "mail.people.test", "mail_from": "The hub <hub@people.test>"}


class Stub(Protocol):
    """What these tests change of the core."""

    public_url: str


def test_mails_need_the_hubs_own_address(start: Start, core: Stub) -> None:
    core.public_url = ""
    with pytest.raises(ConfigError, match=r"'smtp_host' is set, but c\.JupyterHub\.public_url is not"):
        start(**GOOD)
    assert not start().house.post.enabled


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"mail_from": ""}, "mail_from"),
        ({"mail_from": "nobody"}, "mail_from"),
        ({"smtp_user": "u"}, "smtp_user"),
        ({"smtp_password": "p"}, "smtp_user"),
        ({"smtp_user": "u", "smtp_password": "p", "smtp_security": "none"}, "in the clear"),
        ({"smtp_user": "u", "smtp_password": "p", "smtp_password_file": "f"}, "both set"),
        ({"smtp_user": "u", "smtp_password_file": "/no/such/file"}, "smtp_password_file"),
        ({"smtp_ca_file": "/no/such/file"}, "smtp_ca_file"),
    ],
)
def test_what_cannot_be_meant_stops_the_start(start: Start, options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said) as stopped:
        start(**GOOD | options)
    assert "'p'" not in str(stopped.value)


def test_the_password_may_come_from_a_file_and_is_never_printed(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("canary\n")
    native = start(**GOOD, smtp_user="u", smtp_password_file=str(file))
    server = native.mail_server("https://hub.test/")
    assert server is not None
    assert server.password.reveal() == "canary"
    assert "canary" not in repr(server)
    assert "canary" not in repr(native.house.post)
