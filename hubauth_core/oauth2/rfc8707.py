"""Resource indicators: the address of the service that an access token is for.

https://www.rfc-editor.org/rfc/rfc8707
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_ABSOLUTE: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!-~]+")


def problem_with(resources: Iterable[str]) -> str | None:
    """Why a list does not name resources, None if it does. Section 2: absolute, without a fragment (row R15)."""
    for resource in resources:
        if not _ABSOLUTE.fullmatch(resource):
            return f"{resource!r} is no absolute address"
        if "#" in resource:
            return f"{resource!r} holds a fragment"
    return None
