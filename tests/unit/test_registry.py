"""From configuration to providers: what is wrong stops the start with one message that helps."""

from __future__ import annotations

import logging
import sys
from typing import Any

import pytest
from traitlets import Dict, List, TraitError, Unicode, validate

from harness.shelf import Shelf
from hubauth_core import ConfigError, Event, Provider, hookimpl
from hubauth_core.registry import Registry

CANARY = "canary-b7c1f0"


class Wool(Provider):
    title = "Wool"
    required_options = ("client_id",)
    client_id = Unicode().tag(config=True)
    client_secret = Unicode().tag(config=True)
    scope = List(Unicode()).tag(config=True)
    passwords = List(Unicode()).tag(config=True)
    extra = Dict().tag(config=True)

    @validate("client_secret")
    def _looks_like_one(self, proposal: dict[str, Any]) -> Any:
        if proposal["value"] == "quoted":
            raise ValueError(f"bad: {proposal['value']}")
        return proposal["value"]


class Silk(Provider):
    """A type that needs nothing."""


@pytest.fixture
def shelf(shelf: Shelf) -> Shelf:
    shelf.add_type("wool", Wool)
    shelf.add_type("silk", Silk)
    return shelf


def refusal(shelf: Shelf, providers: dict[Any, Any] | None, **options: Any) -> str:
    with pytest.raises(ConfigError) as refused:
        shelf.registry(providers, **options)
    return refused.value.sentence


def test_providers_come_in_the_order_of_the_configuration(shelf: Shelf) -> None:
    registry = shelf.registry({"uni": {"type": "silk"}, "corp": {"type": "wool", "client_id": "7"}, "silk": {}})
    assert list(registry.providers) == registry.order == ["uni", "corp", "silk"]
    assert isinstance(registry.provider("corp"), Wool)
    assert registry.provider("silk").name == "silk"


def test_options_reach_their_provider_and_the_class_gives_defaults(shelf: Shelf) -> None:
    config = {"Wool": {"scope": ["read"], "client_id": "everywhere"}, "Provider": {"allow_all": True}}
    registry = shelf.registry({"a": {"type": "wool"}, "b": {"type": "wool", "client_id": "7"}}, config=config)
    assert [each.client_id for each in registry.providers.values()] == ["everywhere", "7"]  # type: ignore[attr-defined]  # Wool's
    assert registry.provider("a").scope == ["read"]  # type: ignore[attr-defined]  # Wool's
    assert registry.provider("a").allow_all


def test_two_instances_of_one_type_share_nothing_that_changes(shelf: Shelf) -> None:
    shared = {"type": "wool", "client_id": "7", "allowed_users": {"ann"}, "extra": {"deep": ["x"]}}
    registry = shelf.registry({"a": shared, "b": shared}, config={"Wool": {"scope": ["read"]}})
    a, b = (registry.provider(name) for name in "ab")
    for trait in ("allowed_users", "extra", "scope", "username_map", "blocked_users"):
        assert getattr(a, trait) is not getattr(b, trait), trait
    a.extra["deep"].append("y")  # type: ignore[attr-defined]  # Wool's
    assert b.extra == shared["extra"] == {"deep": ["x"]}  # type: ignore[attr-defined]  # Wool's


def test_a_provider_that_is_not_enabled_is_made_and_checked_but_not_in_service(shelf: Shelf) -> None:
    registry = shelf.registry({"silk": {}, "wool": {"client_id": "7", "enabled": False}})
    assert registry.order == ["silk"]
    assert "clientid" in refusal(shelf, {"wool": {"clientid": "7", "enabled": False}})


def test_one_way_in_is_alone_unless_another_one_is_only_out_of_service(shelf: Shelf) -> None:
    alone = shelf.registry({"silk": {}}).alone
    assert alone is not None
    assert alone.name == "silk"
    assert shelf.registry({"silk": {}, "other": {"type": "silk"}}).alone is None
    assert shelf.registry({"silk": {}, "wool": {}}, disable_broken=True).alone is None
    assert shelf.registry({}).alone is None


