"""The way to the mail server: encrypted, its certificate verified, every step with an end.

What went wrong is said by who has to act: `ServerTrouble` is about the server or how it is configured, and every mail
waits; `MailTrouble` is about one mail.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import formatdate, parseaddr
from functools import cached_property
from typing import Final, Literal

import aiosmtplib

from hubauth_core import ConfigError, Secret
from hubauth_core.plugin import is_loopback

from .mailbox import BadMailbox, mailbox
from .outbox import Letter

Security = Literal["starttls", "tls", "none"]

PORTS: Final[dict[Security, int]] = {"starttls": 587, "tls": 465, "none": 25}
LONGEST_SEND: Final = 180.0
"""Seconds that one mail may take, however slowly the server answers step by step."""


class ServerTrouble(Exception):
    """The server cannot be used now. `word` says why, for administrators."""

    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.word = word


class MailTrouble(Exception):
    """This mail was not taken; `for_good` says that it never will be."""

    def __init__(self, word: str, *, for_good: bool) -> None:
        super().__init__(word)
        self.word = word
        self.for_good = for_good


@dataclass(frozen=True, kw_only=True)
class Server:
    """A mail server. `timeout` in seconds, for one step; `sender` as it stands in `mail_from`."""

    host: str
    port: int = 0
    security: Security = "starttls"
    ca_file: str = ""
    user: str = ""
    password: Secret = field(default=Secret(""), repr=False)
    timeout: float = 20.0
    sender: str

    def check(self) -> None:
        """Raises ConfigError for what cannot work, or would send a password in the clear."""
        _sender(self.sender)
        if bool(self.user) != bool(self.password):
            raise ConfigError("smtp_user and a password (smtp_password or smtp_password_file) belong together")
        if self.user and self.security == "none" and not is_loopback(self.host):
            raise ConfigError("smtp_security = 'none' would send smtp_password to another machine in the clear")
        _ = self.context

    @cached_property
    def context(self) -> ssl.SSLContext:
        """Whom to trust. Raises ConfigError. It takes its time, once."""
        try:
            context = ssl.create_default_context()
            if self.ca_file:
                context.load_verify_locations(self.ca_file)
        except OSError as error:
            raise ConfigError(f"the file of 'smtp_ca_file' cannot be used: {error.strerror or error}") from None
        return context

    @contextlib.asynccontextmanager
    async def connect(self) -> AsyncIterator[Line]:
        """An open line to it. Raises ServerTrouble."""
        smtp = aiosmtplib.SMTP(
            hostname=self.host,
            port=self.port or PORTS[self.security],
            timeout=self.timeout,
            use_tls=self.security == "tls",
            start_tls=self.security == "starttls",
            tls_context=self.context if self.security != "none" else None,
        )
        try:
            try:
                async with asyncio.timeout(LONGEST_SEND):
                    await smtp.connect()
                    if self.user:
                        await smtp.login(self.user, self.password.reveal())
            except (aiosmtplib.SMTPException, OSError, TimeoutError, ValueError) as error:
                raise ServerTrouble(_server_word(error)) from error
            yield Line(smtp, self.sender)
            with contextlib.suppress(aiosmtplib.SMTPException, OSError):
                await smtp.quit()
        finally:
            smtp.close()


class Line:
    """A connection over which mails go, one after the other."""

    def __init__(self, smtp: aiosmtplib.SMTP, sender: str) -> None:
        self._smtp = smtp
        self._sender = sender

    @property
    def is_open(self) -> bool:
        return self._smtp.is_connected

    async def send(self, letter: Letter, mail_id: str) -> None:
        """Hand over a letter. `mail_id` makes its Message-ID. Raises MailTrouble, ServerTrouble."""
        try:
            message = _message(letter, self._sender, mail_id)
            async with asyncio.timeout(LONGEST_SEND):
                await self._smtp.send_message(message, recipients=[letter.to])
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise _refused(error.recipients[0].code) from error
        except aiosmtplib.SMTPSenderRefused as error:
            raise ServerTrouble(f"sender refused ({error.code})") from error
        except aiosmtplib.SMTPResponseException as error:
            raise _refused(error.code) from error
        except (aiosmtplib.SMTPTimeoutError, TimeoutError) as error:
            self._smtp.close()
            raise MailTrouble("no answer", for_good=False) from error
        except (aiosmtplib.SMTPServerDisconnected, OSError) as error:
            self._smtp.close()
            raise MailTrouble("connection lost", for_good=False) from error
        except (aiosmtplib.SMTPException, ValueError) as error:
            raise MailTrouble("cannot be sent to this address", for_good=True) from error


def _message(letter: Letter, sender: str, mail_id: str) -> EmailMessage:
    message = EmailMessage(policy=SMTP_POLICY)
    address = _sender(sender)
    message["From"] = address
    message["To"] = Address(addr_spec=letter.to)
    message["Subject"] = letter.subject
    message["Date"] = formatdate()
    message["Message-ID"] = f"<{mail_id}@{address.domain}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers
    message.set_content(letter.text)
    return message


def _sender(configured: str) -> Address:
    name, address = parseaddr(configured)
    try:
        return Address(name, addr_spec=mailbox(address))
    except (BadMailbox, ValueError):
        raise ConfigError(
            f"mail_from = {configured!r} is not an address; write it as 'The hub <hub@example.org>'"
        ) from None


def _refused(code: int) -> MailTrouble:
    return MailTrouble(f"refused ({code})", for_good=code >= 500)


def _server_word(error: Exception) -> str:
    if isinstance(error, aiosmtplib.SMTPAuthenticationError):
        return f"sign-in refused ({error.code})"
    if isinstance(error, ssl.SSLCertVerificationError) or isinstance(error.__cause__, ssl.SSLCertVerificationError):
        return "its certificate is not trusted"
    if isinstance(error, ssl.SSLError):
        return "no encrypted connection"
    if isinstance(error, aiosmtplib.SMTPTimeoutError | TimeoutError):
        return "no answer"
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return f"turned away ({error.code})"
    if isinstance(error, aiosmtplib.SMTPConnectError | OSError):
        return "cannot be reached"
    return "no encrypted connection or no sign-in"
