"""Options about limits on attempts, and about proofs that a person is there."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, Final

from traitlets import Dict, HasTraits, Integer, TraitError, Type, Unicode, validate
from traitlets.utils.bunch import Bunch

from ..captcha import Captcha
from ..pace import Limit, parse

BY: Final = ("account", "address", "overall")

LIMITS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "sign_in": {"account": "5/5m", "address": "30/m", "overall": "1200/m"},
        "second_factor": {"account": "5/5m", "address": "30/m", "overall": "1200/m"},
        "sign_up": {"address": "20/m", "overall": "120/m"},
        "reset": {"account": "5/h", "address": "20/m", "overall": "120/m"},
        "verify": {"account": "5/h", "address": "20/m", "overall": "120/m"},
        "email": {"account": "10/h", "address": "20/m", "overall": "120/m"},
        "password": {"account": "10/m", "address": "30/m", "overall": "1200/m"},
        "link": {"account": "30/m", "address": "60/m", "overall": "1200/m"},
        "strength": {"account": "120/m", "address": "240/m", "overall": "6000/m"},
    }
)
"""What is limited, and how fast it may happen. Those that send a mail are slow: a newer link ends the older one, so
that whoever keeps asking for links to somebody else would keep that person from ever using one."""


class ThrottleOptions(HasTraits):
    """Mixed into `NativeProvider`."""

    limits = Dict(
        key_trait=Unicode(),
        value_trait=Dict(key_trait=Unicode(), value_trait=Unicode()),
        help="How many attempts may come at once, and within what time they are forgotten, where that is to differ "
        "from the defaults: `{'sign_in': {'address': '100/m', 'account': '5/5m', 'overall': '1200/m'}}`. Beyond it "
        "each attempt waits for twice as long as the one before, up to the pace of the limit (a minute for '5/5m'). "
        "An empty text is no limit. Kinds: "
        + ", ".join(f"`{kind}`" for kind in LIMITS)
        + ". Behind one address of a classroom or a campus, raise `address` of `sign_in`.",
    ).tag(config=True)
    most_failures = Integer(
        100,
        min=20,
        max=100,
        help="Wrong passwords in a row after which an account needs proof: a browser that it has signed in with before "
        "(for the last ten of them), or a new password by a link. At most 100 (NIST SP 800-63B-4).",
    ).tag(config=True)
    tell_after_failures = Integer(
        10, min=1, help="Wrong passwords in a row after which the owner gets a mail about it, at most once a day."
    ).tag(config=True)
    captcha = Type(
        klass=Captcha,
        default_value=None,
        allow_none=True,
        help="What tells people from programs at sign-up, at a forgotten password, and at a sign-in after some that "
        "failed: `hubauth_native.captcha.SiteVerify`, or a class of your own. None asks nobody.",
    ).tag(config=True)
    captcha_options = Dict(
        key_trait=Unicode(),
        help="Options of that class: `{'service': 'turnstile', 'site_key': ..., 'secret': ...}`.",
    ).tag(config=True)
    captcha_after = Integer(
        3, min=0, help="Attempts to sign in, lately and of one account or address, after which `captcha` is asked for."
    ).tag(config=True)

    @validate("limits")
    def _known_limits(self, proposal: Bunch) -> dict[str, dict[str, str]]:
        found: dict[str, dict[str, str]] = proposal.value
        for kind, rules in found.items():
            _known("limits", kind, LIMITS)
            for by, text in rules.items():
                _known(f"limits[{kind!r}]", by, BY)
                if text:
                    _parsed(f"limits[{kind!r}][{by!r}]", text)
        return found

    def limit(self, kind: str, by: str) -> Limit | None:
        """The limit in force, None for none."""
        text = self.limits.get(kind, {}).get(by, LIMITS[kind].get(by))
        return parse(text) if text else None

    def new_captcha(self) -> Captcha | None:
        """What `captcha` is configured to be. Raises TypeError, ValueError for options that it does not have."""
        made: Captcha | None = self.captcha(**self.captcha_options) if self.captcha else None
        return made


def _parsed(where: str, text: str) -> Limit:
    try:
        return parse(text)
    except ValueError as error:
        raise TraitError(f"{where}: {error}") from None


def _known(where: str, word: str, words: Any) -> None:
    if word not in words:
        near = get_close_matches(word, list(words), n=1)
        hint = f"; the nearest one is {near[0]!r}" if near else ""
        raise TraitError(f"{where} has no entry {word!r}{hint}")
