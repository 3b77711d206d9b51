"""Two people, one private repository: who gets what of it, through BinderHub's handler and repo2docker's clone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from jupyterhub.services.auth import HubOAuth

from .binder import Binder, folder_of
from .git_host import GitHost
from .snare import Snare, snare
from .stub_hub import Person, StubHub, stub_hub

StartBinder = Callable[..., Awaitable[Binder]]


def spec(host: GitHost, name: str, ref: str = "main") -> str:
    """The path of a launch through the plain git provider."""
    return f"git/{quote(f'{host.url}/{name}', safe='')}/{quote(ref, safe='')}"


def clone_of(binder: Binder, image: str) -> Path:
    """What a build has put into an image."""
    return folder_of(str(binder.images), image)


@pytest.fixture
def private(host: GitHost) -> str:
    """The commit of `private.git`, which only Ann's token opens."""
    return host.create("private.git")


async def test_own_credential_opens_a_private_repository(
    start_binder: StartBinder, host: GitHost, ann: Person, private: str
) -> None:
    binder = await start_binder()
    launched = await binder.launch(ann, spec(host, "private.git"))
    assert launched.built
    assert binder.launcher.started == [("ann", launched.image)]
    assert launched.image.endswith(f":{private}")
    assert (clone_of(binder, launched.image) / "README.md").read_text() == "private.git"


@pytest.mark.parametrize("ref", ["main", "HEAD", "v1", "sha"])
async def test_without_access_there_is_neither_build_nor_image_nor_ref(
    start_binder: StartBinder, host: GitHost, ann: Person, bob: Person, private: str, ref: str
) -> None:
    binder = await start_binder()
    address = spec(host, "private.git", private if ref == "sha" else ref)
    hers = await binder.launch(ann, address)
    his = await binder.launch(bob, address)
    assert his.phase == "failed"
    assert "Your account at" in his.message
    assert not his.built
    assert hers.image not in his.text
    assert private not in his.text.replace(address, "").replace(f"/{private}", "")
    assert binder.launcher.started == [("ann", hers.image)]


async def test_the_second_launch_finds_the_image(
    start_binder: StartBinder, host: GitHost, ann: Person, private: str
) -> None:
    binder = await start_binder()
    first, second = [await binder.launch(ann, spec(host, "private.git")) for _ in range(2)]
    assert first.built
    assert not second.built
    assert first.image == second.image


async def test_each_has_an_image_of_their_own(
    start_binder: StartBinder, host: GitHost, ann: Person, bob: Person, private: str
) -> None:
    binder = await start_binder()
    host.let_in("bob", "private.git")
    hers, his = [await binder.launch(person, spec(host, "private.git")) for person in (ann, bob)]
    assert his.built
    assert hers.image != his.image


@pytest.mark.usefixtures("private")
async def test_a_finished_image_does_not_outlive_the_right(
    start_binder: StartBinder, host: GitHost, ann: Person
) -> None:
    binder = await start_binder()
    await binder.launch(ann, spec(host, "private.git"))
    host.let_in("ann", "private.git", allowed=False)
    again = await binder.launch(ann, spec(host, "private.git"))
    assert again.phase == "failed"
    assert len(binder.launcher.started) == 1


