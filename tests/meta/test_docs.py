"""The documentation says what the code does: generated pages are fresh, links lead somewhere, examples load."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from traitlets.config import Config

from hubauth_core import configure
from hubauth_core.cli.check import examine
from hubauth_core.hookspecs import SPECS
from hubauth_core.manager import PluginManager
from hubauth_core.registry import Registry

ROOT = Path(__file__).parents[2]
PAGES = sorted(path for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("plugins/*/*.md")])
ids = [str(path.relative_to(ROOT)) for path in PAGES]
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
PYTHON = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def test_generated_pages_are_fresh() -> None:
    done = subprocess.run([sys.executable, "docs/generate.py", "--check"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_hook_is_described() -> None:
    page = (ROOT / "docs/reference/hooks.md").read_text()
    described = re.findall(r"^## `(\w+)\(", page, re.MULTILINE)
    assert described == list(SPECS)


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_examples_of_configuration_are_valid(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole configurations are loaded as the hub would load them, up to files with secrets, which exist only there."""
    for example in PYTHON.findall(page.read_text()):
        if "c.HubAuthenticator.providers = {" not in example or "acme" in example:
            continue  # Acme is not installed; tests/contract runs that page's own files
        c = Config()
        exec(
            compile(_with_secrets(example, tmp_path), str(page), "exec"),
            {"c": c, "get_config": lambda c=c: c, "configure": configure},
        )
        registry = Registry()
        registry.configure(c.HubAuthenticator.providers)
        assert list(registry.providers) == list(c.HubAuthenticator.providers)


def test_the_plugin_of_the_page_about_rules_is_one() -> None:
    module = ModuleType("hubauth_gatekeeper")
    example, _ = PYTHON.findall((ROOT / "docs/how-to/rules-of-your-own.md").read_text())
    exec(compile(example, module.__name__, "exec"), vars(module))
    manager = PluginManager()
    manager.add_plugin(module, "gatekeeper", "the page")
    assert manager.get_plugin("plugin:gatekeeper") is module


def test_the_configuration_in_the_readme_passes_its_own_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    [example] = PYTHON.findall((ROOT / "README.md").read_text())
    config = tmp_path / "jupyterhub_config.py"
    config.write_text(_with_secrets(example, tmp_path))
    assert not [finding for finding in examine(config) if finding.level == "error"]


def test_the_services_of_the_page_about_the_api_are_those_that_may_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    [readme] = PYTHON.findall((ROOT / "README.md").read_text())
    [example] = PYTHON.findall((ROOT / "docs/how-to/use-the-api.md").read_text())
    config = tmp_path / "jupyterhub_config.py"
    config.write_text(_with_secrets(f"{readme}\n{example}", tmp_path))
    told = [finding.text for finding in examine(config) if finding.about == "scopes"]
    assert "People and their servers can read their own credentials (custom:hubauth:credentials:read!user)." in told
    assert any("archive (role archive: group=staff), binder (those of whoever signs in to it)" in text for text in told)


def _with_secrets(example: str, folder: Path) -> str:
    """An example whose files in /etc exist, elsewhere."""
    return re.sub(r'"(/etc/[^"]*)"', lambda found: repr(_secret(folder, found.group(1))), example)


def _secret(folder: Path, path: str) -> str:
    file = folder / path.strip("/").replace("/", "-")
    file.write_text("a secret")
    file.chmod(0o600)
    return str(file)
