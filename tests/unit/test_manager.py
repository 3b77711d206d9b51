"""What pluggy would drop or let through without a word is refused, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

from harness.shelf import brings
from hubauth_core import ConfigError, Event, Identity, Provider, Request, Transaction, hookimpl
from hubauth_core.hookspecs import BROADCAST, SPECS
from hubauth_core.manager import PluginManager


def module(**attributes: object) -> ModuleType:
    made = ModuleType("made")
    vars(made).update(attributes)
    return made


def refused_type(cls: object = Provider, **attributes: object) -> str:
    """The sentence with which a provider type is refused."""
    with pytest.raises(ConfigError) as refused:
        PluginManager().add_type(module(hubauth_provider_type=brings(cls), **attributes), "wool", "'wool' of sheep 1.0")
    return refused.value.sentence


def refused_plugin(plugin: object = None, **attributes: object) -> str:
    """The sentence with which a cross-cutting plugin is refused."""
    with pytest.raises(ConfigError) as refused:
        PluginManager().add_plugin(plugin or module(**attributes), "audit", "plugin 'audit' of acme 1.0")
    return refused.value.sentence


@pytest.mark.row("F16")
@pytest.mark.parametrize("brought", [None, 7, object, dict, Provider("made"), "Provider"])
def test_a_type_that_is_no_provider_class_is_refused(brought: object) -> None:
    sentence = refused_type(brought)
    assert "'wool' of sheep 1.0" in sentence
    assert "not a subclass of Provider" in sentence


@pytest.mark.row("F16")
@pytest.mark.parametrize("error", [ImportError("libsheep.so is missing"), SystemExit("bye")])
def test_a_type_hook_that_raises_is_refused_with_its_reason(error: BaseException) -> None:
    @hookimpl
    def hubauth_provider_type() -> None:
        raise error

    with pytest.raises(ConfigError) as refused:
        PluginManager().add_type(module(hubauth_provider_type=hubauth_provider_type), "wool", "'wool' of sheep 1.0")
    assert f"sheep 1.0 fails in hubauth_provider_type: {type(error).__name__}: {error}" in refused.value.sentence


def test_a_module_without_a_type_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"sheep 1\.0 implements nothing"):
        PluginManager().add_type(module(), "wool", "'wool' of sheep 1.0")


def test_a_module_with_a_type_implements_nothing_else() -> None:
    @hookimpl
    def hubauth_event(event: Event) -> None: ...

    sentence = refused_type(hubauth_event=hubauth_event)
    assert "hubauth_event" in sentence
    assert "hubauth.plugins" in sentence


def test_a_missing_marker_is_found() -> None:
    def hubauth_event(event: Event) -> None: ...

    assert "hubauth_event without @hookimpl" in refused_plugin(hubauth_event=hubauth_event)


@pytest.mark.parametrize("name", ["hubauth_events", "hubath_event", "event"])
def test_a_misspelt_hook_is_found_also_where_the_prefix_is_misspelt(name: str) -> None:
    @hookimpl
    def hook(event: Event) -> None: ...

    sentence = refused_plugin(**{name: hook})
    assert f"implements {name}, which is no hook" in sentence
    assert name == "event" or "Did you mean 'hubauth_event'?" in sentence


def test_a_hook_does_not_stand_for_another_one() -> None:
    @hookimpl(specname="hubauth_finish_login")
    async def hubauth_check_login(request: Request) -> None: ...

    assert "hubauth_finish_login" in refused_plugin(hubauth_check_login=hubauth_check_login)


def test_an_unknown_argument_is_named() -> None:
    @hookimpl
    def hubauth_event(evnt: Event) -> None: ...

    sentence = refused_plugin(hubauth_event=hubauth_event)
    assert "'evnt'" in sentence
    assert "plugin 'audit' of acme 1.0" in sentence


def test_an_argument_with_a_default_is_refused_because_pluggy_never_gives_it() -> None:
    @hookimpl
    async def hubauth_check_login(identity: Identity | None = None) -> None: ...

    assert "'identity' of hubauth_check_login has a default" in refused_plugin(hubauth_check_login=hubauth_check_login)


def test_a_plain_function_where_a_coroutine_is_specified_is_refused() -> None:
    @hookimpl
    def hubauth_check_login(identity: Identity) -> None: ...

    assert "hubauth_check_login must be 'async def'" in refused_plugin(hubauth_check_login=hubauth_check_login)


@pytest.mark.parametrize("hook", ["hubauth_map_identity", "hubauth_event"])
def test_a_coroutine_where_a_plain_function_is_specified_is_refused(hook: str) -> None:
    @hookimpl
    async def implementation() -> None: ...

    assert f"{hook} must not be 'async def'" in refused_plugin(**{hook: implementation})


@pytest.mark.parametrize("style", ["wrapper", "hookwrapper"])
@pytest.mark.parametrize("hook", ["hubauth_begin_login", "hubauth_check_login"])
def test_a_wrapper_around_a_coroutine_is_refused(style: str, hook: str) -> None:
    @hookimpl(**{style: True})
    def implementation() -> Iterator[None]:
        yield

    assert f"wraps {hook}, which is asynchronous" in refused_plugin(**{hook: implementation})


@pytest.mark.parametrize("hook", ["hubauth_map_identity", "hubauth_event", "hubauth_provider_type"])
def test_a_wrapper_around_a_broadcast_would_not_run_and_is_refused(hook: str) -> None:
    @hookimpl(wrapper=True)
    def implementation() -> Iterator[None]:
        yield

    assert hook in refused_plugin(**{hook: implementation})


@pytest.mark.parametrize("hook", sorted(set(SPECS) - BROADCAST))
def test_a_cross_cutting_plugin_answers_no_addressed_hook(hook: str) -> None:
    async def later() -> None: ...

    def now() -> None: ...

    later_or_now: Callable[[], Any] = later if hook not in SYNCHRONOUS else now
    assert f"implements {hook}, which only a provider may answer" in refused_plugin(**{hook: hookimpl(later_or_now)})


SYNCHRONOUS = {"hubauth_provider_type", "hubauth_start", "hubauth_logout_url", "hubauth_pages"}


def test_a_class_is_no_plugin() -> None:
    class Audit:
        @hookimpl
        def hubauth_event(self, event: Event) -> None: ...

    assert "is a class" in refused_plugin(Audit)
    PluginManager().add_plugin(Audit(), "audit", "plugin 'audit' of acme 1.0")


def test_a_plugin_is_loaded_once() -> None:
    manager, plugin = PluginManager(), module()
    manager.add_plugin(plugin, "audit", "plugin 'audit' of acme 1.0")
    with pytest.raises(ConfigError, match=r"plugin 'audit' of acme 1\.0 is there twice"):
        manager.add_plugin(plugin, "audit", "plugin 'audit' of acme 1.0")


class Mixin:
    @hookimpl
    def hubauth_event(self, event: Event) -> None: ...


class Unmarked:
    async def hubauth_finish_login(self, request: Request, transaction: Transaction) -> None: ...


@pytest.mark.parametrize("bases", [(Mixin, Provider), (Provider, Mixin), (Unmarked, Provider), (Provider, Unmarked)])
def test_a_provider_class_defines_no_hook_whatever_it_inherits_it_from(bases: tuple[type, ...]) -> None:
    cls = type("Wool", bases, {})
    assert " defines hubauth_" in refused_type(cls)


def test_the_refusal_of_a_hook_says_what_to_override() -> None:
    cls = type("Wool", (Unmarked, Provider), {})
    assert "override finish_login instead" in refused_type(cls)


def test_a_marker_on_a_plain_method_is_refused() -> None:
    class Wool(Provider):
        @hookimpl(specname="hubauth_event")
        def listen(self, event: Event) -> None: ...

    assert "Wool defines listen" in refused_type(Wool)


def plain(self: Provider, request: Request, transaction: Transaction) -> None: ...


async def without_transaction(self: Provider, request: Request) -> None: ...


async def keywords_only(self: Provider, *, request: Request, transaction: Transaction) -> None: ...


@pytest.mark.parametrize(
    ("name", "override", "told"),
    [
        ("finish_login", plain, "Wool.finish_login must be 'async def'"),
        ("finish_login", without_transaction, "Wool.finish_login must take (self, request, transaction)"),
        ("finish_login", keywords_only, "Wool.finish_login must take (self, request, transaction)"),
        ("finish_login", 7, "Wool.finish_login must be a method"),
        ("logout_url", without_transaction, "Wool.logout_url must not be 'async def'"),
    ],
    ids=["sync", "argument", "keywords", "value", "async"],
)
def test_an_override_of_the_wrong_kind_or_shape_is_refused(name: str, override: object, told: str) -> None:
    assert told in refused_type(type("Wool", (Provider,), {name: override}))


def test_an_override_in_a_base_class_of_the_plugins_own_is_checked_too() -> None:
    base = type("Base", (Provider,), {"begin_login": plain})
    assert "Base.begin_login must be 'async def'" in refused_type(type("Wool", (base,), {}))


def test_a_provider_class_as_it_should_be_is_taken() -> None:
    class Wool(Provider):
        async def begin_login(self, request: Request, transaction: Transaction, extra: int = 0) -> Any: ...

        def logout_url(self, *anything: Any) -> str | None: ...

    taken = PluginManager().add_type(module(hubauth_provider_type=brings(Wool)), "wool", "'wool' of sheep 1.0")
    assert taken is Wool