@pytest.mark.usefixtures("private")
async def test_a_right_that_ends_during_the_build_starts_nothing(
    start_binder: StartBinder, host: GitHost, ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    binder = await start_binder()
    submit = binder.app.build_class.submit

    def slow_submit(build: object) -> None:
        submit(build)
        host.let_in("ann", "private.git", allowed=False)

    monkeypatch.setattr(binder.app.build_class, "submit", slow_submit)
    launched = await binder.launch(ann, spec(host, "private.git"))
    assert launched.built
    assert launched.phase == "failed"
    assert "does not open" in launched.message
    assert binder.launcher.started == []


async def test_what_is_public_is_built_without_anybodys_credential(
    start_binder: StartBinder, host: GitHost, hub: StubHub, ann: Person, private: str
) -> None:
    shared = {"git_credentials": "username=everybody\\npassword=tok-ann"}
    binder = await start_binder(GitRepoProvider=shared)
    host.create("open.git", submodule=f"{host.url}/private.git", commit=private)
    host.publish("open.git")
    launched = await binder.launch(ann, spec(host, "open.git"))
    assert launched.phase == "failed", "her private submodule is in an image for all"
    assert not host.visitors()
    assert not hub.seen


async def test_a_public_image_is_everybodys(start_binder: StartBinder, host: GitHost, ann: Person, bob: Person) -> None:
    binder = await start_binder()
    host.create("open.git")
    host.publish("open.git")
    hers, his = [await binder.launch(person, spec(host, "open.git")) for person in (ann, bob)]
    assert hers.image == his.image
    assert not his.built


async def test_a_submodule_at_the_same_host_opens_too(
    start_binder: StartBinder, host: GitHost, ann: Person, private: str
) -> None:
    binder = await start_binder()
    host.create("whole.git", submodule=f"{host.url}/private.git", commit=private)
    host.let_in("ann", "whole.git")
    launched = await binder.launch(ann, spec(host, "whole.git"))
    assert (clone_of(binder, launched.image) / "part" / "README.md").read_text() == "private.git"


@pytest.mark.row("10.1.1")
async def test_a_submodule_elsewhere_gets_no_credential(
    start_binder: StartBinder, host: GitHost, ann: Person, trap: Snare
) -> None:
    binder = await start_binder()
    host.create("lure.git", submodule=f"{trap.url}/part.git")
    host.let_in("ann", "lure.git")
    launched = await binder.launch(ann, spec(host, "lure.git"))
    assert launched.phase == "failed"
    assert trap.asked
    assert not trap.caught


@pytest.mark.row("10.1.1")
@pytest.mark.parametrize("asks_first", [True, False])
async def test_a_redirect_elsewhere_gets_no_credential(
    start_binder: StartBinder, hub: StubHub, ann: Person, trap: Snare, asks_first: bool
) -> None:
    binder = await start_binder()
    with snare() as known:
        known.sends_to, known.asks_first = trap.url, asks_first
        hub.known.add(known.url)
        ann.connect(known.url, "tok-for-known")
        launched = await binder.launch(ann, f"git/{quote(known.url, safe='')}%2Frepo.git/main")
    assert launched.phase == "failed"
    assert known.caught == (["oauth2:tok-for-known"] if asks_first else [])
    assert trap.asked
    assert not trap.caught


@pytest.mark.usefixtures("private")
async def test_no_token_stays_anywhere(start_binder: StartBinder, host: GitHost, ann: Person) -> None:
    binder = await start_binder()
    launched = await binder.launch(ann, spec(host, "private.git"))
    folder = clone_of(binder, launched.image)
    assert [path for path in folder.rglob("*") if path.is_file() and b"tok-ann" in path.read_bytes()] == []
    assert "tok-ann" not in launched.text


@pytest.mark.usefixtures("private")
async def test_only_the_visitors_own_token_asks_the_hub(
    start_binder: StartBinder, host: GitHost, hub: StubHub, ann: Person
) -> None:
    binder = await start_binder()
    await binder.launch(ann, spec(host, "private.git"))
    assert {authorization for _, authorization in hub.seen} == {f"token {ann.token}"}


@pytest.mark.usefixtures("private")
async def test_who_is_not_connected_hears_where_to_connect(
    start_binder: StartBinder, host: GitHost, ann: Person
) -> None:
    binder = await start_binder()
    ann.credentials.clear()
    launched = await binder.launch(ann, spec(host, "private.git"))
    assert "You have not connected Forge yet. Go to https://hub.test/hub/connections" in launched.message


@pytest.mark.usefixtures("private", "ann")
async def test_without_sign_in_only_public_repositories(start_binder: StartBinder, host: GitHost) -> None:
    binder = await start_binder(BinderHub={"auth_enabled": False})
    host.create("open.git")
    host.publish("open.git")
    assert (await binder.launch(None, spec(host, "open.git"))).phase == "ready"
    assert "nobody is signed in" in (await binder.launch(None, spec(host, "private.git"))).message


@pytest.mark.usefixtures("private")
async def test_metrics_do_not_name_a_private_repository(start_binder: StartBinder, host: GitHost, ann: Person) -> None:
    binder = await start_binder()
    host.create("open.git")
    host.publish("open.git")
    for name in ("open.git", "private.git"):
        assert (await binder.launch(ann, spec(host, name))).phase == "ready"
    told = await binder.metrics()
    assert f"{host.url}/open.git" in told
    assert f"{host.url}/private.git" not in told


@pytest.mark.usefixtures("private")
async def test_an_address_with_a_password_is_refused(
    start_binder: StartBinder, host: GitHost, hub: StubHub, ann: Person
) -> None:
    binder = await start_binder()
    address = quote(f"{host.url}/private.git".replace("://", "://oauth2:tok-ann@"), safe="")
    launched = await binder.launch(ann, f"git/{address}/main")
    assert "without a name or a password" in launched.message
    assert not host.paths()
    assert not hub.seen


@pytest.mark.usefixtures("private")
async def test_names_of_images_take_a_secret_of_the_service(
    start_binder: StartBinder, host: GitHost, ann: Person
) -> None:
    binder = await start_binder()
    before = await binder.launch(ann, spec(host, "private.git"))
    HubOAuth.instance().api_token = "another-token-of-the-service"
    after = await binder.launch(ann, spec(host, "private.git"))
    assert after.image != before.image


@pytest.mark.usefixtures("private")
async def test_another_service_may_hand_out_credentials(
    start_binder: StartBinder, host: GitHost, hub: StubHub, ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    binder = await start_binder()
    with stub_hub() as service:
        service.people, service.known = hub.people, hub.known
        monkeypatch.setenv("HUBAUTH_API_URL", f"{service.api_url}/")
        assert (await binder.launch(ann, spec(host, "private.git"))).phase == "ready"
        assert service.seen
    assert not hub.seen
