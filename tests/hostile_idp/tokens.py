"""Keys and tokens, sound and broken ones. A token is signed over its very bytes, so that anything can be in them."""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any, Final

from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey

ABSENT: Final = object()
"""Stands for a claim or header member that is left out."""

EVERY_ALGORITHM: Final = ("RS256", "RS384", "PS256", "ES256", "ES384", "Ed25519", "EdDSA")
Key = RSAKey | ECKey | OKPKey


@functools.cache
def rsa(number: int = 0, bits: int = 2048) -> RSAKey:
    """An RSA key; each number is another one."""
    return RSAKey.generate_key(bits, {"kid": f"rsa-{number}"})


@functools.cache
def ec(number: int = 0, curve: str = "P-256") -> ECKey:
    """An elliptic curve key."""
    return ECKey.generate_key(curve, {"kid": f"ec-{number}"})


@functools.cache
def ed(number: int = 0) -> OKPKey:
    """An Ed25519 key."""
    return OKPKey.generate_key("Ed25519", {"kid": f"ed-{number}"})


def public(key: Key, **changes: Any) -> dict[str, Any]:
    """The JWK that the provider publishes."""
    return applied(key.as_dict(private=False), changes)


def applied(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A mapping with changes made to it; ABSENT takes a member out."""
    return {name: value for name, value in {**base, **changes}.items() if value is not ABSENT}


def encode(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signed(header: Mapping[str, Any], payload: bytes, key: Key) -> str:
    """A compact token whose header and payload are exactly these."""
    registry = jws.JWSRegistry(algorithms=EVERY_ALGORITHM, strict_check_header=False)
    signing_input = f"{encode(json.dumps(header).encode())}.{encode(payload)}"
    signature = registry.algorithms[header["alg"]].sign(signing_input.encode(), key)
    return f"{signing_input}.{encode(signature)}"


def unsigned(header: Mapping[str, Any], payload: bytes) -> str:
    """A token without signature."""
    return f"{encode(json.dumps({**header, 'alg': 'none'}).encode())}.{encode(payload)}."


def with_hmac(header: Mapping[str, Any], payload: bytes, secret: bytes) -> str:
    """A token signed with HS256 and any bytes as the secret."""
    signing_input = f"{encode(json.dumps({**header, 'alg': 'HS256'}).encode())}.{encode(payload)}"
    return f"{signing_input}.{encode(hmac.digest(secret, signing_input.encode(), 'sha256'))}"


def half_hash(value: str, name: str = "sha256") -> str:
    """`at_hash` of an access token."""
    digest = hashlib.new(name, value.encode()).digest()
    return encode(digest[: len(digest) // 2])
