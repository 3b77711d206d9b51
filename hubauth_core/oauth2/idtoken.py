"""ID tokens: signature first, then every claim. There is no shortcut for tokens from the token endpoint.

https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.util import urlsafe_b64decode

from ..claims import VerifiedClaims
from ..errors import ProviderError
from ..types import Secret
from . import strict_json
from .identity import text
from .jwks import ALGORITHMS, Keys, PublicKey

LARGEST: Final = 64 * 1024
"""Characters of a token (row X12)."""

DEFAULT_ALGORITHMS: Final = ("RS256", "ES256", "PS256", "EdDSA", "Ed25519")
"""RFC 9700 and OpenID Connect Core, section 15.1; the last two are one algorithm (RFC 9864)."""

LATEST: Final = 1e12
"""Seconds; no time in a token is beyond (it is no infinity, and not an integer that is too large for a float)."""

_REFUSED_MEMBERS: Final = frozenset({"crit", "b64", "zip", "enc"})
_HASHES: Final[Mapping[str, Any]] = {
    "256": hashlib.sha256,
    "384": hashlib.sha384,
    "512": hashlib.sha512,
    "Ed25519": hashlib.sha512,  # as EdDSA over that curve does inside (RFC 8032, section 5.1)
    "EdDSA": hashlib.sha512,
}


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What a token must say to be taken. `skew` in seconds; `algorithms` as in a header's `alg`.

    Where one issuer stands for many, `issuer_of` says which of them a token with these claims must come from; its keys
    then sign for the issuers that they name.
    """

    issuer: str
    client_id: str
    label: str
    algorithms: frozenset[str] = frozenset(DEFAULT_ALGORITHMS)
    trusted_audiences: frozenset[str] = frozenset()
    skew: float = 60
    issuer_of: Callable[[Mapping[str, Any]], str] | None = None


@dataclass(frozen=True, kw_only=True)
class Context:
    """What one sign-in knows of its own token: when it is looked at, and what the authorization request asked for.

    A `nonce` of None is a token that a refresh brought. `max_age` in seconds.
    """

    now: float
    nonce: str | None
    access_token: Secret
    max_age: float | None = None
    acr_values: tuple[str, ...] = field(default=())


class Refused(ValueError):
    """A token that is not taken; the text is the end of the reason code."""


async def verify(token: Secret, keys: Keys, expected: Expected, context: Context) -> VerifiedClaims:
    """The claims of an ID token. Raises ProviderError with a code `id_token_...` that says what is wrong with it."""
    try:
        header, claims = await signed(token, keys, expected, _is_id_token)
        check_parties(claims, expected)
        _check_times(claims, expected.skew, context)
        _check_binding(claims, header, context)
    except Refused as refused:
        raise _refusal(expected, f"id_token_{refused}") from None
    return VerifiedClaims(claims)


async def verify_userinfo(token: Secret, keys: Keys, expected: Expected) -> VerifiedClaims:
    """The claims of a signed userinfo answer: signature, issuer and audience (row C22). Raises ProviderError."""
    try:
        _, claims = await signed(token, keys, expected, _is_id_token)
        check_parties(claims, expected)
    except Refused as refused:
        raise _refusal(expected, f"userinfo_{refused}") from None
    return VerifiedClaims(claims)


def same_person(renewed: Secret, before: Secret) -> bool:
    """Whether a refreshed ID token, not verified yet, does not name another issuer or subject than an earlier one."""
    try:
        claims, known = said(renewed), said(before)
    except (Refused, ValueError):
        return True  # it names nobody
    return all(claims.get(name, known.get(name)) == known.get(name) for name in ("iss", "sub"))


def continues(claims: VerifiedClaims, before: Secret) -> bool:
    """Whether the claims of a refreshed ID token go on from an earlier one, which was verified when it came.

    OpenID Connect Core, section 12.2: who, where and for whom stay; when and in answer to what stay if they are said.
    """
    known = said(before)
    same = all(claims.get(name) == known.get(name) for name in ("iss", "sub", "aud", "azp"))
    return same and all(claims[name] == known.get(name) for name in ("auth_time", "nonce") if name in claims)


def said(token: Secret) -> dict[str, Any]:
    """What a token says, whoever made it."""
    return _object(urlsafe_b64decode(token.reveal().encode().split(b".")[1]))


def _refusal(expected: Expected, code: str) -> ProviderError:
    return ProviderError(f"{expected.label} sent a proof of sign-in that does not hold.", code=code)


# The signature.


