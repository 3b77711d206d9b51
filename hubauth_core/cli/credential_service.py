"""`hubauth credential-service`: the REST API outside the hub, in as many processes as it takes."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

import click
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from ..authenticator import HubAuthenticator
from ..errors import ConfigError
from ..service.server import LARGEST_BODY, log
from ..service.start import opened
from .hub_config import config_option, load, needed
from .inspected import Unbuilt, of_hubauth

PORT: Final = 8090


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the service listens, and from where its callers come."""

    ip: str
    port: int
    base_url: str
    behind_proxy: bool


@click.command("credential-service", short_help="Hand out credentials outside the hub, in as many processes as needed.")
@config_option
@click.option(
    "--ip", help="Where to listen. Defaults to what the hub says, for a service that it runs; else 127.0.0.1."
)
@click.option("--port", type=click.IntRange(0, 65535), help=f"Defaults to what the hub says; else {PORT}.")
@click.option("--base-url", help="Path before all addresses. Defaults to what the hub says; else /.")
@click.option("--hub-api-url", envvar="JUPYTERHUB_API_URL", help="The hub's API. Defaults to the configured address.")
@click.option("--behind-proxy", is_flag=True, help="Take callers' addresses from X-Forwarded-For, for the audit trail.")
def credential_service(
    config: Path | None,
    ip: str | None,
    port: int | None,
    base_url: str | None,
    hub_api_url: str | None,
    behind_proxy: bool,
) -> None:
    """Answer the REST API of hubauth as the hub does, from the same configuration and the same databases.

    Any number of these may run behind a balancer, beside the hub; PostgreSQL or MySQL, and the hub's own crypt keys,
    are needed. Whose a token is, the hub says; its word holds for 10 seconds. SIGTERM ends it in good order.
    `health` below the base URL answers 200 while it is well.
    """
    hub = load(needed(config))
    of_hubauth(hub)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)  # its lines for every question to the hub
    hub.init_hub()
    told = urlsplit(os.environ.get("JUPYTERHUB_SERVICE_URL", ""))
    place = Place(
        ip=ip or told.hostname or "127.0.0.1",
        port=next(each for each in (port, told.port, PORT) if each is not None),
        base_url="/" + quote(base_url or os.environ.get("JUPYTERHUB_SERVICE_PREFIX", ""), safe="/%@~").strip("/"),
        behind_proxy=behind_proxy,
    )
    authenticator = Unbuilt(parent=hub, log=log)
    asyncio.run(_serve(authenticator, hub, hub_api_url or hub.hub.api_url, place))


async def _serve(authenticator: HubAuthenticator, hub: Any, hub_api_url: str, place: Place) -> None:
    """Answer until a signal says that it is enough."""
    enough, loop = asyncio.Event(), asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, enough.set)
    async with opened(authenticator, hub, hub_api_url) as service:
        application = service.application(place.base_url)
        server = HTTPServer(application, xheaders=place.behind_proxy, max_body_size=LARGEST_BODY)
        try:
            sockets = bind_sockets(place.port, place.ip)
        except OSError as error:
            raise ConfigError(f"Cannot listen at {place.ip}:{place.port}: {error.strerror}") from error
        server.add_sockets(sockets)
        port = sockets[0].getsockname()[1]
        log.info("hubauth: answers at http://%s:%s%s, asks the hub at %s", place.ip, port, place.base_url, hub_api_url)
        await enough.wait()
        log.info("hubauth: ends when all calls are answered")
        await service.drain(server)
