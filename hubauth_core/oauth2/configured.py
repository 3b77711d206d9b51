"""An OAuth 2.0 source as the administrator describes it: options, where they come from, what is wrong with them."""

from __future__ import annotations

import inspect
import os
import time
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import ClassVar, Final

from traitlets import Callable as AnyCallable
from traitlets import Dict, Enum, List, Unicode, Union, default

from ..errors import ConfigError
from ..options import SecretOption, from_environment, read_file, read_secret, variable
from ..provider import reusable
from ..types import Credential, Identity, Transaction
from . import rfc6749, rfc7523, rfc8707
from .client import WITH_SECRET, Client
from .exchanges import fingerprint, parse_exchanges
from .reaching import Reaching

ADDRESSES: Final = (
    *("authorize_url", "token_url", "userinfo_url", "revocation_url", "redirect_url"),
    "logout_redirect_url",
)
"""Options that hold an address."""


class ConfiguredClient(Reaching):
    """The hub as a client of one OAuth 2.0 source, as it is configured."""

    required_options: ClassVar[tuple[str, ...]] = ("client_id", "client_secret")

    default_authorize_url: ClassVar[str] = ""
    default_token_url: ClassVar[str] = ""
    default_userinfo_url: ClassVar[str] = ""
    default_revocation_url: ClassVar[str] = ""
    default_scope: ClassVar[tuple[str, ...]] = ()

    common_variables: ClassVar[tuple[str, str]] = ("", "")
    """Environment variables for client id and secret that are not this provider's alone, "" for none."""

    client_id = Unicode(help="What the source calls this hub.").tag(config=True)
    client_secret = SecretOption(
        help="The secret that goes with `client_id`, where neither `client_secret_file` nor the environment "
        "(`HUBAUTH_<NAME>_CLIENT_SECRET`, `<NAME>` being the provider's) holds it."
    ).tag(config=True)
    client_secret_file = Unicode(help="A file that holds the client secret.").tag(config=True)
    client_authentication = Enum(
        ["basic", "post", "none", "private_key_jwt", "client_secret_jwt"],
        "basic",
        help="How the hub proves itself at the token endpoint: HTTP Basic, fields of the form, not at all (a public "
        "client), or a signed statement.",
    ).tag(config=True)
    private_key_file = Unicode(help="A PEM file with the private key for `private_key_jwt`.").tag(config=True)
    private_key_id = Unicode(help="What the source calls that key (`kid`), where it has several.").tag(config=True)
    scope = List(Unicode(), help="What to ask the source for at a sign-in.").tag(config=True)
    offered_scopes = List(
        Unicode(), help="What a person may grant beside `scope`, for a credential that opens more than a sign-in does."
    ).tag(config=True)
    allowed_scopes = List(
        Unicode(),
        help="Whoever grants the hub all of these may enter. Each must be in `scope` or `offered_scopes`; a source "
        "that says nothing of scopes has granted what was asked for (RFC 6749, section 5.1).",
    ).tag(config=True)
    resource = List(
        Unicode(),
        help="Addresses of the services that the access token is for, where the source wants to be told (RFC 8707).",
    ).tag(config=True)
    exchange = Dict(
        help="Further tokens that the source issues for the person's own one, by a name for each: "
        "`{'kafka': {'audience': 'kafka', 'scope': 'read'}}`. The page about exchanging tokens has all keys."
    ).tag(config=True)
    authorize_url = Unicode(help="Where the browser goes to sign in.").tag(config=True)
    token_url = Unicode(help="Where the hub turns a code into tokens.").tag(config=True)
    userinfo_url = Unicode(help="Where the hub asks who signed in.").tag(config=True)
    revocation_url = Unicode(help="Where the hub says that it does not want a token any more; empty: nowhere.").tag(
        config=True
    )
    username_claim = Union(
        [Unicode(), AnyCallable()],
        default_value="username",
        help="The claim that becomes the username; dots lead into objects. Or a function of all claims that says it.",
    ).tag(config=True)
    subject_claim = Union(
        [Unicode(), AnyCallable()],
        default_value="sub",
        help="The claim that never changes and is never given to somebody else; not a login or an address. Or a "
        "function of all claims that makes such a thing of several.",
    ).tag(config=True)
    groups_claim = Union(
        [Unicode(), AnyCallable()],
        default_value="",
        help="The claim that lists the groups of a person, or a function of all claims that does; empty reads none.",
    ).tag(config=True)
    roles_claim = Union(
        [Unicode(), AnyCallable()],
        default_value="",
        help="The claim that lists the roles of a person (`realm_access.roles`), or a function of all claims that "
        "does; empty reads none. `role_map` says what they are here.",
    ).tag(config=True)
    redirect_url = Union(
        [Unicode(), List(Unicode())],
        default_value="",
        help="The callback address registered at the source, where it is not `<public url>/hub/auth/<name>/callback`; "
        "or several, for a hub that people reach under several names.",
    ).tag(config=True)
    logout_redirect_url = Unicode(
        help="Where the browser goes from the hub's sign-out: an address of the source that signs people out there, or "
        "any other. Empty: where `c.HubAuthenticator.logout_redirect_url` says."
    ).tag(config=True)
    authorize_params = Dict(
        key_trait=Unicode(),
        value_trait=Unicode(),
        help="Further parameters of the authorization request, such as `prompt` or `hd`.",
    ).tag(config=True)
    token_params = Dict(
        key_trait=Unicode(),
        value_trait=Unicode(),
        help="Further fields of the form that turns a code into tokens.",
    ).tag(config=True)
    userinfo_params = Dict(
        key_trait=Unicode(),
        value_trait=Unicode(),
        help="Parameters to add to `userinfo_url`, such as the fields that a source is to tell.",
    ).tag(config=True)
    now: Callable[[], float] = staticmethod(time.time)

    def __init__(self, name: str, **options: object) -> None:
        super().__init__(name, **options)
        if self.client_secret and self.client_secret_file:
            raise ConfigError("client_secret and client_secret_file are both set; keep one of them")
        self._read_environment()
        if self.client_secret_file and not self.client_secret:
            self.client_secret = read_secret("client_secret_file", self.client_secret_file)
        self._private_key = self._load_private_key()
        self.exchanges = parse_exchanges(self.exchange, self.allow_insecure_hosts)
        self.check_options()
        self._resources = {
            key: fingerprint(exchange, self.client_id, exchange.token_url or self.exchange_server)
            for key, exchange in self.exchanges.items()
        }
        self.api = self.new_api()

    @default("authorize_url")
    def _default_authorize_url(self) -> str:
        return self.default_authorize_url

    @default("token_url")
    def _default_token_url(self) -> str:
        return self.default_token_url

    @default("userinfo_url")
    def _default_userinfo_url(self) -> str:
        return self.default_userinfo_url

    @default("revocation_url")
    def _default_revocation_url(self) -> str:
        return self.default_revocation_url

    @default("scope")
    def _default_scope_option(self) -> list[str]:
        return list(self.default_scope)

    @property
    def client(self) -> Client:
        """The hub at the source."""
        return Client(
            id=self.client_id,
            method=self.client_authentication,
            secret=self.client_secret,
            private_key=self._private_key,
            key_id=self.private_key_id,
        )

    @property
    def further_scopes(self) -> Sequence[str]:
        """Scopes that a person may grant beside those of a sign-in."""
        return [scope for scope in dict.fromkeys(self.offered_scopes) if scope not in self.scope]

    @property
    def resources(self) -> Mapping[str, str]:
        """The exchanges by name, and what each stands for."""
        return self._resources

    @property
    def exchange_server(self) -> str:
        """Which server exchanges a token, where an exchange names none."""
        return self.token_url

    @property
    def grants(self) -> bool:
        """Whether any rule here can let somebody in."""
        return super().grants or bool(self.allowed_scopes)

    def admits(self, identity: Identity, scopes: AbstractSet[str]) -> bool:
        """Whether the person has granted all of `allowed_scopes`."""
        return bool(self.allowed_scopes) and scopes >= set(self.allowed_scopes)

    def logout_url(self, credential: Credential | None, return_to: str) -> str | None:
        """Where the browser goes from the hub's sign-out."""
        return self.logout_redirect_url or None

    def asked_scope(self, transaction: Transaction) -> list[str]:
        """What a sign-in asks for: the scope, and what the person is about to grant beside it, each once."""
        return list(dict.fromkeys([*self.scope, *transaction.scopes]))

    def missing_options(self) -> list[str]:
        """The required options that are not set, the secret only where the client authentication has one."""
        missing = [option for option in super().missing_options() if option != "client_secret"]
        if self.client_authentication in WITH_SECRET and not self.client_secret:
            missing.append("client_secret")
        if self.client_authentication == "private_key_jwt" and self._private_key is None:
            missing.append("private_key_file")
        return missing

    def check_options(self) -> None:
        """Look at the options together. Raises ConfigError that names the one that is wrong."""
        self.check_reach()
        for option in ADDRESSES:
            self.check_url(option)
        if isinstance(self.subject_claim, str) and reusable(self.subject_claim):
            raise ConfigError(
                f"subject_claim = {self.subject_claim!r} can pass from one person to another; name the claim that "
                "holds the source's own immutable id"
            )
        self._check_rules()
        for option in ("scope", "offered_scopes"):
            if wrong := [scope for scope in getattr(self, option) if not rfc6749.SCOPE.fullmatch(scope)]:
                raise ConfigError(f"{option}: {wrong[0]!r} is not one scope; a list has an entry for each")
        if problem := rfc8707.problem_with(self.resource):
            raise ConfigError(f"resource: {problem}")
        if any(exchange.via for exchange in self.exchanges.values()) and not self.has_trait("issuer"):
            raise ConfigError("exchange: via = 'broker' needs an issuer; use the type oidc")
        self._check_params()

    def _check_params(self) -> None:
        """What may be added to a request replaces nothing that makes it safe."""
        fixed = {"authorize_params": rfc6749.OURS, "token_params": rfc6749.OF_TOKEN_REQUEST}
        for option, reserved in fixed.items():
            if ours := reserved.intersection(getattr(self, option)):
                raise ConfigError(f"{option} cannot set {', '.join(sorted(ours))}: the sign-in itself does")
        if "access_token" in self.userinfo_params:
            raise ConfigError("userinfo_params cannot set access_token: no token stands in an address")
        if ours := rfc6749.reserved_in(self.authorize_url):
            raise ConfigError(f"authorize_url cannot hold {', '.join(sorted(ours))}: the sign-in itself sets it")

    def _check_rules(self) -> None:
        if wrong := [scope for scope in self.allowed_scopes if scope not in {*self.scope, *self.offered_scopes}]:
            raise ConfigError(f"allowed_scopes: {wrong[0]!r} is never asked for; it is in no scope or offered_scopes")
        for option in ("subject_claim", "username_claim", "groups_claim", "roles_claim"):
            if inspect.iscoroutinefunction(getattr(self, option)):
                raise ConfigError(f"{option} must be a plain function of the claims, not an asynchronous one")

    def _read_environment(self) -> None:
        for option in {*self.required_options, "client_secret"}:
            if not getattr(self, option) and (value := from_environment(self.name, option)):
                self._take(option, value, variable(self.name, option))
        self._read_common_variables()

    def _read_common_variables(self) -> None:
        """The secret only for the client that it stands beside, so that it is not shown to another source."""
        of_id, of_secret = self.common_variables
        client_id, secret = os.environ.get(of_id, "").strip(), os.environ.get(of_secret, "").strip()
        if client_id and not self.client_id:
            self._take("client_id", client_id, of_id)
        same = bool(client_id) and self.client_id == client_id
        if secret and same and not (self.client_secret or self.client_secret_file):
            self._take("client_secret", secret, of_secret)

    def _take(self, option: str, value: str, origin: str) -> None:
        self.log.info("hubauth: %s of provider %r comes from %s", option, self.name, origin)
        setattr(self, option, value)

    def _load_private_key(self) -> rfc7523.PrivateKey | None:
        if not self.private_key_file:
            return None
        try:
            return rfc7523.load_private_key(read_file("private_key_file", self.private_key_file))
        except ValueError as error:
            raise ConfigError(f"the file of 'private_key_file' is {error}: {self.private_key_file}") from None
