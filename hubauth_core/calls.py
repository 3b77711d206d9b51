"""Calling providers and plugins: by name (addressed), or all at once (broadcast). What they do wrong ends here."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import UnionType
from typing import Any, get_args, get_origin

from .errors import HubAuthError, LoginRefused, ProviderError, ProviderUnavailable
from .hookspecs import ANSWERS, PROJECT
from .manager import PluginManager
from .provider import Provider
from .types import NOTHING, Answered, Event, Form, Identity


@dataclass(frozen=True)
class Asked:
    """A plugin's challenge that waits for its answer; `passed` are the plugins that were satisfied before."""

    origin: str
    form: Form
    passed: frozenset[str] = frozenset()


class Calls:
    """The providers in service, and the only way to call them and the cross-cutting plugins.

    `hook_timeout` (seconds) bounds every asynchronous call.
    """

    def __init__(self, log: logging.Logger | logging.LoggerAdapter[Any] | None, hook_timeout: float) -> None:
        self.manager = PluginManager()
        self.providers: dict[str, Provider] = {}
        self.hook_timeout = hook_timeout
        self.log = log or logging.getLogger("hubauth")

    def provider(self, name: str) -> Provider:
        """The provider of that name. Raises KeyError."""
        return self.providers[name]

    async def ask(self, hook: str, provider: str, **arguments: Any) -> Any:
        """Call an asynchronous addressed hook of one provider, and return its checked answer.

        Raises what the provider raises of our errors; anything else it raises becomes ProviderError, its silence
        ProviderUnavailable.
        """
        label = self.providers[provider].label
        with _Failures(self.log, hook, provider, label):
            answer = await asyncio.wait_for(self._the_one(hook, provider, arguments), self.hook_timeout)
            return _checked(hook, answer)

    def ask_now(self, hook: str, provider: str, **arguments: Any) -> Any:
        """Call a synchronous addressed hook of one provider; otherwise as `ask`."""
        with _Failures(self.log, hook, provider, self.providers[provider].label):
            answers = self.manager.only(hook, f"provider:{provider}")(provider=provider, **arguments)
            if len(answers) > 1:
                raise TypeError(f"{len(answers)} answers")
            return _checked(hook, answers[0] if answers else None)

    def _the_one(self, hook: str, provider: str, arguments: dict[str, Any]) -> Awaitable[Any]:
        answers = self.manager.only(hook, f"provider:{provider}")(provider=provider, **arguments)
        if len(answers) != 1:
            for answer in answers:
                answer.close()
            raise TypeError(f"{len(answers)} answers")
        [answer] = answers
        return answer  # type: ignore[no-any-return]  # pluggy's callers are untyped

    async def check_login(
        self,
        identity: Identity,
        granted_scopes: frozenset[str],
        asked: Asked | None = None,
        answer: Answered | None = None,
    ) -> Asked | None:
        """Ask every plugin whether it turns this person away; all are asked. Raises LoginRefused.

        Where a plugin `asked` for one more step before, it alone gets the `answer`; once satisfied, it is not called
        again. Returns the next challenge, None if there is none.
        """
        refusals, open_ = [], []
        passed = asked.passed if asked else frozenset()
        arguments = {"provider": identity.provider, "identity": identity, "granted_scopes": granted_scopes}
        answers = {asked.origin: answer} if asked else {}
        for origin, call in self._each("hubauth_check_login", arguments, answers):
            if origin in passed:
                continue
            try:
                challenge = _checked("hubauth_check_login", await asyncio.wait_for(call(), self.hook_timeout))
            except LoginRefused as refusal:
                refusals.append(refusal)
            except Exception as error:
                self._note(origin, "hubauth_check_login", error)
                refusals.append(LoginRefused("A rule of this hub could not be checked.", code="rule_failed"))
            else:
                if challenge is not None:
                    open_.append((origin, challenge.form))
                elif origin in answers:
                    passed |= {origin}
        if refusals:
            raise refusals[0]
        return Asked(*open_[0], passed) if open_ else None

    def map_identity(self, identity: Identity) -> str | None:
        """The username that plugins choose for an identity, None if none does. Raises LoginRefused if two disagree."""
        chosen: set[str] = set()
        for origin, call in self._each("hubauth_map_identity", {"provider": identity.provider, "identity": identity}):
            try:
                name = call()
                if not isinstance(name, str | None):
                    raise TypeError("the answer is no string")
            except LoginRefused:
                raise
            except Exception as error:
                self._note(origin, "hubauth_map_identity", error)
                raise LoginRefused("A rule of this hub could not be checked.", code="rule_failed") from None
            if name is not None:
                chosen.add(name)
        if len(chosen) > 1:
            raise LoginRefused("This hub cannot decide on a username for you.", code="name_ambiguous")
        return chosen.pop() if chosen else None

    def emit(self, event: Event) -> None:
        """Tell every plugin what happened; a listener that fails is logged and breaks nothing."""
        for origin, call in self._each("hubauth_event", {"event": event}):
            try:
                call()
            except Exception as error:
                self._note(origin, "hubauth_event", error)

    def _each(
        self, hook: str, arguments: Mapping[str, Any], answers: Mapping[str, Answered | None] = NOTHING
    ) -> Iterator[tuple[str, Any]]:
        """Every implementation of a broadcast hook, called by itself: pluggy would stop at the first error.

        They come in the order of the configuration; pluggy's own order is the reverse. An answer to a challenge goes
        to the one who asked, and to nobody else.
        """
        found = [each for each in getattr(self.manager.hook, hook).get_hookimpls() if not _silent(each.plugin, hook)]
        configured = [name for name, _ in self.manager.list_name_plugin()]
        found.sort(key=lambda each: (each.trylast - each.tryfirst, configured.index(each.plugin_name)))
        for implementation in found:
            known = {**arguments, "answer": answers.get(implementation.plugin_name)}
            wanted = {name: known[name] for name in implementation.argnames}
            yield implementation.plugin_name, _bound(implementation.function, wanted)

    def _note(self, origin: str, hook: str, error: Exception) -> None:
        self.log.error("hubauth: %s failed in %s\n%s", origin, hook, where(error))


