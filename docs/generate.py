"""Write docs/reference: options from traits, hooks from hookspecs, commands from click, the REST API from its OpenAPI.

`--check` only compares.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import click
from jupyter_server.extension.application import ExtensionApp
from jupyterhub.auth import Authenticator
from traitlets import Enum, Undefined

from hubauth_core.authenticator import HubAuthenticator
from hubauth_core.cli import main
from hubauth_core.discovery import Discovery
from hubauth_core.errors import HubAuthError
from hubauth_core.hookspecs import BROADCAST, SPECS
from hubauth_core.provider import Provider
from hubauth_core.registry import Registry
from hubauth_core.types import Secret
from hubauth_core.web.openapi import ERRORS
from hubauth_core.web.people_openapi import describe_hub
from hubauth_native.cli import native
from hubauth_native.web.openapi import describe as describe_accounts
from hubauth_singleuser.cli import parser
from hubauth_singleuser.extension import HubAuthSingleUser
from hubauth_singleuser.git import helper
from hubauth_social.catalogue import KINDS, Backend, backends
from hubauth_social.cli import social
from hubauth_social.settings import known, needed

ROOT: Final = Path(__file__).parents[1]
REFERENCE: Final = ROOT / "docs" / "reference"
TYPES: Final = (
    *("oauth2", "oidc", "github", "gitlab", "google", "entra", "cilogon", "globus", "bitbucket"),
    *("native", "social", "authenticator"),
)
OF_THE_MACHINE: Final = {"hash_threads"}
"""Options whose default is another one on each machine."""
METHODS: Final = ("get", "post", "patch", "delete")
NOTE: Final = "<!-- Written by docs/generate.py; `make docs` writes it again. -->\n"


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"


def default(value: Any) -> str:
    if value is Undefined or value in ("", None, [], {}, set(), Secret("")):
        return ""
    return f"`{value:g}`" if isinstance(value, float) else f"`{value!r}`"


def choices(trait: Any) -> str:
    """What an option of few values may be."""
    return f" One of {', '.join(f'`{value!r}`' for value in trait.values)}." if isinstance(trait, Enum) else ""


def options(cls: type[Any], known: set[str], instance: Provider | None = None) -> str:
    """A table of options; `instance` shows defaults that one class sets for an option of another."""
    rows = [
        (
            f"`{name}`",
            "" if name in OF_THE_MACHINE else default(getattr(instance, name) if instance else trait.default_value),
            " ".join(str(trait.help).split()) + choices(trait),
        )
        for name, trait in sorted(cls.class_traits(config=True).items())
        if name not in known
    ]
    return table(("option", "default", "meaning"), rows)


def options_page() -> str:
    registry = Registry(Discovery())
    own = set(Authenticator.class_trait_names(config=True))
    common = set(Provider.class_trait_names(config=True))
    parts = [
        NOTE,
        "# Options\n",
        "## The authenticator: `c.HubAuthenticator`\n",
        "JupyterHub's own options of `c.Authenticator` hold too; hub-wide rules name hub users.\n",
        options(HubAuthenticator, own),
        "## Every provider\n",
        "As keys of a provider in `c.HubAuthenticator.providers`, or of a class (`c.GitHubProvider.scope = [...]`).\n",
        options(Provider, set()),
    ]
    for name in TYPES:
        cls = registry.type_of(name)
        required = ", ".join(f"`{option}`" for option in cls.required_options)
        parts += [
            f"## Type `{name}`: `{cls.__name__}`\n",
            f"Required: {required or 'nothing'}.\n",
            options(cls, common, cls("reference")),
        ]
    parts += [
        "## In the user's server: `c.HubAuthSingleUser`\n",
        "Of `hubauth-singleuser`, in the server's own configuration (`jupyter_server_config.py` in the image).\n",
        options(HubAuthSingleUser, set(ExtensionApp.class_trait_names(config=True))),
    ]
    return "\n".join(parts)


def backends_page() -> str:
    parts = [
        NOTE,
        "# Backends of the type `social`\n",
        f"Every backend of python-social-auth, {len(backends())} classes. [How to configure one]"
        "(../how-to/social-accounts.md). Of a name that several have, write the import path of one.\n",
    ]
    for kind, title in KINDS.items():
        found = sorted((each for each in backends() if each.kind == kind), key=lambda each: (each.name, each.path))
        shared = frozenset.intersection(*map(known, found))
        parts += [
            f"## {title[:1].upper()}{title[1:]}\n",
            f"Each may be told {', '.join(f'`{name}`' for name in sorted(shared))}, and:\n",
            table(("backend", "title", "needs", "also knows"), (backend_cells(each, shared) for each in found)),
        ]
    return "\n".join(parts)


def backend_cells(backend: Backend, shared: frozenset[str]) -> tuple[str, ...]:
    """A backend's line."""
    several = sum(each.name == backend.name for each in backends()) > 1
    name = f"`{backend.name}`" + (f"<br>`{backend.path}`" if several else "")
    notes = ["only connects"] if backend.only_connects else []
    notes += [f"needs the extra `{backend.extra}`"] if backend.extra else []
    title = backend.title + (f" ({', '.join(notes)})" if notes else "")
    own = sorted(known(backend) - shared - {*needed(backend)})
    return name, title, *(", ".join(f"`{each}`" for each in names) for names in (needed(backend), own))


