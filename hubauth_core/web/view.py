"""What the templates show: plain values, made from configuration and from what the browser sent.

The templates escape every text; the only markup in here is a brand icon that comes with the hub itself, and a form's
`html`, which is the administrator's own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, quote, urlsplit

from markupsafe import Markup

from ..types import Field, Form

HERE: Final = Path(__file__).parent
TEMPLATES: Final = HERE / "templates"
"""Goes into JupyterHub's `template_paths`, before the stock directory and after the administrator's."""
STATIC: Final = HERE / "static"
"""Served at `/hub/hubauth/static/`."""

BRANDS: Final = Path("components/@fortawesome/fontawesome-free/svgs/brands")
"""Font Awesome's brand icons below the hub's static directory; in 5.2.1 (6.6.0) and in 6.1.1 (7.3.1) alike."""

_BRAND = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_NEVER_IN_AN_ADDRESS = re.compile(r"[\x00-\x20\x7f\\]")


NO_DRAWING: Final = Markup()


@dataclass(frozen=True, kw_only=True)
class Icon:
    """What stands before a label: a brand's drawing in the colour of the text, or the address of an image, or nothing.

    `problem` is a sentence for the start-up log where the `icon` option cannot be shown.
    """

    drawing: Markup = NO_DRAWING
    image: str = ""
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class Source:
    """One provider as the sign-in page shows it: a form where `form` is given, else a button that leads to `url`.

    `url` is made by `sign_in_url`. `error` and `username` belong to an attempt that failed. `unavailable` is a
    sentence, shown in place of the button or the form.
    """

    name: str
    label: str
    url: str
    icon: Icon = Icon()
    form: Form | None = None
    error: str = ""
    username: str = ""
    unavailable: str = ""

    @property
    def action(self) -> str:
        """Where the form is sent: `url` without its query."""
        return self.url.partition("?")[0]

    @property
    def next(self) -> str:
        """Where the person wanted to go, as it stands in `url`; decoded, for a hidden field."""
        return parse_qs(urlsplit(self.url).query).get("next", [""])[0]

    @property
    def id(self) -> str:
        """The beginning of every id in this provider's part of the page."""
        return f"hubauth-{self.name}"

    @property
    def submit(self) -> str:
        """What the button of the form says; the label tells several forms on one page apart."""
        if self.form is None or self.form.submit == Form.submit:
            return f"Sign in with {self.label}"
        return self.form.submit

    @property
    def go_on(self) -> str:
        """What the button of a further step says."""
        return "Continue" if self.form is None or self.form.submit == Form.submit else self.form.submit

    @property
    def brings_own_form(self) -> bool:
        """Whether the administrator's markup is a whole form, which must not stand inside another one."""
        return self.form is not None and self.form.html is not None and "<form" in self.form.html.lower()

    @property
    def first_empty(self) -> str:
        """The name of the input that wants typing first, which is where the focus goes; "" if there is none."""
        fields = self.form.fields if self.form else ()
        return next((field.name for field in fields if not self.value_of(field)), "")

    def value_of(self, field: Field) -> str:
        """What stands in an input: what its form says or, when it is shown again, the username that was typed."""
        is_name = field.name == "username" or field.autocomplete == "username"
        return field.value or (self.username if is_name and field.type != "password" else "")


def sign_in_url(base_url: str, name: str, next_url: str = "") -> str:
    """Where a sign-in with provider `name` begins. `base_url` is the hub's own; `next_url` is not yet URL-encoded."""
    url = f"{base_url.rstrip('/')}/auth/{name}/login"
    return f"{url}?next={quote(next_url, safe='/')}" if next_url else url


@lru_cache(maxsize=256)
def find_icon(option: str, static_path: Path) -> Icon:
    """The icon for a provider's `icon` option; `static_path` is the hub's static directory. Never raises."""
    if not option:
        return Icon()
    if _BRAND.fullmatch(option):
        return _brand(option, static_path / BRANDS)
    if _is_image_address(option):
        return Icon(image=option)
    return Icon(
        problem=f"the icon {option[:80]!r} is neither a brand of Font Awesome, nor an https address, "
        "nor a path on this site"
    )


def _brand(name: str, directory: Path) -> Icon:
    try:
        drawing = (directory / f"{name}.svg").read_text(encoding="utf-8")
    except OSError:
        near = get_close_matches(name, sorted(path.stem for path in directory.glob("*.svg")), n=1)
        hint = f"; the nearest one is {near[0]!r}" if near else ""
        return Icon(problem=f"the hub has no brand icon {name!r}{hint}")
    attributes = 'class="hubauth-icon" aria-hidden="true" focusable="false"'
    return Icon(drawing=Markup(drawing.replace("<svg ", f"<svg {attributes} ", 1)))  # noqa: S704 - a file of the hub's


def _is_image_address(address: str) -> bool:
    if _NEVER_IN_AN_ADDRESS.search(address):
        return False
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    if parts.scheme == "https":
        return bool(parts.hostname) and "@" not in parts.netloc
    return not parts.scheme and not parts.netloc and address.startswith("/")
