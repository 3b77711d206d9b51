"""The frozen values that pass between the hub, the core and the plugins."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from markupsafe import Markup

NOTHING: Mapping[str, Any] = MappingProxyType({})
"""An empty mapping that nobody can write to."""


def _nothing() -> Mapping[str, Any]:
    return NOTHING


class Secret:
    """A string that never prints itself: `repr`, `str`, formatting and pickling do not show it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The text itself; call it only where it leaves for the party it is meant for."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("a Secret is not pickled")


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Who a provider says somebody is.

    `subject` is the provider's immutable id of the person (OIDC `sub`, GitHub's numeric `id`), never a login name or an
    address (security row V16). `provider` is stamped by the core; what a plugin writes there does not count.
    `groups` and `roles` are called as the provider calls them, None where it does not say. `claims` is what it said,
    kept for `auth_state`.
    """

    subject: str
    username: str
    provider: str = ""
    name: str | None = None
    email: str | None = None
    email_verified: bool = False
    groups: frozenset[str] | None = None
    roles: frozenset[str] | None = None
    avatar: str | None = None
    claims: Mapping[str, Any] = field(default_factory=_nothing, repr=False, compare=False)

    @property
    def key(self) -> tuple[str, str]:
        """What identifies the person: (provider, subject), compared byte by byte."""
        return (self.provider, self.subject)


@dataclass(frozen=True, kw_only=True)
class Credential:
    """What a provider issued for an identity and a resource ("" is the provider's own API). Times are Unix seconds."""

    access_token: Secret
    refresh_token: Secret | None = None
    id_token: Secret | None = None
    token_type: str = "Bearer"
    scopes: frozenset[str] = frozenset()
    expires_at: float | None = None
    resource: str = ""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What the rules say of one sign-in: may they enter, are they admin, in which groups and roles of the hub.

    `admin`, `groups` and `roles` of None leave what the hub has.
    """

    allowed: bool
    admin: bool | None = None
    groups: frozenset[str] | None = None
    roles: frozenset[str] | None = None


@dataclass(frozen=True, kw_only=True)
class SignIn:
    """What a provider hands back at the end: an identity and the credentials that came with it.

    `decision` is set by a provider that brings rules of its own (a wrapped authenticator); `state` is what such a
    provider wants back at refresh, kept encrypted.
    """

    identity: Identity
    credentials: tuple[Credential, ...] = ()
    decision: Decision | None = None
    state: Mapping[str, Any] | None = field(default=None, repr=False)

    @property
    def scopes(self) -> frozenset[str]:
        """Every scope that was granted."""
        return frozenset[str]().union(*(credential.scopes for credential in self.credentials))


@dataclass(frozen=True, kw_only=True)
class Transaction:
    """One sign-in under way, bound to the browser that began it and used once.

    `redirect_uri` is the provider's own callback address. `scopes` is what to ask for beside the provider's own scope.
    `anew` wants the source to ask the person again even if it knows them. `bound_to` names the hub user and the session
    that a link was begun by; "" for a sign-in. `memo` is a provider's own small notes from `begin_login` to
    `finish_login` (at most 1 KiB as JSON), for example the issuer it sent the browser to.
    """

    provider: str
    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: Secret
    redirect_uri: str
    started_at: float
    next_url: str = ""
    purpose: Literal["login", "link"] = "login"
    scopes: tuple[str, ...] = ()
    anew: bool = False
    bound_to: str = ""
    memo: Mapping[str, str] = field(default_factory=_nothing)


@dataclass(frozen=True, kw_only=True)
class Request:
    """What the browser sent, as plain values.

    `query` and `form` map a name to all its values, in order. `handler` is JupyterHub's request handler; only
    providers that wrap the hub's own code look at it.
    """

    method: str = "GET"
    query: Mapping[str, Sequence[str]] = field(default_factory=_nothing, repr=False)
    form: Mapping[str, Sequence[str]] = field(default_factory=_nothing, repr=False)
    address: str = ""
    handler: Any = field(default=None, repr=False, compare=False)

    def one(self, name: str) -> str | None:
        """The only value of a query parameter; None if it is absent. Raises ValueError if it came more than once."""
        values = self.query.get(name, ())
        if len(values) > 1:
            raise ValueError(f"{name} was given {len(values)} times")
        return values[0] if values else None


@dataclass(frozen=True, kw_only=True)
class Redirect:
    """Send the browser to the source, with `fields` as a form that it posts. `memo` goes into the transaction."""

    url: str = field(repr=False)
    fields: Mapping[str, str] = field(default_factory=_nothing, repr=False)
    memo: Mapping[str, str] = field(default_factory=_nothing)


@dataclass(frozen=True, kw_only=True)
class Field:
    """One input of a form. `type`, `autocomplete` and `inputmode` are HTML's; `value` stands in it at first.

    A `checkbox` sends `value` where it is ticked, or `on`.
    """

    name: str
    label: str
    type: str = "text"
    autocomplete: str = "off"
    required: bool = True
    value: str = ""
    inputmode: str = ""


@dataclass(frozen=True, kw_only=True)
class Button:
    """A further button of a form: sends it with `name=value`, whatever is filled in.

    With `needs_script` it is hidden until a script of the form shows it.
    """

    name: str
    value: str
    label: str
    needs_script: bool = False


@dataclass(frozen=True, kw_only=True)
class Form:
    """A form to show. `html` replaces the fields by markup that the administrator's own configuration brings.

    `text` stands above the fields, and `error`, which says what was wrong with the answer before; `inside` is markup of
    the provider's own between the fields and the button, `more` what follows the form, and `script` the address of a
    script below the hub that it needs. `memo` goes into the transaction, which a form of a second step needs.
    """

    fields: tuple[Field, ...] = ()
    submit: str = "Sign in"
    buttons: tuple[Button, ...] = ()
    text: str = ""
    error: str = ""
    html: Markup | None = None
    inside: Markup | None = None
    more: Markup | None = None
    script: str = ""
    memo: Mapping[str, str] = field(default_factory=_nothing)


PASSWORD_FORM = Form(
    fields=(
        Field(name="username", label="Username", autocomplete="username"),
        Field(name="password", label="Password", type="password", autocomplete="current-password"),
    )
)
"""What most form providers ask for."""


@dataclass(frozen=True)
class Challenge:
    """A plugin wants one more step before a sign-in counts: a form, whose answer only that plugin gets to see."""

    form: Form


@dataclass(frozen=True)
class Fresh:
    """The credential is still good as it is."""


@dataclass(frozen=True)
class Rotated:
    """The credential was renewed; the old one must not be used again."""

    credential: Credential


@dataclass(frozen=True)
class Unchanged:
    """The source confirms the identity as it is recorded."""


@dataclass(frozen=True)
class Updated:
    """The source confirms the identity; its claims, groups or rights are these now."""

    identity: Identity
    decision: Decision | None = None
    state: Mapping[str, Any] | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Refused:
    """The source, or the provider's rules, say no for good."""

    reason: str


@dataclass(frozen=True)
class ReauthRequired:
    """Only a new sign-in can help: what was issued has run out (`expired`), or the source has taken it back."""

    reason: str = "expired"


@dataclass(frozen=True)
class Unavailable:
    """The source does not answer now; nothing is known."""

    retry_after: float | None = None


@dataclass(frozen=True, kw_only=True)
class HubUser:
    """JupyterHub's user as far as hubauth knows it. `id` may be reused by a database; (`id`, `created`) is not."""

    id: int
    name: str
    created: float
    admin: bool = False
    roles: frozenset[str] = frozenset()

    @property
    def has_special_rights(self) -> bool:
        """An administrator, or somebody with a role beyond the one that every user has."""
        return self.admin or not self.roles <= {"user"}


@dataclass(frozen=True, kw_only=True)
class HubCall:
    """What the hub has at hand when it calls about a user; only providers that wrap hub code look inside.

    `user`, `handler` and `spawner` are JupyterHub's objects and may be None. `state` is what the provider kept of the
    sign-in (`SignIn.state`), None where nothing is stored.
    """

    user: Any = None
    handler: Any = field(default=None, repr=False)
    spawner: Any = field(default=None, repr=False)
    state: Mapping[str, Any] | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class Page:
    """A page of a provider's own below `/hub/auth/<name>/`: a regular expression, a tornado handler, its options.

    With `api` it is a resource for programs, below `/hub/api/hubauth/providers/<name>/`.
    """

    pattern: str
    handler: type[Any]
    options: Mapping[str, Any] = field(default_factory=_nothing)
    api: bool = False


@dataclass(frozen=True, kw_only=True)
class Entry:
    """An entry in the hub's navigation: a page of a provider's own, for whoever holds one of the scopes, filtered or
    not. It stands where the hub's page frame is ours."""

    label: str
    path: str
    scopes: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something worth an audit line: what happened, to whom, why. Carries no secret.

    `kind` is a word such as `login`, `login_refused`; `reason` is a code, empty where all went well. `actor` is who did
    it, where that is not the hub user: a service, an administrator. `resource` is what a credential was asked for.
    """

    kind: str
    provider: str = ""
    reason: str = ""
    subject: str = ""
    username: str = ""
    hub_user: str = ""
    actor: str = ""
    resource: str = ""
    address: str = ""
    time: float = 0.0


RefreshedCredential = Fresh | Rotated | ReauthRequired | Unavailable
RefreshedIdentity = Unchanged | Updated | Refused | ReauthRequired | Unavailable
Step = Redirect | Form
Answered = Mapping[str, Sequence[str]]
"""The fields of a form that a person has filled in: name -> values."""
