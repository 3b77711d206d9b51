"""What a server is given at its start, where the administrator asked for it: tokens, and git's way to them.

Nothing here keeps a server from starting: what cannot be had is left out, and the log says so.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final
from weakref import WeakKeyDictionary

from .errors import ConfigError, HubAuthError
from .identities import Identities
from .mapping import hub_key
from .registry import Registry
from .retrieval import Asker, Retrieval
from .types import HubUser

HELPER: Final = "hubauth"
"""git runs `git-credential-hubauth`, which `hubauth-singleuser` brings."""

_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/-]{1,65536}={0,3}")
"""A bearer token (RFC 6750, section 2.1). In anything else Kubernetes would fill in `$(JUPYTERHUB_API_TOKEN)`, which
then went to whoever issued it, and KubeSpawner `{username}`; what is longer keeps the server from starting."""


class Spawning:
    """Equips servers.

    `environment`: variable -> `provider` or `provider/resource`; `files`: path in the server -> the same; `git`: if
    git finds the credentials of the user; `api_url`: where the server asks for them, "" for the hub itself.
    """

    def __init__(
        self,
        *,
        registry: Registry,
        identities: Identities,
        retrieval: Retrieval,
        log: logging.Logger | logging.LoggerAdapter[Any],
        environment: Mapping[str, str],
        files: Mapping[str, str],
        git: bool,
        api_url: str = "",
    ) -> None:
        self._registry = registry
        self._identities = identities
        self._retrieval = retrieval
        self._log = log
        self._environment = environment
        self._files = files
        self._git = git
        self._api_url = api_url
        self._before: WeakKeyDictionary[Any, dict[str, Any]] = WeakKeyDictionary()

    def check(self) -> None:
        """Raise ConfigError for an option that names what is not there."""
        for option, wanted in (("spawner_environment", self._environment), ("spawner_files", self._files)):
            for name, source in wanted.items():
                self._check_source(f"c.HubAuthenticator.{option}[{name!r}] = {source!r}", source)
        for variable in self._environment:
            if not _VARIABLE.fullmatch(variable):
                raise ConfigError(f"c.HubAuthenticator.spawner_environment: {variable!r} cannot name a variable")

    def _check_source(self, where: str, source: str) -> None:
        provider, _, resource = source.partition("/")
        if provider in self._registry.broken:
            return
        if provider not in self._registry.providers:
            known = ", ".join(sorted(self._registry.providers))
            raise ConfigError(f"{where}: there is no provider {provider!r}; there are: {known}")
        resources = self._registry.provider(provider).resources
        if resource and resource not in resources:
            known = ", ".join(sorted(resources)) or "none"
            raise ConfigError(f"{where}: provider {provider!r} has no resource {resource!r}; it has: {known}")

    async def equip(self, user: HubUser, spawner: Any) -> None:
        """Put into a spawner's environment what its server is to have, in place of what it had at an earlier start."""
        environment = {**spawner.environment, **self._before.get(spawner, {})}
        environment = {name: value for name, value in environment.items() if value is not None}
        given = {**await self._tokens(user), **self._told(), **self._git_settings(user, environment, spawner)}
        self._before[spawner] = {name: environment.get(name) for name in given}
        # A dict of its own: the configured one may be the same object for every spawner.
        spawner.environment = {**environment, **given}

    async def _tokens(self, user: HubUser) -> dict[str, str]:
        asked = [self._token(user, variable, source) for variable, source in self._environment.items()]
        return {variable: token for variable, token in await asyncio.gather(*asked) if token}

    async def _token(self, user: HubUser, variable: str, source: str) -> tuple[str, str]:
        provider, _, resource = source.partition("/")
        try:
            _, credential = await self._retrieval.credential(user, provider, resource, Asker(actor="spawner"))
        except HubAuthError as error:
            self._log.info("hubauth: the server of %s starts without %s: %s", user.name, variable, error.code)
            return variable, ""
        token = credential.access_token.reveal()
        if not _TOKEN.fullmatch(token):
            self._log.warning("hubauth: %s starts without %s: no variable can hold that token", user.name, variable)
            return variable, ""
        return variable, token

    def _told(self) -> dict[str, Any]:
        told: dict[str, Any] = {"HUBAUTH_API_URL": self._api_url} if self._api_url else {}
        if self._files:
            files = json.dumps(dict(self._files))
            told["HUBAUTH_TOKEN_FILES"] = lambda spawner: files  # KubeSpawner would take its braces for a template
        return told

    def _git_settings(self, user: HubUser, environment: Mapping[str, Any], spawner: Any) -> dict[str, str]:
        if not self._git:
            return {}
        connected = {record.provider for record in self._identities.of_hub_user(hub_key(user))}
        opened = {url for name in connected for url in self._git_urls(name)}
        could = {url for name, each in self._registry.providers.items() if each.linkable for url in each.git_urls}
        urls = sorted(opened | could)
        settings = [setting for url in urls for setting in _credential_settings(url, alone=url in opened)]
        count = _number(environment.get("GIT_CONFIG_COUNT", 0), spawner)
        return {"HUBAUTH_GIT_URLS": json.dumps(urls), **git_config(settings, count)} if urls else {}

    def _git_urls(self, name: str) -> Iterable[str]:
        provider = self._registry.providers.get(name)
        return provider.git_urls if provider else ()


def git_config(settings: Iterable[tuple[str, str]], count: int) -> dict[str, str]:
    """Variables that give git further settings after `count` that are there. https://git-scm.com/docs/git-config"""
    variables: dict[str, str] = {}
    for name, value in settings:
        variables |= {f"GIT_CONFIG_KEY_{count}": name, f"GIT_CONFIG_VALUE_{count}": value}
        count += 1
    return {**variables, "GIT_CONFIG_COUNT": str(count)}


def _credential_settings(url: str, *, alone: bool) -> Iterable[tuple[str, str]]:
    """Our helper for an address; `alone` where the user is connected there.

    Then helpers before ours are switched off: one that stores would write the token to disk, and answer with it later.
    Who is not connected keeps their own; ours says where to connect, and answers as soon as that is done.
    """
    if alone:
        yield f"credential.{url}.helper", ""
    yield f"credential.{url}.helper", HELPER
    yield f"credential.{url}.useHttpPath", "true"


def _number(value: Any, spawner: Any) -> int:
    """A variable of a spawner's environment as a number; it may be a callable there."""
    try:
        return int(value(spawner) if callable(value) else value)
    except ValueError:
        return 0
