"""Make the virtual environments in which the integration tests meet other JupyterHub versions.

    python tests/hub_venvs.py           .venvs/hub-5.x and .venvs/hub-5.2.1, left alone where they are up to date

`5.2.1` is the floor, and there every other dependency of hubauth-core is at its floor too: what pyproject.toml promises
is what runs; plugins whose own dependencies want more are not in it. `5.x` takes the newest JupyterHub before 6, with
the versions of constraints.txt.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENVS = ROOT / ".venvs"
DISTRIBUTIONS = [ROOT, *sorted(path.parent for path in (ROOT / "plugins").glob("*/pyproject.toml"))]
ABOVE_THE_FLOOR = {"social"}
"""Plugins that cannot live with the lowest versions: social-auth-core 7 wants a newer cryptography."""


def floors() -> list[str]:
    """Every dependency of hubauth-core at the lowest version that pyproject.toml allows, as constraints."""
    dependencies = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    return [re.sub(r">=([^,]+).*", r"==\1", dependency) for dependency in dependencies]


def newest_before_six() -> list[str]:
    """constraints.txt, with another JupyterHub."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    return ["jupyterhub<6", *(line for line in lines if line[:1] != "#" and not line.startswith("jupyterhub=="))]


def make(name: str, constraints: list[str], distributions: list[Path]) -> None:
    """Create or renew one environment, unless it was made from the very same files."""
    folder = VENVS / name
    inputs = ["\n".join(constraints), *((path / "pyproject.toml").read_text() for path in distributions)]
    digest = hashlib.sha256("\0".join(inputs).encode()).hexdigest()
    stamp = folder / ".ready"
    if stamp.exists() and stamp.read_text() == digest:
        print(f"{name}: up to date")
        return
    subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
    pins = folder / "constraints.txt"
    pins.write_text("\n".join(constraints) + "\n")
    pip = [folder / "bin" / "python", "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
    subprocess.run([*pip, "--upgrade", "pip>=25.1"], check=True)
    editable = [word for path in distributions for word in ("--editable", path)]
    subprocess.run([*pip, "--constraint", pins, *editable, "--group", "hub"], check=True, cwd=ROOT)
    stamp.write_text(digest)
    print(f"{name}: made")


if __name__ == "__main__":
    make("hub-5.x", newest_before_six(), DISTRIBUTIONS)
    make("hub-5.2.1", floors(), [path for path in DISTRIBUTIONS if path.name not in ABOVE_THE_FLOOR])
