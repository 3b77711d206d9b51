"""An identity provider of SAML 2.0: it signs what it is asked for, and sends it by the browser's POST."""

from __future__ import annotations

import base64
import zlib
from datetime import UTC, datetime, timedelta
from functools import cached_property
from uuid import uuid4

import defusedxml.ElementTree
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

RESPONSE = """<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"
 xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_{id}" Version="2.0" IssueInstant="{now}"
 Destination="{acs}"{in_response_to}><saml:Issuer>{issuer}</saml:Issuer>
<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>
<saml:Assertion ID="_a{id}" Version="2.0" IssueInstant="{now}"><saml:Issuer>{issuer}</saml:Issuer>
<saml:Subject><saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">{name_id}</saml:NameID>
<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">
<saml:SubjectConfirmationData NotOnOrAfter="{later}" Recipient="{acs}"{in_response_to}/></saml:SubjectConfirmation>
</saml:Subject><saml:Conditions NotBefore="{before}" NotOnOrAfter="{later}"><saml:AudienceRestriction>
<saml:Audience>{audience}</saml:Audience></saml:AudienceRestriction></saml:Conditions>
<saml:AuthnStatement AuthnInstant="{now}" SessionIndex="_s{id}"><saml:AuthnContext>
<saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef>
</saml:AuthnContext></saml:AuthnStatement><saml:AttributeStatement>{attributes}</saml:AttributeStatement>
</saml:Assertion></samlp:Response>"""

ATTRIBUTE = '<saml:Attribute Name="{}">{}</saml:Attribute>'
VALUE = "<saml:AttributeValue>{}</saml:AttributeValue>"


class SamlIdP:
    """One identity provider. `name` is the host's."""

    signs = True

    def __init__(self, name: str) -> None:
        self.entity_id = f"https://{name}.example/metadata"
        self.url = f"https://{name}.example/sso"
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    @cached_property
    def certificate(self) -> str:
        """What it signs with, as a configuration holds it."""
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.entity_id)])
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(self._key.public_key())
        )
        builder = builder.serial_number(1).not_valid_before(now - timedelta(1)).not_valid_after(now + timedelta(1))
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()

    def answer(self, request: str, acs: str, audience: str, name_id: str, **attributes: list[str]) -> str:
        """`SAMLResponse` to a `SAMLRequest`; to "" it is one that nobody has asked for."""
        from onelogin.saml2.utils import OneLogin_Saml2_Utils

        asked = f' InResponseTo="{_id_of(request)}"' if request else ""
        now = datetime.now(UTC)
        written = RESPONSE.format(
            id=uuid4().hex,
            now=_time(now),
            before=_time(now - timedelta(minutes=5)),
            later=_time(now + timedelta(minutes=5)),
            acs=acs,
            issuer=self.entity_id,
            audience=audience,
            name_id=name_id,
            in_response_to=asked,
            attributes="".join(
                ATTRIBUTE.format(name, "".join(map(VALUE.format, values))) for name, values in attributes.items()
            ),
        )
        key = self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
        if not self.signs:
            return base64.b64encode(written.encode()).decode()
        return base64.b64encode(OneLogin_Saml2_Utils.add_sign(written, key.decode(), self.certificate)).decode()


def _id_of(request: str) -> str:
    plain = zlib.decompress(base64.b64decode(request), -15)
    return str(defusedxml.ElementTree.fromstring(plain).attrib["ID"])


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
