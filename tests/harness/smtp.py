"""A real SMTP server that keeps what it is sent, and fails for some recipients on purpose."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from .ports import free_port
from .waiting import until

BOUNCES = "bounce"
"""A recipient whose name begins so is refused for good (550)."""
LATER = "later"
"""One that begins so is refused for now (451), until it has been tried `patience` times."""
SLOW = "slow"
"""For one that begins so the server does not answer at all."""


@dataclass
class Sink:
    """A running server. `mails` is what it took, in order; `tried` every recipient that was ever named."""

    host: str
    port: int
    ca: Path | None = None
    user: str = ""
    password: str = ""
    patience: int = 1
    mails: list[EmailMessage] = field(default_factory=list)
    tried: list[str] = field(default_factory=list)
    sign_ins: list[str] = field(default_factory=list)

    def mails_to(self, address: str) -> list[EmailMessage]:
        """What came for somebody so far."""
        return [mail for mail in self.mails if mail["X-Envelope-To"] == address]

    async def mail_to(self, address: str, subject: str = "", *, since: int = 0) -> EmailMessage:
        """The newest mail to somebody with that in its subject, once there are more than `since` of them."""

        def found() -> list[EmailMessage]:
            return [mail for mail in self.mails_to(address) if subject in str(mail["Subject"])][since:]

        await until(lambda: bool(found()))
        return found()[-1]

    def options(self) -> dict[str, Any]:
        """The options with which a provider of the type `native` sends here."""
        chosen: dict[str, Any] = {"smtp_host": self.host, "smtp_port": self.port, "mail_from": "Hub <hub@hub.test>"}
        if self.ca is None:
            return chosen | {"smtp_security": "none"}
        chosen |= {"smtp_security": "starttls", "smtp_ca_file": str(self.ca)}
        return chosen | ({"smtp_user": self.user, "smtp_password": self.password} if self.user else {})


class _Keeper:
    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self._sink.tried.append(address)
        if address.startswith(BOUNCES):
            return "550 5.1.1 no such mailbox"
        if address.startswith(LATER) and self._sink.tried.count(address) <= self._sink.patience:
            return "451 4.7.1 try again later"
        if address.startswith(SLOW):
            await asyncio.Event().wait()
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content
        mail = message_from_bytes(content if isinstance(content, bytes) else b"", policy=policy.default)
        for address in envelope.rcpt_tos:
            mail["X-Envelope-To"] = address
        self._sink.mails.append(mail)
        return "250 OK"


def text_of(mail: EmailMessage) -> str:
    """What a person reads."""
    text: str = mail.get_content()
    return text


def link_in(mail: EmailMessage) -> str:
    """The first address in a mail that ends in a token."""
    return next(word for word in text_of(mail).split() if "token=" in word)


@contextmanager
def sink(folder: Path | None = None, *, user: str = "", password: str = "", port: int = 0) -> Iterator[Sink]:
    """A server on this machine; with a `folder` for its certificate it insists on STARTTLS, with a `user` on them."""
    sink = Sink(host="127.0.0.1", port=port or free_port(), user=user, password=password)
    options: dict[str, Any] = {}
    if folder is not None:
        sink.ca = folder / "mail-ca.pem"
        authority = trustme.CA()
        authority.cert_pem.write_to_path(sink.ca)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(sink.host).configure_cert(context)
        options |= {"tls_context": context, "require_starttls": True}

    def check(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        right = isinstance(data, LoginPassword) and data == LoginPassword(user.encode(), password.encode())
        sink.sign_ins.append(data.login.decode() if isinstance(data, LoginPassword) else "")
        return AuthResult(success=right, handled=False)

    if user:
        options |= {"authenticator": check, "auth_required": True}
    server = Controller(_Keeper(sink), hostname=sink.host, port=sink.port, enable_SMTPUTF8=True, **options)
    server.start()
    try:
        yield sink
    finally:
        server.stop()
