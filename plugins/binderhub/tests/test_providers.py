"""The three providers: what they ask whom, and what a build gets."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio
import trustme
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application, RequestHandler
from traitlets.config import Config

from hubauth_binderhub.client import Visitor
from hubauth_binderhub.errors import AccessRefused
from hubauth_binderhub.providers import GitHubProvider, GitLabProvider, GitProvider, OwnCredential

from .git_host import GitHost, git, git_host
from .stub_hub import Person, StubHub

HERS = "username=oauth2\\npassword=tok-ann"
PROVIDERS = [GitHubProvider, GitLabProvider, GitProvider]


@pytest_asyncio.fixture
async def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[GitHost]:
    """A git host with a certificate: GitHub's and GitLab's providers know no other."""
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("GIT_SSL_CAINFO", str(tmp_path / "ca.pem"))
    async with git_host(tmp_path / "host", context) as running:
        yield running


class Api(RequestHandler):
    """GitHub's API: tells one commit, and remembers who asked."""

    asked: list[str | None]

    def get(self, _: str) -> None:
        self.asked.append(self.request.headers.get("Authorization"))
        self.write(json.dumps({"sha": "a" * 40}))


@pytest_asyncio.fixture
async def api() -> AsyncIterator[Any]:
    """Its `url`, and what it was `asked` with."""
    listening, port = bind_unused_port()
    handler = type("Api", (Api,), {"asked": [], "url": f"http://127.0.0.1:{port}"})
    server = HTTPServer(Application([(r"(.*)", handler)]))
    server.add_socket(listening)
    yield handler
    server.stop()
    await server.close_all_connections()


class Forge:
    """Makes providers for repositories of the host."""

    def __init__(self, hub: StubHub, host: GitHost, api: Any) -> None:
        self.hub = hub
        self.host = host
        self.api = api

    def provider(self, kind: type[OwnCredential], person: Person | None, name: str, ref: str = "main") -> Any:
        """One for `lab/<name>`, as the build handler makes it."""
        place = self.host.url.removeprefix("https://")
        config = Config(
            GitHubRepoProvider={"hostname": place, "api_base_path": self.api.url, "access_token": "everybodys"},
            GitLabRepoProvider={"hostname": place, "private_token": "everybodys"},
            GitRepoProvider={"git_credentials": "username=all\\npassword=everybodys"},
        )
        specs = {
            GitHubProvider: f"lab/{name}/{quote(ref)}",
            GitLabProvider: f"{quote(f'lab/{name}', safe='')}/{quote(ref, safe='')}",
            GitProvider: f"{quote(f'{self.host.url}/lab/{name}', safe='')}/{quote(ref, safe='')}",
        }
        provider = kind(config=config, spec=specs[kind])
        if person is not None:
            provider.visitor = Visitor(person.name, person.token, self.hub.api_url, "https://hub.test")
            provider.name_key = "key"
        return provider


@pytest.fixture
def forge(hub: StubHub, host: GitHost, api: Any) -> Forge:
    return Forge(hub, host, api)


@pytest.fixture
def sha(host: GitHost) -> str:
    """main of `lab/data`, which Ann's token opens. GitLab's provider asks for it with `.git`."""
    made = host.create("lab/data")
    (host.state.root / "lab" / "data.git").symlink_to(host.state.root / "lab" / "data")
    host.let_in("ann", "lab")
    host.let_in("bob", "lab", allowed=False)
    return made


@pytest.mark.parametrize("kind", PROVIDERS)
async def test_a_private_repository_with_the_visitors_credential(
    forge: Forge, ann: Person, sha: str, kind: type[OwnCredential]
) -> None:
    provider = forge.provider(kind, ann, "data")
    assert await provider.get_resolved_ref() == sha
    assert provider.git_credentials == HERS
    assert (await provider.get_resolved_spec()).endswith(f"/{sha}")


@pytest.mark.parametrize("kind", PROVIDERS)
async def test_references_come_over_git_only(forge: Forge, ann: Person, sha: str, kind: type[OwnCredential]) -> None:
    """An API would want wider scopes; GitLab's provider puts its token into the address."""
    await forge.provider(kind, ann, "data").get_resolved_ref()
    assert not forge.api.asked
    assert not [path for path in forge.host.paths() if not path.startswith("/lab/data")]


