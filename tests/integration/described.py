"""Whether an API is as its OpenAPI description says: schemathesis reads that, and tries."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path


async def schemathesis(
    base: str,
    header: str,
    fixed: Mapping[str, str],
    folder: Path,
    *,
    only: str = "",
    examples: int = 12,
    may_refuse: bool = False,
) -> subprocess.CompletedProcess[str]:
    """Run every check against the API at `base`. `fixed` are parameters (`path.user`) that are not chosen freely.
    `only` is a regular expression for paths.

    With `may_refuse` it may answer 400 to what fits: no schema says what a username is.
    """
    lines = "".join(f'"{name}" = "{value}"\n' for name, value in fixed.items())
    (folder / "schemathesis.toml").write_text(f"[parameters]\n{lines}")
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{base}/openapi.json", "--header", header),
        *("--checks", "all", "--max-examples", str(examples), "--seed", "1", "--no-color"),
        *(("--include-path-regex", only) if only else ()),
        # That one wants a 401 of whoever sends no token; the hub says 403, and `ignored_auth` checks that it refuses.
        *("--exclude-checks", "missing_required_header" + ",positive_data_acceptance" * may_refuse),
    ]
    return await asyncio.to_thread(
        subprocess.run, command, cwd=folder, env={"HOME": str(folder)}, capture_output=True, text=True
    )
