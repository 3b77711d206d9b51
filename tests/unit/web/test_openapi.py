"""The description of the API says what the API does."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from hubauth_core.web.asked import parse
from hubauth_core.web.handout import ROUTES
from hubauth_core.web.openapi import ERRORS, SCHEMAS, describe

DESCRIBED = describe("/hub/api/hubauth")
PATHS: dict[str, Any] = DESCRIBED["paths"]


def test_paths_and_parameters_are_those_that_are_answered() -> None:
    described = {
        path: {each["name"] for each in item["parameters"] if each["in"] == "query"} for path, item in PATHS.items()
    }
    group = "([^/]+)"
    answered = {
        route.pattern.replace(group, "{user}", 1).replace(group, "{provider}"): set(route.parameters)
        for route in ROUTES
    }
    assert described == answered


@pytest.mark.parametrize("path", PATHS)
def test_every_slug_of_an_operation_stands_at_its_status(path: str) -> None:
    responses = PATHS[path]["get"]["responses"]
    for status, response in responses.items():
        slugs = re.findall(r"^`([a-z_]+)`:", response["description"], re.MULTILINE)
        assert all(str(ERRORS[slug][0]) == status for slug in slugs)
        assert slugs or status == "200"
    assert {"200", "400", "403", "404", "429", "503"} <= set(responses)


def test_references_lead_somewhere() -> None:
    wanted = set(re.findall(r"#/components/schemas/(\w+)", json.dumps(DESCRIBED)))
    assert wanted == set(SCHEMAS)


def test_what_the_patterns_allow_is_taken() -> None:
    schemas = {each["name"]: each["schema"] for item in PATHS.values() for each in item["parameters"]}
    good, bad = "https://a.example:8443/o/r.git", "https://u:p@a.example/o"
    assert re.search(schemas["url"]["pattern"], good)
    assert not re.search(schemas["url"]["pattern"], bad)
    assert parse({"url": [good.encode()]}, {"url"}).url == good
    assert re.search(schemas["resource"]["pattern"], "kafka")


def test_nothing_of_the_hub_but_its_address_is_in_it() -> None:
    assert json.dumps(describe("/a")).replace('"/a"', '"/b"') == json.dumps(describe("/b"))
