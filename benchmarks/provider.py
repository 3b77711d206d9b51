"""A fast OpenID provider over TLS, a chosen round trip away: `python -m benchmarks.provider DIR MILLISECONDS`.

Prints its issuer. A relay in front of it holds every chunk for half a round trip in each direction, and the first one
of a connection for a whole one more, which stands for TCP's handshake. `GET /stats` counts connections and requests.
"""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import json
import secrets
import ssl
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from joserfc import jwt
from joserfc.jwk import RSAKey
from tornado import httpserver, netutil, web

SECRET = "benchmark-secret"


def certificate(folder: Path) -> ssl.SSLContext:
    """A fresh certificate for 127.0.0.1 in `folder` (ca.pem), and the context that serves it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "ca.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "ca.pem", folder / "key.pem")
    return context


class Provider(web.RequestHandler):
    """Whoever asks to sign in as `login_hint` does."""

    key = RSAKey.generate_key(2048, auto_kid=True)
    issuer = ""
    codes: dict[str, dict[str, str]] = {}
    tokens: dict[str, str] = {}
    seen: Counter[str] = Counter()

    def check_xsrf_cookie(self) -> None:
        """Nobody has a session here."""

    def get(self, path: str) -> None:
        self.seen[path] += 1
        getattr(self, f"answer_{path.strip('/').replace('/', '_').replace('.', '').replace('-', '_')}")()

    post = get

    def answer_stats(self) -> None:
        self.write(dict(self.seen))

    def answer_well_known_openid_configuration(self) -> None:
        names = ("authorize", "token", "userinfo", "jwks")
        ends = {f"{name}_endpoint".replace("authorize_", "authorization_"): f"{self.issuer}/{name}" for name in names}
        ends["jwks_uri"] = ends.pop("jwks_endpoint")
        self.write(ends | {"issuer": self.issuer, "id_token_signing_alg_values_supported": ["RS256"]})

    def answer_jwks(self) -> None:
        self.write({"keys": [self.key.as_dict(private=False) | {"use": "sig", "alg": "RS256"}]})

    def answer_authorize(self) -> None:
        code = secrets.token_urlsafe(8)
        asked = {name: self.get_argument(name) for name in self.request.arguments}
        self.codes[code] = asked | {"person": self.get_argument("login_hint", "ann")}
        self.redirect(f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}")

    def answer_token(self) -> None:
        asked = self.codes.pop(self.get_argument("code"))
        access, now = secrets.token_urlsafe(16), int(time.time())
        self.tokens[access] = asked["person"]
        answer: dict[str, Any] = {"access_token": access, "token_type": "Bearer", "expires_in": 300}
        if "openid" in asked.get("scope", ""):
            claims = {"iss": self.issuer, "aud": asked["client_id"], "iat": now, "exp": now + 300}
            claims |= {"sub": asked["person"], "nonce": asked.get("nonce")}
            answer["id_token"] = jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, self.key)
        self.write(answer)

    def answer_userinfo(self) -> None:
        person = self.tokens[self.request.headers["Authorization"].removeprefix("Bearer ")]
        self.write({"sub": person, "preferred_username": person, "username": person})


class Relay:
    """Forwards to a port, late."""

    def __init__(self, port: int, round_trip: float, seen: Counter[str]) -> None:
        self._port, self._round_trip, self._seen = port, round_trip, seen

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._seen["connections"] += 1
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._port)
        half = self._round_trip / 2
        await asyncio.gather(
            self._carry(reader, there_writer, half, self._round_trip), self._carry(there_reader, writer, half, 0)
        )

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float, handshake: float
    ) -> None:
        loop, late = asyncio.get_running_loop(), delay + handshake
        queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def deliver() -> None:
            while True:
                when, chunk = await queue.get()
                await asyncio.sleep(max(0.0, when - loop.time()))
                if not chunk:
                    writer.close()
                    return
                writer.write(chunk)

        task = asyncio.create_task(deliver())
        while chunk := await reader.read(65536):
            queue.put_nowait((loop.time() + late, chunk))
            late = delay
        queue.put_nowait((loop.time() + delay, b""))
        await task


async def main(folder: Path, round_trip: float) -> None:
    [inner] = netutil.bind_sockets(0, "127.0.0.1")
    application = web.Application([(r"(/.*)", Provider)], log_function=lambda handler: None)
    httpserver.HTTPServer(application, ssl_options=certificate(folder)).add_sockets([inner])
    relay = Relay(inner.getsockname()[1], round_trip, Provider.seen)
    server = await asyncio.start_server(relay.accept, "127.0.0.1", 0)
    Provider.issuer = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    print(json.dumps({"issuer": Provider.issuer}), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), float(sys.argv[2]) / 1000))