def hooks_page() -> str:
    parts = [NOTE, "# Hooks\n", inspect.cleandoc(inspect.getmodule(SPECS["hubauth_event"]).__doc__ or "") + "\n"]
    for name, spec in SPECS.items():
        kind = "broadcast" if name in BROADCAST else "addressed"
        kind += ", async" if inspect.iscoroutinefunction(spec) else ", sync"
        arguments = ", ".join(inspect.signature(spec).parameters)
        parts += [f"## `{name}({arguments})`\n", f"*{kind}*\n", inspect.cleandoc(spec.__doc__ or "") + "\n"]
    return "\n".join(parts)


def _own_commands() -> dict[str, click.Command]:
    context = click.Context(main)
    return {name: command for name in main.lazy if (command := main.get_command(context, name))}


def commands_page() -> str:
    parts = [NOTE, "# Commands\n"]
    for name, command in sorted({**_own_commands(), "native": native, "social": social}.items()):
        parts += help_of(f"hubauth {name}", command)
    parts += ["## `hubauth-singleuser`, in the user's server\n", f"```\n{parser().format_help()}```\n"]
    parts += ["## `git-credential-hubauth`, in the user's server\n", f"```\n{helper.USAGE}\n{helper.__doc__}```\n"]
    return "\n".join(parts)


def help_of(name: str, command: click.Command) -> list[str]:
    """What a command says of itself, and those below it."""
    context = click.Context(command, info_name=name, max_content_width=100)
    parts = [f"## `{name}`\n", f"```\n{command.get_help(context)}\n```\n"]
    for below, each in sorted(getattr(command, "commands", {}).items()):
        parts += help_of(f"{name} {below}", each)
    return parts


def reasons() -> dict[str, list[str]]:
    """Every reason code in the sources, with the sentences that go with it."""
    trees = [
        ast.parse(path.read_text())
        for path in sorted([*ROOT.glob("hubauth_core/**/*.py"), *ROOT.glob("plugins/*/hubauth_*/**/*.py")])
    ]
    codes = {name: code for tree in trees for name, code in default_codes(tree)}
    branches = {branch.__name__: branch.default_code for branch in HubAuthError.__subclasses__()}
    found: dict[str, list[str]] = {
        code: [] for code in {**codes, **branches}.values() if code != HubAuthError.default_code
    }
    own = {name: code for name, code in codes.items() if name not in branches}
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, ast.Call) and node.args and (code := code_of(node, own)):
            found.setdefault(code, []).append(sentence(node.args[0]))
    return found


def default_codes(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """The classes of errors in a module, each with the code that its class names."""
    for node in ast.walk(tree):
        for line in node.body if isinstance(node, ast.ClassDef) else ():
            if isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) == "default_code":
                yield node.name, ast.literal_eval(line.value)


def code_of(call: ast.Call, codes: Mapping[str, str]) -> str:
    """The reason code of an error that is made: named there, or its class's own; "" for any other call."""
    named = next((each.value for each in call.keywords if each.arg == "code"), None)
    if named is None:
        return codes.get(ast.unparse(call.func), "")
    return named.value if isinstance(named, ast.Constant) and isinstance(named.value, str) else ""