@pytest.mark.parametrize(
    ("providers", "told"),
    [
        ({"sylk": {}}, ["'sylk'", "no installed distribution", "Did you mean 'silk'?", "plugin"]),
        ({"corp": {"type": "whool"}}, ["provider 'corp'", "'whool'", "Did you mean 'wool'?"]),
        ({"corp": {"type": 7}}, ["provider 'corp'", "'type'", "7"]),
        ({"wool": {"client_id": "7", "clientsecret": "x"}}, ["provider 'wool'", "'clientsecret'", "'client_secret'?"]),
        ({"wool": {"client_id": "7", "name": "x"}}, ["provider 'wool'", "unknown option 'name'"]),
        ({"wool": {"client_id": "7", "parent": None}}, ["provider 'wool'", "unknown option 'parent'"]),
        ({"wool": {}}, ["provider 'wool'", "required option 'client_id' is not set"]),
        ({"wool": {"client_id": ""}}, ["provider 'wool'", "required option 'client_id' is not set"]),
        ({"wool": {"client_id": "7", "extra": "read"}}, ["provider 'wool'", "'extra'", "dict"]),
        ({"wool": "client_id"}, ["provider 'wool'", "dictionary", "str"]),
        ({"wool": {"client_id": "7", "allowed_users": {"ann", " "}}}, ["provider 'wool'", "allowed_users", "empty"]),
        ({"wool": {"client_id": "7", "extra": {"x": sys}}}, ["provider 'wool'", "cannot be copied"]),
    ],
)
@pytest.mark.row("V02")
def test_wrong_configuration_is_one_message_that_says_what_and_where(
    shelf: Shelf, providers: dict[str, Any], told: list[str]
) -> None:
    sentence = refusal(shelf, providers)
    for part in told:
        assert part in sentence
    assert "\n" not in sentence


@pytest.mark.row("V02")
@pytest.mark.parametrize(
    ("section", "option", "told"),
    [
        ("Wool", "clientid", "c.Wool.clientid. Did you mean 'client_id'?"),
        ("Provider", "allow_al", "c.Provider.allow_al. Did you mean 'allow_all'?"),
        ("Wool", "allowed_organisations", "unknown option c.Wool.allowed_organisations"),
    ],
)
@pytest.mark.parametrize("providers", [{"wool": {"client_id": "7"}}, None], ids=["configured", "discovered"])
def test_a_misspelt_class_level_option_stops_the_start(
    shelf: Shelf, section: str, option: str, told: str, providers: dict[str, Any] | None
) -> None:
    assert told in refusal(shelf, providers, config={section: {option: "x"}})


def test_an_option_of_the_class_below_is_none_of_the_class_above(shelf: Shelf) -> None:
    assert "unknown option c.Provider.client_id" in refusal(shelf, {"silk": {}}, config={"Provider": {"client_id": ""}})


@pytest.mark.parametrize(
    ("name", "better"),
    [("GitHub", "github"), ("my-corp", "my_corp"), ("a__b", "a_b"), ("uni ", "uni"), ("uni\n", "uni"), ("ünı", "n")],
)
def test_a_name_that_breaks_the_rules_is_refused_with_a_better_one(shelf: Shelf, name: str, better: str) -> None:
    sentence = refusal(shelf, {name: {"type": "silk"}})
    assert f"provider {name!r}" in sentence
    assert f"try {better!r}" in sentence


@pytest.mark.parametrize("name", ["", "7", "_a", "a_", "1uni", 7, None])
def test_what_is_no_name_is_refused(shelf: Shelf, name: Any) -> None:
    assert "a name consists of" in refusal(shelf, {name: {"type": "silk"}})


def test_everything_wrong_with_any_provider_is_in_one_message(shelf: Shelf) -> None:
    shelf.add_type("bad", 7)
    wrong = {
        "wool": {},
        "Uni": {"type": "silk"},
        "corp": {"type": "sylk"},
        "one": {"type": "bad"},
        "two": {"type": "bad"},
    }
    lines = refusal(shelf, {"silk": {}, **wrong}).splitlines()
    assert [line.split(":")[0] for line in lines] == [f"provider {name!r}" for name in wrong]
    assert lines[3].removeprefix("provider 'one'") == lines[4].removeprefix("provider 'two'")


