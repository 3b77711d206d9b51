"""What python-social-auth's own tests know of the answers of sources: their classes, out of the source distribution."""

from __future__ import annotations

import importlib
from importlib.metadata import version
from typing import Any

import social_core

from .parts import ROOT

SUITE = ROOT / ".cache" / f"social_auth_core-{version('social-auth-core')}"
"""Where `make parts` unpacks the source distribution."""


def present() -> bool:
    """Whether it is."""
    return (SUITE / "social_core" / "tests" / "backends").is_dir()


def case(name: str) -> Any:
    """A test class of the suite: `test_github.GithubOAuth2Test`."""
    folder = str(SUITE / "social_core")
    if folder not in social_core.__path__:
        social_core.__path__.append(folder)
    module, _, cls = name.rpartition(".")
    return getattr(importlib.import_module(f"social_core.tests.backends.{module}"), cls)


def backend(case: Any) -> Any:
    """The backend's class that a test class is about."""
    module, _, cls = case.backend_path.rpartition(".")
    return getattr(importlib.import_module(module), cls)
