"""A code forge: an identity provider that keeps a private git repository, for tokens that may open one."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tornado import web

from ...testing.idp import IdentityProvider
from .git_http import GIT, GitHandler, NotAdmitted, git_environment

SCOPE: Final = "repository"
"""What an access token has to carry before it opens a repository."""

NAME: Final = "notes.git"

FIRST_COMMIT: Final = b"""\
commit refs/heads/main
committer Code Forge <forge@forge.example> 1700000000 +0000
data 11
First notes
M 644 inline README.md
data <<END
# Notes

This repository is private. That you read this in your own server means: your hub asked the forge for a token of yours,
handed it to git, and nobody had to type or store a password.
END
"""


@dataclass(kw_only=True)
class Forge(IdentityProvider):
    """`repositories`: the folder with the bare ones. `members`: the subjects of those who may read and write them."""

    repositories: Path
    members: frozenset[str]
    further_scopes: tuple[str, ...] = (SCOPE,)

    @property
    def clone_url(self) -> str:
        """What to give to `git clone`."""
        return f"{self.issuer}/{NAME}"

    def pages(self) -> list[tuple[str, type[web.RequestHandler], dict[str, Any]]]:
        """What it answers, as tornado's rules."""
        smart = r"/([a-z]+\.git)/(info/refs|git-upload-pack|git-receive-pack)"
        return [*super().pages(), (smart, GitHandler, {"root": self.repositories, "admit": self.admit})]

    def admit(self, token: str, repository: str) -> str:
        """Who may read and write a repository with this token. Raises NotAdmitted."""
        grant = self.grant_of(token)
        if grant is None:
            raise NotAdmitted(401, "An access token of this forge is needed, as the password.")
        if SCOPE not in grant.scope.split():
            raise NotAdmitted(403, f"This token was not granted the scope {SCOPE!r}.")
        if grant.person.subject not in self.members or not (self.repositories / repository).is_dir():
            raise NotAdmitted(404, "There is no such repository, or it is not yours.")
        return grant.person.username


def make_repository(folder: Path) -> None:
    """A bare repository with one commit, unless there is one of an earlier time. Raises CalledProcessError."""
    path = folder / NAME
    if path.exists():
        return
    folder.mkdir(exist_ok=True)
    _git("init", "--quiet", "--bare", "--template=", "--initial-branch=main", str(path))
    _git("-C", str(path), "fast-import", "--quiet", said=FIRST_COMMIT)


def _git(*arguments: str, said: bytes = b"") -> None:
    subprocess.run(  # noqa: S603  # no word of it comes from outside
        [GIT, *arguments],
        input=said,
        env=git_environment(),
        check=True,
        capture_output=True,
        start_new_session=True,  # Ctrl-C is for the demo, which then ends everything in order
    )
