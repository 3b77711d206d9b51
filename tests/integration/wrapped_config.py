"""The configuration of a hub whose providers are wrapped authenticators; the hub reads it as jupyterhub_config.py.

`HOUSES`, a mapping of provider name to issuer, is set above it.
"""
# mypy: ignore-errors

import pamela
from jupyterhub.auth import Authenticator, DummyAuthenticator
from jupyterhub.handlers.base import BaseHandler
from jupyterhub.handlers.login import LoginHandler, LogoutHandler

c.JupyterHub.authenticator_class = "hubauth"  # noqa: F821
c.JupyterHub.cookie_max_age_days = 1  # noqa: F821
c.Authenticator.admin_users = {"dummy-boss"}  # noqa: F821
c.Authenticator.allow_all = True  # noqa: F821
c.Authenticator.username_map = {"ann": "mapped-by-the-hub"}  # noqa: F821


def authenticate(username, password, **options):
    if password != f"password of {username}":
        raise pamela.PAMError("no")


pamela.authenticate = authenticate
pamela.check_account = lambda *args, **options: None


class Witness(DummyAuthenticator):
    """Says in the log which calls it gets, and about whom."""

    def authenticate(self, handler, data):
        return {"name": data["username"], "auth_state": {"kept": "at sign-in"}}

    def add_user(self, user):
        super().add_user(user)
        self.log.info("witness add_user %s", user.name)

    def delete_user(self, user):
        super().delete_user(user)
        self.log.info("witness delete_user %s", user.name)

    async def pre_spawn_start(self, user, spawner):
        spawner.environment["FROM_THE_SOURCE"] = user.name
        state = await user.get_auth_state() or {}
        spawner.environment["STATE"] = state.get("kept", "")
        await user.save_auth_state({"kept": "before the server"})

    def post_spawn_stop(self, user, spawner):
        self.log.info("witness post_spawn_stop %s", user.name)

    async def refresh_user(self, user, handler=None):
        state = await user.get_auth_state() or {}
        self.log.info("witness refresh_user %s %s", user.name, state.get("kept"))
        return user.name != "dropped"


class Leaving(LogoutHandler):
    """Tells the source, and shows a page of its own."""

    async def handle_logout(self):
        user = self.current_user
        if user:
            self.log.info("leaving %s %s", user.name, await user.get_auth_state())

    async def render_logout_page(self):
        self.write("goodbye")


class Leaver(DummyAuthenticator):
    async def authenticate(self, handler, data):
        return {"name": data["username"], "auth_state": {"kept": "to leave"}}

    def get_handlers(self, app):
        return [("/login", LoginHandler), ("/logout", Leaving)]


class Badges(DummyAuthenticator):
    """Asks for a badge beside the name, in markup of its own."""

    def get_custom_html(self, base_url):
        return '<input name="username"><input name="badge">'

    async def authenticate(self, handler, data):
        return data["username"] if data.get("badge") == "b-7" else None


class FromHeader(Authenticator):
    """A proxy in front has authenticated."""

    auto_login = True

    async def authenticate(self, handler, data):
        return handler.request.headers.get("X-Remote-User") or None


class Bypass(BaseHandler):
    def get(self):
        user = self.user_from_username("root")
        self.set_login_cookie(user)
        self.redirect(self.get_next_url(user))


class BypassAfter(BaseHandler):
    async def get(self):
        model = await self.authenticate({"username": "root"})
        self.set_login_cookie(await self.auth_to_user(model))


class BypassKnown(BaseHandler):
    def get(self):
        self.set_hub_cookie(self.find_user(self.get_argument("victim")))


class Rogue(Authenticator):
    """Signs people in past JupyterHub's own steps."""

    def get_handlers(self, app):
        return [("/login", Bypass), ("/second", BypassAfter), ("/third", BypassKnown)]

    async def authenticate(self, handler, data):
        return data["username"]


class OwnLogin(LoginHandler):
    def get_next_url(self, user=None):
        return self.get_argument("to", None) or super().get_next_url(user)


class OwnPages(DummyAuthenticator):
    """Brings a sign-in page of its own, and another page."""

    def get_handlers(self, app):
        return [("/login", OwnLogin), ("/who", Who)]

    def get_custom_html(self, base_url):
        return (
            '<form action="{{ authenticator_login_url }}" method="post"><input name="_xsrf" value="{{ xsrf }}">'
            '<input name="username" value="{{ username }}"><input name="password"></form>'
        )


class Who(BaseHandler):
    def get(self):
        self.set_cookie("note", "plain")
        self.set_secure_cookie("signed", "text", path="/elsewhere")
        user = self.current_user.name if self.current_user else None
        same = self.settings["authenticator"] is self.authenticator
        self.write({"user": user, "class": self.authenticator.__class__.__name__, "same": same})


def house(name):
    issuer = HOUSES[name]  # noqa: F821
    return {
        "type": "authenticator",
        "authenticator_class": "generic-oauth",
        "config": {
            "client_id": f"client-of-{name}",
            "client_secret": f"canary-secret-of-{name}",
            "login_service": f"The {name} house",
            "authorize_url": f"{issuer}/authorize",
            "token_url": f"{issuer}/token",
            "userdata_url": f"{issuer}/userinfo",
            "username_claim": "preferred_username",
            "scope": ["openid"],
            "allow_all": True,
        },
    }


def wrapped(cls, **options):
    return {"type": "authenticator", "authenticator_class": cls, "reusable_names": True, **options}


c.HubAuthenticator.providers = {  # noqa: F821
    "red": house("red"),
    "blue": house("blue"),
    "dummy": wrapped("dummy", config={"admin_users": {"chief"}, "blocked_users": {"blocked"}}),
    "pam": wrapped("pam", config={"allowed_users": {"daemon"}}),
    "witness": wrapped(Witness),
    "leaver": wrapped(Leaver),
    "badges": wrapped(Badges),
    "header": wrapped(FromHeader, config={"allow_all": True}),
    "rogue": wrapped(Rogue, config={"allow_all": True}),
    "pages": wrapped(OwnPages),
    "lti": {
        "type": "authenticator",
        "authenticator_class": "ltiauthenticator.LTIAuthenticator",
        "config": {"consumers": {"campus": "campus-secret"}, "username_key": "lis_person_sourcedid", "allow_all": True},
    },
}
