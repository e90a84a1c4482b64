"""Other users of the machine can read neither a new home nor a person's positions."""

import errno
import os
from pathlib import Path

import pytest

from assets_tests.cli.conftest import Ask
from pipeline.lake.storage.privacy import make_private_folder, others_may_read, readable_by_others, write_private

pytestmark = pytest.mark.skipif(os.name != "posix", reason="There are no such rights.")

ADD = ("positions", "add", "IBM", "1", "20", "--opened", "2024-01-05", "--force")


def rights(path: Path) -> int:
    return path.stat().st_mode & 0o777


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_new_folder_is_its_owner_s_and_one_that_is_there_keeps_its_rights(tmp_path):
    make_private_folder(tmp_path / "above/new")
    assert (rights(tmp_path / "above/new"), rights(tmp_path / "above")) == (0o700, 0o755)
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o750)
    make_private_folder(tmp_path / "shared")
    assert rights(tmp_path / "shared") == 0o750


def test_what_is_written_for_the_owner_is_so_also_where_others_could_read_before(tmp_path):
    (tmp_path / "settings.env").write_text("CANDLELAKE_REST_KEY=old and longer")
    (tmp_path / "settings.env").chmod(0o644)
    for file in (tmp_path / "settings.env", tmp_path / "new.env"):
        write_private(file, "KEY=secret\n")
        assert (rights(file), file.read_text()) == (0o600, "KEY=secret\n")


def test_a_disk_that_fills_while_settings_are_written_leaves_the_old_ones(tmp_path, monkeypatch):
    file = tmp_path / "settings.env"
    write_private(file, "KEY=old\n")

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_private(file, "KEY=new\n")
    assert file.read_text() == "KEY=old\n"
    assert list(tmp_path.iterdir()) == [file]


def test_positions_make_a_new_home_private_and_each_of_their_files(ask_in, tmp_path):
    home, ask = tmp_path / "home", ask_in(tmp_path / "home")
    for _ in range(2):
        assert ask(*ADD).code == 0
    assert rights(home) == 0o700
    record_files = files_below(home / "lake/portfolio")
    assert len(record_files) > 4
    assert [path for path in record_files if others_may_read(path)] == []


def test_positions_in_a_home_that_others_can_enter_are_private_from_the_next_record_on(ask_in, tmp_path):
    home, ask = tmp_path / "home", ask_in(tmp_path / "home")
    home.mkdir()
    assert ask(*ADD).code == 0
    for path in files_below(home / "lake/portfolio"):
        path.chmod(0o644)
    assert ask(*ADD).code == 0
    assert rights(home) == 0o755, "what there was is the person's to change"
    assert [path for path in files_below(home / "lake/portfolio") if others_may_read(path)] == []


def test_doctor_names_what_others_may_read_and_how_to_mend_it(ask_in, tmp_path):
    home = tmp_path / "a home"
    ask: Ask = ask_in(home)
    home.mkdir(mode=0o755)
    write_private(home / "settings.env", "")
    assert ask(*ADD).code == 0
    for place in (home, home / "settings.env", home / "lake/portfolio"):
        place.chmod(0o755)
    lines = " ".join(ask("doctor").data.split())
    assert "FAIL privacy" in lines
    assert "chmod 700" in lines
    assert "chmod 600" in lines
    for place, mode in ((home, 0o700), (home / "settings.env", 0o600), (home / "lake/portfolio", 0o700)):
        place.chmod(mode)
    assert "FAIL privacy" not in " ".join(ask("doctor").data.split())


def test_with_a_lake_on_s3_only_the_home_and_its_settings_are_checked(tmp_path):
    tmp_path.chmod(0o700)
    (tmp_path / "settings.env").write_text("")
    (tmp_path / "settings.env").chmod(0o640)
    assert list(readable_by_others(tmp_path, None, tmp_path / "settings.env")) == [tmp_path / "settings.env"]
