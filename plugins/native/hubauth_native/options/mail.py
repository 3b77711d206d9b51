"""Options about mail."""

from __future__ import annotations

from typing import cast

from traitlets import Enum, Float, HasTraits, Integer, Unicode

from hubauth_core import ConfigError
from hubauth_core.plugin import SecretOption, read_secret

from ..mail.transport import Security, Server


class MailOptions(HasTraits):
    """Mixed into `NativeProvider`."""

    smtp_host = Unicode(
        help="The mail server. Without one no mail is sent: administrators hand out links in its place. Needs the "
        "hub's `public_url`, because mails hold links."
    ).tag(config=True)
    smtp_port = Integer(
        0, min=0, max=65535, help="Its port. Defaults to 587 with STARTTLS, 465 with TLS, and 25 with neither."
    ).tag(config=True)
    smtp_security = Enum(
        ["starttls", "tls", "none"],
        "starttls",
        help="How the way there is encrypted; the server's certificate is always verified. `none` is for a server on "
        "this machine or in a network that you trust, and sends a password to this machine only.",
    ).tag(config=True)
    smtp_ca_file = Unicode(
        help="A file of certificates (PEM) that vouch for the mail server, beside those of this machine."
    ).tag(config=True)
    smtp_user = Unicode(help="Whom to sign in as at the mail server. Empty: nobody.").tag(config=True)
    smtp_password = SecretOption(
        help="The password at the mail server, where it does not stand in `smtp_password_file`."
    ).tag(config=True)
    smtp_password_file = Unicode(help="A file that holds the password at the mail server.").tag(config=True)
    smtp_timeout = Float(
        20.0, min=1.0, max=120.0, help="Seconds for which one step of the mail server is waited for."
    ).tag(config=True)
    mail_from = Unicode(
        help="The sender: an address, or a name and an address such as `The hub <hub@example.org>`. Needed with "
        "`smtp_host`."
    ).tag(config=True)
    mail_contact = Unicode(
        "the administrators of this hub", help="Whom mails name for questions: a few words, or an address."
    ).tag(config=True)
    letters_path = Unicode(
        help="A folder of letters that replace those that come with hubauth: text templates (Jinja) of the same "
        "file names, whose first line is `Subject: ...`."
    ).tag(config=True)

    reset_link_minutes = Integer(
        60, min=5, max=60, help="Minutes for which a link to a new password works that somebody has asked for."
    ).tag(config=True)
    issued_link_minutes = Integer(
        1440,
        min=10,
        max=1440,
        help="Minutes for which a link to a first or a new password works that an administrator has made.",
    ).tag(config=True)
    email_link_minutes = Integer(
        60, min=10, max=1440, help="Minutes for which the link works that proves a new e-mail address."
    ).tag(config=True)
    email_undo_days = Integer(
        7, min=1, max=30, help="Days for which the owner of the old address can take a change of the address back."
    ).tag(config=True)

    def mail_server(self, public_url: str) -> Server | None:
        """The server that is configured, None if none is. Raises ConfigError."""
        if not self.smtp_host:
            return None
        if not public_url:
            raise ConfigError(
                "'smtp_host' is set, but c.JupyterHub.public_url is not. Mails hold links to this hub, so it has to "
                "know its own address: set public_url to what people type."
            )
        if self.smtp_password and self.smtp_password_file:
            raise ConfigError("smtp_password and smtp_password_file are both set; keep one of them")
        password = self.smtp_password
        if self.smtp_password_file:
            password = read_secret("smtp_password_file", self.smtp_password_file)
        server = Server(
            host=self.smtp_host,
            port=self.smtp_port,
            security=cast(Security, self.smtp_security),
            ca_file=self.smtp_ca_file,
            user=self.smtp_user,
            password=password,
            timeout=self.smtp_timeout,
            sender=self.mail_from,
        )
        server.check()
        return server