def sentence(node: ast.expr) -> str:
    """A message as it stands in the source, with an ellipsis for what is filled in."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
    return ""


def reasons_page() -> str:
    rows = [
        (f"`{code}`", "<br>".join(dict.fromkeys(filter(None, sentences))))
        for code, sentences in sorted(reasons().items())
    ]
    return "\n".join(
        [
            NOTE,
            "# Reason codes\n",
            "What a page says to the administrator, the audit trail has as `reason`, the metric `hubauth_events` as "
            "a label. Codes that begin with `id_token_` or `userinfo_` name the part of the answer that was wrong.\n",
            table(("code", "what the person reads"), rows),
        ]
    )


def api_page() -> str:
    described = describe_hub("/hub/api/hubauth")
    schemas = described["components"]["schemas"]
    parts = [
        NOTE,
        "# REST API\n",
        f"{described['info']['description']} The hub answers below `/hub/api/hubauth` (in a server: "
        "`$JUPYTERHUB_API_URL/hubauth`), a [credential service](../how-to/outgrow-one-hub.md) below the address in "
        "`HUBAUTH_API_URL`, which knows of credentials alone. The same in OpenAPI 3.1: `openapi.json` there.\n",
        f"{described['components']['securitySchemes']['token']['description']} A parameter that is misspelt or "
        "repeated is refused.\n",
    ]
    for path, item in described["paths"].items():
        for method in METHODS:
            if method in item:
                shared = {"parameters": item["parameters"]} if "parameters" in item else {}
                parts += operation(method.upper(), path, {**item[method], **shared}, schemas)
    parts += [
        "## Errors\n",
        'Each is `{"status": 409, "error": "needs_login", "message": "...", "login_url": "/hub/connections"}`; '
        "`login_url` only where signing in helps. 429 and 503 say `Retry-After` in seconds.\n",
        table(
            ("error", "status", "when"), [(f"`{slug}`", str(status), when) for slug, (status, when) in ERRORS.items()]
        ),
    ]
    return "\n".join(parts)


def accounts_api_page() -> str:
    """The resources of the type `native`."""
    described = describe_accounts("/hub/api/hubauth/providers/local")
    schemas = described["components"]["schemas"]
    parts = [
        NOTE,
        "# REST API of native accounts\n",
        f"{described['info']['description']} Of a provider `local` they stand below "
        f"`{described['servers'][0]['url']}`, with `openapi.json`, which is the same in OpenAPI 3.1.\n",
        f"{described['components']['securitySchemes']['token']['description']} A field or parameter that is misspelt "
        "or repeated is refused. A scope with a filter (`!user=`, `!group=`) is good for those hub users' accounts, "
        "one by one, and never for an account with special rights.\n",
    ]
    for path, item in described["paths"].items():
        for method in METHODS:
            if method in item:
                parts += operation(method.upper(), path, item[method], schemas)
    return "\n".join(parts)


def operation(method: str, path: str, told: dict[str, Any], schemas: dict[str, Any]) -> list[str]:
    parts = [
        f"## `{method} {path}`\n",
        " ".join([f"{told['summary']}.", *filter(None, [told.get("description")])]) + "\n",
    ]
    if "parameters" in told:
        parts.append(parameters(told["parameters"]))
    if "requestBody" in told:
        parts += ["The body:\n", fields(told["requestBody"]["content"]["application/json"]["schema"], schemas)]
    status = next(status for status in told["responses"] if status.startswith("2"))
    answer = told["responses"][status]["content"]["application/json"]["schema"]
    return [*parts, f"The answer, {status}:\n", fields(answer, schemas)]


def parameters(described: Iterable[dict[str, Any]]) -> str:
    rows = [
        (f"`{each['name']}`", each["in"], default(each["schema"].get("default")), meaning(each)) for each in described
    ]
    return table(("parameter", "in", "default", "meaning"), rows)


def meaning(parameter: dict[str, Any]) -> str:
    """What a parameter is for, or what it may be."""
    schema = parameter["schema"]
    words = [f"`{each}`" for each in schema.get("enum", ())]
    told = parameter.get("description") or schema.get("description", "")
    return ". ".join(filter(None, (told.removesuffix("."), ", ".join(words)))) + "." if words or told else ""


def fields(schema: dict[str, Any], schemas: dict[str, Any]) -> str:
    """A table of what an answer holds; of a list, what each of its entries holds."""
    rows = field_rows(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    return table(("field", "type", "meaning"), rows)


def field_rows(schema: dict[str, Any], schemas: dict[str, Any], before: str = "") -> list[tuple[str, str, str]]:
    rows = []
    for name, each in schema["properties"].items():
        items = each.get("items", each)
        if "$ref" in items:
            items = schemas[items["$ref"].rpartition("/")[2]]
        if "properties" in items:
            rows += field_rows(items, schemas, f"{before}{name}[]." if "items" in each else f"{before}{name}.")
            continue
        kind = each.get("type", " or ".join(f"`{value}`" for value in each.get("enum", ())))
        told = kind if isinstance(kind, str) else " or ".join(kind)
        rows.append((f"`{before}{name}`", told, each.get("description", "")))
    return rows


PAGES: Final[dict[str, Callable[[], str]]] = {
    "options.md": options_page,
    "social-backends.md": backends_page,
    "hooks.md": hooks_page,
    "commands.md": commands_page,
    "reasons.md": reasons_page,
    "rest-api.md": api_page,
    "rest-api-accounts.md": accounts_api_page,
}


def run(check: bool) -> int:
    old = []
    for name, page in PAGES.items():
        path, text = REFERENCE / name, page()
        if check and (not path.exists() or path.read_text() != text):
            old.append(name)
        elif not check:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
    if old:
        print(f"out of date: {', '.join(old)}; run `make docs`")
    return 1 if old else 0


if __name__ == "__main__":
    sys.exit(run("--check" in sys.argv[1:]))
