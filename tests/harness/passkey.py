"""A passkey in software: what a browser and its authenticator answer to a challenge, and what forgers would.

https://www.w3.org/TR/webauthn-3/ section 6; ES256, attestation `none`.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from webauthn import base64url_to_bytes
from webauthn.helpers import bytes_to_base64url

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


@dataclass
class SoftPasskey:
    """One credential of one device. `counter` is what it says next; 0 for ever is what synchronised passkeys say."""

    origin: str
    rp_id: str
    counter: int = 0
    verifies: bool = True
    handle: str | None = None
    id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    key: Any = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def made(self, challenge: str, handle: str = "", /, **client: Any) -> str:
        """What `navigator.credentials.create` brings, as our script sends it."""
        self.handle = handle or None
        numbers = self.key.public_key().public_numbers()
        x, y = (number.to_bytes(32, "big") for number in (numbers.x, numbers.y))
        cose = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: x, -3: y})
        attested = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + cose
        about = {"fmt": "none", "attStmt": {}, "authData": self._data(ATTESTED) + attested}
        response = {"clientDataJSON": self._client("webauthn.create", challenge, client)}
        response |= {"attestationObject": bytes_to_base64url(cbor2.dumps(about))}
        return self._answer(response | {"transports": ["internal"]})

    def shown(self, challenge: str, /, **client: Any) -> str:
        """What `navigator.credentials.get` brings."""
        data, told = self._data(), self._client("webauthn.get", challenge, client)
        signed = data + hashlib.sha256(base64url_to_bytes(told)).digest()
        return self._answer(
            {
                "clientDataJSON": told,
                "authenticatorData": bytes_to_base64url(data),
                "signature": bytes_to_base64url(self.key.sign(signed, ec.ECDSA(SHA256()))),
                "userHandle": self.handle,
            }
        )

    def _data(self, flags: int = 0) -> bytes:
        flags |= PRESENT | (VERIFIED if self.verifies else 0)
        return hashlib.sha256(self.rp_id.encode()).digest() + bytes([flags]) + self.counter.to_bytes(4, "big")

    def _client(self, kind: str, challenge: str, client: dict[str, Any]) -> str:
        told = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False} | client
        return bytes_to_base64url(json.dumps(told).encode())

    def _answer(self, response: dict[str, Any]) -> str:
        name = bytes_to_base64url(self.id)
        return json.dumps({"id": name, "rawId": name, "type": "public-key", "response": response})
