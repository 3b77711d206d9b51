"""A plugin of pytest: python-social-auth's own tests of its backends, with hubauth's strategy and storage.

The tests make `TestStrategy(TestStorage)` from names that they import out of `social_core.tests`; here these names are
ours before any of the tests is imported. Users stay the suite's own: hubauth keeps none, they are the hub's. Where the
suite holds on to the objects of its own storage, which keeps everything in memory, one object here stands for one row.
"""

from __future__ import annotations

import json
import tempfile
from base64 import decodebytes
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from social_core.backends.base import BaseAuth
from social_core.tests import models, strategy
from sqlalchemy import Connection, delete, select

from hubauth_core.database import ensure, open_database
from hubauth_social.schema import SCHEMA, accounts, metadata
from hubauth_social.storage import Association, Code, Nonce, Partial, SocialAccount, SocialStorage, storage_on
from hubauth_social.store import SocialStore
from hubauth_social.strategy import SocialStrategy
from hubauth_social.visit import Visit

ADDRESS = strategy.TEST_URI
STEPS = strategy.TestStrategy.get_pipeline
"""The suite's pipeline, which its tests are about."""

OBJECTS: dict[tuple[type[Any], Any], Any] = {}
"""The object of each row that the suite has seen."""

OWNERS: dict[int, Any] = {}
"""The suite's user of each account."""


class Store(SocialStore):
    """One store for a whole run, emptied between two tests if one has written anything."""

    written = False

    def write(self, work: Any) -> Any:
        self.written = True
        return super().write(work)

    def empty(self) -> None:
        """Forget everything."""
        OBJECTS.clear()
        OWNERS.clear()
        if self.written:
            super().write(_empty)
            self.written = False


def _empty(connection: Connection) -> None:
    for table in metadata.sorted_tables:
        connection.execute(delete(table))


def _open() -> Store:
    memory = Path("/dev/shm")  # nobody waits for a disk here
    folder = tempfile.mkdtemp(dir=memory if memory.is_dir() else None)
    database = open_database(f"sqlite:///{folder}/hubauth.sqlite")
    ensure(database, SCHEMA)
    return Store(database, "suite", b"k" * 32)


STORE = _open()


class OnePerRow(type):
    """Makes one object for one row, and reads the row into it each time that it is found."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if args and isinstance(args[0], models.User):
            return cls.planted(*args, **kwargs)  # type: ignore[attr-defined]
        key = (cls, getattr(args[0], "id", args[0]))
        known = OBJECTS.get(key)
        if known is None:
            known = OBJECTS[key] = cls.__new__(cls)
        known.__init__(*args, **kwargs)
        return known

    @property
    def cache(cls) -> dict[Any, Any]:
        """What the suite looks into."""
        return {each.id: each for each in cls.everything()}  # type: ignore[attr-defined]

    @property
    def cache_by_uid(cls) -> dict[Any, Any]:
        """The same of accounts."""
        return {(each.provider, each.uid): each for each in cls.cache.values()}

    def __setattr__(cls, name: str, value: Any) -> None:
        if name.startswith("cache"):  # some tests put an empty one there for a while
            STORE.empty()
        else:
            super().__setattr__(name, value)

    def __delattr__(cls, name: str) -> None:
        if name.startswith("cache"):
            STORE.empty()
        else:
            super().__delattr__(name)


SUITE_ACCOUNT: Any = models.TestUserSocialAuth


class Emptied:
    """`reset_cache`, which the suite calls before and after each test."""

    __test__ = False

    @classmethod
    def reset_cache(cls) -> None:
        STORE.empty()


class SuiteAccount(Emptied, SocialAccount, metaclass=OnePerRow):
    """An account whose user is one of the suite's."""

    @classmethod
    def planted(cls, user: Any, provider: str, uid: str, extra_data: Any = None, id_key: str = "") -> Any:
        """What a test writes down beforehand."""
        account = cls.create_social_auth(user, uid, provider, id_key)
        account.set_extra_data(extra_data)
        return account

    @classmethod
    def everything(cls) -> list[Any]:
        return [cls(row) for row in STORE.read(lambda it: it.execute(select(accounts)).all())]

    @classmethod
    def get(cls, key: int) -> Any:
        return cls.cache.get(key)

    @property
    def user(self) -> Any:
        return OWNERS[self.id]

    @classmethod
    def create_social_auth(cls, user: Any, uid: str, provider: str, id_key: str = "") -> Any:
        account = super().create_social_auth(user, uid, provider, id_key)
        OWNERS[account.id] = user
        user.social.append(account)
        return account

    @classmethod
    def get_social_auth_for_user(cls, user: Any, *which: Any, **more: Any) -> Any:
        return SUITE_ACCOUNT.get_social_auth_for_user.__func__(cls, user, *which, **more)

    @classmethod
    def disconnect(cls, entry: Any) -> None:
        super().disconnect(entry)
        entry.user.social = [each for each in entry.user.social if each != entry]

    user_model = SUITE_ACCOUNT.user_model
    user_exists = SUITE_ACCOUNT.user_exists
    create_user = SUITE_ACCOUNT.create_user
    get_user = SUITE_ACCOUNT.get_user
    get_users_by_email = SUITE_ACCOUNT.get_users_by_email
    allowed_to_disconnect = SUITE_ACCOUNT.allowed_to_disconnect


