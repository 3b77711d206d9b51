"""Cut GitHub's own OpenAPI document down to the paths a sign-in needs, so that prism starts fast.

    python github_slim.py node_modules/@octokit/openapi/generated/api.github.com.json slim.json
    npx prism mock -h 127.0.0.1 -p 9103 slim.json

Two things are added to what GitHub publishes: every path asks for a bearer token, and every JSON answer is
also offered as application/vnd.github+json, the type GitHub tells clients to ask for.
The output is GitHub's text: build it, do not commit it.
"""

import argparse
import copy
import json
from pathlib import Path

KEEP = [
    "/user",
    "/user/emails",
    "/user/orgs",
    "/user/teams",
    "/user/installations",
    "/user/memberships/orgs",
    "/user/memberships/orgs/{org}",
    "/users/{username}",
    "/orgs/{org}/members",
    "/orgs/{org}/members/{username}",
    "/orgs/{org}/memberships/{username}",
    "/orgs/{org}/teams",
    "/orgs/{org}/teams/{team_slug}",
    "/orgs/{org}/teams/{team_slug}/members",
    "/orgs/{org}/teams/{team_slug}/memberships/{username}",
    "/repos/{owner}/{repo}",
    "/repos/{owner}/{repo}/collaborators/{username}/permission",
    "/applications/{client_id}/token",
    "/applications/{client_id}/grant",
    "/app",
    "/app/installations/{installation_id}/access_tokens",
    "/rate_limit",
]
METHODS = ("get", "post", "put", "patch", "delete")
VENDOR_JSON = "application/vnd.github+json"


def referenced_components(spec, root):
    """The components that root points at, directly or through one another."""
    found, todo = {}, [root]
    while todo:
        node = todo.pop()
        if isinstance(node, list):
            todo.extend(node)
        elif isinstance(node, dict):
            todo.extend(node.values())
            ref = node.get("$ref")
            if isinstance(ref, str) and ref.startswith("#/components/"):
                _, _, kind, name = ref.split("/", 3)
                if name not in found.setdefault(kind, {}):
                    found[kind][name] = spec["components"][kind][name]
                    todo.append(found[kind][name])
    return found


def offer_vendor_json(node):
    """Repeat each application/json answer under GitHub's media type."""
    if isinstance(node, list):
        for item in node:
            offer_vendor_json(item)
    elif isinstance(node, dict):
        content = node.get("content")
        if isinstance(content, dict) and "application/json" in content:
            content.setdefault(VENDOR_JSON, copy.deepcopy(content["application/json"]))
        for item in node.values():
            offer_vendor_json(item)


def slim(spec):
    out = {key: spec[key] for key in ("openapi", "info", "servers") if key in spec}
    out["paths"] = {
        path: {key: item for key, item in spec["paths"][path].items() if key in (*METHODS, "parameters")}
        for path in KEEP
        if path in spec["paths"]
    }
    out["components"] = referenced_components(spec, out["paths"])
    offer_vendor_json(out["paths"])
    offer_vendor_json(out["components"].get("responses", {}))
    out["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    for operations in out["paths"].values():
        for method in METHODS:
            if method in operations:
                operations[method]["security"] = [{"token": []}]
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("full", type=Path, help="api.github.com.json of @octokit/openapi")
    parser.add_argument("slim", type=Path, help="file to write")
    args = parser.parse_args()
    spec = json.loads(args.full.read_text())
    args.slim.write_text(json.dumps(slim(spec)))
    absent = [path for path in KEEP if path not in spec["paths"]]
    print(f"{len(KEEP) - len(absent)} paths; not in the document: {absent}")


if __name__ == "__main__":
    main()
