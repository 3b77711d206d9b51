"""git as a child process: nobody, or somebody whose credential only one host gets.

It sees neither the settings nor the credentials of the machine, and nothing secret is in its arguments or in a URL.

https://git-scm.com/docs/gitcredentials
https://git-scm.com/docs/git-config#Documentation/git-config.txt-GITCONFIGCOUNT
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from .errors import AccessRefused

SECONDS: Final = 60.0
"""How long one git command may take."""

FULL_SHA: Final = re.compile(r"[0-9a-f]{40}")

URL: Final = re.compile(r"((https?|git)://(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]+)?)/[!-\[\]-~]+")
"""A repository's address: no user part, no blanks, no backslash, nothing that programs read differently. The first
group is what `origin` returns. A pattern such as `*` for a host would stand for every host in git's settings."""

HELPER: Final = '!f() { if test "$1" = get; then printf "%b\\n" "$GIT_CREDENTIAL_ENV"; fi; }; f'
"""What `git-credential-env` of repo2docker's image does, so that both read a value alike. Needs no program of ours."""

PASSED_ON: Final = (
    *("PATH", "TMPDIR", "http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"),
    *("GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "GIT_PROXY_SSL_CAINFO", "SSL_CERT_FILE", "SSL_CERT_DIR"),
)
"""What git needs of our environment: the way to the network, and whom to trust there."""


@dataclass(frozen=True)
class GitCredential:
    """One person's credential for one host, such as `https://github.com`, in BinderHub's form."""

    origin: str
    text: str = field(repr=False)
    """`username=...\\npassword=...`, with the two characters backslash and n: `RepoProvider.git_credentials`."""


class GitFailed(Exception):
    """git ended with an error; the message is its last line."""


def origin(url: str) -> str:
    """Scheme, host and port of a repository's address. Raises AccessRefused."""
    address = URL.fullmatch(url)
    if address is None:
        raise AccessRefused(
            "That address of a repository cannot be used. Give it as https://host/path, without a name or a password "
            "in it: the hub brings your own."
        )
    return re.sub(r"(?<=^https)(://.*):443$|(?<=^http)(://.*):80$", r"\1\2", address[1].lower())


def only_for(origin: str) -> dict[str, str]:
    """Environment variables with which git gives GIT_CREDENTIAL_ENV to `origin` and to no other host.

    That also holds after a redirect, for submodules and for LFS. The empty helper drops those configured elsewhere,
    such as repo2docker's, which answers whoever asks.
    """
    settings = {"credential.helper": "", f"credential.{origin}.helper": HELPER}
    return {"GIT_TERMINAL_PROMPT": "0", **_settings(settings)}


async def is_public(url: str) -> bool:
    """Whether anybody can read it. What cannot be reached, or not in time, is not public."""
    try:
        await _references(url, "HEAD", None)
    except GitFailed:
        return False
    return True


async def resolve(url: str, ref: str, credential: GitCredential) -> str | None:
    """The commit that a branch, a tag, HEAD or a full SHA stands for; None if there is no such one.

    Raises AccessRefused where the credential does not open the repository.
    """
    if FULL_SHA.fullmatch(ref):
        await check_access(url, credential)
        return ref if await _has_commit(url, ref, credential) else None
    references = await _readable(url, ref, credential)
    tag = f"refs/tags/{ref}"
    names = (f"{ref}^{{}}", ref, f"refs/heads/{ref}", f"{tag}^{{}}", tag)
    return next((references[name] for name in names if name in references), None)


async def check_access(url: str, credential: GitCredential) -> None:
    """Return if the credential opens the repository now. Raises AccessRefused."""
    await _readable(url, "HEAD", credential)


async def _readable(url: str, ref: str, credential: GitCredential) -> Mapping[str, str]:
    try:
        return await _references(url, ref, credential)
    except GitFailed as failed:
        raise AccessRefused(
            f"Your account at {origin(url)} does not open {url}. Check that the repository is there and that you may "
            f"read it. git says: {failed}"
        ) from failed


async def _references(url: str, ref: str, credential: GitCredential | None) -> Mapping[str, str]:
    """Name -> SHA of what may be meant by `ref`; of an annotated tag also its commit, as `name^{}`."""
    listed = await _run("ls-remote", "--", url, ref, f"{ref}^{{}}", credential=credential)
    lines = (line.split("\t", 1) for line in listed.splitlines() if "\t" in line)
    return {name: sha for sha, name in lines if FULL_SHA.fullmatch(sha)}


async def _has_commit(url: str, sha: str, credential: GitCredential) -> bool:
    """Whether the server hands out that commit. False also if it only hands out the ends of branches."""
    with tempfile.TemporaryDirectory(prefix="hubauth-") as folder:
        await _run("init", "--quiet", "--bare", "--template=", folder)
        fetch = ("fetch", "--quiet", "--depth=1", "--filter=tree:0", "--no-tags", "--", url, sha)
        try:
            await _run(f"--git-dir={folder}", *fetch, credential=credential)
            return (await _run(f"--git-dir={folder}", "cat-file", "-t", sha)).strip() == "commit"
        except GitFailed:
            return False


async def _run(*arguments: str, credential: GitCredential | None = None) -> str:
    """What git prints. Raises GitFailed, also when it takes too long."""
    child = await asyncio.create_subprocess_exec(
        *("git", *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=_environment(credential),
        cwd=os.sep,  # not inside anybody's checkout, whose settings git would read
        start_new_session=True,
    )
    try:
        printed, complaints = await asyncio.wait_for(child.communicate(), SECONDS)
    except TimeoutError:
        raise GitFailed(f"no answer within {SECONDS:.0f} seconds") from None
    finally:
        if child.returncode is None:
            os.killpg(child.pid, signal.SIGKILL)  # its helpers, too
            await child.wait()
    if child.returncode:
        last = complaints.decode(errors="replace").strip().splitlines() or ["nothing"]
        raise GitFailed(last[-1])
    return printed.decode(errors="replace")


def _environment(credential: GitCredential | None) -> dict[str, str]:
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    environment |= {
        "LC_ALL": "C.UTF-8",
        "HOME": os.devnull,  # where .netrc and .gitconfig would be
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_ALLOW_PROTOCOL": "https:http:git",  # also after a redirect
        "GIT_TERMINAL_PROMPT": "0",
    }
    if credential is not None:
        environment |= {**only_for(credential.origin), "GIT_CREDENTIAL_ENV": credential.text}
    return environment


def _settings(settings: Mapping[str, str]) -> dict[str, str]:
    keys = {f"GIT_CONFIG_KEY_{n}": key for n, key in enumerate(settings)}
    values = {f"GIT_CONFIG_VALUE_{n}": value for n, value in enumerate(settings.values())}
    return {"GIT_CONFIG_COUNT": str(len(settings)), **keys, **values}
