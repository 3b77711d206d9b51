"""Ending what a hub user has open: sessions, API tokens, servers. The hub itself has no list of single sessions."""

from __future__ import annotations

import asyncio
from typing import Any

from jupyterhub.orm import APIToken, new_token
from jupyterhub.utils import maybe_future


def end_sessions(session: Any, row: Any) -> None:
    """End every session of a hub user's row, on the server too (rows V10, 7.4.1). `session` is the hub's database's."""
    row.cookie_id = new_token()
    # The hub itself takes away those of the browser at hand; with the others one could still enter the servers.
    for token in session.query(APIToken).filter(APIToken.user_id == row.id, APIToken.session_id.is_not(None)):
        session.delete(token)
    session.commit()


async def end_access(app: Any, row: Any, *, servers: bool = True) -> None:
    """End every session, API token and server of a hub user; or let the servers go on, with the tokens they live by.

    `app` is the running hub. The tokens are gone before the first server is waited for.
    """
    end_sessions(app.db, row)
    user = app.users[row.id]
    kept = (
        set() if servers else {found.id for each in user.spawners.values() if (found := _lives_by(app.db, row, each))}
    )
    for token in app.db.query(APIToken).filter(APIToken.user_id == row.id, APIToken.id.not_in(kept)):
        app.db.delete(token)
    app.db.commit()
    if servers:
        await _stop_servers(app, user)


def _lives_by(session: Any, row: Any, spawner: Any) -> Any:
    """The token of a server. After a restart of the hub only its note tells, which people can write, too: theirs are
    from after the start of the server, or from before the one that was made for it."""
    if spawner.api_token:
        return APIToken.find(session, spawner.api_token)
    known = spawner.orm_spawner
    if known.server is None or known.started is None:
        return None
    mine = session.query(APIToken).filter_by(user_id=row.id, note=f"Server at {known.server.base_url}")
    return mine.filter(APIToken.created <= known.started).order_by(APIToken.created.desc()).first()


async def delete_hub_user(app: Any, row: Any) -> None:
    """Delete a hub user as `DELETE /users/{name}` does, with tokens and servers."""
    await end_access(app, row)
    user = app.users[row.id]
    await maybe_future(app.authenticator.delete_user(user))
    await user.delete_spawners()
    app.users.delete(user)


async def _stop_servers(app: Any, user: Any) -> None:
    for name, spawner in list(user.spawners.items()):
        if spawner.pending == "spawn" and spawner._spawn_future is not None:
            spawner._spawn_future.cancel()
            await asyncio.wait([spawner._spawn_future], timeout=5)
        if spawner.active and not spawner._stop_pending:
            spawner._stop_pending = True
            try:
                await app.proxy.delete_user(user, name)
                await user.stop(name)
            finally:
                spawner._stop_pending = False
