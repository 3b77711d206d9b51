"""How HubAuthenticator reads its configuration; what it does in a hub is tested in a hub."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from traitlets.config import Config, Configurable

from harness.shelf import Shelf
from hubauth_core import (
    ConfigError,
    Decision,
    Event,
    HubAuthError,
    Identity,
    LoginRefused,
    Page,
    Provider,
    ProviderError,
    StoreError,
    building,
)
from hubauth_core.access import Verdict
from hubauth_core.authenticator import HubAuthenticator
from hubauth_core.discovery import Discovery
from hubauth_core.hub_roles import HubRoles
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

        async def left(self, user: SimpleNamespace) -> None:
            noted.append(user.name)

    noted: list[str] = []
    ended: list[str] = []

    async def end_access(app: object, row: SimpleNamespace, *, servers: bool) -> None:
        ended.append(row.name)

    monkeypatch.setattr("hubauth_core.authenticator.end_access", end_access)
    vars(hub)["staying"] = Content()
    events: list[Event] = []
    vars(hub)["flow"] = SimpleNamespace(audit=SimpleNamespace(record=events.append))
    ann, mallory = (SimpleNamespace(name=name, orm_user=SimpleNamespace(name=name)) for name in ("ann", "mallory"))
    assert await hub.refresh_user(ann) is True
    assert await hub.refresh_user(mallory) is False
    assert noted == ended == ["mallory"]
    assert [(each.kind, each.hub_user, each.reason) for each in events] == [("access_ended", "mallory", "blocked")]

    def full(event: Event) -> None:
        raise StoreError("The disk is full.")

    vars(hub)["flow"] = SimpleNamespace(audit=SimpleNamespace(record=full))
    with pytest.raises(StoreError):
        await hub.refresh_user(mallory)
    assert noted == ended == ["mallory", "mallory"], "also where no trail can be written"


class Told:
    """A source that says this of a hub user."""

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict

    async def refresh(self, user: object, handler: object) -> Verdict:
        return self.verdict


class Shared(Unbuilt):
    """A hub with roles and system groups; `shut_out` names whose sessions have ended."""

    def __init__(self, verdict: Verdict, *, in_system_group: bool = False, **options: object) -> None:
        super().__init__(**options)
        self.shut_out: list[str] = []
        roles = HubRoles()
        roles.expect({"name": name, "description": "", "scopes": []} for name in ("user", "admin", "grader"))
        system = SimpleNamespace(lets_in=_answering(in_system_group))
        vars(self).update(staying=Told(verdict), hub_roles=roles, system_users=system)

    async def _shut_out(self, user: Any, reason: str) -> bool:
        self.shut_out.append(user.name)
        return False


def _answering(answer: bool) -> Callable[[str], Awaitable[bool]]:
    async def lets_in(name: str) -> bool:
        return answer

    return lets_in


def hub_user(*, admin: bool = False, groups: Iterable[str] = (), roles: Iterable[str] = ("user",)) -> SimpleNamespace:
    held, member = ([SimpleNamespace(name=name) for name in names] for names in (roles, groups))
    return SimpleNamespace(name="ann", admin=admin, groups=member, roles=held)


def verdict(*, certain: bool = True, **decided: Any) -> Verdict:
    return Verdict(decision=Decision(**{"allowed": True, **decided}), certain=certain)


MANAGED: dict[str, Any] = {"manage_groups": True, "manage_roles": True}


async def test_rights_that_a_source_takes_back_are_gone_at_the_next_refresh() -> None:
    hub = Shared(verdict(admin=False, groups=frozenset(), roles=frozenset()), **MANAGED)
    model = await hub.refresh_user(hub_user(admin=True, groups=["staff"], roles=["user", "admin", "grader"]))
    assert (model["admin"], model["groups"]) == (False, [])
    assert [role["name"] for role in model["roles"]] == ["user"]


async def test_a_role_that_a_source_takes_back_is_gone_though_nothing_else_has_changed() -> None:
    model = await Shared(verdict(roles=frozenset()), **MANAGED).refresh_user(hub_user(roles=["user", "grader"]))
    assert [role["name"] for role in model["roles"]] == ["user"]


async def test_a_refresh_gives_what_a_source_gives_and_no_more() -> None:
    hub = Shared(verdict(groups=frozenset({"staff"}), roles=frozenset({"grader", "made-up"})), **MANAGED)
    model = await hub.refresh_user(hub_user(admin=True, roles=["user", "admin"]))
    assert (model["admin"], model["groups"]) == (None, ["staff"])
    assert {role["name"] for role in model["roles"]} == {"user", "admin", "grader"}, "an administrator lost a role"


@pytest.mark.parametrize(
    ("said", "user"),
    [
        (verdict(), hub_user(groups=["staff"], roles=["user", "grader"])),
        (verdict(admin=True), hub_user(admin=True, roles=["user", "admin"])),
        (verdict(groups=frozenset({"a"}), roles=frozenset({"grader"})), hub_user(groups="a", roles=["user", "grader"])),
    ],
)
async def test_nothing_is_written_where_nothing_has_changed(said: Verdict, user: SimpleNamespace) -> None:
    assert await Shared(said, **MANAGED).refresh_user(user) is True


async def test_what_a_source_says_at_a_refresh_is_in_auth_state() -> None:
    state = {"provider": "uni", "subject": "7", "claims": {"office": "north"}, "access_token": "kept"}
    said = Identity(provider="uni", subject="7", username="ann", claims={"office": "south"})

    async def get_auth_state() -> dict[str, Any]:
        return state

    user = hub_user()
    user.get_auth_state = get_auth_state
    told = replace(verdict(), said=said)
    model = await Shared(told, enable_auth_state=True).refresh_user(user)
    assert model["auth_state"] == {**state, "claims": {"office": "south"}}
    state["claims"] = {"office": "south"}
    assert await Shared(told, enable_auth_state=True).refresh_user(user) is True
    state["subject"] = "8"
    assert await Shared(told, enable_auth_state=True).refresh_user(user) is True


@pytest.mark.row("V05", "V17")
async def test_hub_wide_restrictions_hold_at_a_refresh_whatever_lets_in() -> None:
    rules = {"required_groups": {"staff"}, "allowed_groups": {"chess"}, "allow_all": True, **MANAGED}
    inside = Shared(verdict(groups=frozenset({"staff"})), **rules)
    outside = Shared(verdict(groups=frozenset({"chess"})), in_system_group=True, **rules)
    silent = Shared(verdict(), in_system_group=True, **rules)
    unsure = Shared(verdict(certain=False), **rules)
    assert await inside.refresh_user(hub_user(groups=["staff"])) is True
    for hub in (outside, silent):
        assert await hub.refresh_user(hub_user(groups=["staff"])) is False
        assert hub.shut_out == ["ann"]
    assert await unsure.refresh_user(hub_user(groups=["staff"])) is False
    assert unsure.shut_out == [], "what is not certain ends no session"


@pytest.mark.parametrize(
    ("rules", "groups", "in_system_group", "stays"),
    [
        ({}, {"staff"}, False, False),
        ({"allowed_groups": {"staff"}}, {"staff"}, False, True),
        ({"admin_groups": {"staff"}}, {"staff"}, False, True),
        ({"allowed_groups": {"staff"}}, None, False, False),
        ({"allowed_users": {"ann"}}, None, False, True),
        ({"allow_all": True}, None, False, True),
        ({"allowed_system_groups": {"students"}}, None, True, True),
        ({"allowed_system_groups": {"students"}}, None, False, False),
    ],
)
async def test_whom_the_provider_lets_in_no_more_stays_where_a_hub_wide_rule_names_them(
    rules: dict[str, Any], groups: set[str] | None, in_system_group: bool, stays: bool
) -> None:
    said = verdict(allowed=False, groups=None if groups is None else frozenset(groups))
    hub = Shared(said, in_system_group=in_system_group, **rules, **MANAGED)
    assert bool(await hub.refresh_user(hub_user())) is stays
    # The groups of the machine may be out of reach: then people sign in again, and nothing ends.
    assert hub.shut_out == ([] if stays or "allowed_system_groups" in rules else ["ann"])


@pytest.mark.parametrize(
    "failure",
    [LoginRefused("No such user here.", code="system_user_missing"), ProviderError("No.", code="add_user_failed")],
    ids=repr,
)
async def test_what_fails_after_all_checks_gives_the_name_back_and_is_one_refusal(failure: HubAuthError) -> None:
    hub, given_back = Shared(verdict()), []

    def turned_away(admitted: object, refusal: HubAuthError) -> HubAuthError:
        given_back.append(admitted)
        return refusal

    async def login_user(data: object) -> None:
        raise failure

    vars(hub)["flow"] = SimpleNamespace(turned_away=turned_away)  # its `refused` is the page's to call
    admitted: Any = SimpleNamespace(place=SimpleNamespace(name="ann"), verdict=verdict())
    with pytest.raises(HubAuthError) as raised:
        await hub.welcome(SimpleNamespace(login_user=login_user), admitted)
    assert raised.value is failure
    assert given_back == [admitted]


def test_a_role_that_is_none_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Shared(verdict(), **MANAGED)
    monkeypatch.setattr(HubRoles, "load", lambda self, session: None)
    vars(hub)["flow"] = SimpleNamespace(
        registry=SimpleNamespace(providers={"uni": Provider("uni", role_map={"teacher": "graders"})})
    )
    hub.parent = type("App", (Configurable,), {"db": None})()
    with pytest.raises(ConfigError, match="no role 'graders'"):
        hub.check_allow_config()


async def test_managed_roles_are_the_hubs_to_write_into() -> None:
    hub = Unbuilt(manage_roles=True, managed_roles=[{"name": "teacher", "scopes": ["list:services"]}])
    for role in await hub.load_managed_roles():
        role["managed_by_auth"] = True
    assert await hub.load_managed_roles() == [{"name": "teacher", "scopes": ["list:services"]}]
    with pytest.raises(ValueError, match="manage_roles"):
        await Unbuilt().load_managed_roles()


@pytest.mark.row("V02")
@pytest.mark.parametrize(
    ("section", "options", "told"),
    [
        ("HubAuthenticator", {"allowed_groups": {"staff"}}, "allowed_groups needs c.Authenticator.manage_groups"),
        ("Authenticator", {"allowed_users": {"ann"}, "blocked_users": {"ann"}}, "both name 'ann'"),
        ("Silk", {"allowed_users": {"ann"}, "blocked_users": {"ANN"}}, "both name 'ann'"),
        ("Silk", {"role_map": {"a": "grader"}}, "needs c.Authenticator.manage_roles"),
    ],
)
def test_rules_that_cannot_be_meant_stop_the_start(
    load: Load, section: str, options: dict[str, Any], told: str
) -> None:
    def wrong(c: Config) -> None:
        c[section].update(options)

    with pytest.raises(ConfigError) as refused:
        load(wrong)
    assert told in refused.value.sentence


def test_a_page_of_a_provider_stays_below_its_path() -> None:
    """An alternative at the top of its pattern would reach every address of the hub."""
    pages = {"hubauth_pages": [Page(pattern="/users|/.*", handler=object)]}
    registry = SimpleNamespace(providers={"guests": None}, ask_now=lambda hook, provider: pages[hook])
    hub = SimpleNamespace(registry=registry, work_in_background=lambda: None)
    pattern, _, _ = HubAuthenticator.get_handlers(hub, None)[-1]
    assert re.fullmatch(pattern, "/auth/guests/users")
    assert not re.fullmatch(pattern, "/login")
