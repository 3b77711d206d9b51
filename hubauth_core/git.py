"""Which provider's credential opens a git repository, and the words in which git and repo2docker want it.

https://git-scm.com/docs/git-credential#IOFMT
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote, urlsplit

from .errors import CredentialError
from .types import Credential
from .urls import problem_with

LONGEST_URL: Final = 2048

_UNCHANGED: Final = re.compile(r"[A-Za-z0-9._~+/=@:%,!-]+")
"""What passes Kubernetes (`$`) and `echo -e` in repo2docker's credential helper (backslashes) as it is."""


@dataclass(frozen=True)
class Repository:
    """The address of a repository: as git splits it, the host with its port where that is not the usual one."""

    protocol: str
    host: str
    path: str

    def is_below(self, base: Repository) -> bool:
        """Whether it is at the same host, and at or below the path of `base`."""
        same = (self.protocol, self.host) == (base.protocol, base.host)
        return same and (not base.path or f"{self.path}/".startswith(f"{base.path}/"))


@dataclass(frozen=True, kw_only=True)
class GitCredential:
    """A credential for a repository."""

    provider: str
    repository: Repository
    username: str
    credential: Credential = field(repr=False)


def parse_repository(url: str) -> Repository:
    """The repository at a URL. Raises CredentialError `bad_request` for what no credential may be sent to."""
    if len(url) > LONGEST_URL or not url.isascii():
        raise _refused("it is too long, or not written as an address")
    if problem := problem_with(url):
        raise _refused(problem)
    parts = urlsplit(url)
    steps = unquote(parts.path).strip("/").split("/")
    if parts.query or (steps != [""] and not all(map(_is_plain, steps))):
        raise _refused("its path leads astray")
    host, port = parts.hostname or "", parts.port
    shown = f"[{host}]" if ":" in host else host
    usual = port in (None, {"https": 443, "http": 80}[parts.scheme])
    return Repository(parts.scheme, shown if usual else f"{shown}:{port}", parts.path.strip("/"))


def nearest(repository: Repository, bases: Iterable[str]) -> int:
    """How far the longest of some base addresses leads to a repository, in characters; -1 if none does."""
    fitting = [base for base in map(parse_repository, bases) if repository.is_below(base)]
    return max((len(base.path) for base in fitting), default=-1)


def for_repo2docker(found: GitCredential) -> str | None:
    """A credential as BinderHub hands it on (`git_credentials`), None where its shell helper would change it."""
    token = found.credential.access_token.reveal()
    if not (_UNCHANGED.fullmatch(found.username) and _UNCHANGED.fullmatch(token)):
        return None
    return rf"username={found.username}\npassword={token}"


def _is_plain(step: str) -> bool:
    """Whether a part of a path is a name, and neither a way up nor hides another path.

    Some servers decode twice, some leave out what comes after a semicolon.
    """
    return step.partition(";")[0] not in ("", ".", "..") and step.isprintable() and not set(step) & {"/", "\\", "%"}


def _refused(why: str) -> CredentialError:
    return CredentialError(f"There is no credential for this address: {why}.", code="bad_request")
