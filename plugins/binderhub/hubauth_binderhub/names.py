"""Names of builds and images that hold what only one person may see."""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

PURPOSE: Final = "hubauth-binderhub: images of private repositories"


def private_slug(slug: str, *, key: str, user: str, url: str) -> str:
    """A slug that nobody else gets or guesses, and that stays the same for this person and repository.

    128 bits of the digest come first: BinderHub keeps only the first characters of a slug, and six digits of its hash.
    `key` is a secret of the service; without it, whoever knows a person, a repository and a commit knew the image,
    and the hub's API starts any image that is named to it.
    """
    what = "\0".join((PURPOSE, user, url))
    return f"private-{hmac.new(key.encode(), what.encode(), hashlib.sha256).hexdigest()[:32]}-{slug}"