@pytest.mark.parametrize("where", ["options", "class"])
@pytest.mark.parametrize("value", [[CANARY], {"x": CANARY}, "quoted"], ids=["list", "dict", "validator"])
def test_a_wrong_secret_is_named_and_not_shown(
    shelf: Shelf, where: str, value: object, caplog: pytest.LogCaptureFixture
) -> None:
    options: dict[str, Any] = {"client_id": "7"}
    config: dict[str, Any] = {}
    if where == "options":
        options["client_secret"] = value
    else:
        config["Wool"] = {"client_secret": value}
    sentence = refusal(shelf, {"wool": options}, config=config)
    shelf.registry({"wool": options}, config=config, disable_broken=True)
    for told in (sentence, caplog.text):
        assert CANARY not in told
        assert "quoted" not in told
    assert "client_secret" in sentence or "***" in sentence


def test_a_wrong_secret_among_others_is_not_shown(shelf: Shelf) -> None:
    sentence = refusal(shelf, {"wool": {"client_id": "7", "passwords": ["right", {"wrong": CANARY}]}})
    assert sentence == "provider 'wool': the option 'passwords' has a wrong value"


def test_a_constructor_that_quotes_the_secret_does_not_get_it_shown(shelf: Shelf) -> None:
    class Loud(Wool):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            raise RuntimeError(f"cannot use {self.client_secret} for {self.client_id}")

    shelf.add_type("loud", Loud)
    sentence = refusal(shelf, {"loud": {"client_id": "seven", "client_secret": CANARY}})
    assert "Loud cannot be made: RuntimeError: cannot use *** for seven" in sentence


@pytest.mark.row("F16")
@pytest.mark.parametrize("error", [ZeroDivisionError("by zero"), SystemExit("bye"), TraitError("odd")])
@pytest.mark.parametrize("where", ["__init__", "missing_options"])
def test_a_provider_that_raises_when_it_is_made_stops_the_start_with_its_reason(
    shelf: Shelf, where: str, error: BaseException
) -> None:
    def broken(*args: object, **options: object) -> None:
        raise error

    shelf.add_type("bad", type("Bad", (Provider,), {where: broken}))
    sentence = refusal(shelf, {"bad": {}})
    assert "provider 'bad'" in sentence
    assert str(error) in sentence
    assert list(shelf.registry({"bad": {}, "silk": {}}, disable_broken=True).providers) == ["silk"]


@pytest.mark.row("F16")
def test_disable_starts_without_what_is_broken_and_says_why(shelf: Shelf, caplog: pytest.LogCaptureFixture) -> None:
    shelf.point("gone", "a_module_that_is_not_there", "hubauth-gone")
    registry = shelf.registry({"wool": {}, "silk": {}, "gone": {}}, disable_broken=True)
    assert list(registry.providers) == ["silk"]
    assert registry.order == ["wool", "silk", "gone"]
    assert "client_id" in registry.broken["wool"]
    assert "hubauth-gone 1.2" in registry.broken["gone"]
    assert "provider 'gone'" in caplog.text
    assert "out of service" in caplog.text


