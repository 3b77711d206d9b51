"""Provider: one configured source of sign-ins; the class that a plugin's provider type extends.

Its hook implementations are final and call the plain methods below them, so that an author overrides plain methods and
never meets pluggy, which drops an override without its marker silently.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import ClassVar, Final, Literal, final

from traitlets import Bool, Dict, Enum, List, TraitError, Unicode, Union, default, validate
from traitlets.utils.bunch import Bunch

from .core import Core
from .errors import LoginRefused
from .hookspecs import hookimpl
from .rule_options import RuleOptions, is_lookalike
from .schema import Schema
from .types import (
    NOTHING,
    Answered,
    Challenge,
    Credential,
    Entry,
    Fresh,
    HubCall,
    Identity,
    Page,
    RefreshedCredential,
    RefreshedIdentity,
    Request,
    SignIn,
    Step,
    Transaction,
    Unchanged,
)
from .urls import base_of

REUSABLE: Final = frozenset(
    {
        "email", "e-mail", "email_address", "mail", "login", "login_name", "preferred_username", "upn", "username",
        "user_name", "name", "nickname", "displayname", "display_name", "unique_name", "samaccountname",
        "emailaddress", "preferredusername", "screen_name", "userprincipalname", "user_principal_name", "eppn",
    }
)  # fmt: skip
"""Claims that a source lets people change or hands on to others: never a subject (row V16)."""


def reusable(path: str) -> bool:
    """Whether a path names something that can pass from one person to another."""
    return path.rsplit(".", 1)[-1].lower() in REUSABLE


def pin_of(provider: Provider, username: str) -> str:
    """What a sign-in pins to its subject: a look-alike takes nothing from the name that it looks like (row V38)."""
    return username if is_lookalike(username) else provider.normalize_username(username)


class Provider(RuleOptions):
    """One configured source of sign-ins. `name` never changes: it is half of every identity's key.

    An author sets `title`, `presentation` and `required_options`, adds traits tagged `config=True`, and overrides
    `begin_login` and `finish_login`; everything else has a sensible answer.
    """

    title: ClassVar[str] = ""
    """What the source is called, where the administrator sets no `label`."""

    presentation: Literal["button", "form"] = "button"
    """How the sign-in page shows it: a button that leads to the source, or a form of our own."""

    brings_rules: ClassVar[bool] = False
    """Whether the source decides by rules of its own who may enter; then `SignIn.decision` says what it decided."""

    keeps_people: ClassVar[bool] = False
    """Whether its people are kept here, so that `refresh_identity` answers at once, without a credential and without
    anything of the hub. It is asked then whenever one of them comes in by another way, too."""

    needs_credential: bool = False
    """Whether `refresh_identity` can say something only with a credential; of whom none is stored, it is not asked."""

    by_itself: ClassVar[bool] = True
    """Whether it becomes a provider where none is configured, as soon as it is installed and lacks no option."""

    required_options: ClassVar[tuple[str, ...]] = ()
    """Options without which the provider cannot start."""

    templates: ClassVar[Path | None] = None
    """The folder of the templates of its own pages; `page.html` and all of hubauth's are there to build on."""

    account_page: ClassVar[str] = ""
    """The page of its own, below its path, where people look after their account; `/hub/connections` leads there."""

    schema: ClassVar[Schema | None] = None
    """Tables of its own, which `Core.store` opens; `hubauth upgrade-db` upgrades them too."""

    ends_here: bool = True
    """Whether a sign-in that begins on our pages ends there. One that ends on a page of the source's own code is at its
    end by then: it cannot go on with a further step, and cannot connect an identity to somebody who is signed in."""

    only_connects: bool = False
    """Whether its accounts sign nobody in, and can only be connected to somebody who is signed in."""

    open_to_anybody: bool = False
    """Whether anybody in the world can have an account there: `hubauth check` warns of `allow_all` then."""

    answers_by_post: ClassVar[bool] = False
    """Whether an answer of the source may come as a form, which the browser posts here from the source's own page."""

    git_username: ClassVar[str] = "oauth2"
    """The username that goes with an access token where git asks for a password."""

    label = Unicode(help="What the sign-in page calls this provider. Defaults to the type's own title.").tag(
        config=True
    )
    icon = Unicode(
        help="A brand icon that comes with the hub's Font Awesome ('github', 'gitlab', 'google', ...), or the "
        "address of an image. Empty shows none."
    ).tag(config=True)
    enabled = Bool(True, help="False takes the provider out of service; the identities of its people are kept.").tag(
        config=True
    )
    username_prefix = Unicode(
        None,
        allow_none=True,
        help="What hub usernames of this provider begin with. Defaults to nothing with one provider, and to "
        "`<name>-` with several.",
    ).tag(config=True)
    username_map = Dict(
        key_trait=Unicode(),
        value_trait=Unicode(),
        help="Hub usernames (without prefix) for usernames of this provider; applied once, at the first sign-in.",
    ).tag(config=True)
    adopt = Union(
        [Enum(["existing"]), List(Unicode())],
        default_value=[],
        help="Hub users without identity that a first sign-in here may take over: a list of hub usernames, or "
        "'existing' for all that are older than hubauth (administrators and holders of roles only by name).",
    ).tag(config=True)
    first_login = Enum(
        ["create", "choose", "link", "refuse"],
        "create",
        help="What becomes of somebody who signs in here for the first time: `create` gives a hub user by the rule for "
        "names; `choose` lets the person pick a free name, which gets this provider's prefix; `link` connects to a hub "
        "user whom the person proves to be by signing in another way; `refuse` lets nobody new in.",
    ).tag(config=True)
    linkable = Bool(
        True, help="Whether hub users may connect an identity of this provider to their own, as another way in."
    ).tag(config=True)
    revoke_on_logout = Bool(
        None,
        allow_none=True,
        help="Whether the source takes back at a sign-out what it issued for the user. Defaults to "
        "`c.HubAuthenticator.revoke_on_logout`.",
    ).tag(config=True)
    git_urls = List(
        Unicode(),
        help="Addresses (`https://host` or `https://host/path`) below which this provider's credential opens git "
        "repositories; `[]` for none.",
    ).tag(config=True)

    name: str

    @validate("git_urls")
    def _git_bases(self, proposal: Bunch) -> list[str]:
        try:
            return list(dict.fromkeys(base_of(url) for url in proposal.value))
        except ValueError as error:
            raise TraitError(f"an entry of 'git_urls' cannot be used: {error}") from None

    def __init__(self, name: str, **options: object) -> None:
        self.name = name
        super().__init__(**options)

    @default("label")
    def _default_label(self) -> str:
        return self.title or self.name

    def missing_options(self) -> list[str]:
        """The required options that are not set."""
        return [option for option in self.required_options if not getattr(self, option)]

    @property
    def longest_call(self) -> float:
        """Seconds that one call of the provider takes at most; 0 where it does not know."""
        return 0.0

    @property
    def resources(self) -> Mapping[str, str]:
        """Further credentials that `retrieve_credential` can bring: name -> what the name stands for, in one string.

        A credential that was stored while a name stood for something else is not handed out (row R14).
        """
        return NOTHING

    @property
    def further_scopes(self) -> Sequence[str]:
        """Scopes that a person may grant beside those of a sign-in."""
        return ()

    # What an author overrides.

    def start(self, core: Core) -> None:
        """The hub is about to serve; `core` is what it lends. Raises ConfigError to stop it."""

    def warnings(self) -> Sequence[str]:
        """Sentences about what is probably not as the administrator thinks, for `hubauth check`, after `start`."""
        return ()

    async def begin_login(self, request: Request, transaction: Transaction) -> Step:
        """Begin a sign-in: a `Redirect` to the source, or a `Form` to show. Raises ProviderError."""
        raise NotImplementedError(f"{type(self).__name__} does not say how a sign-in begins")

    async def finish_login(self, request: Request, transaction: Transaction) -> SignIn | Step:
        """End a sign-in with a `SignIn`, or go on with another step. Raises LoginRefused, ProviderError."""
        raise NotImplementedError(f"{type(self).__name__} does not say how a sign-in ends")

    def state_of(self, request: Request) -> str | None:
        """The state of the transaction that an answer of the source belongs to, None if it names none.

        Raises ValueError where it names several.
        """
        return request.one("state")

    async def check_login(
        self, provider: str, identity: Identity, granted_scopes: AbstractSet[str], answer: Answered | None
    ) -> Challenge | None:
        """Look at a sign-in of any provider: turn it away (LoginRefused), ask for one more step, or let it pass."""
        return None

    def admits(self, identity: Identity, scopes: AbstractSet[str]) -> bool:
        """Whether a rule of this type's own lets the person in; by default it has none.

        Like `restrict`, it goes by what `rule_claims` names: between two checks only that is known. `scopes` were
        granted. An exception refuses.
        """
        return False

    def restrict(self, identity: Identity) -> None:
        """Raise LoginRefused for whom a rule of this type's own keeps out, whatever lets them in; by default nobody."""

    def not_admitted(self, identity: Identity) -> LoginRefused | None:
        """What to tell somebody whom no rule lets in, where this type knows more than that; by default it does not.

        It goes by what `rule_claims` names, too.
        """
        return None

    async def retrieve_credential(self, credential: Credential, resource: str) -> Credential:
        """The credential for a name of `resources`, got with the one that the sign-in brought; the core stores it."""
        raise NotImplementedError(f"{type(self).__name__} does not say how {resource!r} is reached")

    async def refresh_credential(self, credential: Credential) -> RefreshedCredential:
        """Renew a credential; by default it needs none."""
        return Fresh()

    async def refresh_identity(
        self, identity: Identity, credential: Credential | None, hub: HubCall
    ) -> RefreshedIdentity:
        """Ask the source whether this is still so; by default it is. See `hubauth_refresh_identity` in `hookspecs`."""
        return Unchanged()

    async def revoke_credential(self, credential: Credential) -> None:
        """Tell the source that the credential is no longer wanted; by default it is not told.

        Raises ProviderError to be asked again, CredentialError for a definite no.
        """

    def logout_url(self, credential: Credential | None, return_to: str) -> str | None:
        """Where the browser goes to end the source's own session; by default nowhere."""
        return None

    async def user_added(self, identity: Identity, hub: HubCall) -> None:
        """The identity has a hub user now, or still has one when the hub starts."""

    async def user_renamed(self, identity: Identity, hub: HubCall, old_name: str) -> None:
        """The identity's hub user has another name now."""

    async def user_deleted(self, identity: Identity, hub: HubCall) -> None:
        """The identity's hub user is gone."""

    async def pre_spawn(self, identity: Identity, hub: HubCall) -> None:
        """A server of the identity's hub user is about to start."""

    async def post_stop(self, identity: Identity, hub: HubCall) -> None:
        """A server of the identity's hub user has stopped."""

    async def logged_out(self, identity: Identity, hub: HubCall) -> None:
        """The identity's hub user has signed out of the hub."""

    def entries(self) -> Sequence[Entry]:
        """What its pages add to the hub's navigation; by default nothing."""
        return ()

    def pages(self) -> Sequence[Page]:
        """Pages of the provider's own below `/hub/auth/<name>/`; by default none."""
        return ()

    # The hooks. Final: the registry refuses a subclass that defines one.

    @final
    @hookimpl
    def hubauth_start(self, core: Core) -> None:
        self.start(core)

    @final
    @hookimpl
    async def hubauth_check_login(
        self, provider: str, identity: Identity, granted_scopes: AbstractSet[str], answer: Answered | None
    ) -> Challenge | None:
        return await self.check_login(provider, identity, granted_scopes, answer)

    @final
    @hookimpl
    async def hubauth_begin_login(self, request: Request, transaction: Transaction) -> Step:
        return await self.begin_login(request, transaction)

    @final
    @hookimpl
    async def hubauth_finish_login(self, request: Request, transaction: Transaction) -> SignIn | Step:
        return await self.finish_login(request, transaction)

    @final
    @hookimpl
    async def hubauth_retrieve_credential(self, credential: Credential, resource: str) -> Credential:
        return await self.retrieve_credential(credential, resource)

    @final
    @hookimpl
    async def hubauth_refresh_credential(self, credential: Credential) -> RefreshedCredential:
        return await self.refresh_credential(credential)

    @final
    @hookimpl
    async def hubauth_refresh_identity(
        self, identity: Identity, credential: Credential | None, hub: HubCall
    ) -> RefreshedIdentity:
        return await self.refresh_identity(identity, credential, hub)

    @final
    @hookimpl
    async def hubauth_revoke_credential(self, credential: Credential) -> None:
        await self.revoke_credential(credential)

    @final
    @hookimpl
    def hubauth_logout_url(self, credential: Credential | None, return_to: str) -> str | None:
        return self.logout_url(credential, return_to)

    @final
    @hookimpl
    async def hubauth_user_added(self, identity: Identity, hub: HubCall) -> None:
        await self.user_added(identity, hub)

    @final
    @hookimpl
    async def hubauth_user_renamed(self, identity: Identity, hub: HubCall, old_name: str) -> None:
        await self.user_renamed(identity, hub, old_name)

    @final
    @hookimpl
    async def hubauth_user_deleted(self, identity: Identity, hub: HubCall) -> None:
        await self.user_deleted(identity, hub)

    @final
    @hookimpl
    async def hubauth_pre_spawn(self, identity: Identity, hub: HubCall) -> None:
        await self.pre_spawn(identity, hub)

    @final
    @hookimpl
    async def hubauth_post_stop(self, identity: Identity, hub: HubCall) -> None:
        await self.post_stop(identity, hub)

    @final
    @hookimpl
    async def hubauth_logged_out(self, identity: Identity, hub: HubCall) -> None:
        await self.logged_out(identity, hub)

    @final
    @hookimpl
    def hubauth_pages(self) -> Sequence[Page]:
        return self.pages()
