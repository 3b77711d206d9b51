"""`hubauth migrate`: from OAuthenticator to hubauth, without losing a user."""

from __future__ import annotations

import asyncio
import contextlib
import json
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click
from sqlalchemy import make_url
from traitlets.config import Config

from ...database import Database, open_database
from ...errors import ConfigError
from ...identities import Identities
from ...names import prefixes_of
from ...sweep import check_prefixes
from ..beside import hub_tables
from ..hub_config import config_option, hub_of, load, needed, read
from ..inspected import Inspected, inspect
from ..store import address
from . import people, reading
from .planning import plan
from .writing import Plan, written

FATES: Final[Mapping[people.Fate, str]] = {
    "bind": "to be bound",
    "bound": "bound",
    "adopt": "by name",
    "refused": "refused",
    "nobody": "nobody's",
}


@click.command(short_help="Move over from OAuthenticator: the new configuration, and whose each hub user is.")
@config_option
@click.option("--bind", is_flag=True, help="Find in auth_state who each hub user is. -f is the new configuration.")
@click.option("--yes", is_flag=True, help="With --bind: write it down. Without it, nothing is changed.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def migrate(config: Path | None, bind: bool, yes: bool, as_json: bool) -> None:
    """Print the configuration for hubauth that lets the same people in under the same hub usernames.

    Reads a configuration for a class of OAuthenticator, or for MultiAuthenticator, and changes nothing. A comment tells
    what has no exact counterpart. Hub users of whom auth_state holds no account stand in `adopt`: whoever signs in
    first under such a name gets the hub user, so take out the names of people who have left.

    Then stop the hub, put the new lines in, and run it with --bind: it shows for each hub user the account that
    auth_state names; with --yes it records them, so that nobody else gets in under a name that changed hands.
    """
    if bind:
        _bind(needed(config), write=yes, as_json=as_json)
        return
    if yes:
        raise ConfigError("--yes is for --bind.")
    path = needed(config)
    old_config = read(path)
    found = plan(reading.read(path, old_config))
    _adopt(found, old_config)
    if as_json:
        click.echo(json.dumps({"configuration": written(found), "notes": _notes(found)}, indent=2))
    else:
        click.echo(written(found), nl=False)


def _notes(found: Plan) -> list[str]:
    return [*found.notes, *(f"{draft.name}: {note}" for draft in found.drafts for note in draft.notes)]


def _adopt(found: Plan, config: Config) -> None:
    """Name the hub users whom nothing but the name ties to a provider."""
    hub = Config({section: dict(options) for section, options in config.items()})
    hub.JupyterHub.pop("authenticator_class", None)
    try:
        with hub_tables(hub_of(hub)) as session:
            states = list(people.kept_states(session))
    except ConfigError as error:
        found.notes.append(f"adopt could not be written: {error.sentence}")
        return
    if not states:
        found.notes.append("The hub has no users here: run this where the hub runs, so that `adopt` can be written.")
    prefixes = {draft.name: str(draft.options.get("username_prefix", "")) for draft in found.drafts}
    names: dict[str, list[str]] = {}
    for user, state in states:
        owner = next(
            (
                name
                for name in sorted(prefixes, key=lambda each: -len(prefixes[each]))
                if user.name.startswith(prefixes[name])
            ),
            "",
        )
        if owner and not [*people.told_in(state)]:
            names.setdefault(owner, []).append(user.name)
    for draft in found.drafts:
        if draft.name in names:
            draft.put(
                "adopt",
                sorted(names[draft.name]),
                "Of these hub users nothing is known but the name: whoever signs in first under it gets the user. Take "
                "out people who have left. All others are bound by `hubauth migrate --bind`.",
            )


def _bind(path: Path, *, write: bool, as_json: bool) -> None:
    told = inspect(load(path))
    with _placing(told, write) as (house, states):
        found = people.place(house, states)
        if write:
            found = asyncio.run(people.bind(house, found))
            house.identities.tell()
    click.echo(json.dumps([*map(_person, found)], indent=2) if as_json else "\n".join(_lines(found, write)))


@contextlib.contextmanager
def _placing(told: Inspected, write: bool) -> Iterator[tuple[people.House, list[tuple[Any, Mapping[str, Any]]]]]:
    found = prefixes_of(told.prefixes())
    with _store(told, write) as database:
        identities = Identities(database)
        recorded = identities.record_prefixes(found) if write else check_prefixes(database, found)
        prefixes = recorded | {name: prefix.text for name, prefix in found.items()}
        with hub_tables(told.hub) as session:
            states = list(people.kept_states(session))
        listed = told.authenticator.allowed_users | told.authenticator.admin_users
        yield (
            people.House(
                providers=told.registry.providers,
                types={name: _type(told, name) for name in told.registry.providers},
                prefixes={name: prefixes[name] for name in told.registry.providers},
                listed=frozenset(map(str.lower, listed)),
                identities=identities,
            ),
            states,
        )


@contextlib.contextmanager
def _store(told: Inspected, write: bool) -> Iterator[Database]:
    """hubauth's database; to look only, none is made where there is none yet."""
    url = make_url(address(told.hub))
    with tempfile.TemporaryDirectory(prefix="hubauth-migrate-") as folder:
        if not write and url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
            database = open_database(f"sqlite:///{Path(folder) / 'nobody.sqlite'}")
        else:
            database = told.authenticator.open_store(told.hub, create=write)
        try:
            yield database
        finally:
            database.close()


def _type(told: Inspected, name: str) -> str:
    return str(told.configured.get(name, {}).get("type", name))


def _person(person: people.Person) -> dict[str, Any]:
    return {
        "hub_user": person.hub_user.name,
        "fate": person.fate,
        "provider": person.provider,
        "subject": person.subject,
        "why": person.why,
    }


def _lines(found: Sequence[people.Person], write: bool) -> Iterator[str]:
    if not found:
        yield "The hub has no users here. Run this where the hub runs, with its database."
        return
    rows = [
        (each.hub_user.name, FATES[each.fate], f"{each.provider}: {each.subject}" if each.subject else each.why)
        for each in found
    ]
    widths = [max((len(row[column]) for row in rows), default=0) for column in (0, 1)]
    for row in rows:
        yield f"{row[0]:<{widths[0]}}  {row[1]:<{widths[1]}}  {row[2]}"
    counted = Counter(FATES[each.fate] for each in found)
    yield f"\n{len(found)} hub users: {', '.join(f'{count} {fate}' for fate, count in counted.items())}."
    yield "The hub can start." if write else "Nothing was changed. --yes writes it down."
