"""The new configuration, as text."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

WIDTH: Final = 118


class Code(str):
    """A value that is written as it stands: an expression of Python."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


@dataclass
class Draft:
    """One provider to be."""

    name: str
    type: str
    options: dict[str, Any] = field(default_factory=dict)
    remarks: dict[str, str] = field(default_factory=dict)
    """What stands before an option."""
    notes: list[str] = field(default_factory=list)
    """What has no exact counterpart."""

    def put(self, option: str, value: Any, remark: str = "") -> None:
        self.options[option] = value
        if remark:
            self.remarks[option] = remark


@dataclass
class Plan:
    """The whole of it: providers, and what is set for all of them."""

    origin: str
    drafts: list[Draft] = field(default_factory=list)
    hub: dict[str, Any] = field(default_factory=dict)
    """`section.option` -> value."""
    remarks: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def written(plan: Plan) -> str:
    """The lines that take the place of the old ones in jupyterhub_config.py."""
    body = "\n".join(_body(plan))
    imports = "import os\n\n" if "os.environ" in body else ""
    return imports + body + "\n"


def _body(plan: Plan) -> Iterator[str]:
    yield from _comment(
        f"Written by `hubauth migrate`. It takes the place of the lines for the former authenticator in {plan.origin}."
    )
    yield 'c.JupyterHub.authenticator_class = "hubauth"'
    yield ""
    for note in plan.notes:
        yield from _comment(note)
    yield "c.HubAuthenticator.providers = {"
    for draft in plan.drafts:
        yield from _provider(draft)
    yield "}"
    for option, value in plan.hub.items():
        if option in plan.remarks:
            yield from _comment(plan.remarks[option])
        yield f"c.{option} = {shown(value)}"


def _provider(draft: Draft) -> Iterator[str]:
    for note in draft.notes:
        yield from _comment(note, "    ")
    yield f"    {shown(draft.name)}: {{"
    kind = {} if draft.type == draft.name else {"type": draft.type}
    for option, value in {**kind, **draft.options}.items():
        if option in draft.remarks:
            yield from _comment(draft.remarks[option], "        ")
        yield f"        {shown(option)}: {shown(value)},"
    yield "    },"


def _comment(text: str, indent: str = "") -> Iterable[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=f"{indent}# ",
        subsequent_indent=f"{indent}# ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def shown(value: Any) -> str:
    """A value as Python: plain containers, and sets in order."""
    if isinstance(value, Code):
        return str(value)
    if isinstance(value, str):
        plain = repr(value)
        return '"' + plain[1:-1] + '"' if plain[0] == "'" and '"' not in plain else plain
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{shown(key)}: {shown(each)}" for key, each in value.items()) + "}"
    if isinstance(value, set | frozenset):
        return "{" + ", ".join(sorted(map(shown, value))) + "}" if value else "set()"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(shown, value)) + "]"
    return repr(value)
