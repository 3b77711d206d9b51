"""The post office of one provider, as its options say."""

from __future__ import annotations

from hubauth_core import Core
from hubauth_core.plugin import Database

from ..addresses import Addresses
from ..options.mail import MailOptions
from .outbox import Outbox
from .post import Post
from .sending import Sending


def open_post(options: MailOptions, core: Core, database: Database, addresses: Addresses, provider: str) -> Post:
    """Where letters are handed in; with a mail server they are sent for as long as the hub runs. Raises ConfigError."""
    outbox, server = Outbox(provider, core.key("mail")), options.mail_server(core.public_url)
    sending = Sending(database, provider, outbox, server, core.log) if server else None
    if sending:
        core.in_background(sending.run)
    return Post(
        sending=sending,
        outbox=outbox,
        addresses=addresses,
        folder=options.letters_path,
        contact=options.mail_contact,
    )
