"""`git-credential-hubauth` as git calls it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hubauth_singleuser.git.attributes import LARGEST_QUESTION

Helper = Callable[..., subprocess.CompletedProcess[str]]

GITHUB = "protocol=https\nhost=github.com\npath=o/r.git\n"


@pytest.fixture
def helper(hub: Any, commands: Path) -> Helper:
    """The installed command, in ann's server."""

    def run(operation: str, sent: str | bytes = GITHUB, **more: str) -> subprocess.CompletedProcess[str]:
        environment = {**hub.environment, "PATH": "/usr/bin:/bin", "HUBAUTH_GIT_URLS": '["https://github.com"]', **more}
        done = subprocess.run(
            [commands / "git-credential-hubauth", operation],
            input=sent.encode() if isinstance(sent, str) else sent,
            env={name: value for name, value in environment.items() if value},
            capture_output=True,
            check=False,
            timeout=60,
        )
        return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())

    return run


def test_get_answers_with_a_fresh_token(helper: Helper, hub: Any) -> None:
    hub.connect("github", token="gho_canary", expires_at=1_900_000_000.5)
    done = helper("get")
    assert done.returncode == 0
    assert done.stdout == "username=oauth2\npassword=gho_canary\npassword_expiry_utc=1900000000\n"
    assert done.stderr == ""
    assert hub.requests == [
        "/hub/api/hubauth/users/ann/git-credential?url=https%3A%2F%2Fgithub.com%2Fo%2Fr.git",
    ]


def test_a_token_without_an_expiry_has_none(helper: Helper) -> None:
    assert helper("get").stdout == "username=oauth2\npassword=gho_token\n"


def test_a_user_name_that_is_ours_is_fine(helper: Helper) -> None:
    assert "password=gho_token" in helper("get", f"{GITHUB}username=oauth2\n").stdout


SILENT = {
    "another host": "protocol=https\nhost=gitlab.com\n",
    "a sub-domain": "protocol=https\nhost=api.github.com\n",
    "another port": "protocol=https\nhost=github.com:444\n",
    "in the clear": "protocol=http\nhost=github.com\n",
    "ssh": "protocol=ssh\nhost=github.com\n",
    "no host": "protocol=https\n",
    "nothing": "",
    "a host with a user": "protocol=https\nhost=evil.test@github.com\n",
    "a step up": "protocol=https\nhost=github.com\npath=o/../r\n",
    "an encoded step up": "protocol=https\nhost=github.com\npath=o/%2E%2e/r\n",
}


@pytest.mark.parametrize("sent", SILENT.values(), ids=SILENT)
def test_what_is_not_ours_has_no_answer_and_no_word(helper: Helper, hub: Any, sent: str) -> None:
    done = helper("get", sent)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert hub.requests == []


def test_another_account_there_is_not_ours(helper: Helper) -> None:
    done = helper("get", f"{GITHUB}username=octocat\n")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


TRICKS = {
    "NUL": b"protocol=https\nhost=github.com\0\n",
    "CR": b"protocol=https\r\nhost=github.com\r\n",
    "newline in a url": b"url=https://github.com%0ausername=x\n",
    "not UTF-8": b"protocol=https\nhost=github.com\npath=\xff\n",
    "no attribute": b"protocol=https\nhost\n",
    "too much": GITHUB.encode() + b"x=" + b"y" * LARGEST_QUESTION,
}


@pytest.mark.parametrize("sent", TRICKS.values(), ids=TRICKS)
def test_a_trick_has_no_answer(helper: Helper, hub: Any, sent: bytes) -> None:
    done = helper("get", sent)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.count("\n") == 1
    assert hub.requests == []


@pytest.mark.parametrize("wrong", [{}, {"HUBAUTH_GIT_URLS": ""}, {"HUBAUTH_GIT_URLS": '["https://gitlab.com"]'}])
def test_only_listed_places_are_ours(helper: Helper, wrong: dict[str, str]) -> None:
    assert bool(helper("get", **wrong).stdout) is (not wrong)


def test_a_list_that_cannot_be_read_is_said(helper: Helper) -> None:
    done = helper("get", HUBAUTH_GIT_URLS="https://github.com")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "hubauth: HUBAUTH_GIT_URLS cannot be read; restart your server.\n"


