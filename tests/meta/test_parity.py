"""The table of parity names every option and method of OAuthenticator, and tests that exist."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import oauthenticator
import pytest
from jupyterhub.auth import Authenticator, LocalAuthenticator
from oauthenticator.oauth2 import OAuthenticator

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/reference/oauthenticator-parity.md"
METHODS = "Methods that a subclass may override"
ROW = re.compile(r"^\| (?P<name>[^|]*) \| (?P<here>[^|]*) \| (?P<test>[^|]*) \|$")
NAME = re.compile(r"`(\w+)`")
TEST = re.compile(r"`([\w./-]+\.py)::(test_\w+)`")


def tables() -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    """Each heading with the rows below it."""
    for part in PAGE.read_text().split("\n## ")[1:]:
        lines = [line for line in part.splitlines() if line.startswith("|")][2:]
        yield part.partition("\n")[0], [_cells(line) for line in lines]


def _cells(line: str) -> tuple[str, str, str]:
    name, here, test = (cell.strip() for cell in line.strip("|").split("|"))
    return name, here, test


def named(heading: str) -> set[str]:
    return {name.strip("`") for name, _, _ in dict(tables())[heading]}


def classes() -> list[type[Authenticator]]:
    """Every class of the installed OAuthenticator, and what they stand on."""
    found: dict[str, type[Authenticator]] = {"Authenticator": Authenticator, "LocalAuthenticator": LocalAuthenticator}
    for module in pkgutil.iter_modules(oauthenticator.__path__):
        if module.name != "tests":
            for name, cls in inspect.getmembers(
                importlib.import_module(f"oauthenticator.{module.name}"), inspect.isclass
            ):
                if issubclass(cls, OAuthenticator):
                    found[name] = cls
    return list(found.values())


def own_options(cls: type[Authenticator]) -> set[str]:
    """The options that a class itself defines, old names among them."""
    above = {name for base in cls.__mro__[1:] for name in _options(base)}
    if cls is OAuthenticator:
        above -= {"allow_existing_users", "allow_all"}  # it has its own
    return _options(cls) - above


def _options(cls: type) -> set[str]:
    return set(getattr(cls, "class_trait_names", lambda **_: ())(config=True))


@pytest.mark.parametrize("cls", classes(), ids=lambda cls: cls.__name__)
def test_every_option_has_a_row(cls: type[Authenticator]) -> None:
    local = issubclass(cls, LocalAuthenticator) and cls is not LocalAuthenticator
    missing = own_options(cls) - (named("LocalAuthenticator") if local else named(cls.__name__))
    assert not missing


def test_every_method_has_a_row() -> None:
    """Of JupyterHub's own those that OAuthenticator's documentation offers, and those that hub code calls."""
    deprecated = {"check_group_whitelist", "check_whitelist", "check_blacklist"}
    methods = {
        name
        for cls in (OAuthenticator, Authenticator, LocalAuthenticator)
        for name, value in vars(cls).items()
        if not name.startswith("_") and (inspect.isfunction(value) or inspect.isclass(value))
    }
    assert not methods - deprecated - named(METHODS)


@pytest.mark.parametrize(("heading", "row"), [(heading, row) for heading, rows in tables() for row in rows])
def test_every_row_is_full_and_its_test_is_there(heading: str, row: tuple[str, str, str]) -> None:
    name, here, test = row
    assert NAME.fullmatch(name), name
    assert here
    match = TEST.fullmatch(test)
    assert match, f"{heading}: {name}: {test!r} is no `file::test`"
    path, function = match.groups()
    assert function in _tests_of(ROOT / path), f"{heading}: {name}: {test} does not exist"


@cache
def _tests_of(path: Path) -> frozenset[str]:
    return frozenset(re.findall(r"def (test_\w+)\(", path.read_text())) if path.is_file() else frozenset()
