"""Passkeys: added, and asked for as a second factor or in place of a password.

https://www.w3.org/TR/webauthn-3/ sections 7.1 and 7.2, on py_webauthn. No attestation is asked for.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from sqlalchemy import Connection
from webauthn import base64url_to_bytes, verify_authentication_response, verify_registration_response
from webauthn.authentication.verify_authentication_response import VerifiedAuthentication
from webauthn.helpers import bytes_to_base64url

from hubauth_core import Button, Core, LoginRefused, Request
from hubauth_core.plugin import Database

from . import challenges
from .relying_party import RelyingParty, relying_party
from .store import PASSKEY, Factor, FactorRefused, Factors, Owner

FIELD: Final = "passkey"
"""The field of a form in which our script sends what the browser has got from a passkey, as JSON."""
LARGEST: Final = 16 * 1024
"""Characters of that field."""
LONGEST_ID: Final = 1023
"""Bytes of a credential's id (section 4, Credential ID)."""

BUTTON: Final = Button(name="use", value=FIELD, label="Use a passkey", needs_script=True)
SIGN_IN_BUTTON: Final = Button(name="use", value=FIELD, label="Sign in with a passkey", needs_script=True)


class PasskeyCloned(LoginRefused):
    """The signature counter went back: somebody may have a copy of the passkey (section 6.1.1). `factor` is it."""

    default_code = "bad_credentials"

    def __init__(self, factor: Factor) -> None:
        self.factor = factor
        super().__init__("This passkey is not accepted. Sign in another way, then remove it and add it anew.")


