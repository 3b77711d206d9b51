"""Letters: plain text from templates, put into the outbox by whoever has something to say.

A template's first line is the subject. What is filled in is made one line of plain characters, so that nobody writes
headers or paragraphs of their own into a mail by way of a name.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy import Connection

from ..addresses import Addresses
from .mailbox import BadMailbox, mailbox
from .outbox import KEEP_TRYING, Letter, Outbox
from .sending import Sending, Trouble

LETTERS: Final = Path(__file__).with_name("letters")
SUBJECT: Final = "Subject: "
LONGEST_VALUE: Final = 1024
"""Characters of one value."""


def plain(value: object) -> str:
    """A value as one line: controls, line ends and what turns the direction of text become spaces."""
    text = str(value)[:LONGEST_VALUE]
    return "".join(" " if unicodedata.category(each) in {"Cc", "Cf", "Cs", "Zl", "Zp"} else each for each in text)


@dataclass(frozen=True, kw_only=True)
class Post:
    """Where letters are handed in. `folder` holds letters that replace ours; `contact` is whom their readers may ask.

    Without `sending` there is no mail server, and letters are dropped.
    """

    sending: Sending | None
    outbox: Outbox
    addresses: Addresses
    folder: str = ""
    contact: str = "the administrators of this hub"
    _letters: Environment = field(init=False, repr=False)

    def __post_init__(self) -> None:
        folders: list[str | Path] = [self.folder, LETTERS] if self.folder else [LETTERS]
        letters = Environment(  # noqa: S701 - plain text, and `plain` is what makes values harmless
            loader=FileSystemLoader(folders),
            undefined=StrictUndefined,
            finalize=plain,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        letters.globals |= {"hub_url": self.addresses.hub, "contact": self.contact}
        object.__setattr__(self, "_letters", letters)

    @property
    def enabled(self) -> bool:
        """Whether mails are sent at all."""
        return self.sending is not None

    def trouble(self) -> Trouble | None:
        """What administrators should know about mails, None if all is well. Raises StoreError."""
        return self.sending.trouble() if self.sending else None

    def put(
        self, connection: Connection, letter_name: str, to: str, *, good_for: float = KEEP_TRYING, **values: Any
    ) -> None:
        """Post a letter to one person in the transaction that is its reason; `values` are for its template.

        After `good_for` seconds it is not worth sending any more. An address that is none gets nothing: it may come
        from an import.
        """
        if self.sending is None:
            return
        try:
            address = mailbox(to)
        except BadMailbox:
            return
        self.outbox.post(connection, self.write(letter_name, address, **values), good_for=good_for)
        self.sending.wake()

    def write(self, letter_name: str, to: str, **values: Any) -> Letter:
        """The letter itself."""
        text = self._letters.get_template(f"{letter_name}.txt").render(**values)
        first, _, rest = text.partition("\n")
        return Letter(to=to, subject=first.removeprefix(SUBJECT).strip(), text=rest.strip() + "\n")
