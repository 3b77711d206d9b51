"""A git host in the test's own loop: the project's git server, with rights that a test changes while it runs."""

from __future__ import annotations

import os
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application

from counterparts.git_server import Git, State

GIT = {"PATH": os.environ["PATH"], "HOME": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C.UTF-8"}
SETTINGS = ("-c", "user.name=ann", "-c", "user.email=ann@lab.test", "-c", "protocol.file.allow=always")


def git(*arguments: str, cwd: Path) -> str:
    """Run git away from this machine's settings; returns what it prints."""
    command = ["git", *SETTINGS, *arguments]
    done = subprocess.run(command, cwd=cwd, env=GIT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


class GitHost:
    """The token of each person is `tok-` and their name. A repository without rights looks as if it were not there."""

    def __init__(self, root: Path, url: str) -> None:
        self.url = url
        self.state = State(root)

    def let_in(self, name: str, repository: str, *, allowed: bool = True) -> None:
        """Open a repository to somebody, or no longer."""
        self.state.tokens[f"tok-{name}"] = name
        self.state.rights.setdefault(name, {})[repository] = "r" if allowed else ""

    def publish(self, repository: str, *, public: bool = True) -> None:
        """Open a repository to everybody, or no longer."""
        self.state.rights.setdefault("", {})[repository] = "r" if public else ""

    def visitors(self) -> set[str]:
        """Whose tokens have come here."""
        return {user for user, _, _ in self.state.events if user is not None}

    def paths(self) -> list[str]:
        """What was asked for."""
        return [path for _, _, path in self.state.events]

    def create(self, repository: str, *, submodule: str = "", commit: str = "1" * 40) -> str:
        """Make a repository with branches main and feature/main and an annotated tag v1; returns main's commit.

        `submodule` is the address of one, at `commit`.
        """
        bare = self.state.root / repository
        work = bare.with_name(f"{bare.name}.work")
        work.mkdir(parents=True)
        git("init", "--quiet", "-b", "main", cwd=work)
        (work / "README.md").write_text(repository)
        if submodule:
            (work / ".gitmodules").write_text(f'[submodule "part"]\n\tpath = part\n\turl = {submodule}\n')
        git("add", ".", cwd=work)
        if submodule:
            git("update-index", "--add", "--cacheinfo", f"160000,{commit},part", cwd=work)
        git("commit", "--quiet", "-m", repository, cwd=work)
        git("tag", "-a", "v1", "-m", "one", cwd=work)
        sha = git("rev-parse", "HEAD", cwd=work)
        git("checkout", "--quiet", "-b", "feature/main", cwd=work)
        git("commit", "--quiet", "--allow-empty", "-m", "later", cwd=work)
        git("checkout", "--quiet", "main", cwd=work)
        git("clone", "--quiet", "--bare", str(work), str(bare), cwd=work)
        return sha


@asynccontextmanager
async def git_host(root: Path, tls: ssl.SSLContext | None = None) -> AsyncIterator[GitHost]:
    """A running host with repositories in `root`."""
    listening, port = bind_unused_port()
    host = GitHost(root, f"{'https' if tls else 'http'}://127.0.0.1:{port}")
    server = HTTPServer(Application([(r"/(.+)", Git, {"state": host.state})]), ssl_options=tls)
    server.add_socket(listening)
    yield host
    server.stop()
    await server.close_all_connections()
