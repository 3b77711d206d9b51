"""An OpenID provider to try a hub with: `python -m hubauth_core.testing [--port 9000]`. For this machine only."""

from __future__ import annotations

import argparse
import asyncio
import sys

from .idp import IdentityProvider
from .issuing import Person

PEOPLE = (
    Person(subject="1", username="ada", name="Ada Lovelace", email="ada@example.test"),
    Person(subject="2", username="grace", name="Grace Hopper", email="grace@example.test"),
)

OPTIONS = """\
c.HubAuthenticator.providers["uni"] = {{
    "type": "oidc",
    "label": "University",
    "issuer": {issuer!r},
    "client_id": {client_id!r},
    "client_secret": {client_secret!r},
    "allow_all": True,
}}
"""


async def serve(port: int) -> None:
    """Say how to use it, and run until it is stopped."""
    idp = IdentityProvider(title="University", people=PEOPLE, port=port, client_secret="for this machine only")
    async with idp:
        told = OPTIONS.format(issuer=idp.issuer, client_id=idp.client_id, client_secret=idp.client_secret)
        sys.stdout.write(f"{told}\nPeople: {', '.join(each.username for each in PEOPLE)}. Ctrl-C ends it.\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m hubauth_core.testing", description=__doc__)
    parser.add_argument("--port", type=int, default=9000)
    try:
        asyncio.run(serve(parser.parse_args().port))
    except KeyboardInterrupt:
        sys.exit(130)
