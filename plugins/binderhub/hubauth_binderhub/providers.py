"""BinderHub's repository providers, with the visitor's own credential where a repository is not public.

A public repository stays as it was, its image shared by all: it is resolved by BinderHub's own code and built without
anybody's credential, so that nothing private gets into the image. Any other is resolved with git, so that whoever
resolves it can clone it, and without BinderHub's cache of references, which everybody shares.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from binderhub.repoproviders import GitHubRepoProvider, GitLabRepoProvider, GitRepoProvider, RepoProvider

from . import git
from .client import Visitor
from .errors import AccessRefused
from .names import private_slug

DEFAULT_BRANCHES = frozenset({"main", "master"})
"""Where there is none of that name, BinderHub tries HEAD at GitHub."""


class OwnCredential(RepoProvider):  # type: ignore[misc]  # BinderHub is untyped
    """Mixed into a provider of git repositories. `BuildHandler` says who is asking."""

    visitor: Visitor | None = None
    name_key: str = ""
    public = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # whatever is configured: a credential that is everybody's would open its owner's repositories to everybody
        super().__init__(*args, **{**kwargs, "git_credentials": ""})

    async def get_resolved_ref(self) -> str | None:
        """The commit to build; None if there is no such reference. Raises AccessRefused."""
        if getattr(self, "resolved_ref", None) is None:
            url = self.get_repo_url()
            git.origin(url)
            self.public = await git.is_public(url)
            self.resolved_ref = await (super().get_resolved_ref() if self.public else self._resolve(url))
        return self.resolved_ref

    async def check_access(self) -> None:
        """Return if the visitor may still have what was resolved. Raises AccessRefused."""
        if not self.public:
            url = self.get_repo_url()
            await git.check_access(url, await self._credential(url))

    @property
    def wanted_ref(self) -> str:
        """What the address names."""
        return str(self.unresolved_ref)

    def get_build_slug(self) -> str:
        """What names builds and images: shared for public repositories only."""
        slug: str = super().get_build_slug()
        if self.public:
            return slug
        user = self._signed_in().name
        return private_slug(slug, key=self.name_key, user=user, url=self.get_repo_url())

    async def _resolve(self, url: str) -> str | None:
        credential = await self._credential(url)
        sha = await git.resolve(url, self.wanted_ref, credential)
        if sha is None and self.wanted_ref not in DEFAULT_BRANCHES:
            raise AccessRefused(
                f"{url} has no branch or tag {self.wanted_ref!r}. A commit is named by its full SHA of 40 digits."
            )
        self.git_credentials = credential.text
        return sha

    async def _credential(self, url: str) -> git.GitCredential:
        return await self._signed_in().credential(url)

    def _signed_in(self) -> Visitor:
        if self.visitor is None:
            raise AccessRefused(f"{self.get_repo_url()} is not public, or not there, and nobody is signed in.")
        return self.visitor


class GitHubProvider(OwnCredential, GitHubRepoProvider):  # type: ignore[misc]  # BinderHub is untyped
    """github.com, or a GitHub Enterprise by `hostname`."""

    @property
    def wanted_ref(self) -> str:
        """As the address names it: BinderHub's class, unlike the others, leaves that to the API."""
        return unquote(self.unresolved_ref)


class GitLabProvider(OwnCredential, GitLabRepoProvider):  # type: ignore[misc]  # BinderHub is untyped
    """gitlab.com, or a GitLab of one's own by `hostname`."""


class GitProvider(OwnCredential, GitRepoProvider):  # type: ignore[misc]  # BinderHub is untyped
    """Any git server that hubauth knows accounts of, over https."""
