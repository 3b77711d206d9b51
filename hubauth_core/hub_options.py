"""The options of `c.HubAuthenticator`, beside JupyterHub's own of `c.Authenticator`."""

from __future__ import annotations

from jupyterhub.auth import Authenticator
from traitlets import Bool, Dict, Enum, Float, Int, List, Set, Unicode, default


class HubOptions(Authenticator):  # type: ignore[misc]  # jupyterhub is untyped
    """What an administrator can set for the authenticator as a whole."""

    providers = Dict(
        key_trait=Unicode(),
        help="The providers: a name that never changes -> its options. `type` defaults to the name; the order is the "
        "order on the sign-in page. Where it is empty, every installed type whose required options are set becomes a "
        "provider of its own name.",
    ).tag(config=True)
    plugins = List(
        Unicode(),
        help="Cross-cutting plugins to load (entry points of the group `hubauth.plugins`), in the order of calls.",
    ).tag(config=True)
    on_broken_provider = Enum(
        ["stop", "disable"],
        "stop",
        help="What to do at start with a provider that is misconfigured or broken: stop the hub with a message, or "
        "start without it.",
    ).tag(config=True)
    db_url = Unicode(
        help="hubauth's own database. Defaults to `hubauth.sqlite` beside the hub's SQLite file, or to the hub's "
        "database if that is PostgreSQL or MySQL."
    ).tag(config=True)
    upgrade_db = Bool(False, help="Upgrade hubauth's database at start, if an older version made it.").tag(config=True)
    hook_timeout = Float(30, min=1, help="Seconds after which a call of a plugin counts as failed.").tag(config=True)
    oauth_callback_provider = Unicode(
        help="The provider that OAuthenticator's addresses belong to, `/hub/oauth_callback` and `/hub/oauth_login`, so "
        "that nothing has to be registered anew at its source. Empty: nobody's."
    ).tag(config=True)
    audit_log = Unicode(help="A file that takes every sign-in and every refusal, one JSON object a line.").tag(
        config=True
    )
    audit_required = Bool(True, help="Refuse a sign-in that cannot be written to `audit_log`.").tag(config=True)
    recent_sign_in = Float(
        900,
        min=60,
        help="Seconds after a sign-in within which people may connect and disconnect identities; later they are asked "
        "to sign in once more.",
    ).tag(config=True)
    logout_redirect_url = Unicode(help="Where the browser goes after a sign-out, in place of the sign-in page.").tag(
        config=True
    )
    session_idle = Float(
        0,
        min=0,
        help="Seconds after which all sessions of somebody end who was not seen meanwhile, neither on the hub's pages "
        "nor at a server (an open tab of one counts); accurate to about a minute. 0 leaves them until they are over.",
    ).tag(config=True)
    revoke_on_logout = Bool(
        False,
        help="Have providers take back at sign-out what they issued for the user, connected identities included. "
        "The user's servers get no token then before the next sign-in.",
    ).tag(config=True)
    auth_state_tokens = Bool(
        False,
        help="Put tokens into auth_state as OAuthenticator does (`access_token`, `id_token`, `scope`, "
        "`<provider>_user`), for code that expects them there.",
    ).tag(config=True)

    git_credential_helper = Bool(
        False,
        help="Let git in a user's server open private repositories with the user's own credentials (`git_urls` of the "
        "providers). The server needs `hubauth-singleuser`.",
    ).tag(config=True)
    spawner_environment = Dict(
        key_trait=Unicode(),
        value_trait=Unicode(),
        help="Variables to give every server: name -> `provider` or `provider/resource`. Each holds a token that is "
        "fresh when the server starts, and is not renewed there.",
    ).tag(config=True)
    spawner_files = Dict(
        key_trait=Unicode(),
        value_trait=Unicode(),
        help="Files to keep in every server: path -> `provider` or `provider/resource`. `hubauth-singleuser` writes "
        "them there and keeps them fresh.",
    ).tag(config=True)

    renew_ahead = Float(
        0,
        min=0,
        help="Seconds before their expiry at which credentials of people with a running server are renewed in the "
        "background; 0 renews them when they are asked for.",
    ).tag(config=True)
    credential_rate_limit = Int(
        600,
        min=0,
        help="How often one token may call the REST API in a minute, and at once; 0 for as often as it likes.",
    ).tag(config=True)
    credential_api_url = Unicode(
        help="Where servers ask for credentials, in place of the hub: the address of `hubauth credential-service`. It "
        "is their `HUBAUTH_API_URL`."
    ).tag(config=True)

    allowed_groups = Set(
        Unicode(),
        help="Groups of the hub whose members may enter, whatever provider says so. Needs `manage_groups`, as the next "
        "two do.",
    ).tag(config=True)
    required_groups = Set(
        Unicode(), help="Groups of the hub of which everybody who enters must be in each, under `allow_all` too."
    ).tag(config=True)
    admin_groups = Set(
        Unicode(),
        help="Groups of the hub whose members may enter and are administrators. Where it is set, who is in none is no "
        "administrator, unless `admin_users`, here or of their provider, says so.",
    ).tag(config=True)
    managed_roles = List(
        Dict(),
        help="Roles that there are for providers to give (`role_map`), in the form of `c.JupyterHub.load_roles`. Needs "
        "`manage_roles`. With `reset_managed_roles_on_startup` any other role that a provider gave goes at a start.",
    ).tag(config=True)
    custom_403_message = Unicode(
        help="What people read whom no rule lets in; hubauth's own sentence where it is empty."
    ).tag(config=True)

    create_system_users = Bool(
        False,
        help="Make a user of this machine for each hub user who has none, under the hub username. Who has the name of "
        "a system account (uid below 1000) is refused.",
    ).tag(config=True)
    require_system_users = Bool(
        False, help="Let in only people whose hub username is a user of this machine, other than a system account."
    ).tag(config=True)
    add_user_cmd = List(
        Unicode(),
        help="The command that makes a user, as a list; `USERNAME` in it stands for the name, which also comes last. "
        "Empty is JupyterHub's own: `adduser` without a password.",
    ).tag(config=True)
    uids = Dict(
        key_trait=Unicode(), value_trait=Int(), help="Uids for new users of the machine: hub username -> uid."
    ).tag(config=True)
    allowed_system_groups = Set(
        Unicode(), help="Groups of this machine (not of the hub) whose members may enter, by their hub username."
    ).tag(config=True)

    @default("allow_existing_users")
    def _people_can_be_removed(self) -> bool:
        # JupyterHub's default would go on allowing whoever was allowed once.
        return False

    @default("auth_refresh_strict")
    def _refusals_hold_for_tokens(self) -> bool:
        return True
