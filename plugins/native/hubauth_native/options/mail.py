"""Options about mail."""

from __future__ import annotations

from traitlets import Enum, Float, HasTraits, Integer, Unicode


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
