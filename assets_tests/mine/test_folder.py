"""The user's folder: which files count, and that none runs before somebody has allowed it on this computer."""

import os
import stat
from pathlib import Path

import pytest

from pipeline.errors import PlaceFailed
from pipeline.mine.folder import LARGEST, allow, files_in, is_allowed


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a configuration of its own, with nothing allowed."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "config" / "candlelake" / "allowed_folders"


def test_python_files_count_by_name_and_one_with_a_line_before_its_name_only_helps(tmp_path: Path) -> None:
    for name in ("b.py", "a.py", "_shared.py", ".a.py.swp", ".hidden.py", "notes.txt"):
        (tmp_path / name).write_text("")
    assert [(file.name, file.is_helper) for file in files_in(tmp_path)] == [
        ("_shared.py", True),
        ("a.py", False),
        ("b.py", False),
    ]


def test_without_a_folder_there_are_no_files(tmp_path: Path) -> None:
    assert files_in(tmp_path / "mine") == ()


def test_a_file_that_cannot_be_read_is_an_error_with_its_remedy(tmp_path: Path) -> None:
    (tmp_path / "a.py").mkdir()
    with pytest.raises(PlaceFailed, match=r"a\.py is not a file\. Correct it, or move it out"):
        files_in(tmp_path)


def test_what_is_no_regular_file_of_sensible_size_is_refused_and_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.py")
    with pytest.raises(PlaceFailed, match=r"pipe\.py is not a file"):
        files_in(tmp_path)
    (tmp_path / "pipe.py").unlink()
    (tmp_path / "link.py").symlink_to(tmp_path / "nowhere")
    with pytest.raises(PlaceFailed, match=r"link\.py leads nowhere"):
        files_in(tmp_path)
    (tmp_path / "link.py").unlink()
    (tmp_path / "large.py").write_bytes(b"#" * (LARGEST + 1))
    with pytest.raises(PlaceFailed, match="is larger than"):
        files_in(tmp_path)


def test_nothing_is_allowed_before_somebody_allows_it(tmp_path: Path) -> None:
    assert not is_allowed(tmp_path / "mine")
    allow(tmp_path / "mine")
    assert is_allowed(tmp_path / "mine")
    assert not is_allowed(tmp_path / "other")


def test_what_was_allowed_before_stays_allowed(tmp_path: Path) -> None:
    allow(tmp_path / "a")
    allow(tmp_path / "b")
    assert is_allowed(tmp_path / "a")


def test_a_copy_of_an_allowed_folder_is_not_allowed(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    allow(tmp_path / "mine")
    (tmp_path / "mine").rename(tmp_path / "moved")
    assert not is_allowed(tmp_path / "moved")


def test_a_link_to_an_allowed_folder_is_that_folder(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    allow(tmp_path / "mine")
    (tmp_path / "link").symlink_to(tmp_path / "mine")
    assert is_allowed(tmp_path / "link")


def test_only_the_owner_may_read_or_change_what_is_allowed(tmp_path: Path, config: Path) -> None:
    allow(tmp_path)
    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    assert stat.S_IMODE(config.parent.stat().st_mode) == 0o700


def test_a_record_that_is_no_text_allows_nothing(tmp_path: Path, config: Path) -> None:
    allow(tmp_path)
    config.write_bytes(b"\xff\xfe\x00")
    assert not is_allowed(tmp_path)
