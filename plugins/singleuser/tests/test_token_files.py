"""Files with tokens: private, whole, and never where a link leads."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from hubauth_singleuser.token_files import TokenFile, Wanted, wanted


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home, with a loose umask."""
    home = tmp_path / "home"
    home.mkdir(mode=0o755)
    monkeypatch.setenv("HOME", str(home))
    before = os.umask(0o000)
    yield home
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_environment_says_which_files_are_wanted(home: Path) -> None:
    listed = {"~/.tokens/github": "github", "/run/tokens/kafka": "uni/kafka"}
    assert wanted({"HUBAUTH_TOKEN_FILES": json.dumps(listed)}) == [
        Wanted(home / ".tokens/github", "github"),
        Wanted(Path("/run/tokens/kafka"), "uni", "kafka"),
    ]
    assert wanted({}) == []


@pytest.mark.parametrize(
    "listed",
    [
        "~/x",
        "[]",
        "[[",
        '{"~/x": 7}',
        '{"x": "github"}',
        '{"~root/x": "github"}',
        '{"~/../x": "github"}',
        '{"~/x/": "github"}',
        '{"~/a\\nb": "github"}',
        '{"~/x": "../github"}',
        '{"~/x": ""}',
    ],
)
def test_what_cannot_be_a_list_of_files_is_an_error(listed: str) -> None:
    with pytest.raises(ValueError, match="HUBAUTH_TOKEN_FILES"):
        wanted({"HUBAUTH_TOKEN_FILES": listed})


def test_a_file_is_private_and_so_are_the_folders_made_for_it(home: Path) -> None:
    path = home / ".tokens/deep/github"
    TokenFile(path).write("gho_token")
    assert path.read_text() == "gho_token"
    assert [mode(each) for each in (path, path.parent, path.parent.parent)] == [0o600, 0o700, 0o700]
    assert mode(home) == 0o755
    assert names(path.parent) == ["github"]


def test_a_new_token_replaces_the_file_as_a_whole(home: Path) -> None:
    path = home / "github"
    path.write_text("what was there")
    path.chmod(0o644)
    file = TokenFile(path)
    file.write("one")
    with path.open() as reader:
        file.write("two")
        assert reader.read() == "one"
    assert (path.read_text(), mode(path)) == ("two", 0o600)


def test_a_link_in_its_place_is_replaced_and_not_followed(home: Path, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.write_text("precious")
    (home / "github").symlink_to(theirs)
    TokenFile(home / "github").write("gho_token")
    assert theirs.read_text() == "precious"
    assert not (home / "github").is_symlink()


@pytest.mark.parametrize("depth", ["", "deep/"])
def test_a_folder_that_is_a_link_is_refused(home: Path, tmp_path: Path, depth: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "deep").mkdir(parents=True)
    (home / ".tokens").symlink_to(elsewhere)
    with pytest.raises(OSError, match=r"\.tokens"):
        TokenFile(home / f".tokens/{depth}github").write("gho_token")
    assert names(elsewhere) == ["deep"]
    assert names(elsewhere / "deep") == []


def test_a_home_that_is_a_link_is_a_home(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "link").symlink_to(home)
    monkeypatch.setenv("HOME", str(tmp_path / "link"))
    [asked] = wanted({"HUBAUTH_TOKEN_FILES": '{"~/.tokens/github": "github"}'})
    TokenFile(asked.path).write("gho_token")
    assert (home / ".tokens/github").read_text() == "gho_token"


def test_what_cannot_be_written_leaves_no_draft(home: Path) -> None:
    (home / "github").mkdir()
    with pytest.raises(IsADirectoryError):
        TokenFile(home / "github").write("gho_token")
    assert names(home) == ["github"]


def test_a_file_in_the_way_of_a_folder_is_an_error(home: Path) -> None:
    (home / ".tokens").write_text("")
    with pytest.raises(NotADirectoryError):
        TokenFile(home / ".tokens/github").write("gho_token")


def test_it_knows_whether_its_file_is_there(home: Path) -> None:
    file = TokenFile(home / "github")
    assert not file.is_there
    file.write("one")
    assert file.is_there
    (home / "github").unlink()
    assert not file.is_there


def test_it_removes_what_it_wrote(home: Path) -> None:
    file = TokenFile(home / "github")
    file.write("one")
    file.remove()
    assert names(home) == []
    file.remove()


def test_a_disk_that_is_full_leaves_the_old_file_and_it_stays_ours(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = TokenFile(home / "github")
    file.write("one")
    with monkeypatch.context() as full:
        full.setattr(os, "replace", lambda *_, **__: os.write(-1, b""))
        with pytest.raises(OSError, match="Bad file descriptor"):
            file.write("two")
    assert (home / "github").read_text() == "one"
    assert names(home) == ["github"]
    file.remove()
    assert names(home) == []


def test_it_leaves_what_another_server_wrote(home: Path) -> None:
    ours, theirs = TokenFile(home / "github"), TokenFile(home / "github")
    ours.write("one")
    theirs.write("two")
    ours.remove()
    assert (home / "github").read_text() == "two"
