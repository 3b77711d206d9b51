"""Write `hubauth_social/catalogue.json` from the installed social-auth-core: `python plugins/social/generate.py`.

Needs JupyterHub, whose Font Awesome has the icons of brands, and every extra of social-auth-core: what stands in the
file of a module that cannot be imported stays.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType
from typing import Any, Final

import jupyterhub
import social_core.backends
from social_core.backends.base import BaseAuth

from hubauth_social.catalogue import DATA, Backend, backends, described, row

BRANDS: Final = "share/jupyterhub/static/components/@fortawesome/fontawesome-free/svgs/brands"

CALLED: Final = {
    "amazon": "amazon", "azuread-b2c-oauth2": "microsoft", "azuread-oauth2": "microsoft", "apple-id": "apple",
    "battlenet-oauth2": "battle-net", "bitbucket": "bitbucket", "linkedin-oauth2": "linkedin", "opensuse": "suse",
    "openshift": "redhat", "paypal": "paypal", "vk-oauth2": "vk", "odnoklassniki-oauth2": "odnoklassniki",
    "stackoverflow": "stack-overflow", "twitter": "x-twitter", "twitter-oauth2": "x-twitter",
}  # fmt: skip
"""Brands of Font Awesome whose name cannot be told from the backend's."""


def found() -> list[Backend]:
    """Every backend that has a name, by import path."""
    kept = {each.path: each for each in backends()} if DATA.exists() else {}
    made: dict[str, Backend] = {}
    for module in iter_modules(social_core.backends.__path__, "social_core.backends."):
        try:
            loaded = import_module(module.name)
        except ImportError:
            made |= {path: each for path, each in kept.items() if path.rpartition(".")[0] == module.name}
            continue
        made |= {each.path: each for each in map(described, classes(loaded))}
    known = brands()
    return [replace(each, brand=brand_of(each, known)) for _, each in sorted(made.items())]


def classes(module: ModuleType) -> Iterator[type[Any]]:
    """The backend classes of a module that have a name."""
    for _, cls in inspect.getmembers(module, inspect.isclass):
        if issubclass(cls, BaseAuth) and cls.__module__ == module.__name__ and cls.name:
            yield cls


def brands() -> frozenset[str]:
    """The brands of the hub's Font Awesome."""
    folder = Path(jupyterhub.__file__).parents[4] / BRANDS
    return frozenset(path.stem for path in folder.glob("*.svg"))


def brand_of(backend: Backend, known: frozenset[str]) -> str:
    """The brand that stands for a backend; "" where Font Awesome has none."""
    words = re.findall(r"[a-z0-9]+", backend.title.lower())
    stem = backend.name.partition("-")[0].partition("_")[0]
    tries = (
        CALLED.get(backend.name, ""),
        backend.icon.removesuffix(".svg"),
        backend.name,
        stem,
        "-".join(words),
        *words[:1],
    )
    return next((each for each in tries if each in known), "")


def text() -> str:
    """What the file says."""
    head = json.dumps({"social-auth-core": version("social-auth-core")})[:-1]
    lines = ",\n  ".join(json.dumps(row(each)) for each in found())
    return f'{head}, "backends": [\n  {lines}\n]}}\n'


if __name__ == "__main__":
    DATA.write_text(text())