@pytest.mark.row("F16", "F17")
def test_installed_but_unused_plugins_change_nothing_and_are_not_imported(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    (tmp_path / "explosive.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(str(tmp_path))
    shelf.point("explosive", "explosive", "hubauth-explosive")
    shelf.point("twice", "one", "hubauth-one")
    shelf.point("twice", "two", "hubauth-two")
    shelf.point("explosive", "explosive", "hubauth-explosive", "hubauth.plugins")
    before = set(sys.modules)
    registry = shelf.registry({"silk": {}})
    assert registry.order == ["silk"]
    assert set(sys.modules) == before


@pytest.mark.row("F17")
def test_a_clash_stops_the_start_of_who_uses_the_type(shelf: Shelf) -> None:
    shelf.add_type("silk", Wool, distribution="acme-silk")
    sentence = refusal(shelf, {"silk": {}})
    assert "hubauth-silk 1.2" in sentence
    assert "acme-silk 1.2" in sentence


def test_without_configuration_every_type_that_lacks_nothing_becomes_a_provider(
    shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    assert shelf.registry().order == ["silk"]
    assert "'wool' is not used: it lacks client_id" in caplog.text
    assert shelf.registry(config={"Wool": {"client_id": "7"}}).order == ["silk", "wool"]
    assert shelf.registry(config={"Silk": {"enabled": False}}).order == []


def test_a_type_that_waits_to_be_wanted_is_used_once_its_section_says_anything(shelf: Shelf) -> None:
    cls = type("Velvet", (Silk,), {"by_itself": False})
    shelf.add_type("velvet", cls)
    assert shelf.registry().order == ["silk"]
    assert shelf.registry(config={"Velvet": {"label": "Soft"}}).order == ["silk", "velvet"]
    assert shelf.registry({"velvet": {}}).order == ["velvet"]


def test_without_configuration_what_is_broken_is_logged_and_stops_nothing(
    shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*args: object) -> None:
        raise RuntimeError("no licence")

    shelf.point("gone", "a_module_that_is_not_there", "hubauth-gone")
    shelf.add_type("bad", type("Bad", (Provider,), {"__init__": broken}))
    shelf.add_type("silk_two", Silk, distribution="one")
    shelf.add_type("silk_two", Silk, distribution="two")
    shelf.add_type("my-type", Silk)
    assert shelf.registry().order == ["silk"]
    for told in ("a_module_that_is_not_there", "cannot be made", "one 1.2", "try 'my_type'"):
        assert told in caplog.text


def test_without_configuration_wrong_options_are_out_of_service_where_the_administrator_prefers_that(
    shelf: Shelf,
) -> None:
    registry = shelf.registry(config={"Wool": {"client_id": "7", "scop": ["x"]}}, disable_broken=True)
    assert list(registry.providers) == ["silk"]
    assert "c.Wool.scop" in registry.broken["wool"]
    assert registry.order == ["silk", "wool"]


def listener(heard: list[str], name: str, **options: bool) -> object:
    @hookimpl(**options)
    def hubauth_event(event: Event) -> None:
        heard.append(name)

    return hubauth_event


def test_cross_cutting_plugins_are_loaded_only_if_listed_and_called_in_that_order(shelf: Shelf) -> None:
    heard: list[str] = []
    for name in ("alpha", "beta", "gamma", "unlisted"):
        shelf.add_plugin(name, hubauth_event=listener(heard, name))
    shelf.registry({}, plugins=["gamma", "alpha", "beta"]).emit(Event(kind="login"))
    assert heard == ["gamma", "alpha", "beta"]


def test_plugins_that_ask_to_be_first_or_last_are_within_that_order(shelf: Shelf) -> None:
    heard: list[str] = []
    wishes = {"a": "trylast", "b": "", "c": "tryfirst", "d": "trylast", "e": "tryfirst"}
    for name, wish in wishes.items():
        shelf.add_plugin(name, hubauth_event=listener(heard, name, **({wish: True} if wish else {})))
    shelf.registry({}, plugins=list(wishes)).emit(Event(kind="login"))
    assert heard == ["c", "e", "b", "a", "d"]


@pytest.mark.row("F16")
@pytest.mark.parametrize(
    ("plugins", "told"),
    [(["audt"], "Did you mean 'audit'?"), (["audit", "audit"], "is there twice"), (["gone"], "cannot be imported")],
)
def test_a_wrong_list_of_plugins_stops_the_start_also_where_broken_providers_do_not(
    shelf: Shelf, plugins: list[str], told: str
) -> None:
    shelf.add_plugin("audit")
    shelf.point("gone", "a_module_that_is_not_there", "acme-gone", "hubauth.plugins")
    assert told in refusal(shelf, {"silk": {}}, plugins=plugins, disable_broken=True)


def test_a_registry_reads_what_is_installed_by_itself() -> None:
    assert {"oauth2", "oidc"} <= set(Registry().discovery.names())
