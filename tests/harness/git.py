"""A private git server, and git as a person in a server of theirs runs it: with an environment, and nothing else."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from .counterparts import READY, Counterpart
from .parts import COUNTERPARTS
from .process import Child

IDENTITY = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in {"NAME": "Ann", "EMAIL": "ann@uni.test"}.items()
}


class GitServer(Counterpart):
    """git's own HTTP server behind tokens; `counterparts/git_server.py` says how it answers."""

    def __init__(self, child: Child, url: str, root: Path) -> None:
        super().__init__(child, url, {})
        self.root = root

    def repository(self, name: str) -> str:
        """The address of a new private repository with one commit on `main`, which accepts pushes."""
        bare, work = self.root / name, self.root.parent / f"{name}-work"
        git("init", "--quiet", "--bare", "-b", "main", str(bare))
        git("-C", str(bare), "config", "http.receivepack", "true")
        git("clone", "--quiet", str(bare), str(work))
        git("-C", str(work), "commit", "--quiet", "--allow-empty", "-m", "first")
        git("-C", str(work), "push", "--quiet", "origin", "HEAD:main")
        return f"{self.url}/{name}"

    def accept(self, tokens: Mapping[str, str]) -> None:
        """From now on these tokens are good, and no others: {token: user}."""
        self.control("PUT", "tokens", dict(tokens))

    def grant(self, rights: Mapping[str, Mapping[str, str]]) -> None:
        """Who may do what: {user: {repository: "r" or "rw"}}."""
        self.control("PUT", "rights", rights)


@contextmanager
def git_server(folder: Path, userinfo: str = "") -> Iterator[GitServer]:
    """A git server; `userinfo` is the address of an identity provider that knows who stands behind a token."""
    root = folder / "repositories"
    root.mkdir()
    command: list[str | Path] = [sys.executable, COUNTERPARTS / "git_server.py", "0", root, userinfo]
    child = Child(command, folder, folder / "git.log")
    child.start()
    try:
        child.wait_until(lambda: READY.search(child.log) is not None)
        found = READY.search(child.log)
        assert found is not None
        yield GitServer(child, found[1], root)
    finally:
        child.stop()


def git(*arguments: str, environment: Mapping[str, str] | None = None) -> str:
    """What git prints; raises CalledProcessError, with git's own words, if it fails."""
    own = {"PATH": "/usr/local/bin:/usr/bin:/bin", "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0", **IDENTITY}
    done = subprocess.run(
        ["git", *arguments], env=own | dict(environment or {}), capture_output=True, text=True, check=False, timeout=60
    )
    if done.returncode:
        raise subprocess.CalledProcessError(done.returncode, ["git", *arguments], done.stdout, done.stderr)
    return done.stdout
