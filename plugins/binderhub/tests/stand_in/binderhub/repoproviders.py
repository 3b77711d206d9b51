"""binderhub/repoproviders.py: what a repository's address means. References come from the host's API, or from git."""

from __future__ import annotations

import asyncio
import json
import os
import re
from typing import Any, ClassVar
from urllib.parse import quote, unquote, urlsplit

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest
from traitlets import Set, Unicode, default
from traitlets.config import LoggingConfigurable

SHA1_PATTERN = re.compile(r"[0-9a-f]{40}")


class RepoProvider(LoggingConfigurable):
    name = Unicode()
    spec = Unicode()
    unresolved_ref = Unicode()
    git_credentials = Unicode("", config=True)

    async def get_resolved_ref_url(self) -> str:
        return f"{self.get_repo_url()}/tree/{await self.get_resolved_ref()}"

    async def get_resolved_spec(self) -> str:
        return f"{self.get_build_slug()}/{await self.get_resolved_ref()}"


class GitRepoProvider(RepoProvider):
    name = Unicode("Git")
    allowed_protocols = Set(Unicode(), default_value={"http", "https", "git", "ssh"}, config=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.escaped_url, unresolved_ref = self.spec.split("/", 1)
        self.repo = unquote(self.escaped_url)
        if urlsplit(self.repo).scheme not in self.allowed_protocols:
            raise ValueError(f"Unsupported git url {self.repo}")
        self.unresolved_ref = unquote(unresolved_ref)

    async def get_resolved_ref(self) -> str | None:
        if SHA1_PATTERN.match(self.unresolved_ref):
            self.resolved_ref = self.unresolved_ref
            return self.resolved_ref
        command = ["git", "ls-remote", "--", self.repo, self.unresolved_ref]
        process = await asyncio.create_subprocess_exec(*command, stdout=-1, stderr=-1)
        stdout, stderr = await process.communicate()
        if process.returncode:
            raise RuntimeError(f"Unable to run git ls-remote to get the `resolved_ref`: {stderr.decode()}")
        if not stdout:
            return None
        self.resolved_ref = stdout.decode().split(None, 1)[0]
        return self.resolved_ref

    def get_repo_url(self) -> str:
        return self.repo

    def get_build_slug(self) -> str:
        return self.repo


class _ApiProvider(RepoProvider):
    async def _commit(self, url: str, headers: dict[str, str]) -> Any:
        try:
            answer = await AsyncHTTPClient().fetch(HTTPRequest(url, headers=headers, user_agent="BinderHub"))
        except HTTPClientError as e:
            if e.code in {404, 422}:
                return None
            raise
        return json.loads(answer.body)


class GitLabRepoProvider(_ApiProvider):
    name = Unicode("GitLab")
    hostname = Unicode("gitlab.com", config=True)
    private_token = Unicode(config=True)

    @default("git_credentials")
    def _default_git_credentials(self) -> str:
        return rf"username=binderhub\npassword={self.private_token}" if self.private_token else ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        quoted, unresolved_ref = self.spec.split("/", 1)
        self.namespace, self.unresolved_ref = unquote(quoted), unquote(unresolved_ref)

    async def get_resolved_ref(self) -> str | None:
        project, ref = quote(self.namespace, safe=""), quote(self.unresolved_ref, safe="")
        found = await self._commit(f"https://{self.hostname}/api/v4/projects/{project}/repository/commits/{ref}", {})
        self.resolved_ref = found and found["id"]
        return self.resolved_ref

    def get_repo_url(self) -> str:
        return f"https://{self.hostname}/{self.namespace}.git"

    def get_build_slug(self) -> str:
        return "-".join(part.replace("-", "_-") for part in self.namespace.split("/"))


class GitHubRepoProvider(_ApiProvider):
    name = Unicode("GitHub")
    hostname = Unicode("github.com", config=True)
    api_base_path = Unicode("https://api.{hostname}", config=True)
    access_token = Unicode(config=True)
    cache: ClassVar[dict[str, Any]] = {}
    cache_404: ClassVar[dict[str, Any]] = {}

    @default("access_token")
    def _access_token_default(self) -> str:
        return os.getenv("GITHUB_ACCESS_TOKEN", "")

    @default("git_credentials")
    def _default_git_credentials(self) -> str:
        return rf"username={self.access_token}\npassword=x-oauth-basic" if self.access_token else ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user, self.repo, self.unresolved_ref = self.spec.split("/", 2)
        self.repo = self.repo.removesuffix(".git")

    async def get_resolved_ref(self) -> str | None:
        base = self.api_base_path.format(hostname=self.hostname)
        url = f"{base}/repos/{self.user}/{self.repo}/commits/{self.unresolved_ref}"
        if url in self.cache_404:
            return None
        headers = {"Authorization": f"token {self.access_token}"} if self.access_token else {}
        found = await self._commit(url, headers)
        (self.cache if found else self.cache_404)[url] = found or True
        self.resolved_ref = found and found["sha"]
        return self.resolved_ref

    def get_repo_url(self) -> str:
        return f"https://{self.hostname}/{self.user}/{self.repo}"

    def get_build_slug(self) -> str:
        return f"{self.user}-{self.repo}"


class GistRepoProvider(GitHubRepoProvider):
    name = Unicode("Gist")
