"""What is installed, who brings it, and that nothing is imported before it is asked for."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from harness.shelf import Shelf
from hubauth_core import ConfigError
from hubauth_core.discovery import PLUGINS, TYPES, Discovery, nearest


def install(
    folder: Path,
    distribution: str,
    entry_points: dict[str, str],
    version: str = "2.0",
    group: str = TYPES,
    **files: str,
) -> None:
    """What pip leaves behind: the metadata of a distribution, and its modules."""
    info = folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
    lines = [f"[{group}]", *(f"{name} = {target}" for name, target in entry_points.items())]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
    for module, text in files.items():
        (folder / f"{module}.py").write_text(text)


GOOD = """
from hubauth_core import Provider, hookimpl
class Wool(Provider):
    title = "Wool"
@hookimpl
def hubauth_provider_type():
    return Wool
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory on sys.path for distributions of the test's own."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    return folder


@pytest.fixture
def _forget_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "modules", dict(sys.modules))


@pytest.mark.usefixtures("_forget_modules")
def test_an_installed_type_is_found_with_its_distribution_and_imported_only_when_loaded(site: Path) -> None:
    install(site, "hubauth-wool", {"wool": "wool_plugin"}, wool_plugin=GOOD)
    discovery = Discovery()
    wool = discovery.find("wool")
    assert (wool.distribution, wool.version, str(wool)) == ("hubauth-wool", "2.0", "hubauth-wool 2.0")
    assert "wool_plugin" not in sys.modules
    assert discovery.load(wool).hubauth_provider_type().title == "Wool"


@pytest.mark.row("F17")
def test_two_installed_distributions_with_one_type_are_both_named(site: Path) -> None:
    install(site, "hubauth-wool", {"wool": "wool_plugin"})
    install(site, "acme-sheep", {"wool": "sheep"}, version="7.1")
    with pytest.raises(ConfigError) as refused:
        Discovery().find("wool")
    assert "hubauth-wool 2.0" in refused.value.sentence
    assert "acme-sheep 7.1" in refused.value.sentence


def test_one_distribution_in_two_places_is_no_clash(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(site, "hubauth-wool", {"wool": "wool_plugin"})
    install(site.parent / "older", "hubauth-wool", {"wool": "wool_plugin"}, version="1.0")
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setattr(sys, "path", [*sys.path, str(site.parent / "older")])
    assert Discovery().find("wool").version == "2.0"


def test_the_types_of_the_core_are_installed_like_any_other() -> None:
    assert {"oauth2", "oidc", "authenticator"} <= set(Discovery().names())


@pytest.mark.row("F17")
@pytest.mark.parametrize("second", ["Wool", "WOOL"])
@pytest.mark.parametrize("asked", ["first", "second"])
def test_types_that_differ_in_case_only_clash_whichever_is_asked_for(shelf: Shelf, second: str, asked: str) -> None:
    shelf.point("wool", "one", "hubauth-one")
    shelf.point(second, "two", "hubauth-two")
    with pytest.raises(ConfigError) as refused:
        Discovery(shelf.entry_points).find({"first": "wool", "second": second}[asked])
    for part in ("'wool'", repr(second), "hubauth-one 1.2", "hubauth-two 1.2"):
        assert part in refused.value.sentence


@pytest.mark.row("F17")
def test_a_distribution_that_shadows_a_built_in_type_is_named_beside_the_core(site: Path) -> None:
    install(site, "acme-oidc", {"oidc": "acme"})
    with pytest.raises(ConfigError) as refused:
        Discovery().find("oidc")
    assert "acme-oidc 2.0" in refused.value.sentence
    assert "hubauth-core" in refused.value.sentence


def test_a_clash_is_nobodys_business_but_that_types(shelf: Shelf) -> None:
    shelf.point("wool", "one", "hubauth-one")
    shelf.point("wool", "two", "hubauth-two")
    shelf.point("silk", "three", "hubauth-three")
    assert Discovery(shelf.entry_points).find("silk").distribution == "hubauth-three"


def test_a_plugin_and_a_type_may_have_the_same_name(shelf: Shelf) -> None:
    shelf.point("wool", "one", "hubauth-one")
    shelf.point("wool", "two", "hubauth-two", PLUGINS)
    discovery = Discovery(shelf.entry_points)
    assert discovery.find("wool").distribution == "hubauth-one"
    assert discovery.find("wool", PLUGINS).distribution == "hubauth-two"
    assert [each.distribution for each in discovery.all(PLUGINS)] == ["hubauth-two"]


@pytest.mark.parametrize(
    ("asked", "told"),
    [("gihub", "Did you mean 'github'?"), ("GITHUB", "Did you mean 'github'?"), ("xyz", "Valid: github, gitlab.")],
)
def test_an_unknown_type_gets_the_nearest_name_or_all_of_them(shelf: Shelf, asked: str, told: str) -> None:
    shelf.point("github", "one")
    shelf.point("gitlab", "two")
    with pytest.raises(ConfigError) as refused:
        Discovery(shelf.entry_points).find(asked)
    assert f"provider type {asked!r}" in refused.value.sentence
    assert f"{told} Or has its plugin still to be installed?" in refused.value.sentence


def test_where_nothing_is_installed_it_says_so() -> None:
    with pytest.raises(ConfigError, match="There is none"):
        Discovery([]).find("audit", PLUGINS)


@pytest.mark.row("F16")
@pytest.mark.usefixtures("_forget_modules")
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import a_library_that_is_not_there", "ModuleNotFoundError"),
        ("raise ValueError('no licence')", "no licence"),
        ("raise SystemExit('bye')", "SystemExit"),
        ("def broken(:", "SyntaxError"),
    ],
)
def test_a_plugin_that_cannot_be_imported_is_named_with_its_reason(site: Path, text: str, reason: str) -> None:
    install(site, "hubauth-bad", {"bad": "bad_plugin"}, bad_plugin=text)
    discovery = Discovery()
    with pytest.raises(ConfigError) as refused:
        discovery.load(discovery.find("bad"))
    for part in ("'bad'", "hubauth-bad 2.0", "bad_plugin", reason):
        assert part in refused.value.sentence


def test_nearest_compares_without_case_and_answers_the_spelling_that_counts() -> None:
    assert nearest("clientid", ["client_id", "client_secret"]) == "Did you mean 'client_id'?"
    assert nearest("Oidc", ["OIDC"]) == "Did you mean 'OIDC'?"