def _silent(plugin: object, hook: str) -> bool:
    """Whether a plugin is a provider of a type that leaves a broadcast hook alone."""
    plain = hook.removeprefix(f"{PROJECT}_")
    return isinstance(plugin, Provider) and getattr(type(plugin), plain) is getattr(Provider, plain)


def _bound(function: Any, arguments: dict[str, Any]) -> Any:
    return lambda: function(**arguments)


def _checked(hook: str, answer: Any) -> Any:
    wanted = ANSWERS[hook]
    if not isinstance(answer, wanted if isinstance(wanted, UnionType) else get_origin(wanted) or wanted):
        raise TypeError(f"{hook} does not answer with {type(answer).__name__}")
    if get_origin(wanted) is Sequence and not all(isinstance(each, get_args(wanted)) for each in answer):
        raise TypeError(f"{hook} does not answer with such a list")
    return answer


def where(error: BaseException) -> str:
    """The traceback of an error without its text, which may hold what a provider sent."""
    return "".join(traceback.format_tb(error.__traceback__)) + type(error).__name__


class _Failures:
    """Turns whatever a provider raises into one of our errors, and logs where it came from."""

    def __init__(self, log: Any, hook: str, provider: str, label: str) -> None:
        self._log, self._hook, self._provider, self._label = log, hook, provider, label

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: Any) -> None:
        if error is None or isinstance(error, HubAuthError) or not isinstance(error, Exception):
            return
        self._log.error("hubauth: provider %r failed in %s\n%s", self._provider, self._hook, where(error))
        if isinstance(error, TimeoutError):
            raise ProviderUnavailable(f"{self._label} does not answer, try again.") from None
        raise ProviderError(f"{self._label} has a fault; the administrators see it.", code="plugin_failed") from None
