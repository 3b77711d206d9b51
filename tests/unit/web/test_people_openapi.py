"""The hub's description names everything that the hub answers to programs, and nothing else."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from hubauth_core.web import api, connections, hub_users, leaving, pages, people_api
from hubauth_core.web.callers import SCOPES
from hubauth_core.web.openapi import ERRORS
from hubauth_core.web.people_openapi import describe_hub

DESCRIBED = describe_hub("/hub/api/hubauth")
PATHS: dict[str, Any] = DESCRIBED["paths"]
METHODS = ("get", "post", "put", "patch", "delete")
OPERATIONS = {
    f"{method.upper()} {path}": item[method] for path, item in PATHS.items() for method in METHODS & item.keys()
}
BELOW = "/api/hubauth/"
ANSWERED = {
    pattern.removeprefix(BELOW[:-1]): handler
    for module in (api, people_api, pages, leaving, connections, hub_users)
    for pattern, handler, *_ in module.HANDLERS
    if pattern.startswith(BELOW) and not pattern.endswith("/openapi.json")
}


def test_every_address_that_is_answered_is_described_with_its_methods() -> None:
    described = {
        re.sub(r"\{\w+\}", "([^/]+)", path): {method.upper() for method in METHODS & item.keys()}
        for path, item in PATHS.items()
    }
    assert described == {path: set(handler.allowed.split(", ")) - {"OPTIONS"} for path, handler in ANSWERED.items()}


@pytest.mark.parametrize("path", [path for path in ANSWERED if issubclass(ANSWERED[path], people_api.PeopleHandler)])
def test_parameters_are_those_that_are_taken(path: str) -> None:
    [item] = [item for each, item in PATHS.items() if re.sub(r"\{\w+\}", "([^/]+)", each) == path]
    told = {each["name"] for each in item.get("parameters", ()) if each["in"] == "query"}
    assert told == ANSWERED[path].parameters


@pytest.mark.parametrize("told", OPERATIONS.values(), ids=OPERATIONS)
def test_an_operation_says_which_scope_it_takes_and_what_can_go_wrong(told: dict[str, Any]) -> None:
    assert re.findall(r"`(custom:.*?)`", told["description"])[0] in SCOPES
    for status, response in told["responses"].items():
        slugs = re.findall(r"^`([a-z_]+)`:", response["description"], re.MULTILINE)
        assert all(str(ERRORS[slug][0]) == status for slug in slugs)
        assert bool(slugs) == (status != "200")
        assert ("Retry-After" in response.get("headers", {})) == (status in ("429", "503"))
    assert {"200", "400", "403", "429", "503"} <= set(told["responses"])


def test_names_are_unique_and_references_lead_somewhere() -> None:
    assert len({told["operationId"] for told in OPERATIONS.values()}) == len(OPERATIONS)
    wanted = set(re.findall(r"#/components/schemas/(\w+)", json.dumps(DESCRIBED)))
    assert wanted == set(DESCRIBED["components"]["schemas"])


def test_nothing_of_the_hub_but_its_address_is_in_it() -> None:
    assert json.dumps(describe_hub("/a")).replace('"/a"', '"/b"') == json.dumps(describe_hub("/b"))