async def signed(
    token: Secret, keys: Keys, expected: Expected, is_kind: Callable[[object], bool]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of a token that the issuer has signed. Raises Refused, ProviderError.

    `is_kind` looks at the header's `typ`, None where it has none. No claim is checked.
    """
    compact = token.reveal()
    header = _header(compact)
    _check_header(header, expected.algorithms, is_kind)
    issuer = _named_issuer(token) if expected.issuer_of else None
    payload = _payload(compact, await keys.fitting(header, issuer), header["alg"])
    if payload is None:
        payload = _payload(compact, await keys.renewed(header, issuer), header["alg"])
    if payload is None:
        raise Refused("signature")
    return header, _object(payload)


def _named_issuer(token: Secret) -> str:
    """The issuer that a token names: what is signed is the very text that is looked at here."""
    try:
        return text(said(token).get("iss"))
    except ValueError:
        raise Refused("issuer") from None


def _header(compact: str) -> dict[str, Any]:
    """Its size and number of parts are looked at before anything is decoded (rows X12, X26)."""
    if len(compact) > LARGEST:
        raise Refused("size")
    if not compact.isascii() or compact.count(".") != 2:
        raise Refused("form")
    try:
        return _object(urlsafe_b64decode(compact.partition(".")[0].encode()))
    except ValueError:
        raise Refused("form") from None


def _object(text_: bytes) -> dict[str, Any]:
    try:
        value = strict_json.loads(text_)
    except ValueError:
        raise Refused("form") from None
    if not isinstance(value, dict):
        raise Refused("form")
    return value


def _is_id_token(kind: object) -> bool:
    """RFC 8725, section 3.11 (row X15)."""
    return kind is None or (isinstance(kind, str) and not kind.lower().endswith("+jwt"))


def _check_header(header: dict[str, Any], algorithms: frozenset[str], is_kind: Callable[[object], bool]) -> None:
    """Keys that the header brings along (`jwk`, `jku`, `x5u`, `x5c`) are not looked at (row X08)."""
    if _REFUSED_MEMBERS & set(header) or not isinstance(header.get("kid"), str | None):
        raise Refused("header")
    if ("typ" in header and header["typ"] is None) or not is_kind(header.get("typ")):
        raise Refused("type")
    if not isinstance(header.get("alg"), str) or header["alg"] not in algorithms.intersection(ALGORITHMS):
        raise Refused("algorithm")


class _Registry(jws.JWSRegistry):
    """Certificates may stand in a header, unknown members too; RFC 7515, section 4."""

    max_header_length = 16 * 1024

    def get_alg(self, name: str) -> Any:
        return super().get_alg("Ed25519" if name == "EdDSA" else name)


def _payload(compact: str, keys: list[PublicKey], algorithm: str) -> bytes | None:
    """What was signed, if one of the keys made the signature."""
    name = "Ed25519" if algorithm == "EdDSA" else algorithm
    registry = _Registry(algorithms=[name], strict_check_header=False)
    for key in keys:
        try:
            return jws.deserialize_compact(compact, key, registry=registry).payload
        except (JoseError, ValueError):
            continue
    return None


# The claims.


def check_parties(claims: dict[str, Any], expected: Expected) -> None:
    """Whether a token is from the issuer, for this client. Raises Refused."""
    if claims.get("iss") != (expected.issuer_of(claims) if expected.issuer_of else expected.issuer):
        raise Refused("issuer")
    audience = claims.get("aud")
    named = [audience] if isinstance(audience, str) else audience
    if not isinstance(named, list) or not all(isinstance(party, str) for party in named):
        raise Refused("audience")
    if expected.client_id not in named or set(named) - {expected.client_id} - expected.trusted_audiences:
        raise Refused("audience")
    if claims.get("azp", expected.client_id) != expected.client_id:
        raise Refused("audience")


def _check_times(claims: dict[str, Any], skew: float, context: Context) -> None:
    if seconds(claims, "exp") <= context.now - skew:
        raise Refused("expired")
    if seconds(claims, "iat") > context.now + skew:
        raise Refused("not_yet")
    if "nbf" in claims and seconds(claims, "nbf") > context.now + skew:
        raise Refused("not_yet")
    if context.max_age is not None and seconds(claims, "auth_time") + context.max_age < context.now - skew:
        raise Refused("auth_time")
    if context.acr_values and claims.get("acr") not in context.acr_values:
        raise Refused("acr")


def seconds(claims: dict[str, Any], name: str) -> float:
    """A claim that is a time, in Unix seconds. Raises Refused."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= LATEST:
        raise Refused("time")
    return value


def _check_binding(claims: dict[str, Any], header: dict[str, Any], context: Context) -> None:
    if "events" in claims:  # a logout token (OpenID Connect Back-Channel Logout 1.0, section 2.4)
        raise Refused("type")
    try:
        text(claims.get("sub"))
    except ValueError:
        raise Refused("subject") from None
    if context.nonce is not None and not _equal(claims.get("nonce"), context.nonce):
        raise Refused("nonce")
    if "at_hash" in claims and not _equal(claims["at_hash"], at_hash(context.access_token, header["alg"])):
        raise Refused("at_hash")


def at_hash(access_token: Secret, algorithm: str) -> str | None:
    """The hash that binds an access token to its ID token, None for an algorithm without one (rows C35, X14)."""
    digest = _HASHES.get(algorithm) or _HASHES.get(algorithm[-3:])
    if digest is None:
        return None
    left = digest(access_token.reveal().encode()).digest()
    return base64.urlsafe_b64encode(left[: len(left) // 2]).rstrip(b"=").decode()


def _equal(one: Any, other: str | None) -> bool:
    if not isinstance(one, str) or other is None:
        return False
    return hmac.compare_digest(one.encode(), other.encode())