class Passkeys:
    """The passkeys of the people of one native provider. `key`: 32 bytes, from which people's handles are made."""

    def __init__(
        self, core: Core, database: Database, factors: Factors, *, key: bytes, passwordless: bool, title: str
    ) -> None:
        self._core = core
        self._database = database
        self._factors = factors
        self._key = key
        self.passwordless = passwordless
        self._title = title

    def relying_party(self, handler: Any = None) -> RelyingParty | None:
        """The host that passkeys are for; None where they are not possible."""
        return relying_party(self._core.public_url, handler)

    def possible(self, handler: Any = None) -> bool:
        """Whether a passkey can be used where this request came to."""
        return self.relying_party(handler) is not None

    @property
    def script(self) -> str:
        """The address of the script that talks to the browser."""
        return f"{self._core.base_url}auth/{self._factors.keeper}/static/native-passkey.js"

    def challenge(self, handler: Any) -> dict[str, Any] | None:
        """What the browser's call begins with; None where passkeys are not possible."""
        party = self.relying_party(handler)
        if party is None:
            return None
        challenge = challenges.issue(handler, self._core.public_url)
        return {"challenge": challenge.text, "rp": {"id": party.id, "name": self._title}, "timeout": 120_000}

    # Adding one.

    def wanted(self, owners: Sequence[Owner], username: str) -> dict[str, Any]:
        """For whom the browser makes a passkey, and on which devices there is one already."""
        user = {"id": bytes_to_base64url(self._handle(owners[0])), "name": username, "displayName": username}
        return {"create": {"user": user, "exclude": self.known(owners)}}

    def known(self, owners: Sequence[Owner]) -> list[dict[str, Any]]:
        """A person's passkeys as the browser wants to know them."""
        found = [json.loads(factor.data) for factor in self._factors.of(owners, PASSKEY)]
        return [{"id": each["id"], "transports": each["transports"]} for each in found]

    def added(self, request: Request, owner: Owner, label: str) -> Callable[[Connection], str]:
        """The work of a transaction that stores the passkey that a browser has made.

        Raises FactorRefused for what is no answer to this browser's challenge; the work, for one that is known.
        """
        typed = _field(request)
        challenge, party = challenges.take(request.handler), self.relying_party(request.handler)
        if challenge is None or party is None:
            raise FactorRefused("That took too long. Try again.", code="passkey_refused")
        try:
            made = verify_registration_response(
                credential=typed,
                expected_challenge=challenge.value,
                expected_rp_id=party.id,
                expected_origin=party.origin,
            )
            if len(made.credential_id) > LONGEST_ID:
                raise ValueError("the id is too long")
            transports = _transports(typed)
        except Exception as error:  # whatever the parsers of JSON, CBOR, ASN.1 and keys make of what a stranger sends
            self._core.log.info("hubauth: a new passkey was refused: %s", type(error).__name__)
            raise FactorRefused("This passkey cannot be added. Try again.", code="passkey_refused") from None
        kept = {
            "id": bytes_to_base64url(made.credential_id),
            "key": bytes_to_base64url(made.credential_public_key),
            "transports": transports,
        }
        row = {"digest": _digest(made.credential_id), "label": label, "data": json.dumps(kept).encode()}
        return partial(self._factors.add, owner=owner, kind=PASSKEY, counter=made.sign_count, **row)  # type: ignore[arg-type]

    # Asking for one.

    async def check(self, request: Request, owners: Sequence[Owner] | None = None, *, verified: bool = False) -> Factor:
        """The passkey that answered this browser's challenge: one of `owners`, if given; `verified` wants the device to
        have checked who holds it. It has answered then, and cannot again.

        Raises LoginRefused `bad_credentials`, PasskeyCloned, StoreError.
        """
        typed = _field(request)
        challenge, party = challenges.take(request.handler), self.relying_party(request.handler)
        if challenge is None or party is None:
            raise LoginRefused("That took too long. Try the passkey again.", code="bad_credentials")
        try:
            factor, shown = self._verified(typed, challenge, party, owners, verified=verified)
        except Exception as error:  # as above
            self._core.log.info("hubauth: a passkey was refused: %s", type(error).__name__)
            raise LoginRefused("This passkey is not accepted. Try another way.", code="bad_credentials") from None
        counter = shown.new_sign_count
        if (counter or factor.counter) and counter <= factor.counter:
            raise PasskeyCloned(factor)
        answered = partial(
            self._factors.spend_challenge, factor_id=factor.id, counter=counter, challenged_at=challenge.made_at
        )
        if not await self._database.write(answered):
            raise LoginRefused("This passkey was used for this already. Try again.", code="bad_credentials")
        return factor

    async def sign_in(self, request: Request) -> str:
        """The id of the account whose owner has shown a passkey in place of name and password.

        Raises LoginRefused `bad_credentials`, StoreError.
        """
        if not self.passwordless:
            raise LoginRefused("Sign in with your password here.", code="bad_credentials")
        factor = await self.check(request, verified=True)
        owners = self._factors.owners(*factor.owner)
        for provider, subject in owners:
            if provider == self._factors.keeper:
                return subject
        raise LoginRefused("This passkey is not for signing in here.", code="bad_credentials")

    def _verified(
        self,
        typed: str,
        challenge: challenges.Challenge,
        party: RelyingParty,
        owners: Sequence[Owner] | None,
        *,
        verified: bool,
    ) -> tuple[Factor, VerifiedAuthentication]:
        told = json.loads(typed)
        factor = self._factors.passkey(_digest(base64url_to_bytes(told["rawId"])))
        if factor is None or (owners is not None and factor.owner not in owners):
            raise LookupError("no such passkey")
        handle = told["response"].get("userHandle")
        if handle and not hmac.compare_digest(base64url_to_bytes(handle), self._handle(factor.owner)):
            raise LookupError("the passkey is somebody else's")  # section 7.2, step 6
        shown = verify_authentication_response(
            credential=told,
            expected_challenge=challenge.value,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            credential_public_key=base64url_to_bytes(json.loads(factor.data)["key"]),
            credential_current_sign_count=0,  # what the counter says is looked at by `check`, which tells its owner
            require_user_verification=verified,
        )
        return factor, shown

    def _handle(self, owner: Owner) -> bytes:
        """What passkeys call their owner: says nothing about them (section 14.6.1)."""
        told = json.dumps([self._factors.keeper, *owner]).encode()
        return hmac.new(self._key, told, hashlib.sha256).digest()


def _digest(credential_id: bytes) -> str:
    return hashlib.sha256(b"passkey " + credential_id).hexdigest()


def _field(request: Request) -> str:
    values: Sequence[str] = request.form.get(FIELD, ())
    if len(values) != 1 or len(values[0]) > LARGEST:
        raise FactorRefused("The form is malformed. Try again.", code="bad_request")
    return values[0]


def _transports(typed: str) -> list[str]:
    response: Mapping[str, Any] = json.loads(typed)["response"]
    told = response.get("transports")
    return [each for each in told if isinstance(each, str)][:8] if isinstance(told, list) else []
