"""What a backend has to know before it sends the browser on: an OpenID, a shop, which of several sources."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup

from hubauth_core import Field, Form, LoginRefused, Request

if TYPE_CHECKING:
    from .options import SocialOptions

ASKED: Final = "asked"
"""The note in a transaction whose form waits for its answer."""

LONGEST: Final = 512
"""Characters of what somebody types."""

FIELDS: Final = {
    "openid_identifier": Field(
        name="openid_identifier", label="Your OpenID (an address)", autocomplete="url", inputmode="url"
    ),
    "openid_lj_user": Field(name="openid_lj_user", label="Your LiveJournal username", autocomplete="username"),
    "shop": Field(name="shop", label="The shop's address (name.myshopify.com)", inputmode="url"),
    "email": Field(name="email", label="E-mail", type="email", autocomplete="email"),
    "username": Field(name="username", label="Username", autocomplete="username"),
}
"""The inputs, by the parameter that the backend reads."""

ADDRESS: Final = "openid_identifier"
"""What leads the hub itself to an address that somebody has typed."""

IDP: Final = "idp"

_CHOICE: Final = Markup(
    '<div class="hubauth-field"><label class="form-label" for="hubauth-social-idp">Where you have your account</label>'
    '<select class="form-select" id="hubauth-social-idp" name="idp">{}</select></div>'
)
_OPTION: Final = Markup('<option value="{}">{}</option>')


def form(provider: SocialOptions, request: Request) -> Form | None:
    """What to ask the person; None where the backend knows enough."""
    memo = {ASKED: "1"}
    if name := parameter(provider):
        field = FIELDS.get(name, Field(name=name, label=name))
        return Form(fields=(field,), submit="Continue", memo=memo)
    sources = idps(provider)
    if len(sources) > 1 and not chosen(provider, request.query):
        options = Markup().join(_OPTION.format(name, label) for name, label in sources.items())
        return Form(inside=_CHOICE.format(options), submit="Continue", memo=memo)
    return None


def parameter(provider: SocialOptions) -> str:
    """What the person has to type; "" for nothing."""
    backend = provider.described
    return backend.subject if backend.kind == "unproven" else backend.asks


def typed(provider: SocialOptions, request: Request) -> dict[str, str]:
    """What the person has typed or chosen. Raises LoginRefused for nothing, or too much."""
    name = parameter(provider)
    if not name:
        found = chosen(provider, request.form)
        if not found:
            raise LoginRefused("Choose where you have your account.", code="bad_request")
        return found
    values = [value.strip() for value in request.form.get(name, ())]
    if len(values) != 1 or not 0 < len(values[0]) <= LONGEST:
        raise LoginRefused("Go back and fill in the form.", code="bad_request")
    return {name: values[0]}


def chosen(provider: SocialOptions, given: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Which of the sources of SAML, where there is a choice: the only one, or the one that was asked for."""
    sources = list(idps(provider))
    asked = [value for value in given.get(IDP, ()) if value in sources]
    names = sources if len(sources) == 1 else asked[:1]
    return {IDP: names[0]} if names else {}


def idps(provider: SocialOptions) -> dict[str, str]:
    """The sources of SAML: name -> what people call it."""
    found: Any = provider.resolved.get("ENABLED_IDPS") if provider.described.kind == "saml" else None
    return {name: str(conf.get("label") or name) for name, conf in (found or {}).items()}


def warnings(provider: SocialOptions) -> Iterator[str]:
    """What is probably not as the administrator thinks."""
    if provider.described.kind == "unproven":
        yield "dangerous_no_proof is set: everybody can sign in as anybody"
    if provider.resolved.get("USE_PKCE") is False:
        yield "USE_PKCE is off: a code that leaks can be used by whoever reads it"
