"""The sources of the demo: three identity providers beside the hub, one of which keeps a private git repository."""

from __future__ import annotations

import asyncio
import logging
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from ...testing.idp import IdentityProvider, log
from .forge import SCOPE, Forge, make_repository
from .git_http import GIT
from .hub import DemoFailed
from .people import FORGE, GUEST, GUEST_PASSWORD, LIBRARY, MEMBERS, UNIVERSITY

LOG = "sources.log"
"""The file that tells what the sources were asked."""


@dataclass(frozen=True)
class Sources:
    """What runs. There is no `forge` where git is not installed."""

    university: IdentityProvider
    library: IdentityProvider
    forge: Forge | None

    def settings(self) -> dict[str, object]:
        """What the templates of the configuration need to know about them."""
        settings: dict[str, object] = {
            "university_issuer": self.university.issuer,
            "university_secret": self.university.client_secret,
            "library_issuer": self.library.issuer,
            "library_secret": self.library.client_secret,
            "guest": GUEST,
            "guest_password": GUEST_PASSWORD,
        }
        if self.forge is not None:
            settings |= {
                "forge_issuer": self.forge.issuer,
                "forge_secret": self.forge.client_secret,
                "forge_scope": SCOPE,
            }
        return settings


@asynccontextmanager
async def sources(directory: Path, lifetime: float) -> AsyncIterator[Sources]:
    """Run them. `lifetime`: seconds for which an access token is good; `directory` keeps what the forge has.

    Raises DemoFailed.
    """
    async with AsyncExitStack() as stack:
        stack.enter_context(_written_down(directory / LOG))
        university = IdentityProvider(title="University", people=UNIVERSITY, lifetime=lifetime)
        library = IdentityProvider(title="City Library", people=LIBRARY, lifetime=lifetime)
        forge = await _forge(directory / "forge", lifetime) if shutil.which(GIT) else None
        for each in (university, library, *([forge] if forge else [])):
            await stack.enter_async_context(each)
        yield Sources(university, library, forge)


async def _forge(folder: Path, lifetime: float) -> Forge:
    try:
        await asyncio.to_thread(make_repository, folder)
    except subprocess.CalledProcessError as error:
        raise DemoFailed(f"git cannot make a repository here.\n{error.stderr.decode(errors='replace')}") from None
    return Forge(title="Code Forge", people=FORGE, repositories=folder, members=MEMBERS, lifetime=lifetime)


@contextmanager
def _written_down(path: Path) -> Iterator[None]:
    """Have the identity providers' log in a file."""
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False
    try:
        yield
    finally:
        log.removeHandler(handler)
        handler.close()
