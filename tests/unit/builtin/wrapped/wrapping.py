"""A wrapped authenticator without a hub: what the hub is to it is its configuration and a few objects."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from jupyterhub.app import JupyterHub
from jupyterhub.auth import Authenticator
from traitlets.config import Config

from hubauth_core.builtin.wrapped import WrappedAuthenticator
from hubauth_core.types import HubCall, Identity, Request, Secret, SignIn, Transaction


class HubAuthenticator(Authenticator):
    """Stands for the hub's authenticator; bears its name, so that its section reaches it."""

    kept: Any = None

    @property
    def lifecycle(self) -> HubAuthenticator:
        return self

    async def keep_state(self, identity: Identity, state: Mapping[str, Any]) -> None:
        self.kept = (identity.key, state)


class Wrapped:
    """`wrap(cls, ...)` -> a provider; `hub` is the hub's whole configuration."""

    def __init__(self) -> None:
        self.hub = Config()

    def __call__(self, cls: Any, config: Mapping[str, Any] | None = None, name: str = "here", **options: Any) -> Any:
        host = HubAuthenticator(parent=JupyterHub(config=self.hub))
        return WrappedAuthenticator(name, parent=host, authenticator_class=cls, config=config, **options)


def transaction(next_url: str = "") -> Transaction:
    return Transaction(
        provider="here",
        state="s",
        nonce="n",
        verifier=Secret("v"),
        redirect_uri="https://hub.example/hub/auth/here/callback",
        started_at=0,
        next_url=next_url,
    )


def posted(handler: Any = None, **fields: str) -> Request:
    """A form as the browser sends it."""
    return Request(method="POST", form={name: [value] for name, value in fields.items()}, handler=handler)


async def sign_in(provider: Any, username: str = "ann", password: str = "pw", **more: str) -> SignIn:
    answer = await provider.finish_login(posted(username=username, password=password, **more), transaction())
    assert isinstance(answer, SignIn)
    return answer


def hub_user(name: str = "here-ann") -> Any:
    """The hub's user, who has another name than at the source."""
    return SimpleNamespace(name=name, id=4, spawners={})


def call(state: Mapping[str, Any] | None = None, **more: Any) -> HubCall:
    return HubCall(user=hub_user(), state=state, **more)


ANN = Identity(provider="here", subject="ann", username="ann")
