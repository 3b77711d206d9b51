"""The service's own face: the same addresses as in the hub, whether it is well, and an orderly end."""

from __future__ import annotations

import asyncio
import logging
import re
from dataclasses import dataclass, field
from typing import Final

from tornado import web
from tornado.httpserver import HTTPServer

from ..errors import HubAuthError, StoreError
from ..refresh import Refresher
from ..web.api_answers import Reply, refusal
from ..web.handout import ROUTES, Call, HandOut, Route
from ..web.json_handler import Description, JSONHandler
from .hub_tables import HubTables
from .tokens import Tokens

DRAIN: Final = 120.0
"""Seconds that a process is given for what it has begun, renewals above all."""

LARGEST_BODY: Final = 4096
"""Bytes; nobody has a reason to send one."""

_TOKEN: Final = re.compile(r"(?:token|bearer) +([!-~]{1,1024})", re.IGNORECASE)

log = logging.getLogger("hubauth")


@dataclass
class Service:
    """What the handlers share. `login_url` is where people sign in anew at the hub."""

    tokens: Tokens
    tables: HubTables
    hand_out: HandOut
    refresher: Refresher
    login_url: str
    ending: bool = False
    under_way: int = 0
    idle: asyncio.Event = field(default_factory=asyncio.Event)

    def application(self, base_url: str) -> web.Application:
        """Everything that is answered, below a path."""
        base = re.escape(base_url.rstrip("/"))
        return web.Application(
            [
                *((base + route.pattern, CredentialsHandler, {"route": route}) for route in ROUTES),
                (base + re.escape("/openapi.json"), CountedDescription),
                (base + "/health", Health),
            ],
            service=self,
            default_handler_class=Nothing,
            log_function=_log_request,
        )

    def count(self, more: int) -> None:
        """A call has come, or was answered."""
        self.under_way += more
        if self.under_way:
            self.idle.clear()
        else:
            self.idle.set()

    async def drain(self, server: HTTPServer) -> None:
        """End: take no more calls, answer those that are here, store what is renewed."""
        self.ending = True
        server.stop()
        self.count(0)
        try:
            async with asyncio.timeout(DRAIN):
                await self.idle.wait()
                await self.refresher.settle()
        except TimeoutError:
            log.error("hubauth: ended with %s calls unanswered", self.under_way)
        await server.close_all_connections()


class Counted(JSONHandler):
    """A request that an orderly end waits for."""

    _counted = False

    @property
    def service(self) -> Service:
        service: Service = self.settings["service"]
        return service

    async def prepare(self) -> None:
        self.service.count(+1)
        self._counted = True
        if self.service.ending:
            self.set_header("Connection", "close")
        await super().prepare()

    def on_finish(self) -> None:
        if self._counted:
            self.service.count(-1)


class CredentialsHandler(Counted):
    """One route of the API."""

    def initialize(self, route: Route) -> None:
        self._route = route

    async def get(self, user_name: str, target: str = "") -> None:
        self.reply(await self._answer(user_name, target))

    async def _answer(self, user_name: str, target: str) -> Reply:
        service = self.service
        token = _TOKEN.fullmatch(self.request.headers.get("Authorization", "").strip())
        try:
            call = Call(
                caller=await service.tokens.caller(token[1]) if token else None,
                user_name=user_name,
                target=target,
                query=self.request.query_arguments,
                address=self.request.remote_ip or "",
                login_url=service.login_url,
                find=service.tables.find,
                session=service.tables.session,
            )
            return await service.hand_out.answer(self._route, call)
        except HubAuthError as error:
            return refusal(error)


class CountedDescription(Description, Counted):
    """The description of the API."""


class Health(JSONHandler):
    """For balancers: 200 while calls are taken and the database answers, else 503."""

    async def get(self) -> None:
        service: Service = self.settings["service"]
        try:
            if service.ending:
                raise StoreError("This process is about to end.")
            service.tables.check()
        except StoreError as error:
            self.reply(refusal(error))
        else:
            self.reply(Reply(200, {"status": "ok"}))


class Nothing(JSONHandler):
    """Any other address."""

    async def prepare(self) -> None:
        await super().prepare()
        raise web.HTTPError(404)


def _log_request(handler: web.RequestHandler) -> None:
    """One line for a call, without its query; those of a balancer that only asks how we are are left out."""
    level = logging.DEBUG if isinstance(handler, Health) and handler.get_status() < 400 else logging.INFO
    request = handler.request
    took = 1000 * request.request_time()
    log.log(level, "%d %s %s (%s) %.1f ms", handler.get_status(), request.method, request.path, request.remote_ip, took)
