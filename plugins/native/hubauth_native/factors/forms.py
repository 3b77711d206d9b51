"""The forms of a second step: a code, a recovery code, a passkey, and adding a first factor during a sign-in."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from hubauth_core import Button, Field, Form

from . import qr
from .enrolment import Proposal
from .passkeys import BUTTON, Passkeys
from .store import TOTP
from .totp import address

TEMPLATES: Final = Environment(
    loader=FileSystemLoader(Path(__file__).parents[1] / "templates"), undefined=StrictUndefined, autoescape=True
)

APP_CODE: Final = Field(
    name="code", label="Code from your authenticator app", autocomplete="one-time-code", inputmode="numeric"
)
RECOVERY_CODE: Final = Field(name="code", label="Recovery code")
TO_RECOVERY: Final = Button(name="use", value="recovery", label="Use a recovery code")
TO_APP: Final = Button(name="use", value="app", label="Use your authenticator app")


def step(
    kinds: Collection[str], *, recovery: bool, passkeys: Passkeys | None, known: Any, days: int, error: str = ""
) -> Form:
    """Ask for a factor. `kinds`: which ones there are; `recovery` asks for a recovery code.

    `passkeys` is None where none can be used, `known` are those that the browser may use. `days`: offer to remember the
    browser for so many, 0 for no offer.
    """
    by_app = TOTP in kinds and not recovery
    text = "Type the code that your authenticator app shows now." if by_app else "Type one of your recovery codes."
    buttons = (TO_RECOVERY,) if by_app else (TO_APP,) if TOTP in kinds else ()
    field = APP_CODE if by_app else RECOVERY_CODE
    tick = Field(name="remember", label=f"Do not ask in this browser for {days} days", type="checkbox", required=False)
    form = Form(fields=(field, tick) if days else (field,), text=text, error=error, submit="Continue", buttons=buttons)
    return _with_passkey(form, passkeys, {"allow": known}) if passkeys and known else form


def enrol(
    proposal: Proposal, *, username: str, issuer: str, apps: bool, passkeys: Passkeys | None, wanted: Any, error: str
) -> Form:
    """Ask somebody to add a first factor. `apps`: whether an authenticator app can be added."""
    inside = TEMPLATES.get_template("native-enrol.html").render(
        shown=shown(proposal, username=username, issuer=issuer, apps=apps), passkeys=passkeys is not None
    )
    form = Form(
        html=Markup(inside),  # noqa: S704  # it was escaped
        text="Your account here needs a second factor beside your password. Add one now.",
        error=error,
        submit="Add the app and continue" if apps else "Continue",
    )
    return _with_passkey(form, passkeys, wanted, label="Add a passkey instead" if apps else "Add a passkey")


def shown(proposal: Proposal, *, username: str, issuer: str, apps: bool) -> dict[str, Any]:
    """What `native-proposal.html` shows of a proposal."""
    secret = proposal.secret.reveal()
    return {
        "sealed": proposal.sealed,
        "codes": proposal.codes,
        "qr": qr.drawing(address(proposal.secret, username=username, issuer=issuer)) if apps else "",
        "secret": " ".join(secret[at : at + 4] for at in range(0, len(secret), 4)) if apps else "",
    }


def passkey_data(told: Any) -> Markup:
    """What our script finds beside a form."""
    return Markup('<div hidden data-passkey="{}"></div>').format(json.dumps(told))


def _with_passkey(form: Form, passkeys: Passkeys | None, told: Any, label: str = BUTTON.label) -> Form:
    if passkeys is None:
        return form
    button = Button(name=BUTTON.name, value=BUTTON.value, label=label, needs_script=True)
    fields = {name: getattr(form, name) for name in Form.__dataclass_fields__}
    return Form(**{**fields, "buttons": (button, *form.buttons), "more": passkey_data(told), "script": passkeys.script})
