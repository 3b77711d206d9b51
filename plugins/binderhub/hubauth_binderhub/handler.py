"""BinderHub's build handler, which knows who is asking."""

from __future__ import annotations

import os
from typing import Any

from binderhub.builder import BuildHandler
from tornado.web import HTTPError

from .client import Visitor
from .errors import AccessRefused
from .providers import OwnCredential


class VisitorsBuildHandler(BuildHandler):  # type: ignore[misc]  # BinderHub is untyped
    """Gives a provider its visitor, and looks once more before a server starts."""

    def get_provider(self, provider_prefix: str, spec: str) -> Any:
        """BinderHub's provider; one of ours asks for the visitor's credential."""
        provider = super().get_provider(provider_prefix, spec)
        if isinstance(provider, OwnCredential) and self.settings["auth_enabled"]:
            provider.visitor = self._visitor()
            provider.name_key = self.hub_auth.api_token
        self._provider = provider
        return provider

    async def launch(self, provider: Any) -> None:
        """Start the server if the visitor may still have what is in the image: a build takes its time."""
        if isinstance(provider, OwnCredential):
            try:
                await provider.check_access()
            except AccessRefused as refused:
                raise HTTPError(403, "%s", refused) from refused
        await super().launch(provider)

    @property
    def repo_metric_labels(self) -> dict[str, str]:
        """Labels of BinderHub's counters. Everybody can read /metrics, so a private repository has no name there."""
        private = isinstance(self._provider, OwnCredential) and not self._provider.public
        return self._labels | ({"repo": "private"} if private else {})

    @repo_metric_labels.setter
    def repo_metric_labels(self, labels: dict[str, str]) -> None:
        self._labels = labels

    def _visitor(self) -> Visitor:
        """Whose token came with this request. `authenticated` has run, so there is one."""
        hub = self.hub_auth
        return Visitor(
            name=self.current_user["name"],
            token=hub.get_token(self),
            api_url=os.environ.get("HUBAUTH_API_URL", "").rstrip("/") or f"{hub.api_url.rstrip('/')}/hubauth",
            hub_url=hub.hub_host.rstrip("/"),
        )
