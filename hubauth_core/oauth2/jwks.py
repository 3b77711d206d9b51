"""The public keys of an issuer, and which of them fit a signature.

https://www.rfc-editor.org/rfc/rfc7517
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from .cached import Cached
from .http import SMALL_CAP, Api

PublicKey = RSAKey | ECKey | OKPKey
Jwk = Mapping[str, Any]

FEWEST_RSA_BITS: Final = 2048
"""Row X11."""

MOST_TRIED: Final = 16
"""Keys that one signature is tried with (row C08)."""

_FITS: Final[Mapping[str, tuple[str, str | None]]] = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), ("RSA", None)),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    **dict.fromkeys(("EdDSA", "Ed25519"), ("OKP", "Ed25519")),
}
"""Key type and curve of each algorithm that may be allowed; RFC 9864 calls EdDSA over that curve Ed25519."""

ALGORITHMS: Final = tuple(_FITS)
"""The algorithms that exist here: none has a secret that both sides know (row C13), and `none` is not one (C10)."""

_TYPES: Final[Mapping[str, type[PublicKey]]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
_PUBLIC_MEMBERS: Final = ("kty", "n", "e", "crv", "x", "y")


class Keys:
    """The keys at an issuer's `jwks_uri`, fetched when first needed and when one is missing."""

    def __init__(
        self, api: Api, address: Callable[[], Awaitable[str]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._api = api
        self._address = address
        self._cached = Cached(self._fetch, clock)

    async def fitting(self, header: Mapping[str, Any], issuer: str | None = None) -> list[PublicKey]:
        """The keys that may have made the signature that a header announces, for that issuer where keys name one."""
        return fitting(await self._cached.get(), header, issuer)

    async def renewed(self, header: Mapping[str, Any], issuer: str | None = None) -> list[PublicKey]:
        """The same after asking the issuer again, at most once per cool-down (rows C26, C27, X23)."""
        return fitting(await self._cached.hurry(), header, issuer)

    async def _fetch(self) -> tuple[Jwk, ...]:
        """Raises ProviderError, also for an empty set: it must not replace a good one (row F09)."""
        document = (await self._api.get_json(await self._address(), cap=SMALL_CAP)).mapping()
        keys = document.get("keys")
        if not isinstance(keys, list) or not (usable := tuple(key for key in keys if isinstance(key, dict))):
            raise self._api.bad_response()
        return usable


def fitting(keys: Sequence[Jwk], header: Mapping[str, Any], issuer: str | None = None) -> list[PublicKey]:
    """The keys of a set that fit a header's algorithm and, where it names one, its key; at most 16."""
    kid, algorithm = header.get("kid"), header["alg"]
    candidates = [
        key
        for key in keys
        if (kid is None or key.get("kid") == kid) and _fits(key, algorithm) and _speaks_for(key, issuer)
    ]
    imported = (_imported(key) for key in candidates[:MOST_TRIED])
    return [key for key in imported if key is not None]


def _fits(key: Jwk, algorithm: str) -> bool:
    """Sections 4.1 to 4.4: type, use, operations and algorithm (row X10)."""
    kty, curve = _FITS[algorithm]
    operations = key.get("key_ops")
    return (
        key.get("kty") == kty
        and (curve is None or key.get("crv") == curve)
        and key.get("use", "sig") == "sig"
        and (operations is None or (isinstance(operations, list) and "verify" in operations))
        and _same(key.get("alg", algorithm), algorithm)
    )


def _speaks_for(key: Jwk, issuer: str | None) -> bool:
    """Whether a key may sign for an issuer, where it says for which: Entra ID's do, one for all of its organizations,
    and another one for private accounts (row V35)."""
    named = key.get("issuer")
    if issuer is None or named is None:
        return True
    before, any_tenant, after = str(named).partition("{tenantid}")
    return issuer.startswith(before) and issuer.endswith(after) if any_tenant else issuer == named


def _same(one: Any, other: str) -> bool:
    edwards = {"EdDSA", "Ed25519"}
    return one == other or (isinstance(one, str) and {one, other} == edwards)


def _imported(key: Jwk) -> PublicKey | None:
    """The key itself, from its public numbers alone; None for one that is broken or too short."""
    public = {name: key[name] for name in _PUBLIC_MEMBERS if name in key}
    try:
        imported = _TYPES[key["kty"]].import_key(public)
        if isinstance(imported, RSAKey) and imported.raw_value.key_size < FEWEST_RSA_BITS:
            return None
    except (JoseError, ValueError, TypeError, AttributeError, OverflowError):
        return None
    return imported
