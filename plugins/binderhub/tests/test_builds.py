"""The command of a build: settings for git in front, where there is a credential."""

from __future__ import annotations

import os
import subprocess
from typing import Any

import pytest
from binderhub.build import BuildExecutor, KubernetesBuildExecutor
from traitlets.config import Config

from hubauth_binderhub.builds import OneHost, with_one_host

CREDENTIALS = "username=oauth2\\npassword=tok-ann"


def build(**settings: Any) -> Any:
    known = {"repo_url": "https://forge.test/lab/data", "ref": "1" * 40, "image_name": "image"}
    return with_one_host(BuildExecutor)(**known | settings)


def test_without_a_credential_the_command_is_binderhubs() -> None:
    assert build().get_cmd() == BuildExecutor.get_cmd(build())


def test_the_command_comes_after_settings_without_secrets() -> None:
    own = build(git_credentials=CREDENTIALS)
    command = own.get_cmd()
    stock = BuildExecutor.get_cmd(build())
    assert command[0] == "env"
    assert command[-len(stock) :] == stock
    assert "tok-ann" not in " ".join(command)


def test_kubernetes_leaves_the_command_as_it_is() -> None:
    """In a pod's arguments, `$(NAME)` and `$$` mean something to Kubernetes."""
    assert not [word for word in build(git_credentials=CREDENTIALS).get_cmd() if "$(" in word or "$$" in word]


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("protocol=https\nhost=forge.test\npath=lab/data", "tok-ann"),
        ("protocol=https\nhost=forge.test\npath=other/part", "tok-ann"),
        ("protocol=http\nhost=forge.test", None),
        ("protocol=https\nhost=forge.test:8443", None),
        ("protocol=https\nhost=sub.forge.test", None),
        ("protocol=https\nhost=else.test", None),
    ],
)
@pytest.mark.usefixtures("as_in_the_image")
@pytest.mark.row("10.1.1")
def test_git_hands_the_credential_to_one_host(address: str, expected: str | None) -> None:
    command = build(git_credentials=CREDENTIALS).get_cmd()
    settings = command[: command.index("jupyter-repo2docker")]
    done = subprocess.run(
        [*settings, "git", "credential", "fill"],
        input=f"{address}\n\n",
        env=os.environ | {"GIT_CREDENTIAL_ENV": CREDENTIALS},
        capture_output=True,
        text=True,
        check=False,
    )
    told = dict(line.split("=", 1) for line in done.stdout.splitlines())
    assert told.get("password") == expected


def test_a_build_class_keeps_its_settings() -> None:
    config = Config(KubernetesBuildExecutor={"build_image": "registry.test/repo2docker"})
    ours = with_one_host(KubernetesBuildExecutor)
    assert issubclass(ours, OneHost)
    assert ours(config=config).build_image == "registry.test/repo2docker"


def test_a_build_class_is_changed_once() -> None:
    ours = with_one_host(BuildExecutor)
    assert with_one_host(ours) is ours
