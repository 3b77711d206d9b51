"""How HubAuthenticator reads its configuration; what it does in a hub is tested in a hub."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from traitlets.config import Config

from harness.shelf import Shelf
from hubauth_core import ConfigError, Page, Provider, building
from hubauth_core.authenticator import HubAuthenticator
from hubauth_core.discovery import Discovery
from hubauth_core.registry import Registry
from hubauth_core.staying import Standing


class Unbuilt(HubAuthenticator):
    """Configured, with no hub and no store."""

    def _build(self, app: object) -> None: ...


Load = Callable[[Callable[[Config], None]], Registry]


@pytest.fixture
def load(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> Load:
    """`load(configure)` -> the registry of a hub with the types `wool` (needs an `icon`) and `silk`."""
    shelf.add_type("wool", type("Wool", (Provider,), {"required_options": ("icon",)}))
    shelf.add_type("silk", type("Silk", (Provider,), {}))
    monkeypatch.setattr(building, "Registry", lambda **options: Registry(Discovery(shelf.entry_points), **options))

    def load(configure: Callable[[Config], None]) -> Registry:
        c = Config()
        configure(c)
        return Unbuilt(config=c).load_registry()

    return load


def test_without_providers_the_installed_types_decide(load: Load) -> None:
    def nothing(c: Config) -> None: ...

    def at_class_level(c: Config) -> None:
        c.Wool.icon = "sheep"

    assert load(nothing).order == ["silk"]
    assert load(at_class_level).order == ["silk", "wool"]


@pytest.mark.row("F10")
def test_a_renewal_is_not_to_be_cut_off(load: Load, shelf: Shelf) -> None:
    shelf.add_type("slow", type("Slow", (Provider,), {"longest_call": 31.0}))

    def slow(c: Config) -> None:
        c.HubAuthenticator.providers = {"slow": {}}

    def patient(c: Config) -> None:
        slow(c)
        c.HubAuthenticator.hook_timeout = 31

    with pytest.raises(ConfigError, match="hook_timeout = 31"):
        load(slow)
    assert list(load(patient).providers) == ["slow"]


def test_providers_that_are_configured_are_all_there_are(load: Load) -> None:
    def at_once(c: Config) -> None:
        c.HubAuthenticator.providers = {"corp": {"type": "silk"}}

    def one_by_one(c: Config) -> None:
        c.HubAuthenticator.providers.update({"corp": {"type": "silk"}})

    assert load(at_once).order == load(one_by_one).order == ["corp"]


@pytest.mark.row("V02")
@pytest.mark.parametrize(
    ("section", "told"),
    [("HubAuthenticator", "c.HubAuthenticator.provider. Did you mean 'providers'?"), ("Silk", "c.Silk.provider")],
)
def test_a_misspelt_option_stops_the_start(load: Load, section: str, told: str) -> None:
    def misspelt(c: Config) -> None:
        c[section].provider = {}

    with pytest.raises(ConfigError) as refused:
        load(misspelt)
    assert told in refused.value.sentence


@pytest.mark.row("F16")
def test_what_is_broken_stops_the_start_unless_the_administrator_prefers_to_go_on(load: Load) -> None:
    def broken(c: Config) -> None:
        c.HubAuthenticator.providers = {"silk": {}, "wool": {}}

    def disabled(c: Config) -> None:
        broken(c)
        c.HubAuthenticator.on_broken_provider = "disable"

    with pytest.raises(ConfigError, match="icon"):
        load(broken)
    assert list(load(disabled).providers) == ["silk"]


def test_only_one_provider_takes_over_all_who_were_here_before(load: Load) -> None:
    def greedy(c: Config) -> None:
        c.HubAuthenticator.providers = {
            name: {"type": "silk", "adopt": "existing", "username_prefix": prefix} for name, prefix in ("ab", "cd")
        }

    with pytest.raises(ConfigError, match="'existing', not a and c"):
        load(greedy)


def test_defaults_of_the_hub_that_would_undo_a_removal_are_turned_round() -> None:
    unbuilt = Unbuilt(config=Config())
    assert not unbuilt.allow_existing_users
    assert unbuilt.auth_refresh_strict


@pytest.mark.row("V05", "V17")
async def test_who_is_blocked_on_the_hub_is_out_at_the_next_refresh(monkeypatch: pytest.MonkeyPatch) -> None:
    c = Config()
    c.Authenticator.blocked_users = {"mallory"}
    hub = Unbuilt(config=c)

    class Content:
        async def refresh(self, user: object, handler: object) -> Standing:
            return Standing.UNKNOWN

    ended: list[str] = []

    async def end_access(app: object, row: SimpleNamespace, *, servers: bool) -> None:
        ended.append(row.name)

    monkeypatch.setattr("hubauth_core.authenticator.end_access", end_access)
    vars(hub)["staying"] = Content()
    ann, mallory = (SimpleNamespace(name=name, orm_user=SimpleNamespace(name=name)) for name in ("ann", "mallory"))
    assert await hub.refresh_user(ann) is True
    assert await hub.refresh_user(mallory) is False
    assert ended == ["mallory"]


def test_a_page_of_a_provider_stays_below_its_path() -> None:
    """An alternative at the top of its pattern would reach every address of the hub."""
    pages = {"hubauth_pages": [Page(pattern="/users|/.*", handler=object)]}
    registry = SimpleNamespace(providers={"guests": None}, ask_now=lambda hook, provider: pages[hook])
    hub = SimpleNamespace(registry=registry, work_in_background=lambda: None)
    pattern, _, _ = HubAuthenticator.get_handlers(hub, None)[-1]
    assert re.fullmatch(pattern, "/auth/guests/users")
    assert not re.fullmatch(pattern, "/login")
