"""What answers in JSON has in common: nothing is kept, nothing is tagged, and no word of the caller is repeated."""

from __future__ import annotations

import json
from typing import Any

from jupyterhub.utils import maybe_future
from tornado import web

from .api_answers import Reply, refusal_of_status
from .document import Described
from .openapi import describe


class JSONHandler(web.RequestHandler):
    """A base to mix in before a handler of the hub, or to use as it is."""

    allowed = "GET"
    """Methods that are answered."""

    async def prepare(self) -> None:
        # The query may hold an address with a password in it, and logs write the address; it was parsed already.
        self.request.uri = self.request.path
        await maybe_future(super().prepare())

    def set_default_headers(self) -> None:
        super().set_default_headers()
        self.set_header("Cache-Control", "no-store")
        self.set_header("Content-Type", "application/json")
        self.set_header("X-Content-Type-Options", "nosniff")

    def compute_etag(self) -> None:
        """None: it would be a digest of a token."""

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        if status_code == 405:
            self.set_header("Allow", self.allowed)
        self.reply(refusal_of_status(status_code))

    def reply(self, reply: Reply) -> None:
        self.set_status(reply.status)
        for name, value in reply.headers.items():
            self.set_header(name, value)
        self.finish(json.dumps(reply.body))


class Description(JSONHandler):
    """The description of the API, for everybody: it holds nothing of a hub but an address."""

    async def get(self) -> None:
        self.reply(Reply(200, self.describe(self.base())))

    def describe(self, base_url: str) -> Described:
        return describe(base_url)

    def base(self) -> str:
        """Where the API is: the path asked for, without the name of this document."""
        return self.request.path.rpartition("/")[0]