class SuiteAssociation(Emptied, Association, metaclass=OnePerRow):
    """An association that a test may make older where it lies."""

    read = False

    def __init__(self, digest: str, content: Mapping[str, Any]) -> None:
        self.read = False
        super().__init__(digest, content)
        self.read = True

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if self.read and name == "issued":
            self.store(self.server_url, SimpleNamespace(**vars(self) | {"secret": decodebytes(self.secret.encode())}))

    @classmethod
    def everything(cls) -> list[Any]:
        return list(cls.get())


class SuiteNonce(Emptied, Nonce):
    """As it is."""


class SuiteCode(Emptied, Code):
    """As it is."""


class SuitePartial(Emptied, Partial):
    """As it is."""


class Storage(SocialStorage):
    __test__ = False
    user = SuiteAccount
    nonce = SuiteNonce
    association = SuiteAssociation
    code = SuiteCode
    partial = SuitePartial


class Strategy(SocialStrategy):
    """hubauth's strategy, and the handles by which the suite sets what a browser would send."""

    __test__ = False

    def __init__(self, storage: Any, tpl: Any = None) -> None:
        sent: dict[str, Any] = {}
        visit = Visit(url=ADDRESS, redirect_uri="", state="", method="POST", query=sent, form=sent)
        super().__init__(storage, visit, settings={}, steps=[], session={}, render=lambda template, context: template)
        self._sent = sent

    def set_settings(self, values: Mapping[str, Any]) -> None:
        self._settings = {**self._settings, **values}

    def set_request_data(self, values: Mapping[str, Any], backend: BaseAuth[Any]) -> None:
        self._sent.update(values)
        backend.data = self._sent

    def get_request_data(self, merge: bool = True) -> dict[str, Any]:
        """What tests write into."""
        return self._sent

    def remove_from_request_data(self, name: str) -> None:
        self._sent.pop(name, None)

    def new_request(self) -> Strategy:
        """Another visit of the same browser."""
        another = Strategy(self.storage)
        another.set_settings(self._settings)
        for name, value in json.loads(json.dumps(self.session)).items():
            another.session_set(name, value)
        return another

    def get_pipeline(self, backend: BaseAuth[Any] | None = None) -> list[str]:
        return STEPS(self, backend)

    def authenticate(self, backend: BaseAuth[Any], *args: Any, **kwargs: Any) -> Any:
        user = super().authenticate(backend, *args, **kwargs)
        if isinstance(user, models.User):
            self.session_set("username", user.username)
        return user


bound = storage_on(STORE, Storage)
models.TestStorage = bound
models.TestUserSocialAuth = bound.user
models.TestNonce = bound.nonce
models.TestAssociation = bound.association
models.TestCode = bound.code
models.TestPartial = bound.partial
strategy.TestStrategy = Strategy