async def test_nothing_private_in_the_cache_that_all_share(forge: Forge, ann: Person, bob: Person, sha: str) -> None:
    with pytest.raises(AccessRefused):
        await forge.provider(GitHubProvider, bob, "data").get_resolved_ref()
    assert await forge.provider(GitHubProvider, ann, "data").get_resolved_ref() == sha
    with pytest.raises(AccessRefused):
        await forge.provider(GitHubProvider, bob, "data").get_resolved_ref()
    assert not [url for cache in (GitHubProvider.cache, GitHubProvider.cache_404) for url in cache if "/data/" in url]


@pytest.mark.parametrize("kind", PROVIDERS)
async def test_without_access(forge: Forge, bob: Person, sha: str, kind: type[OwnCredential]) -> None:
    provider = forge.provider(kind, bob, "data")
    with pytest.raises(AccessRefused, match="does not open"):
        await provider.get_resolved_ref()
    assert not provider.git_credentials


async def test_a_public_repository_is_left_to_binderhub(forge: Forge, ann: Person, sha: str) -> None:
    forge.host.publish("lab")
    provider = forge.provider(GitHubProvider, ann, "data")
    assert await provider.get_resolved_ref() == "a" * 40
    assert forge.api.asked == ["token everybodys"]
    assert provider.get_build_slug() == "lab-data"


@pytest.mark.parametrize("kind", PROVIDERS)
def test_no_configured_credential_reaches_a_build(
    forge: Forge, kind: type[OwnCredential], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACCESS_TOKEN", "everybodys")
    assert forge.provider(kind, None, "data").git_credentials == ""


async def test_a_private_name_until_a_repository_is_known_to_be_public(forge: Forge, ann: Person, sha: str) -> None:
    provider = forge.provider(GitHubProvider, ann, "data")
    assert provider.get_build_slug().startswith("private-")
    assert provider.get_build_slug().endswith("-lab-data")
    forge.host.publish("lab")
    await provider.get_resolved_ref()
    assert provider.get_build_slug() == "lab-data"


async def test_what_is_public_no_longer(forge: Forge, ann: Person, sha: str) -> None:
    forge.host.publish("lab")
    before = forge.provider(GitHubProvider, ann, "data")
    await before.get_resolved_ref()
    forge.host.publish("lab", public=False)
    after = forge.provider(GitHubProvider, ann, "data")
    await after.get_resolved_ref()
    assert after.get_build_slug() != before.get_build_slug()


@pytest.mark.parametrize("kind", PROVIDERS)
@pytest.mark.parametrize("branch", ["feature/main", "50%", "a+b", "1" * 40 + "-fix"])
async def test_branches_with_odd_names(
    forge: Forge, ann: Person, sha: str, kind: type[OwnCredential], branch: str
) -> None:
    if branch != "feature/main":
        git("branch", branch, cwd=forge.host.state.root / "lab" / "data")
    assert await forge.provider(kind, ann, "data", branch).get_resolved_ref()


async def test_binderhub_may_try_head_where_there_is_no_main(forge: Forge, ann: Person, sha: str) -> None:
    assert await forge.provider(GitHubProvider, ann, "data", "master").get_resolved_ref() is None


async def test_a_reference_that_is_not_there(forge: Forge, ann: Person, sha: str) -> None:
    with pytest.raises(AccessRefused, match="no branch or tag 'mian'"):
        await forge.provider(GitHubProvider, ann, "data", "mian").get_resolved_ref()


async def test_ssh_would_be_everybodys_key(ann: Person) -> None:
    provider = GitProvider(spec="ssh%3A%2F%2Fgit%40forge.test%2Flab%2Fdata/main")
    with pytest.raises(AccessRefused, match="https://"):
        await provider.get_resolved_ref()


async def test_access_is_asked_for_anew(forge: Forge, ann: Person, sha: str) -> None:
    provider = forge.provider(GitProvider, ann, "data")
    await provider.get_resolved_ref()
    await provider.check_access()
    forge.host.let_in("ann", "lab", allowed=False)
    with pytest.raises(AccessRefused):
        await provider.check_access()


async def test_a_connection_that_was_taken_away(forge: Forge, ann: Person, sha: str) -> None:
    provider = forge.provider(GitProvider, ann, "data")
    await provider.get_resolved_ref()
    ann.credentials.clear()
    with pytest.raises(AccessRefused, match="not connected Forge"):
        await provider.check_access()
