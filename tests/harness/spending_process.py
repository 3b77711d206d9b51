"""A process of its own that tries codes: `python -m harness.spending_process URL NOW CODE ...`.

For each it prints `ready`, waits for a line, and prints whether it let somebody in. The owner is `("local", "ann")`.
"""

from __future__ import annotations

import asyncio
import sys

from hubauth_core.database import open_database
from hubauth_native.factors.recovery import RecoveryCodes
from hubauth_native.factors.store import Factors
from hubauth_native.factors.totp import Totp

from .lent import LentForTest

ANN = ("local", "ann")


async def main(url: str, now: str, *codes: str) -> None:
    database = open_database(url)
    core = LentForTest()
    factors = Factors(core, database, "local")  # type: ignore[arg-type]  # as much of it as is asked
    totp = Totp(core, database, factors, lambda: float(now))  # type: ignore[arg-type]
    recovery = RecoveryCodes(database, factors)
    factors.of([ANN])
    for code in codes:
        print("ready", flush=True)
        sys.stdin.readline()
        print(await totp.check([ANN], code) or await recovery.check([ANN], code), flush=True)
    database.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
