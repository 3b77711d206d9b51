"""The core as a provider sees it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jupyterhub import orm, scopes
from jupyterhub.crypto import CryptKeeper
from sqlalchemy import inspect

from hubauth_core import ConfigError, CredentialError, Event, Identity, LoginRefused, Provider
from hubauth_core.database import Database
from hubauth_core.events import Audit
from hubauth_core.hub import JupyterHubUsers, hub_user
from hubauth_core.identities import Identities, new_id
from hubauth_core.lending import Lending
from hubauth_core.mapping import Mapper
from hubauth_core.schema import OWN


@pytest.fixture
def heard() -> list[Event]:
    return []


@pytest.fixture
def lending(database: Database, heard: list[Event], monkeypatch: pytest.MonkeyPatch) -> Iterator[Lending]:
    """A hub that knows ann and names root in its configuration; crypt keys are there."""
    monkeypatch.setenv("JUPYTERHUB_CRYPT_KEY", "11" * 32)
    CryptKeeper.clear_instance()
    with orm.new_session_factory("sqlite:///:memory:")() as session:
        session.add(orm.User(name="ann"))
        session.commit()
        identities, log = Identities(database), logging.getLogger("test")
        users = JupyterHubUsers(lambda: session)
        mapper = Mapper(
            {"local": "", "other": "other-"}, identities, users, validate_username=bool, spoken_for=frozenset({"root"})
        )
        app = SimpleNamespace(
            db=session, base_url="/base/", public_url="https://hub.test/base/", cookie_secret=b"x" * 32, log=log
        )
        yield Lending(
            app, database=database, identities=identities, mapper=mapper, audit=Audit(heard.append, log), upgrade=False
        )
        session.rollback()
        session.get_bind().dispose()
    CryptKeeper.clear_instance()


async def bind(lending: Lending, provider: str, subject: str) -> None:
    """ann's identity."""
    ann = hub_user(lending.app.db.query(orm.User).filter_by(name="ann").one())
    await lending.identities.bind(
        Identity(provider=provider, subject=subject, username="ann"), ann, record_id=new_id(), pin="ann"
    )


def test_addresses_come_from_the_configuration(lending: Lending) -> None:
    core = lending.to(Provider("local"))
    assert (core.base_url, core.public_url) == ("/base/hub/", "https://hub.test/base/hub/")
    lending.app.public_url = ""
    assert lending.to(Provider("local")).public_url == ""


def test_keys_differ_by_provider_and_purpose_and_are_the_same_after_a_restart(lending: Lending) -> None:
    keys = [lending.to(Provider(name)).key(purpose) for name in ("local", "other") for purpose in ("mail", "throttle")]
    assert len(set(keys)) == 4
    assert {len(key) for key in keys} == {32}
    assert lending.to(Provider("local")).key("mail") == keys[0]


@pytest.mark.row("F14")
async def test_what_is_sealed_opens_for_its_owner_and_purpose_alone(lending: Lending) -> None:
    core = lending.to(Provider("local"))
    blob = await core.seal("7", "totp", {"secret": "canary"})
    assert b"canary" not in blob
    assert await core.open("7", "totp", blob) == ({"secret": "canary"}, True)
    for provider, owner, purpose in (("local", "8", "totp"), ("local", "7", "other"), ("other", "7", "totp")):
        with pytest.raises(CredentialError):
            await lending.to(Provider(provider)).open(owner, purpose, blob)


async def test_a_provider_sees_its_own_people_alone(lending: Lending) -> None:
    await bind(lending, "local", "7")
    local, other = lending.to(Provider("local")), lending.to(Provider("other"))
    ann = local.hub_user("7")
    assert ann is not None
    assert ann.name == "ann"
    assert local.subject_of(ann) == "7"
    assert other.hub_user("7") is None
    assert other.subject_of(ann) is None


@pytest.mark.row("V15")
async def test_who_has_the_number_of_somebody_deleted_is_not_them(lending: Lending) -> None:
    await bind(lending, "local", "7")
    session = lending.app.db
    session.delete(session.query(orm.User).one())
    session.commit()
    session.add(orm.User(name="zoe"))
    session.commit()
    assert lending.to(Provider("local")).hub_user("7") is None


@pytest.mark.row("V08", "V38")
@pytest.mark.parametrize("name", ["ann", "ANN", "аnn", "root", "other-x", "a/b", ""])
def test_a_name_that_is_somebodys_or_the_configurations_is_not_free(lending: Lending, name: str) -> None:
    with pytest.raises(LoginRefused):
        lending.to(Provider("local")).free_name(name)


def test_a_free_name_comes_with_the_prefix(lending: Lending) -> None:
    assert lending.to(Provider("other")).free_name("Zoe") == "other-zoe"


