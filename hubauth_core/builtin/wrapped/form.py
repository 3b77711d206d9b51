"""The form of a wrapped authenticator that asks for a password on the hub's own page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import quote

from jinja2 import Environment
from markupsafe import Markup

from ...errors import LoginRefused
from ...types import PASSWORD_FORM, Field, Form, Request

OURS: Final = frozenset({"_xsrf", "state", "next"})
"""Fields of the sign-in page that no authenticator sees."""

LONGEST_VALUE: Final = 4096
"""Characters of one field."""

_FORM_TAG: Final = re.compile(r"<form\b[^>]*>", re.IGNORECASE)
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f]")


def form_of(inner: Any, *, base_url: str, action: str, next_url: str, xsrf: str) -> Form:
    """What the sign-in page shows: the wrapped one's own markup where it has some, else name and password."""
    markup = inner.get_custom_html(base_url)
    if markup:
        return Form(html=_own_markup(markup, inner, action=action, next_url=next_url, xsrf=xsrf))
    if not inner.request_otp:
        return PASSWORD_FORM
    otp = Field(name="otp", label=str(inner.otp_prompt), type="password", autocomplete="one-time-code")
    return replace(PASSWORD_FORM, fields=(*PASSWORD_FORM.fields, otp))


def _own_markup(markup: str, inner: Any, *, action: str, next_url: str, xsrf: str) -> Markup:
    """The markup as the hub would render it, with the hub's names in it, but escaped, and without a typed username.

    The stock hub renders it without escaping and with `username` from the query, which anybody may put into a link. A
    form in it is sent to our own address, whatever address it names.
    """
    target = f"{action}?next={quote(next_url, safe='/')}" if next_url else action
    text = (
        Environment(autoescape=True)
        .from_string(markup)
        .render(
            next=quote(next_url, safe="/"),
            username="",
            login_error="",
            login_url=action,
            authenticator_login_url=target,
            authenticator=inner,
            xsrf=xsrf,
        )
    )
    hidden = Markup('<input type="hidden" name="{}" value="{}">').format
    ours = hidden("_xsrf", xsrf) + (hidden("next", next_url) if next_url else Markup())
    opening = Markup('<form action="{}" method="post">').format(action) + ours
    return Markup(_FORM_TAG.sub(lambda _: str(opening), text))  # noqa: S704 - the administrator's own markup


def data_of(request: Request, *, own_markup: bool) -> Mapping[str, str]:
    """The fields as the hub's own sign-in page hands them to an authenticator. Raises LoginRefused.

    Only the username is stripped. Of a field that came twice, the last counts, as in the hub.
    """
    data = {name: values[-1] for name, values in request.form.items() if values and name not in OURS}
    username = data["username"] = data.get("username", "").strip()
    if any(len(value) > LONGEST_VALUE for value in data.values()) or _CONTROLS.search(username):
        raise bad_credentials()
    if not own_markup and not (username and data.get("password")):
        raise bad_credentials()
    return data


def bad_credentials() -> LoginRefused:
    """The same sentence for an unknown name and a wrong password."""
    return LoginRefused("Invalid username or password.", code="bad_credentials")
