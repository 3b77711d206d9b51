"""The extension as jupyter_server sees it: options, routes, and the task that keeps token files fresh."""

from __future__ import annotations

import atexit
import os
import re
from typing import Any

from jupyter_server.extension.application import ExtensionApp
from tornado.ioloop import IOLoop
from traitlets import Bool, TraitError, Unicode, validate

from ..client import Client
from ..git.whole_path import spelled_out
from ..token_files import wanted
from .handlers import CredentialHandler, OverviewHandler, StatusPage
from .keeper import Keeper

LOCAL_PATH = re.compile(r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*")

PAGE = "hubauth"


class HubAuthSingleUser(ExtensionApp):
    """In a server that JupyterHub started: a page, an API and files about the tokens of the server's owner."""

    name = "hubauth_singleuser"

    local_path = Unicode(
        "hubauth/tokens",
        help="""Where the API is, below the server's own address: an overview there, a token at
        `<local_path>/<provider>`. TokenExchangeAuthenticator calls it `local_user_exposed_path`.""",
    ).tag(config=True)

    expose_tokens = Bool(
        False,
        help="""Whether the API hands out tokens too, to the server's owner only. Kernels and terminals do not need it:
        they have `hubauth_singleuser.get_token`.""",
    ).tag(config=True)

    keeper: Keeper | None = None

    @validate("local_path")
    def _plain_path(self, proposal: Any) -> str:
        path = str(proposal["value"]).strip("/")
        if not LOCAL_PATH.fullmatch(path) or path == PAGE:
            raise TraitError(
                f"HubAuthSingleUser.local_path = {path!r}: letters, digits, - and _, and not {PAGE!r} alone"
            )
        return path

    def initialize_handlers(self) -> None:
        """Routes, the task, and what terminals and kernels inherit, if JupyterHub started this server."""
        if not os.environ.get("JUPYTERHUB_API_TOKEN"):
            self.log.info("hubauth: not started by JupyterHub, so there are no tokens")
            return
        os.environ.update(spelled_out(os.environ))  # terminals and kernels inherit it
        client = Client()
        known = {"client": client, "owner": os.environ.get("JUPYTERHUB_USER", "")}
        self.handlers.extend(
            [
                (rf"/{PAGE}/?", StatusPage, known),
                (rf"/{self.local_path}/?", OverviewHandler, known),
                (rf"/{self.local_path}/([^/]+)", CredentialHandler, known | {"exposed": self.expose_tokens}),
            ]
        )
        self._keep_files(client)

    def _keep_files(self, client: Client) -> None:
        try:
            files = wanted(os.environ)
        except ValueError as error:
            self.log.error("hubauth: %s; no token files are written", error)
            return
        self.keeper = Keeper(files, client, self.log)
        IOLoop.current().add_callback(self.keeper.start)
        # a server that is interrupted, as JupyterHub's own spawners do it, stops no extension
        atexit.register(self.keeper.remove)

    async def stop_extension(self) -> None:
        """End the task, and take the files away."""
        if self.keeper is not None:
            await self.keeper.stop()
