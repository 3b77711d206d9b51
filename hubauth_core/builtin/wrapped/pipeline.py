"""JupyterHub's own steps of a sign-in, run inside the bubble: the source's names, the wrapped one's rules and hook."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from jupyterhub.utils import maybe_future

Model = dict[str, Any]
"""What an authenticator's `authenticate` returns: name, auth_state, admin, groups."""

VERDICT: Final = "hubauth_verdict"
"""The key under which a model carries what the wrapped rules said of it, while it passes the steps."""


@dataclass
class Verdict:
    """Whether the wrapped one's own rules let somebody in whom it has authenticated."""

    allowed: bool = True


class Pipeline:
    """Runs `inner.get_authenticated_user` so that "wrong password" and "not allowed" can be told apart.

    `granted(model)` says whether a rule of ours may let in somebody whom the wrapped rules do not: for those, and for
    those whom the wrapped rules let in, the wrapped `post_auth_hook` runs.
    """

    def __init__(self, inner: Any, granted: Callable[[Model], bool], pool: ThreadPoolExecutor | None = None) -> None:
        self._inner = inner
        self._granted = granted
        self._pool = pool
        self._authenticate = inner.authenticate
        self._check_allowed = inner.check_allowed
        self._run_post_auth_hook = inner.run_post_auth_hook
        inner.authenticate = self._authenticated
        inner.check_allowed = self._allowed
        inner.run_post_auth_hook = self._after

    async def run(self, handler: Any, data: Any) -> tuple[Model, Verdict] | None:
        """The model and what the wrapped rules say; None if the wrapped one does not know them, or blocks them."""
        model = await maybe_future(self._inner.get_authenticated_user(handler, data))
        if not model:
            return None
        verdict: Verdict = model.pop(VERDICT, None) or Verdict()
        return model, verdict

    async def judge(self, handler: Any, model: Model) -> Verdict | None:
        """The same rules on a model that came otherwise (a refresh); sets its `admin`. None is a no.

        The name must be normal already.
        """
        inner = self._inner
        name = model["name"]
        model.setdefault("admin", None)
        if not inner.validate_username(name) or not await maybe_future(inner.check_blocked_users(name, model)):
            return None
        allowed = inner.allow_all or await maybe_future(self._check_allowed(name, model))
        if model["admin"] is None:
            model["admin"] = await maybe_future(inner.is_admin(handler, model))
        return Verdict(bool(allowed))

    async def _authenticated(self, handler: Any, data: Any = None, **more: Any) -> Model | None:
        answer = await self._answer(handler, data, **more)
        if answer is None:
            return None
        model = dict(answer) if isinstance(answer, dict) else {"name": answer}
        model[VERDICT] = Verdict()
        return model

    async def _answer(self, handler: Any, data: Any, **more: Any) -> Any:
        if self._pool is None:
            return await maybe_future(self._authenticate(handler, data, **more))
        loop = asyncio.get_running_loop()
        answer = await loop.run_in_executor(self._pool, lambda: self._in_thread(handler, data, **more))
        return await answer if inspect.isawaitable(answer) else answer

    def _in_thread(self, handler: Any, data: Any, **more: Any) -> Any:
        answer = self._authenticate(handler, data, **more)
        if inspect.iscoroutinefunction(self._authenticate):
            return asyncio.run(answer)  # a coroutine that blocks wherever it runs
        return answer

    def _allowed(self, username: str, authentication: Any = None, **more: Any) -> Any:
        answer = self._check_allowed(username, authentication, **more)
        verdict = authentication.get(VERDICT) if isinstance(authentication, dict) else None
        return answer if verdict is None else self._note(verdict, answer)

    async def _note(self, verdict: Verdict, answer: Any) -> bool:
        verdict.allowed = bool(await maybe_future(answer))
        return True

    async def _after(self, handler: Any, auth_model: Model) -> Any:
        verdict = auth_model.pop(VERDICT, None) or Verdict()
        model: Any = auth_model
        if verdict.allowed or self._granted(auth_model):
            model = await maybe_future(self._run_post_auth_hook(handler, auth_model))
        if isinstance(model, dict):
            model[VERDICT] = verdict
        return model


def blocks(inner: Any, known_to_block: bool, is_form: bool) -> bool:
    """Whether `authenticate` must run in a thread: it is known to block, or is a plain function of a form.

    A decorated one (PAM's `run_on_executor`) has a thread of its own; one with handlers of its own may use the hub's
    database, which belongs to the event loop's thread.
    """
    function = type(inner).authenticate
    plain = not inspect.iscoroutinefunction(function) and not hasattr(function, "__wrapped__")
    return known_to_block or (plain and is_form)
