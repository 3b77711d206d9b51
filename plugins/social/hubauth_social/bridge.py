"""One provider's backend, run in threads: begin, complete, renew, revoke. What goes in and comes out are values."""

from __future__ import annotations

import dataclasses
import logging
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

import requests
from openid import fetchers
from social_core.backends.base import BaseAuth
from social_core.exceptions import SocialAuthBaseException
from social_core.utils import PARTIAL_TOKEN_SESSION_NAME, partial_pipeline_result

from hubauth_core import Form, HubAuthError, LoginRefused, Redirect

from . import openid_html, pipeline, sessions
from .call import TookTooLong
from .errors import bad_answer, ours, shown, unreachable
from .fetching import Fetching
from .pool import Pool
from .storage import Person, storage_on
from .store import SocialStore
from .strategy import Render, SocialStrategy
from .visit import Answer, Done, Html, Visit

Wanted = TypeVar("Wanted")

NOBODY: Final = Visit(url="", redirect_uri="", state="")
"""The visit of a call that is about no browser."""


class Bridge:
    """A backend under a provider's name.

    `backend` is the class to run, under `name`, the provider's; `settings` hold what `get_setting` is asked for, under
    plain names (`KEY`) or prefixed ones. `steps` are import paths of the administrator's own pipeline steps, `render`
    makes the pages that backends name as templates. With `public_only` it asks addresses of the public internet alone:
    for backends that ask an address which somebody has typed.

    Every call raises LoginRefused, ProviderError, StoreError, and CredentialError where a source wants the person to
    sign in again; one that takes too long, or finds no thread, raises ProviderUnavailable.
    """

    def __init__(
        self,
        *,
        backend: type[BaseAuth[Any]],
        name: str,
        label: str,
        settings: Mapping[str, Any],
        store: SocialStore,
        pool: Pool,
        log: logging.Logger | logging.LoggerAdapter[Any],
        steps: Sequence[str] = (),
        render: Render | None = None,
        public_only: bool = False,
    ) -> None:
        self.label = label
        self.backend: type[BaseAuth[Any]] = type(backend.__name__, (backend, Fetching), {"name": name})
        self._name = name
        self._settings = dict(settings)
        self._store = store
        self._storage = storage_on(store)
        self._pool = pool
        self._log = log
        self._steps = pipeline.steps(steps)
        self._render = render
        self._public_only = public_only
        openid_html.install()

    async def start(self, visit: Visit) -> Answer:
        """Begin: the backend's own check of its settings, its state, and the address or page of its source."""
        return await self._run(lambda: self._start(visit), visit.address)

    async def complete(self, visit: Visit, memo: Mapping[str, str]) -> Answer | Done:
        """Go on with what the browser brings back; `memo` is the transaction's. A form that a step of the pipeline has
        asked for is answered by POST alone."""
        return await self._run(lambda: self._complete(visit, memo), visit.address)

    async def ask(self, question: Callable[[BaseAuth[Any]], Wanted], visit: Visit = NOBODY) -> Wanted:
        """What the backend answers outside a sign-in: `question(backend)` runs in a thread (refresh, revocation)."""
        return await self._run(lambda: question(self._made(visit, {})))

    def _start(self, visit: Visit) -> Answer:
        backend = self._made(visit, {})
        backend.prepare_auth(user=_person(visit))
        return self._answer(backend, visit, backend.start())

    def _complete(self, visit: Visit, memo: Mapping[str, str]) -> Answer | Done:
        session = sessions.find(self._store, visit.state, memo)
        backend = self._made(visit, session)
        if PARTIAL_TOKEN_SESSION_NAME in session:
            result = self._resumed(backend, visit)
        else:
            result = backend.complete(user=_person(visit))
        return result if isinstance(result, Done) else self._answer(backend, visit, result)

    def _resumed(self, backend: BaseAuth[Any], visit: Visit) -> Any:
        """Go on where a step has stopped to ask something: in the same sign-in of the same browser (row V22)."""
        if visit.method != "POST":
            raise LoginRefused("Fill in the form and send it, or sign in again.", code="form_needed")
        found: Any = partial_pipeline_result(backend, _person(visit))
        if found.partial is None:
            raise LoginRefused("This sign-in is over. Sign in again.", code="state_unknown")
        backend.strategy.clean_partial_pipeline(found.partial.token)
        return backend.continue_pipeline(found.partial)

    def _made(self, visit: Visit, session: Mapping[str, Any]) -> BaseAuth[Any]:
        strategy = SocialStrategy(
            self._storage, visit, settings=self._settings, steps=self._steps, session=session, render=self._render
        )
        return self.backend(strategy, redirect_uri=visit.redirect_uri)

    def _answer(self, backend: BaseAuth[Any], visit: Visit, answer: Any) -> Answer:
        """What the browser gets next, with the note of what the backend wants to find then."""
        if not isinstance(answer, Redirect | Form | Html):
            raise bad_answer(self.label)
        strategy: Any = backend.strategy
        note = sessions.leave(self._store, visit.state, strategy.session)
        return dataclasses.replace(answer, memo={**answer.memo, **note})

    async def _run(self, work: Callable[[], Wanted], address: str = "") -> Wanted:
        whose = address if self._public_only else ""
        try:
            return await self._pool.run(lambda: self._translated(work), public_only=self._public_only, whose=whose)
        except TookTooLong:
            self._log.warning("hubauth: %s: the source took longer than %g s", self._name, self._pool.deadline)
            raise unreachable(self.label) from None

    def _translated(self, work: Callable[[], Wanted]) -> Wanted:
        """What a backend raises, as an error of ours; nothing of what it holds reaches the log (row B3)."""
        try:
            return work()
        except HubAuthError:
            raise
        except SocialAuthBaseException as error:
            self._log.warning("hubauth: %s: %s", self._name, shown(error))
            raise ours(error, self.label) from None
        except (requests.RequestException, fetchers.HTTPFetchingError, TookTooLong) as error:
            self._log.warning("hubauth: %s: %s", self._name, type(error).__name__)
            raise unreachable(self.label) from None
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            self._log.error(
                "hubauth: %s: %s in %s, line %s", self._name, type(error).__name__, place.filename, place.lineno
            )
            raise bad_answer(self.label) from None


def _person(visit: Visit) -> Any:
    """Who connects an identity; a backend that can only be connected binds its state to them."""
    return Person(visit.person) if visit.person else None
