"""What hubauth costs at the hub's start: `python -m benchmarks.startup [--rounds 7]`.

The same hub with the Dummy authenticator, and with hubauth and five configured providers out of 50 and of 500
installed plugins (distributions of one module each, made for this). Rounds alternate; medians are printed. Limits:
400 ms and 30 MiB over Dummy; with 500 installed no further module is imported; the scan of the metadata takes under
0.2 ms a distribution.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from importlib import invalidate_caches
from importlib.metadata import entry_points
from pathlib import Path

from .hub import MeasuredHub

DUMMY = 'c.JupyterHub.authenticator_class = "dummy"\nc.Authenticator.allow_all = True\n'
HUBAUTH = """
c.JupyterHub.authenticator_class = "hubauth"
oidc = {"type": "oidc", "issuer": "https://sso.example", "client_id": "hub", "client_secret": "s", "allow_all": True}
c.HubAuthenticator.providers = {
    "uni": {**oidc, "username_prefix": ""}, "library": oidc,
    "github": {"client_id": "a", "client_secret": "b", "allow_all": True},
    "gitlab": {"client_id": "a", "client_secret": "b", "allow_all": True},
    "plugin_1": {"allow_all": True},
}
"""
MODULE = """
from hubauth_core import Provider, hookimpl

class Plugin(Provider):
    title = "Plugin"

@hookimpl
def hubauth_provider_type():
    return Plugin
"""


def install(folder: Path, number: int) -> Path:
    """`number` distributions hubauth-plugin-N with one provider type each."""
    for index in range(number):
        (folder / f"hubauth_plugin_{index}.py").parent.mkdir(parents=True, exist_ok=True)
        (folder / f"hubauth_plugin_{index}.py").write_text(MODULE)
        info = folder / f"hubauth_plugin_{index}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: hubauth-plugin-{index}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[hubauth]\nplugin_{index} = hubauth_plugin_{index}\n")
    return folder


def imported(plugins: Path) -> int:
    """How many of the installed plugins a registry with the five configured providers imports."""
    code = (
        "import sys\nfrom hubauth_core.registry import Registry\nfrom traitlets.config import Config\nc = Config()\n"
        f"{HUBAUTH}\nRegistry().configure(c.HubAuthenticator.providers)\n"
        "print(sum(name.startswith('hubauth_plugin_') for name in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(plugins)}, capture_output=True, text=True, check=True
    )
    return int(done.stdout)


def scan_milliseconds(plugins: Path, number: int) -> float:
    """Milliseconds a distribution that one look at all entry points takes more with the plugins than without."""

    def once() -> float:
        invalidate_caches()
        begun = time.perf_counter()
        entry_points()
        return time.perf_counter() - begun

    without = statistics.median(once() for _ in range(7))
    sys.path.insert(0, str(plugins))
    try:
        return (statistics.median(once() for _ in range(7)) - without) * 1000 / number
    finally:
        sys.path.remove(str(plugins))


def run(rounds: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        many, more = install(folder / "50", 50), install(folder / "500", 500)
        kinds = {
            "dummy": (DUMMY, {}),
            "hubauth_50": (HUBAUTH, {"PYTHONPATH": str(many)}),
            "hubauth_500": (HUBAUTH, {"PYTHONPATH": str(more)}),
        }
        seconds: dict[str, list[float]] = {kind: [] for kind in kinds}
        cpu: dict[str, list[float]] = {kind: [] for kind in kinds}
        megabytes: dict[str, list[float]] = {kind: [] for kind in kinds}
        for round_ in range(rounds + 1):
            for kind, (config, environment) in kinds.items():
                # the store of an earlier start is there, as at every start of a hub but the first
                with MeasuredHub(folder / kind, config, environment) as hub:
                    pass
                if round_:
                    seconds[kind].append(hub.seconds_to_start)
                    cpu[kind].append(hub.cpu_seconds)
                    megabytes[kind].append(hub.megabytes)
        middle = {kind: statistics.median(values) for kind, values in seconds.items()}
        work = {kind: statistics.median(values) for kind, values in cpu.items()}
        weight = {kind: statistics.median(values) for kind, values in megabytes.items()}
        return {
            "dummy_start_s": middle["dummy"],
            "extra_start_ms_50_installed": (middle["hubauth_50"] - middle["dummy"]) * 1000,
            "extra_start_ms_500_installed": (middle["hubauth_500"] - middle["dummy"]) * 1000,
            "extra_cpu_ms_50_installed": (work["hubauth_50"] - work["dummy"]) * 1000,
            "extra_cpu_ms_500_installed": (work["hubauth_500"] - work["dummy"]) * 1000,
            "extra_mib_50_installed": weight["hubauth_50"] - weight["dummy"],
            "extra_mib_500_installed": weight["hubauth_500"] - weight["dummy"],
            "plugins_imported_of_500": imported(more),
            "scan_ms_a_distribution": scan_milliseconds(more, 500),
        }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    print(json.dumps(run(parser.parse_args().rounds), indent=2))
