"""Which settings a backend class reads, found in its source: python-social-auth keeps no list of them."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

BASES: Final = frozenset(
    f"social_core.backends.{name}" for name in ("base", "oauth", "open_id", "open_id_connect", "utils", "legacy")
)
"""Modules whose settings every backend of a kind has, and none needs."""

OPTIONAL: Final = frozenset(
    {
        "API_LOCALE", "AUTHORITY_URL", "CALLBACK", "CLIENT_ASSERTION", "FEDERATED_TOKEN_FILE", "FORCE_PROFILE_LANGUAGE",
        "ID_KEY", "JWKS_URI", "ORIGIN", "ORG_INFO", "RESOURCE", "SP_PRIVATE_KEY", "SP_PUBLIC_CERT", "SUPPORT_CONTACT",
        "TECHNICAL_CONTACT", "USERMODE",
    }
)  # fmt: skip
"""Settings that are read without a default, and that their backends do without."""

AROUND: Final = frozenset(
    {
        "ALLOWED_REDIRECT_HOSTS", "ALLOWED_REDIRECT_SCHEMES", "ALLOW_UNVERIFIED_LEGACY_UID_MIGRATION",
        "CLEAN_USERNAMES", "CLEAN_USERNAME_FUNCTION", "DISCONNECT_PIPELINE", "DISCONNECT_REDIRECT_URL",
        "EMAIL_VALIDATION_FUNCTION", "EMAIL_VALIDATION_URL", "FIELDS_STORED_IN_SESSION", "FORCE_EMAIL_LOWERCASE",
        "GROUPS_MAP", "IMMUTABLE_USER_FIELDS", "INACTIVE_USER_LOGIN", "LOGIN_REDIRECT_URL", "PASSWORDLESS", "PIPELINE",
        "PROTECTED_USER_FIELDS", "REDIRECT_IS_HTTPS", "SANITIZE_REDIRECTS", "SLUGIFY_FUNCTION", "SLUGIFY_USERNAMES",
        "USERNAME_IS_FULL_EMAIL", "USER_FIELDS", "USER_FIELD_MAPPING", "UUID_LENGTH",
    }
)  # fmt: skip
"""Settings of python-social-auth that are not a backend's: hubauth does what they are about, or does not do it."""


@dataclass(frozen=True)
class Read:
    """What a class reads: `known` is every setting, `needed` those without which it cannot work."""

    known: frozenset[str]
    needed: tuple[str, ...]


def read(backend: type[Any]) -> Read:
    """The settings of a backend class; those of a class whose source is not there are not found."""
    known: set[str] = set()
    needed: list[str] = []
    defined: set[str] = set()
    for cls in backend.__mro__:
        for method, node in _methods(cls):
            for setting, bare in _settings(node):
                known.add(setting)
                mine = method not in defined and cls.__module__ not in BASES
                if bare and mine and setting not in OPTIONAL and setting not in needed:
                    needed.append(setting)
        defined.update(vars(cls))
    return Read(frozenset(known), tuple(needed))


@cache
def _methods(cls: type[Any]) -> tuple[tuple[str, ast.AST], ...]:
    try:
        tree = ast.parse(inspect.getsource(inspect.getmodule(cls) or cls))
    except (OSError, TypeError, SyntaxError):
        return ()
    found = next((each for each in tree.body if isinstance(each, ast.ClassDef) and each.name == cls.__name__), None)
    body = found.body if found else []
    return tuple((each.name, each) for each in body if isinstance(each, ast.FunctionDef))


def _settings(method: ast.AST) -> Iterator[tuple[str, bool]]:
    """Each setting that a method reads, and whether it takes it as it comes: no default, no test, no alternative."""
    parents = {child: parent for parent in ast.walk(method) for child in ast.iter_child_nodes(parent)}
    for node in ast.walk(method):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
            continue
        called, first = node.func.attr, node.args[0]
        if called.endswith("setting") and isinstance(first, ast.Constant) and isinstance(first.value, str):
            default = len(node.args) > 1 or any(keyword.arg == "default" for keyword in node.keywords)
            yield first.value, not default and not _is_asked(node, parents)
        elif called == "get_setting_config" and isinstance(first, ast.Constant):
            yield str(first.value), False


def _is_asked(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> bool:
    """Whether something is only asked for: the test of an `if`, the left of an `or`, the right of a `:=`."""
    child, parent = node, parents.get(node)
    while isinstance(parent, ast.Call | ast.UnaryOp | ast.Compare | ast.NamedExpr):
        if isinstance(parent, ast.Call) and not (isinstance(parent.func, ast.Name) and parent.func.id == "cast"):
            return False
        child, parent = parent, parents.get(parent)
    if isinstance(parent, ast.BoolOp):
        return child is not parent.values[-1] or isinstance(parent.op, ast.And)
    return isinstance(parent, ast.If | ast.IfExp) and parent.test is child
