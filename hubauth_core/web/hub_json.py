"""What answers in JSON inside the hub: a refusal, and a database that fails under the work, have an answer too."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from jupyterhub.apihandlers.base import APIHandler
from sqlalchemy.exc import SQLAlchemyError

from ..errors import HubAuthError, StoreError
from .api_answers import Reply, refusal
from .json_handler import JSONHandler


class HubJSONHandler(JSONHandler, APIHandler):  # type: ignore[misc]  # jupyterhub is untyped
    """A resource of the hub."""

    def let_in(self) -> None:
        """Look at who calls. Raises HubAuthError; by default nobody is turned away here."""

    async def answer(self, work: Callable[..., Awaitable[Reply]], *named: str) -> None:
        """What the work brings, or why it did not come about. `named`: what the path names."""
        try:
            self.let_in()
            reply = await work(*named)
        except HubAuthError as error:
            reply = refusal(error)
        except SQLAlchemyError as error:
            self.log.error("hubauth: the hub's database: %s", type(error).__name__)
            self.db.rollback()
            reply = refusal(StoreError("The database of this hub does not answer; try again."))
        self.reply(reply)
