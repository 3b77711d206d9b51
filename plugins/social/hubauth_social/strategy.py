"""The face that python-social-auth sees of the hub: one request of one browser, as values; its answers are values, too.

https://python-social-auth.readthedocs.io/en/latest/strategies.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from social_core.backends.base import BaseAuth
from social_core.exceptions import AuthConfigurationError
from social_core.storage import BaseStorage
from social_core.strategy import BaseStrategy
from social_core.utils import build_absolute_uri

from hubauth_core import Redirect

from .visit import Html, Visit

Render = Callable[[str, Mapping[str, Any]], str]
"""A page of ours that a backend names as its template, and what it fills in."""


class SocialStrategy(BaseStrategy[Any]):
    """One visit. `session` is what the browser's earlier visits of the same sign-in have left; JSON alone gets in.

    `settings` hold what `get_setting` is asked for; `steps` are the pipeline's, as import paths.
    """

    def __init__(
        self,
        storage: type[BaseStorage],
        visit: Visit,
        *,
        settings: Mapping[str, Any],
        steps: list[str],
        session: Mapping[str, Any],
        render: Render | None = None,
    ) -> None:
        self.visit = visit
        self.session: dict[str, Any] = dict(session)
        self._settings = settings
        self._steps = steps
        self._render = render
        self._address = urlsplit(visit.url)
        super().__init__(storage)

    def get_setting(self, name: str) -> Any:
        """Raises KeyError for what is not set."""
        return self._settings[name]

    def get_pipeline(self, backend: BaseAuth[Any] | None = None) -> list[str]:
        """Ours, whatever the settings say: `pipeline.steps` has looked at them."""
        return self._steps

    # Answers.

    def redirect(self, url: str) -> Redirect:
        return Redirect(url=url)

    def html(self, content: str) -> Html:
        return Html(content=content)

    def html_with_headers(self, content: str, headers: Mapping[str, str]) -> Html:
        return Html(content=content, headers=dict(headers))

    def render_html(
        self, tpl: str | None = None, html: str | None = None, context: dict[str, Any] | None = None
    ) -> str:
        """A template by its name. Markup out of a setting or a backend is never filled in: it would be run."""
        if tpl is None or self._render is None:
            raise AuthConfigurationError(code="unsupported_feature", parameter="template", stage="begin")
        return self._render(tpl, context or {})

    # The request.

    def get_request_data(self, merge: bool = True) -> dict[str, Any]:
        """Query and form, the form first where both have it; without `merge` the form of a POST, else the query."""
        if merge:
            return {**self.visit.query, **self.visit.form}
        return self.request_post() if self.visit.method == "POST" else self.request_get()

    def request_get(self) -> dict[str, Any]:
        return dict(self.visit.query)

    def request_post(self) -> dict[str, Any]:
        return dict(self.visit.form)

    def request_is_secure(self) -> bool:
        return self._address.scheme == "https"

    def request_host(self) -> str:
        """With the port, where it is not the usual one."""
        return self._address.netloc

    def request_path(self) -> str:
        return self._address.path

    def request_port(self) -> int:
        return self._address.port or (443 if self.request_is_secure() else 80)

    def build_absolute_uri(self, path: str | None = None) -> str:
        """A path below this host, which is the one that people type: it is never taken from a header."""
        return build_absolute_uri(f"{self._address.scheme}://{self._address.netloc}", path)

    # The session.

    def session_get(self, name: str, default: Any = None) -> Any:
        return self.session.get(name, default)

    def session_set(self, name: str, value: Any) -> None:
        """Raises TypeError for what is not JSON."""
        self.session[name] = json.loads(json.dumps(value, allow_nan=False))

    def session_pop(self, name: str) -> Any:
        return self.session.pop(name, None)

    def to_session_value(self, val: Any) -> Any:
        """Sets and tuples are kept as lists."""
        if isinstance(val, Mapping):
            return {str(name): self.to_session_value(each) for name, each in val.items()}
        if isinstance(val, set | frozenset):
            return sorted(val, key=repr)
        if isinstance(val, list | tuple):
            return [self.to_session_value(each) for each in val]
        return val
