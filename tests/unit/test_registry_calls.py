"""Calls of plugins: to the one that is named, or to all; and whatever they do, one of our errors comes out."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Awaitable, Callable, Iterator
from collections.abc import Set as AbstractSet
from typing import Any

import pytest

from harness.shelf import Shelf
from hubauth_core import (
    Answered,
    Challenge,
    ConfigError,
    CredentialError,
    Event,
    Form,
    HubAuthError,
    Identity,
    LoginRefused,
    Page,
    Provider,
    ProviderError,
    ProviderUnavailable,
    Redirect,
    Request,
    SignIn,
    Transaction,
    hookimpl,
)
from hubauth_core.registry import Registry
from hubauth_core.transaction import begin

CANARY = "canary-4f1e77"
PERSON = Identity(provider="wool", subject="7", username="ann")
TRANSACTION = begin("wool", redirect_uri="", next_url="")
REQUEST = Request(query={"code": [CANARY], "state": [CANARY]})


class Wool(Provider):
    """Answers what the test tells it to; remembers what it saw."""

    answer: Any = SignIn(identity=PERSON)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.seen: list[Any] = []

    async def finish_login(self, request: Request, transaction: Transaction) -> Any:
        self.seen.append(request)
        return await self.reply()

    async def reply(self) -> Any:
        return self.answer

    def logout_url(self, credential: Any, return_to: str) -> Any:
        return self.answer

    def pages(self) -> Any:
        return self.answer


def provider_that(does: Callable[[], Awaitable[Any]]) -> type[Provider]:
    class Told(Wool):
        async def reply(self) -> Any:
            return await does()

    return Told


async def finish(registry: Registry, name: str = "wool") -> Any:
    return await registry.ask("hubauth_finish_login", name, request=REQUEST, transaction=TRANSACTION)


def build(shelf: Shelf, cls: type[Provider] = Wool, **options: Any) -> Registry:
    shelf.add_type("wool", cls)
    return shelf.registry({"wool": {}, "other": {"type": "wool"}}, **options)


# Addressed calls.


async def test_an_addressed_call_reaches_the_named_provider_and_nobody_else(shelf: Shelf) -> None:
    overheard: list[Any] = []

    class Audit:
        """Hears all it can."""

        @hookimpl
        async def hubauth_check_login(self, provider: str, identity: Identity, granted_scopes: frozenset[str]) -> None:
            overheard.append((provider, identity, granted_scopes))

        @hookimpl
        def hubauth_event(self, event: Event) -> None:
            overheard.append(event)

        @hookimpl(wrapper=True)
        def hubauth_logout_url(self) -> Iterator[None]:
            overheard.append("logout")
            return (yield)

    audit = Audit()
    shelf.add_plugin("audit", **{hook: getattr(audit, hook) for hook in dir(audit) if hook.startswith("hubauth_")})
    registry = build(shelf, plugins=["audit"])
    answer = await finish(registry)
    assert answer.identity == PERSON
    wool, other = registry.provider("wool"), registry.provider("other")
    assert wool.seen == [REQUEST]  # type: ignore[attr-defined]  # Wool's
    assert other.seen == overheard == []  # type: ignore[attr-defined]  # Wool's


async def test_each_provider_of_a_type_is_reached_by_its_own_name(shelf: Shelf) -> None:
    registry = build(shelf)
    await finish(registry, "other")
    assert [len(each.seen) for each in registry.providers.values()] == [0, 1]  # type: ignore[attr-defined]  # Wool's
    with pytest.raises(KeyError):
        await finish(registry, "unknown")


@pytest.mark.row("F16")
@pytest.mark.parametrize("answer", [None, True, "ann", {"identity": PERSON}, PERSON, SignIn], ids=repr)
async def test_a_nonsense_answer_is_an_error_of_the_provider(
    shelf: Shelf, answer: object, caplog: pytest.LogCaptureFixture
) -> None:
    registry = build(shelf, type("Nonsense", (Wool,), {"answer": answer}))
    with pytest.raises(ProviderError) as refused:
        await finish(registry)
    assert refused.value.code == "plugin_failed"
    assert "provider 'wool' failed in hubauth_finish_login" in caplog.text


@pytest.mark.parametrize("answer", [SignIn(identity=PERSON), Redirect(url="https://x.test"), Form()])
async def test_every_kind_of_answer_that_is_specified_is_taken(shelf: Shelf, answer: object) -> None:
    assert await finish(build(shelf, type("Good", (Wool,), {"answer": answer}))) is answer


@pytest.mark.parametrize("answer", ["https://x.test", None])
def test_a_synchronous_hook_is_asked_now(shelf: Shelf, answer: str | None) -> None:
    registry = build(shelf, type("Good", (Wool,), {"answer": answer}))
    assert registry.ask_now("hubauth_logout_url", "wool", credential=None, return_to="/") == answer


PAGE = Page(pattern="reset", handler=object)


@pytest.mark.row("F16")
@pytest.mark.parametrize("answer", [7, "reset", ["reset"], [PAGE, None], (7,)])
def test_nonsense_where_pages_are_asked_for_is_an_error(shelf: Shelf, answer: object) -> None:
    registry = build(shelf, type("Nonsense", (Wool,), {"answer": answer}))
    with pytest.raises(ProviderError):
        registry.ask_now("hubauth_pages", "wool")
    assert build_pages(shelf, [PAGE]) == [PAGE]
    assert build_pages(shelf, ()) == ()


def build_pages(shelf: Shelf, answer: object) -> object:
    shelf.entry_points.clear()
    return build(shelf, type("Good", (Wool,), {"answer": answer})).ask_now("hubauth_pages", "wool")


async def test_no_answer_is_an_error(shelf: Shelf) -> None:
    registry = build(shelf)
    registry.manager.unregister(registry.provider("wool"))
    with pytest.raises(ProviderError):
        await finish(registry)
    with pytest.raises(ProviderError):
        registry.ask_now("hubauth_pages", "wool")


async def test_of_two_answers_neither_counts_and_neither_runs(shelf: Shelf, recwarn: pytest.WarningsRecorder) -> None:
    registry, second = build(shelf), Wool("wool")
    registry.manager.register(second, "plugin:slipped-in")
    with pytest.raises(ProviderError):
        await finish(registry)
    assert registry.provider("wool").seen == second.seen == []  # type: ignore[attr-defined]  # Wool's
    gc.collect()
    assert not [warning for warning in recwarn if "never awaited" in str(warning.message)]


def test_of_two_synchronous_answers_neither_counts(shelf: Shelf) -> None:
    cls = type("Good", (Wool,), {"answer": ()})
    registry = build(shelf, cls)
    assert registry.ask_now("hubauth_pages", "wool") == ()
    registry.manager.register(cls("wool"), "plugin:slipped-in")
    with pytest.raises(ProviderError):
        registry.ask_now("hubauth_pages", "wool")


@pytest.mark.row("B3", "F16")
@pytest.mark.parametrize("error", [ValueError(CANARY), KeyError(CANARY), RuntimeError(CANARY), StopIteration(CANARY)])
async def test_what_a_provider_raises_becomes_our_error_and_its_text_is_nowhere(
    shelf: Shelf, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail() -> None:
        raise error

    registry = build(shelf, provider_that(fail))
    with pytest.raises(ProviderError) as refused:
        await finish(registry)
    assert refused.value.code == "plugin_failed"
    assert "wool" in refused.value.sentence
    shown = logging.Formatter().formatException((ProviderError, refused.value, refused.value.__traceback__))
    for text in (refused.value.sentence, caplog.text, shown):
        assert CANARY not in text
    assert "in reply" in caplog.text


@pytest.mark.parametrize(
    "error",
    [
        LoginRefused("No.", code="cancelled"),
        ProviderUnavailable("Later.", retry_after=7),
        ProviderError("Odd."),
        CredentialError("Gone."),
        ConfigError("Wrong."),
    ],
)
async def test_our_own_errors_pass_as_they_are(
    shelf: Shelf, error: HubAuthError, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail() -> None:
        raise error

    with pytest.raises(type(error)) as raised:
        await finish(build(shelf, provider_that(fail)))
    assert raised.value is error
    assert not caplog.records


@pytest.mark.row("F02", "F16")
async def test_a_provider_that_hangs_is_unavailable_and_is_stopped(shelf: Shelf) -> None:
    stopped = asyncio.Event()

    async def hang() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    registry = build(shelf, provider_that(hang), hook_timeout=0.01)
    with pytest.raises(ProviderUnavailable, match="wool does not answer, try again"):
        await finish(registry)
    assert stopped.is_set()


async def test_a_request_that_is_given_up_is_no_fault_of_the_provider(
    shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    begun = asyncio.Event()

    async def hang() -> None:
        begun.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(finish(build(shelf, provider_that(hang))))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not caplog.records


# Vetoes.

Veto = Callable[[Identity], Awaitable[Any]]


def checking(shelf: Shelf, *vetoes: Veto, **options: Any) -> Registry:
    for number, veto in enumerate(vetoes):
        shelf.add_plugin(f"veto{number}", hubauth_check_login=_asking(veto))
    return shelf.registry({}, plugins=[f"veto{number}" for number in range(len(vetoes))], **options)


def _asking(veto: Veto) -> Callable[..., Any]:
    @hookimpl
    async def hubauth_check_login(identity: Identity) -> Any:
        return await veto(identity)

    return hubauth_check_login


async def content(identity: Identity) -> None: ...


async def refuse(identity: Identity) -> None:
    raise LoginRefused("Not on Sundays.", code="sunday")


async def break_down(identity: Identity) -> None:
    raise RuntimeError(CANARY)


async def hang(identity: Identity) -> None:
    await asyncio.Event().wait()


async def say_false(identity: Identity) -> bool:
    return False


async def test_who_is_vetoed_by_nobody_may_go_on(shelf: Shelf) -> None:
    await checking(shelf).check_login(PERSON, frozenset())
    await checking(shelf, content, content).check_login(PERSON, frozenset())


@pytest.mark.parametrize("order", [(refuse, content), (content, refuse)])
async def test_any_veto_refuses(shelf: Shelf, order: tuple[Veto, ...]) -> None:
    with pytest.raises(LoginRefused) as refused:
        await checking(shelf, *order).check_login(PERSON, frozenset())
    assert (refused.value.code, refused.value.sentence) == ("sunday", "Not on Sundays.")


@pytest.mark.row("F16")
@pytest.mark.parametrize("fault", [break_down, hang, say_false])
async def test_a_rule_that_cannot_be_checked_refuses(
    shelf: Shelf, fault: Veto, caplog: pytest.LogCaptureFixture
) -> None:
    registry = checking(shelf, content, fault, content, hook_timeout=0.01)
    with pytest.raises(LoginRefused) as refused:
        await registry.check_login(PERSON, frozenset())
    assert refused.value.code == "rule_failed"
    assert "plugin:veto1 failed in hubauth_check_login" in caplog.text
    assert CANARY not in caplog.text + refused.value.sentence


async def test_all_rules_are_asked_whatever_the_first_ones_say(shelf: Shelf) -> None:
    asked: list[Identity] = []

    async def note(identity: Identity) -> None:
        asked.append(identity)

    with pytest.raises(LoginRefused) as refused:
        await checking(shelf, refuse, break_down, note).check_login(PERSON, frozenset())
    assert refused.value.code == "sunday"
    assert asked == [PERSON]


async def test_a_rule_gets_what_it_asks_for_and_no_more(shelf: Shelf) -> None:
    seen: list[Any] = []

    @hookimpl
    async def hubauth_check_login(granted_scopes: frozenset[str], provider: str) -> None:
        seen.append((provider, granted_scopes))

    shelf.add_plugin("veto", hubauth_check_login=hubauth_check_login)
    await shelf.registry({}, plugins=["veto"]).check_login(PERSON, frozenset({"repo"}))
    assert seen == [("wool", frozenset({"repo"}))]


# Names.


def mapping(shelf: Shelf, *answers: object) -> Registry:
    for number, answer in enumerate(answers):
        shelf.add_plugin(f"map{number}", hubauth_map_identity=_answering(answer))
    return shelf.registry({}, plugins=[f"map{number}" for number in range(len(answers))])


def _answering(answer: object) -> Callable[..., Any]:
    @hookimpl
    def hubauth_map_identity(provider: str, identity: Identity) -> object:
        if isinstance(answer, Exception):
            raise answer
        return answer

    return hubauth_map_identity


@pytest.mark.parametrize(
    ("answers", "name"), [((), None), ((None, None), None), ((None, "x"), "x"), (("x", None, "x"), "x")]
)
def test_the_name_that_plugins_agree_on_is_taken(shelf: Shelf, answers: tuple[object, ...], name: str | None) -> None:
    assert mapping(shelf, *answers).map_identity(PERSON) == name


@pytest.mark.row("F16")
@pytest.mark.parametrize(
    ("answers", "code"),
    [
        (("x", "y"), "name_ambiguous"),
        ((LoginRefused("No.", code="not_mapped"), "x"), "not_mapped"),
        (("x", RuntimeError(CANARY)), "rule_failed"),
        ((7,), "rule_failed"),
        ((b"x",), "rule_failed"),
    ],
)
def test_two_names_or_a_plugin_that_fails_refuse(
    shelf: Shelf, answers: tuple[object, ...], code: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(LoginRefused) as refused:
        mapping(shelf, *answers).map_identity(PERSON)
    assert refused.value.code == code
    assert CANARY not in caplog.text + refused.value.sentence


# Events.


def test_a_listener_that_fails_breaks_nothing_and_the_others_hear(
    shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[str] = []

    def listener(name: str) -> Callable[..., Any]:
        @hookimpl
        def hubauth_event(event: Event) -> None:
            heard.append(name)
            if name == "two":
                raise RuntimeError(CANARY)

        return hubauth_event

    for name in ("one", "two", "three"):
        shelf.add_plugin(name, hubauth_event=listener(name))
    shelf.registry({}, plugins=["one", "two", "three"]).emit(Event(kind="login"))
    assert heard == ["one", "two", "three"]
    assert "plugin:two failed in hubauth_event" in caplog.text
    assert CANARY not in caplog.text


async def test_a_provider_may_look_at_sign_ins_of_others(shelf: Shelf) -> None:
    class Guard(Provider):
        async def check_login(
            self, provider: str, identity: Identity, granted_scopes: AbstractSet[str], answer: Answered | None
        ) -> Challenge | None:
            if provider == self.name:
                return None
            if answer == {"code": ["123456"]}:
                return None
            return Challenge(Form(text="The code, please."))

    shelf.add_type("guard", Guard)
    shelf.add_type("plain", type("Plain", (Provider,), {}))
    registry = shelf.registry({"guard": {}, "plain": {}})
    assert await registry.check_login(Identity(provider="guard", subject="1", username="a"), frozenset()) is None
    person = Identity(provider="plain", subject="1", username="a")
    asked = await registry.check_login(person, frozenset())
    assert asked is not None
    assert (asked.origin, asked.form.text) == ("provider:guard", "The code, please.")
    assert await registry.check_login(person, frozenset(), asked, {"code": ["123456"]}) is None


def test_a_provider_that_cannot_start_leaves_the_others_in_service(shelf: Shelf) -> None:
    shelf.add_type("wool", type("Wool", (Provider,), {}))
    registry = shelf.registry({"wool": {}, "warm": {"type": "wool"}})
    registry.put_out_of_service("wool", "There is no sheep.")
    assert (list(registry.providers), registry.order) == (["warm"], ["wool", "warm"])
    assert registry.broken == {"wool": "There is no sheep."}
    with pytest.raises(KeyError):
        registry.provider("wool")