@pytest.mark.parametrize(
    ("status", "slug", "said", "quits"),
    [
        (409, "needs_login", "No. https://hub.test/hub/connections", True),
        (503, "provider_unavailable", "No.", True),
        (429, "rate_limited", "No.", True),
        (404, "not_connected", "No. https://hub.test/hub/connections", False),
        (404, "unknown_host", "No.", False),
        (501, "storage_disabled", "No.", False),
    ],
)
def test_a_person_is_told_and_git_asks_for_a_password_only_where_there_may_be_one(
    helper: Helper, hub: Any, status: int, slug: str, said: str, quits: bool
) -> None:
    hub.refuse(status, slug)
    done = helper("get", JUPYTERHUB_HOST="https://hub.test")
    assert (done.returncode, done.stdout) == (0, "quit=1\n" if quits else "")
    assert done.stderr == f"hubauth: {said}\n"


@pytest.mark.parametrize("slug", ["needs_login", "provider_unavailable"])
def test_who_named_an_account_may_type_its_password(helper: Helper, hub: Any, slug: str) -> None:
    hub.refuse(503, slug)
    done = helper("get", f"{GITHUB}username=octocat\n")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_without_a_hub_git_is_told(helper: Helper) -> None:
    done = helper("get", JUPYTERHUB_API_TOKEN="")
    assert (done.returncode, done.stdout) == (0, "")
    assert "JUPYTERHUB_API_TOKEN is not set" in done.stderr


BAD_ANSWERS: dict[str, dict[str, Any]] = {
    "another host": {"host": "evil.test"},
    "another protocol": {"protocol": "http", "host": "localhost"},
    "no host": {"host": None},
    "a line more": {"password": "canary\nquit=1"},
    "a CR": {"password": "canary\r"},
    "a NUL": {"username": "oauth2\0"},
    "no password": {"password": ""},
    "no text": {"password": 7},
    "an odd expiry": {"password_expiry_utc": "never"},
}


@pytest.mark.parametrize("wrong", BAD_ANSWERS.values(), ids=BAD_ANSWERS)
def test_an_answer_that_does_not_fit_is_not_passed_on(helper: Helper, hub: Any, wrong: dict[str, Any]) -> None:
    _, good, _ = hub.git("https://github.com/o/r.git")
    hub.raw = json.dumps(good | wrong).encode()
    done = helper("get")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "hubauth: the hub does not answer as it should; no credential is given.\n"


def test_beside_a_helper_that_would_store_it_there_is_no_token(helper: Helper, tmp_path: Path) -> None:
    (tmp_path / ".gitconfig").write_text("[credential]\n\thelper = store\n")
    done = helper("get", HOME=str(tmp_path))
    assert (done.returncode, done.stdout) == (0, "quit=1\n")
    assert "your credential helper 'store' would store the hub's token" in done.stderr


def test_store_keeps_nothing(helper: Helper, hub: Any, tmp_path: Path) -> None:
    done = helper("store", f"{GITHUB}username=oauth2\npassword=canary\n" + "x=y\n" * 100_000, HOME=str(tmp_path))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.rglob("*")) == []
    assert hub.requests == []


def test_erase_says_that_the_server_refused_and_shows_no_password(helper: Helper, hub: Any, tmp_path: Path) -> None:
    done = helper("erase", f"{GITHUB}username=oauth2\npassword=canary\n", HOME=str(tmp_path))
    assert (done.returncode, done.stdout) == (0, "")
    assert "https://github.com refused" in done.stderr
    assert "canary" not in done.stderr
    assert list(tmp_path.rglob("*")) == []
    assert hub.requests == []


def test_erase_of_what_is_not_ours_is_silent(helper: Helper) -> None:
    done = helper("erase", "protocol=https\nhost=gitlab.com\nusername=x\npassword=canary\n")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_an_operation_of_a_later_git_is_ignored(helper: Helper) -> None:
    done = helper("rotate")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_it_announces_no_capability(helper: Helper) -> None:
    assert helper("capability", "").stdout == "version 0\n"


def test_help_says_how_to_set_it_up(helper: Helper) -> None:
    assert "credential.helper hubauth" in helper("--help").stdout


def test_without_an_operation_it_says_how_it_is_used(commands: Path) -> None:
    done = subprocess.run(
        [commands / "git-credential-hubauth"], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("usage:")
