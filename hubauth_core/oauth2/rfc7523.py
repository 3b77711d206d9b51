"""A client that proves itself with a signed statement in place of its secret.

https://www.rfc-editor.org/rfc/rfc7523
"""

from __future__ import annotations

from typing import Final

from authlib.oauth2.rfc7523.assertion import client_secret_jwt_sign, private_key_jwt_sign
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from ..types import Secret

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LIFETIME: Final = 60
"""Seconds that a statement is good for."""

PrivateKey = RSAKey | ECKey | OKPKey
_ALGORITHMS: Final = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512", "Ed25519": "EdDSA"}


def load_private_key(pem: bytes) -> PrivateKey:
    """The private key of a PEM file. Raises ValueError."""
    for kind in (RSAKey, ECKey, OKPKey):
        try:
            key: PrivateKey = kind.import_key(pem)
        except (JoseError, ValueError, TypeError):
            continue
        if key.is_private:
            return key
    raise ValueError("not a private key in PEM")


def by_private_key(client_id: str, key: PrivateKey, key_id: str, audience: str) -> dict[str, str]:
    """The fields that stand for `private_key_jwt`. `audience` is one string: this server and no other (row R08)."""
    algorithm = "RS256" if isinstance(key, RSAKey) else _ALGORITHMS[str(key.curve_name)]
    header = {"kid": key_id} if key_id else {}
    statement = private_key_jwt_sign(key, client_id, audience, alg=algorithm, header=header, expires_in=LIFETIME)
    return {"client_id": client_id, "client_assertion_type": ASSERTION_TYPE, "client_assertion": statement}


def by_secret(client_id: str, secret: Secret, audience: str) -> dict[str, str]:
    """The fields that stand for `client_secret_jwt`. `audience` as above."""
    key = OctKey.import_key(secret.reveal())
    statement = client_secret_jwt_sign(key, client_id, audience, expires_in=LIFETIME)
    return {"client_id": client_id, "client_assertion_type": ASSERTION_TYPE, "client_assertion": statement}
