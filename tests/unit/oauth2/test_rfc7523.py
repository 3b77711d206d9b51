"""Clients that prove themselves with a signed statement."""

from __future__ import annotations

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from hostile_idp import tokens as made
from hubauth_core.errors import ConfigError
from hubauth_core.oauth2 import rfc7523

ROWS = pytest.mark.row("C19", "R08")


@ROWS
@pytest.mark.parametrize(
    ("key", "algorithm"),
    [(made.rsa(), "RS256"), (made.ec(), "ES256"), (made.ec(1, "P-384"), "ES384"), (made.ed(), "EdDSA")],
    ids=["RSA", "P-256", "P-384", "Ed25519"],
)
async def test_private_key(idp, make, sign_in, tmp_path, key, algorithm):
    file = tmp_path / "key.pem"
    file.write_bytes(key.as_pem(private=True))
    options = {"client_authentication": "private_key_jwt", "private_key_file": str(file), "private_key_id": "k1"}
    await sign_in(make(client_secret="", **options))
    seen = idp.last("/token")
    assert seen.form["client_assertion_type"] == rfc7523.ASSERTION_TYPE
    assert "client_secret" not in seen.form
    assert "Authorization" not in seen.headers
    statement = jwt.decode(seen.form["client_assertion"], key, algorithms=[algorithm])
    assert statement.header["kid"] == "k1"
    assert statement.claims["aud"] == idp.issuer
    assert statement.claims["iss"] == statement.claims["sub"] == "hub"
    assert statement.claims["exp"] - statement.claims["iat"] <= 60


@ROWS
async def test_each_statement_is_another_one(idp, make, sign_in):
    provider = make(client_authentication="client_secret_jwt", client_secret="s" * 32)
    statements = set()
    for _ in range(2):
        await sign_in(provider)
        statements.add(idp.last("/token").form["client_assertion"])
    assert len(statements) == 2


@ROWS
async def test_secret(idp, make, sign_in):
    secret = "s" * 32
    await sign_in(make(client_authentication="client_secret_jwt", client_secret=secret))
    seen = idp.last("/token")
    assert "client_secret" not in seen.form
    assert secret not in str(seen)
    statement = jwt.decode(seen.form["client_assertion"], OctKey.import_key(secret), algorithms=["HS256"])
    assert statement.claims["aud"] == idp.issuer


@pytest.mark.parametrize("content", [b"", b"no key", made.rsa().as_pem(private=False)])
def test_a_file_that_holds_no_private_key_stops_the_start(make, tmp_path, content):
    file = tmp_path / "key.pem"
    file.write_bytes(content)
    with pytest.raises(ConfigError, match="private_key_file"):
        make(client_authentication="private_key_jwt", private_key_file=str(file))
