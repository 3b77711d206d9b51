"""What the page about social accounts shows: every configuration starts, and leads to the service that it is about."""

from __future__ import annotations

import base64
import logging
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import responses
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from traitlets.config import Config

from hubauth_core import Redirect, Request
from hubauth_core.database import Database, ensure, open_database
from hubauth_core.discovery import Discovery
from hubauth_core.registry import Registry
from hubauth_core.schema import Schema
from hubauth_core.transaction import begin

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "social-accounts.md"
EXAMPLES = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.S | re.M)

LEADS_TO = {
    "google": "accounts.google.com",
    "microsoft": "login.microsoftonline.com",
    "facebook": "www.facebook.com",
    "x": "twitter.com",
    "reddit": "ssl.reddit.com",
    "stackoverflow": "stackexchange.com",
    "discord": "discord.com",
    "linkedin": "www.linkedin.com",
    "apple": "appleid.apple.com",
    "orcid": "orcid.org",
    "slack": "slack.com",
    "bitbucket": "bitbucket.org",
    "federation": "idp.uni.example",
}
"""What the page has, and where a sign-in with it begins."""


class Lent:
    """What a provider of the type is lent by the hub."""

    base_url = "/hub/"
    public_url = "https://hub.example.org/hub/"
    log = logging.getLogger("hubauth.test")

    def __init__(self, database: Database) -> None:
        self._database = database

    def store(self, schema: Schema) -> Database:
        ensure(self._database, schema)
        return self._database

    def key(self, purpose: str) -> bytes:
        return purpose.encode().ljust(32, b".")[:32]

    def in_background(self, work: Callable[[], Awaitable[None]]) -> None:
        """Nothing grows old here."""


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """What stands for the placeholders of the page: a key pair as SAML's settings have it, and Apple's key."""
    made = trustme.CA().issue_cert("hub.example.org")
    pem = b"".join(blob.bytes() for blob in made.cert_chain_pems[:1])
    certificate = base64.b64encode(x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)).decode()
    private = load_pem_private_key(made.private_key_pem.bytes(), None)
    key = base64.b64encode(private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())).decode()
    apple = tmp_path / "apple.p8"
    apple.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return {"MIIC...": certificate, "MIID...": certificate, "MIIE...": key, "/etc/jupyterhub/apple.p8": str(apple)}


def test_every_service_of_the_page_has_an_example() -> None:
    names = {name for example in EXAMPLES for name in re.findall(r'^    "(\w+)": \{$', example, re.M)}
    assert names == {*LEADS_TO}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda text: "+".join(re.findall(r'"backend": "([^"]+)"', text)))
async def test_an_example_starts_and_leads_to_its_service(example: str, files: dict[str, str], tmp_path: Path) -> None:
    for placeholder, real in files.items():
        example = example.replace(placeholder, real)
    config = Config()
    exec(example, {"c": config})
    registry = Registry(Discovery())
    registry.configure(config.HubAuthenticator.providers)
    database = open_database(f"sqlite:///{tmp_path / 'hubauth.sqlite'}")
    for name, provider in registry.providers.items():
        assert provider.grants
        provider.start(Lent(database))
        back = f"https://hub.example.org/hub/auth/{name}/callback"
        transaction = begin(name, redirect_uri=back, next_url="")
        with responses.RequestsMock(assert_all_requests_are_fired=False) as source:
            source.get(
                "https://www.linkedin.com/oauth/.well-known/openid-configuration",
                json={"authorization_endpoint": "https://www.linkedin.com/oauth/v2/authorization"},
            )
            step = await provider.begin_login(Request(), transaction)
        assert isinstance(step, Redirect)
        parts, query = urlsplit(step.url), parse_qs(urlsplit(step.url).query)
        assert parts.netloc == LEADS_TO[name]
        assert transaction.state in query.get("state", query.get("RelayState"))[0]
        assert query.get("redirect_uri", [back])[0].partition("?")[0] == back
    database.close()
