"""The frame of a description in OpenAPI 3.1, of this REST API and of a plugin's. https://spec.openapis.org/oas/v3.1.1"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Described = dict[str, Any]
"""An object of OpenAPI or of JSON Schema."""


def document(
    base_url: str,
    *,
    title: str,
    description: str,
    token: str,
    paths: Described,
    schemas: Mapping[str, Described],
    headers: Mapping[str, Described] | None = None,
) -> Described:
    """A description of resources at `base_url`, a path or an address, which an API token opens: `token` says which."""
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": "1", "description": description},
        "servers": [{"url": base_url}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": token}},
            "schemas": dict(schemas),
            **({"headers": dict(headers)} if headers else {}),
        },
    }


def exact_object(required: tuple[str, ...] | None = None, /, **properties: Described) -> Described:
    """An object with these properties and no others; all are there, or those that are required."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties if required is None else required),
        "additionalProperties": False,
    }


def as_json(schema: str) -> Described:
    """The content of a body that one of the document's schemas describes."""
    return {"application/json": {"schema": reference(schema)}}


def reference(schema: str) -> Described:
    """One of the document's schemas, by its name."""
    return {"$ref": f"#/components/schemas/{schema}"}
