"""The base class: plain methods behind every hook, rules in one spelling."""

from __future__ import annotations

import inspect

import pytest
from traitlets import TraitError, Unicode

from hubauth_core import Credential, Fresh, HubCall, Identity, Provider, Request, Secret, Unchanged
from hubauth_core.hookspecs import BROADCAST, SPECS
from hubauth_core.transaction import begin

PERSON = Identity(provider="uni", subject="7", username="ann")
CREDENTIAL = Credential(access_token=Secret("x"))
ADDRESSED = sorted(set(SPECS) - BROADCAST - {"hubauth_provider_type"})


@pytest.mark.parametrize("hook", ADDRESSED)
async def test_every_addressed_hook_calls_the_plain_method_of_its_name(hook: str) -> None:
    name, calls = hook.removeprefix("hubauth_"), []
    wanted = [argument for argument in inspect.signature(SPECS[hook]).parameters if argument != "provider"]

    def note(self: Provider, *given: object) -> str:
        calls.append(dict(zip(wanted, given, strict=True)))
        return "answer"

    async def note_later(self: Provider, *given: object) -> str:
        return note(self, *given)

    later = inspect.iscoroutinefunction(SPECS[hook])
    assert inspect.iscoroutinefunction(getattr(Provider, name)) == later
    provider = type("Wool", (Provider,), {name: note_later if later else note})("wool")
    given = {argument: object() for argument in wanted}
    answer = getattr(provider, hook)(**given)
    if later:
        await answer
    assert calls == [given]


@pytest.mark.parametrize("hook", sorted(BROADCAST))
def test_of_the_broadcasts_a_provider_answers_the_look_at_a_sign_in_alone(hook: str) -> None:
    assert hasattr(Provider, hook) == (hook == "hubauth_check_login")


async def test_defaults_that_an_author_need_not_write() -> None:
    provider, hub = Provider("uni"), HubCall()
    assert dict(provider.resources) == {}
    with pytest.raises(NotImplementedError):
        await provider.retrieve_credential(CREDENTIAL, "elsewhere")
    assert await provider.refresh_credential(CREDENTIAL) == Fresh()
    assert await provider.refresh_identity(PERSON, None, hub) == Unchanged()
    assert provider.logout_url(None, "/") is None
    assert provider.pages() == ()
    assert provider.label == "uni"
    assert not provider.allow_all
    assert not provider.allowed_users


async def test_what_only_the_author_can_know_says_whose_it_is() -> None:
    provider = type("Wool", (Provider,), {})("wool")
    transaction = begin("wool", redirect_uri="", next_url="")
    for method in (provider.begin_login, provider.finish_login):
        with pytest.raises(NotImplementedError, match="Wool"):
            await method(Request(), transaction)


def test_the_label_is_the_title_of_the_type_unless_it_is_set() -> None:
    wool = type("Wool", (Provider,), {"title": "Wool & Co"})
    assert wool("wool").label == "Wool & Co"
    assert wool("wool", label="Ours").label == "Ours"


def test_required_options_that_are_not_set_are_told() -> None:
    class Wool(Provider):
        required_options = ("client_id", "label")
        client_id = Unicode().tag(config=True)

    assert Wool("wool").missing_options() == ["client_id"]
    assert Wool("wool", client_id="7").missing_options() == []


@pytest.mark.parametrize("option", ["allowed_users", "blocked_users", "admin_users"])
def test_rules_are_kept_in_the_spelling_in_which_they_are_asked(option: str) -> None:
    provider = Provider("uni", **{option: {" Ann ", "ＢＯＢ", "Straße", "id:aBc"}})
    assert getattr(provider, option) == {"ann", "bob", "strasse", "id:aBc"}
    setattr(provider, option, {"EVE"})
    assert getattr(provider, option) == {"eve"}


@pytest.mark.parametrize("option", ["allowed_users", "blocked_users", "admin_users"])
@pytest.mark.parametrize("entry", ["", "  ", "id:", "ID:7", " id:7", "ｉｄ：7", "Id:"])
def test_an_entry_that_means_nobody_or_somebody_else_is_refused_with_its_option(option: str, entry: str) -> None:
    with pytest.raises(TraitError, match=option):
        Provider("uni", **{option: {"ann", entry}})


def test_git_addresses_are_kept_in_one_spelling() -> None:
    given = ["https://GitHub.com/", "https://github.com:443", "http://127.0.0.1:8080/Git/", "https://[::1]:8443"]
    kept = ["https://github.com", "http://127.0.0.1:8080/Git", "https://[::1]:8443"]
    assert Provider("uni", git_urls=given).git_urls == kept


@pytest.mark.parametrize(
    "url",
    [
        "http://forge.example",
        "ssh://forge.example",
        "forge.example",
        "https://",
        "https://ann@forge.example",
        "https://forge.example/?q",
        "https://forge.example/#part",
        "https://forge.example/a/../b",
        "https://forge.example/a//b",
        "https://forge.example/%2e%2e",
        "https://forge.example/a b",
        "",
    ],
)
def test_a_git_address_that_could_lead_elsewhere_stops_the_start(url: str) -> None:
    with pytest.raises(TraitError, match="git_urls"):
        Provider("uni", git_urls=["https://github.com", url])
