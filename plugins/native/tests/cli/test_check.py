"""`hubauth check` says of native accounts what the hub's start would, and what it would not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from hubauth_core.cli import main

HUB = """
c.JupyterHub.authenticator_class = "hubauth"
c.JupyterHub.spawner_class = "simple"
c.JupyterHub.public_url = "https://hub.test/"
"""


def found(level: str, more: str = "", **options: object) -> str:
    """The findings of one level about the provider."""
    options = {"type": "native", "notify_admins": ["admins"]} | options
    Path("jupyterhub_config.py").write_text(f"{HUB}{more}\nc.HubAuthenticator.providers = {{'local': {options!r}}}\n")
    before = sorted(path.name for path in Path().iterdir())
    told: dict[str, Any] = json.loads(CliRunner().invoke(main, ["check", "--json"]).output)
    assert sorted(path.name for path in Path().iterdir()) == before
    return "\n".join(each["text"] for each in told["findings"] if each["level"] == level and each["about"] == "local")


def test_defaults_are_sound() -> None:
    assert found("error") == ""
    assert found("warning") == ""


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"smtp_host": "mail.test", "mail_from": "no address"}, "mail_from"),
        ({"terms_version": "3"}, "terms_version"),
        ({"signup": "email_domain"}, "allowed_email_domains"),
        ({"argon2_memory_cost": 8}, "argon2_unsafe"),
    ],
)
def test_what_stops_the_start_is_an_error(options: dict[str, object], says: str) -> None:
    assert says in found("error", **options)


def test_mail_without_a_public_address_is_an_error() -> None:
    more = 'c.JupyterHub.public_url = ""'
    assert "public_url" in found("error", more, smtp_host="mail.test", mail_from="hub@hub.test")


def test_a_second_factor_that_nobody_can_add_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JUPYTERHUB_CRYPT_KEY")
    assert "second_factor" in found("error", 'c.JupyterHub.public_url = "https://127.0.0.1/"', second_factor="required")
    assert "no crypt keys" in found("warning")


@pytest.mark.parametrize(
    ("more", "options", "says"),
    [
        ('c.JupyterHub.public_url = "http://hub.test/"', {}, "in clear"),
        ("", {"signup": "open"}, "Anybody who reaches the hub"),
        ('c.JupyterHub.spawner_class = "localprocess"', {}, "system_users = True"),
        ("", {"notify_admins": []}, "Nobody is told"),
    ],
)
def test_what_works_otherwise_than_meant_is_a_warning(more: str, options: dict[str, object], says: str) -> None:
    assert says in found("warning", more, **options)
    assert found("error", more, **options) == ""


def test_closed_sign_up_needs_none_of_that() -> None:
    assert found("warning", 'c.JupyterHub.spawner_class = "localprocess"', signup="closed", notify_admins=[]) == ""
