"""HubAuthenticator, the face that JupyterHub sees: what the hub asks at a sign-in, afterwards, and for its pages."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable
from typing import Any

from jupyterhub.utils import maybe_future, url_path_join

from .auth_model import auth_state, issued, rights, user_info, with_claims
from .building import Building
from .ending import end_access, end_sessions
from .errors import ConfigError, HubAuthError, LoginRefused
from .hub import hub_user
from .hub_rules import applied
from .provider import Provider
from .signin import Admitted
from .staying import Standing
from .types import Decision, Event, HubCall
from .web import session
from .web.api import HANDLERS as API
from .web.connections import HANDLERS as CONNECTIONS
from .web.hub_users import HANDLERS as HUB_USERS
from .web.leaving import HANDLERS as LEAVING
from .web.pages import HANDLERS
from .web.people_api import HANDLERS as PEOPLE


class HubAuthenticator(Building):
    """Signs people in through any number of providers at once."""

    # What the hub asks at a sign-in.

    async def authenticate(self, handler: Any, data: Any = None) -> dict[str, Any] | None:
        """The hub's model of somebody who came through one of our pages; nobody else gets one."""
        admitted = data.get("hubauth") if isinstance(data, dict) else None
        if not isinstance(admitted, Admitted):
            return None
        model = self.model(admitted)
        if admitted.place.linked and self.enable_auth_state:  # it describes the home identity, which decides
            model["auth_state"] = await handler.find_user(admitted.place.name).get_auth_state()
        return model

    def model(self, admitted: Admitted) -> dict[str, Any]:
        """What the hub's `login_user` wants to know about a sign-in."""
        name = admitted.place.name
        kept = auth_state(admitted.sign_in, tokens=self.auth_state_tokens) if self.enable_auth_state else None
        model = {
            "name": name,
            "auth_state": kept,
            "hubauth": admitted,
            **self._rights(applied(self, name, admitted.verdict.decision)),
        }
        if not admitted.place.linked:
            model["user_info"] = user_info(admitted.identity) or None
        return model

    def _rights(self, decision: Decision) -> dict[str, Any]:
        told = rights(decision, groups=self.manage_groups)
        if self.manage_roles:
            told["roles"] = None if decision.roles is None else self.hub_roles.told(decision.roles)
        return told

    def _with_own_roles(self, model: dict[str, Any], *, was_admin: bool) -> dict[str, Any]:
        """The model with the roles that the hub gives by itself, for JupyterHub takes away what it is not told of."""
        if not self.manage_roles or model.get("roles") is None:
            return model
        admin = was_admin if model.get("admin") is None else bool(model["admin"])
        return model | {"roles": self.hub_roles.complete(model["roles"], admin=admin)}

    def normalize_username(self, username: str) -> str:
        """The hub's spelling. `username_map` is not applied here: mapping applies it, once, at the first sign-in."""
        return username.lower()

    async def check_allowed(self, username: str, authentication: Any = None) -> bool:
        """Whether a provider's rule grants, or else one of the hub-wide rules does."""
        admitted = (authentication or {}).get("hubauth")
        if isinstance(admitted, Admitted) and applied(self, username, admitted.verdict.decision).allowed:
            return True
        if super().check_allowed(username, authentication):
            return True
        return await self.system_users.lets_in(username)

    async def run_post_auth_hook(self, handler: Any, auth_model: dict[str, Any]) -> Any:
        """The hub has let them in: the administrator's hook, then what must be there before the hub user is."""
        model = await super().run_post_auth_hook(handler, auth_model)
        await self.system_users.ensure(auth_model["name"])
        if not isinstance(model, dict):
            return model
        admitted = auth_model.get("hubauth")
        known = admitted.place.hub_user if isinstance(admitted, Admitted) else None
        return self._with_own_roles(model, was_admin=known is not None and known.admin)

    async def load_managed_roles(self) -> list[dict[str, Any]]:
        """The roles of `managed_roles`, each time anew: the hub writes into them."""
        if not self.manage_roles:
            return list(await super().load_managed_roles())  # which says so
        return copy.deepcopy(list(self.managed_roles))

    def check_allow_config(self) -> None:
        """Warn if nobody can enter, rules of providers included; stop for a role that is none."""
        if self.manage_roles:
            self.hub_roles.load(self.parent.db)
            try:
                self.hub_roles.check(self.registry.providers)
            except ConfigError as error:
                self.stop_hub(error)
        ruled = [name for name, each in self.registry.providers.items() if each.grants or each.brings_rules]
        if not ruled:
            super().check_allow_config()

    async def welcome(self, handler: Any, admitted: Admitted) -> Any:
        """Sign somebody in at the hub, and record who they are. Raises LoginRefused, ProviderError, StoreError."""
        try:
            applied(self, admitted.place.name, admitted.verdict.decision)
            user = await handler.login_user({"hubauth": admitted})
        except HubAuthError as kept_out:
            raise self.flow.turned_away(admitted, kept_out) from None
        except BaseException:
            refusal = self.flow.turned_away(admitted)
            refusal.code = "hub_failed"
            self.flow.refused(admitted.identity.provider, refusal, address=handler.request.remote_ip or "")
            raise
        if user is None:
            own = self.custom_403_message
            raise self.flow.turned_away(admitted, LoginRefused(own, code="not_allowed") if own else None)
        await self.settle(handler, admitted, user)
        return user

    async def settle(self, handler: Any, admitted: Admitted, user: Any) -> None:
        """Record a sign-in that the hub has accepted. Raises StoreError, and then there is no session."""
        hub = HubCall(user=user, handler=handler, state=admitted.sign_in.state)
        provider, place = admitted.identity.provider, admitted.place
        try:
            self.flow.accepted(admitted, hub_user(user.orm_user))
            if not place.returning:
                await self.registry.ask("hubauth_user_added", provider, identity=admitted.identity, hub=hub)
            elif place.record is not None and place.record.hub_name != user.name:
                old = place.record.hub_name
                await self.registry.ask(
                    "hubauth_user_renamed", provider, identity=admitted.identity, hub=hub, old_name=old
                )
            await self.flow.bind(admitted, hub_user(user.orm_user), address=handler.request.remote_ip or "")
            if not place.linked:
                self.staying.arrived(user)
            session.begin(handler, user, provider, self.public_url)
        except BaseException:
            handler.clear_login_cookie()
            handler._jupyterhub_user = None
            raise

    # What the hub asks and tells afterwards.

    async def refresh_user(self, user: Any, handler: Any = None) -> Any:
        """True, False ("sign in again"), or a new model. A source that does not answer keeps people signed in."""
        if handler is not None:  # 6.1 asks a refused session for it, and has it for tokens only
            vars(handler).setdefault("_token_authenticated", False)
        if not await maybe_future(self.check_blocked_users(user.name)):
            return await self._shut_out(user, "blocked")
        answer = await self.staying.refresh(user, handler)
        if answer is Standing.OUT:
            return await self._shut_out(user, "refused")
        if isinstance(answer, Standing):
            return answer is Standing.UNKNOWN
        try:
            decision = applied(self, user.name, answer.decision)
        except LoginRefused as kept_out:
            return await self._shut_out(user, kept_out.code) if answer.certain else False
        if not (decision.allowed or self.allow_all or await self.check_allowed(user.name)):
            definite = answer.certain and not self.allowed_system_groups  # who keeps those may be out of reach
            return await self._shut_out(user, "not_allowed") if definite else False
        now = self._with_own_roles(self._rights(decision), was_admin=user.admin)
        state = None
        if self.enable_auth_state and answer.said is not None:
            state = with_claims(await user.get_auth_state() or {}, answer.said)
        if state is None and _is_so(user, now):
            return True
        return {"name": user.name, **now} | ({} if state is None else {"auth_state": state})

    async def _shut_out(self, user: Any, reason: str) -> bool:
        """A definite no ends sessions and API tokens, whatever `auth_refresh_strict` says (row 7.4.2); servers go on,
        and their own tokens, which the hub takes from nobody whom it refuses. They get no credential (row V17)."""
        await self.staying.left(user)
        await end_access(self.parent, user.orm_user, servers=False)
        # Last, so that nobody stays because a trail cannot be written.
        self.flow.audit.record(Event(kind="access_ended", hub_user=user.name, reason=reason))
        return False

    async def pre_spawn_start(self, user: Any, spawner: Any) -> None:
        await self.lifecycle.server_starts(user, spawner)
        await self.spawning.equip(hub_user(user.orm_user), spawner)
        if self.auth_state_tokens and self.enable_auth_state:
            await self._renew_auth_state(user)

    async def _renew_auth_state(self, user: Any) -> None:
        """Write the tokens as they are now where a spawner's auth_state_hook reads them."""
        state = await user.get_auth_state() or {}
        credential = await self.lifecycle.credential_behind(user, state.get("provider"), state.get("subject"))
        if credential is not None and not issued(credential).items() <= state.items():
            await user.save_auth_state(state | issued(credential))

    async def post_spawn_stop(self, user: Any, spawner: Any) -> None:
        await self.lifecycle.server_stopped(user, spawner)

    async def add_user(self, user: Any) -> None:
        """At start, for every hub user. Of a new one the provider hears when its sign-in is recorded."""
        if self.create_system_users:
            await self.system_users.ensure(user.name)
        super().add_user(user)
        await self.lifecycle.added(user)

    async def delete_user(self, user: Any) -> None:
        await self.lifecycle.deleted(user)
        super().delete_user(user)

    def end_sessions(self, handler: Any, user: Any) -> None:
        """End every session of a hub user, on the server too (rows V10, 7.4.1)."""
        end_sessions(handler.db, user.orm_user)

    async def goodbye(
        self, handler: Any, user: Any, made_with: str, return_to: Callable[[Provider], str]
    ) -> str | None:
        """End every session of a hub user, and tell the providers; where its browser goes then."""
        self.end_sessions(handler, user)
        await self.lifecycle.logged_out(user, handler)
        way_out = await self.lifecycle.way_out(user, made_with, return_to)
        await self.lifecycle.give_back(user, self.revoke_on_logout)
        return way_out

    # Pages.

    def get_handlers(self, app: Any) -> list[Any]:
        """Our pages, the API, and the providers' own pages below their paths.

        The hub asks once, when it is about to serve; JupyterHub's other commands do not.
        """
        self.work_in_background()
        pages: list[Any] = [*HANDLERS, *LEAVING, *CONNECTIONS, *HUB_USERS, *API, *PEOPLE]
        for name in self.registry.providers:
            for page in self.registry.ask_now("hubauth_pages", name):
                below = f"/api/hubauth/providers/{name}" if page.api else f"/auth/{name}"
                pages.append((rf"{below}/(?:{page.pattern.lstrip('/')})", page.handler, dict(page.options)))
        return pages

    def work_in_background(self) -> None:
        """Begin what goes on for as long as the hub runs; the hub cancels it when it stops."""
        work = (self.revoker.run(), self.renewal.run(), self.lending.run(), self.idle.run())
        self._background = [asyncio.get_running_loop().create_task(each) for each in work]

    def login_url(self, base_url: str) -> str:
        """Where a sign-in begins: at the only provider there is, or at the page with all of them."""
        alone = self.registry.alone
        path = ("auth", alone.name, "login") if alone is not None else ("login",)
        return str(url_path_join(base_url, *path))


def _is_so(user: Any, now: dict[str, Any]) -> bool:
    """Whether the hub has these rights of a user already, so that nothing needs to be written."""
    groups, roles = now.get("groups"), now.get("roles")
    return (
        now["admin"] in (None, user.admin)
        and (groups is None or set(groups) == {group.name for group in user.groups})
        and (roles is None or {role["name"] for role in roles} == {role.name for role in user.roles})
    )