def test_what_a_provider_records_bears_its_name(lending: Lending, heard: list[Event]) -> None:
    lending.to(Provider("local")).record(Event(kind="account_created", provider="other", subject="7"))
    assert [(event.provider, event.subject) for event in heard] == [("local", "7")]


def test_tables_of_a_plugin_stand_in_the_store(lending: Lending, tmp_path: Path, monkeypatch: Any) -> None:
    folder = tmp_path / "acme_tables" / "migrations"
    (folder / "versions").mkdir(parents=True)
    (folder.parent / "__init__.py").touch()
    (folder / "env.py").write_text(
        "from alembic import context\n"
        "context.configure(connection=context.config.attributes['connection'], version_table='acme_version')\n"
        "context.run_migrations()\n"
    )
    (folder / "versions" / "v1.py").write_text(
        "import sqlalchemy as sa\nfrom alembic import op\nrevision, down_revision = '1', None\n"
        "def upgrade():\n    op.create_table('acme_things', sa.Column('id', sa.Integer, primary_key=True))\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    schema = replace(
        OWN, distribution="acme", versions=("1",), version_table="acme_version", migrations="acme_tables:migrations"
    )
    for _ in range(2):  # the second time they are there
        database = lending.to(Provider("local")).store(schema)
    with database.read() as connection:
        assert inspect(connection).has_table("acme_things")
        assert inspect(connection).has_table("hubauth_identities")


async def test_background_work_that_fails_begins_again(lending: Lending, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hubauth_core.lending.PAUSE", 0)
    tries: list[int] = []

    async def work() -> None:
        tries.append(1)
        if len(tries) < 3:
            raise RuntimeError("broken")

    lending.to(Provider("local")).in_background(work)
    await asyncio.wait_for(lending.run(), 5)
    assert len(tries) == 3


async def test_who_is_only_connected_is_parted_and_not_deleted(
    lending: Lending, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bind(lending, "local", "7")
    ann = hub_user(lending.app.db.query(orm.User).one())
    identity = Identity(provider="other", subject="8", username="ann")
    await lending.identities.link(identity, ann, record_id=new_id(), pin="ann")
    done: list[str] = []

    async def ends(app: Any, row: Any) -> None:
        done.append(f"ended {row.name}")

    async def deletes(app: Any, row: Any) -> None:
        done.append(f"deleted {row.name}")

    monkeypatch.setattr("hubauth_core.ending.end_access", ends)
    monkeypatch.setattr("hubauth_core.ending.delete_hub_user", deletes)
    await lending.to(Provider("other")).delete_hub_user("8")
    assert done == ["ended ann"]
    assert lending.identities.find("other", "8") is None
    await lending.to(Provider("local")).delete_hub_user("7")
    assert done == ["ended ann", "deleted ann"]


@pytest.mark.row("V32")
async def test_what_was_connected_since_a_time_is_parted_again(lending: Lending) -> None:
    await bind(lending, "local", "7")
    ann = hub_user(lending.app.db.query(orm.User).one())
    for provider in ("other", "third"):
        identity = Identity(provider=provider, subject="8", username="ann")
        await lending.identities.link(identity, ann, record_id=new_id(), pin="ann")
    other = lending.identities.find("other", "8")
    assert other is not None
    await lending.to(Provider("local")).disconnect_since("7", other.created_at + 60)
    assert lending.identities.find("other", "8")
    await lending.to(Provider("other")).disconnect_since("8", other.created_at)
    assert lending.identities.find("third", "8") is None
    assert lending.identities.find("other", "8"), "the one that asks stays"
    await lending.to(Provider("local")).disconnect_since("7", other.created_at)
    assert lending.identities.find("other", "8") is None
    assert lending.identities.find("local", "7"), "the home identity stays"
    await lending.to(Provider("local")).disconnect_since("nobody", 0)


async def test_a_provider_hears_whose_hub_user_went_unseen(lending: Lending) -> None:
    await bind(lending, "local", "7")
    core = lending.to(Provider("local"))
    assert core.orphans() == []
    lending.identities.sweep([])
    assert core.orphans() == ["7"]
    assert lending.to(Provider("other")).orphans() == []


def test_scopes_of_a_provider_can_be_named_by_roles(lending: Lending, monkeypatch: pytest.MonkeyPatch) -> None:
    known = dict(scopes.scope_definitions)
    monkeypatch.setattr(scopes, "scope_definitions", known)
    monkeypatch.setattr("hubauth_core.lending.scope_definitions", known)
    wanted = {"custom:acme:write": "Write.", "custom:acme:read": "Read."}
    for name in ("local", "other"):
        lending.to(Provider(name)).define_scopes(wanted)
    assert known["custom:acme:write"] == {"description": "Write.", "subscopes": ["custom:acme:read"]}
    for bad in ({"custom:acme:read": "Something else."}, {"acme": "No custom scope."}):
        with pytest.raises(ConfigError, match="scope"):
            lending.to(Provider("local")).define_scopes(bad)
