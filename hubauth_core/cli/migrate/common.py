"""What all classes of OAuthenticator have in common, option by option."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, Final

from ...oauth2 import rfc6749
from .reading import Old, Source
from .writing import Code, Draft

SAME: Final = ("allow_all", "allowed_scopes", "client_id", "scope", "username_map")
"""Options that say the same under the same name, for one provider."""

CALLED: Final[Mapping[str, str]] = {
    "authorize_url": "authorize_url",
    "extra_authorize_params": "authorize_params",
    "login_service": "label",
    "logout_redirect_url": "logout_redirect_url",
    "token_params": "token_params",
    "token_url": "token_url",
    "userdata_params": "userinfo_params",
    "userdata_url": "userinfo_url",
}
"""Options that say the same under another name."""

REFUSED: Final[Mapping[str, str]] = {
    "enable_pkce": "PKCE is always used.",
    "userdata_token_method": "A token is never put into an address; it goes in a header, as it did before, too.",
    "modify_auth_state_hook": "Groups come from groups_claim, which may be a function of the claims.",
    "refresh_user_hook": "A source is asked again by its type; a type of your own may do it in another way.",
}
"""Options without a counterpart, and why."""


def move(old: Old, source: Source, draft: Draft) -> None:
    """Carry over what the class has in common with all others; its own options are dealt with before."""
    for option in SAME:
        if option in source.options:
            draft.put(option, _plain(source.take(option)))
    for option, new in CALLED.items():
        if option in source.options:
            draft.put(new, source.take(option))
    _leave_to_the_sign_in(draft)
    _client(old, source, draft)
    _username(source, draft)
    _groups(source, draft)
    _requests(source, draft)
    if address := source.take("oauth_callback_url"):
        draft.put("redirect_url", address)
    for option, why in REFUSED.items():
        if source.take(option) not in (None, True, "header"):
            draft.notes.append(f"{option} was left out. {why}")


def named(source: Source, option: str, value: Callable[..., Any], notes: list[str]) -> Code:
    """A function of the administrator's by its name, which the configuration goes on having."""
    name = getattr(value, "__name__", "<lambda>")
    if name.isidentifier():
        return Code(name)
    code = Code(f"c.{source.origins.get(option, source.kind.cls)}.{option}")
    notes.append(f"{option} is a function without a name: keep the line that sets {code}, above this one.")
    return code


def claim_of(source: Source, path: str) -> str:
    """A path into auth_state as one into the claims."""
    return path.removeprefix(f"{source.kind.key}.")


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _leave_to_the_sign_in(draft: Draft) -> None:
    """What every request has anyway replaces nothing that makes it safe; the secret is not printed."""
    fixed = {"authorize_params": rfc6749.OURS, "token_params": rfc6749.OF_TOKEN_REQUEST}
    for option, ours in fixed.items():
        given = draft.options.get(option)
        if not isinstance(given, Mapping):
            continue
        if "resource" in given:
            draft.put("resource", [given["resource"]])
        draft.notes += [
            f"{option}[{name!r}] was left out: the sign-in sets it itself."
            for name in sorted(ours.intersection(given) - {"resource"})
        ]
        draft.options[option] = {name: value for name, value in given.items() if name not in ours}


def _client(old: Old, source: Source, draft: Draft) -> None:
    names = [name for name in (source.kind.own_variables, "OAUTH") if name]
    if not draft.options.get("client_id"):
        draft.options.pop("client_id", None)
        _from_environment(draft, "client_id", [f"{name}_CLIENT_ID" for name in names])
    secret = source.take("client_secret")
    if not secret:
        _from_environment(draft, "client_secret", [f"{name}_CLIENT_SECRET" for name in names])
        return
    variables = [name for name, value in os.environ.items() if value == secret]
    if str(secret) not in old.text and variables:
        draft.put("client_secret", Code(f'os.environ["{variables[0]}"]'))
        return
    where = "stands in the old file itself" if str(secret) in old.text else "is computed in the old file"
    draft.put(
        "client_secret_file",
        f"/etc/jupyterhub/{draft.name}-client-secret",
        f"The secret {where}. Put it, and nothing else, into a file that only the hub can read.",
    )


def _from_environment(draft: Draft, option: str, variables: list[str]) -> None:
    found = next((name for name in variables if os.environ.get(name)), variables[0])
    draft.put(option, Code(f'os.environ["{found}"]'))


def _username(source: Source, draft: Draft) -> None:
    wanted = source.take("username_claim")
    if callable(wanted):
        draft.put("username_claim", named(source, "username_claim", wanted, draft.notes))
    elif isinstance(wanted, str) and wanted:
        draft.put("username_claim", wanted)


def _groups(source: Source, draft: Draft) -> None:
    """Groups count only with `manage_groups`, there as here."""
    key = source.take("auth_state_groups_key")
    older = source.take("claim_groups_key")
    if callable(key):
        function = named(source, "auth_state_groups_key", key, draft.notes)
        draft.put(
            "groups_claim",
            Code(f"lambda claims: {function}({{{source.kind.key!r}: claims}})"),
            "It gets the claims alone, no tokens.",
        )
    elif key:
        draft.put("groups_claim", claim_of(source, key))
    elif callable(older):
        draft.put("groups_claim", named(source, "claim_groups_key", older, draft.notes))
    elif older:
        draft.put("groups_claim", older)
    for option in ("allowed_groups", "admin_groups"):
        if groups := source.take(option):
            draft.put(option, set(groups))


def _requests(source: Source, draft: Draft) -> None:
    """How the source is talked to."""
    if "basic_auth" in source.options:
        draft.put("client_authentication", "basic" if source.take("basic_auth") else "post")
    if source.take("validate_server_cert") is False:
        draft.notes.append(
            "validate_server_cert = False was left out: certificates are always verified. Name the authority that the "
            "source's certificate comes from (ca_file)."
        )
    asked = dict(source.take("http_request_kwargs") or {})
    if file := asked.pop("ca_certs", None):
        draft.put("ca_file", file)
    host, port = asked.pop("proxy_host", None), asked.pop("proxy_port", None)
    if host:
        draft.put("proxy", f"http://{host}:{port}" if port else f"http://{host}")
    for option in asked:
        draft.notes.append(f"http_request_kwargs[{option!r}] has no counterpart.")
