"""Where a home and a lake may lie: it works, or is refused before any write; nothing is written outside.

Every command reads the settings first, so one stands for all; `doctor` reports it as well.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from assets_tests.cli.conftest import Answer
from assets_tests.commands import COMMAND, environment, typed
from assets_tests.examples import first_quick
from assets_tests.old_home.make import FIRST, LAST, day_file, lay, sessions
from assets_tests.old_home.unpacked import moved_into
from pipeline.errors import SettingsError
from pipeline.lake.lake import Lake
from pipeline.lake.sql import connect
from pipeline.orchestration.instance import dagster_home
from pipeline.settings import load_settings

*_, NEXT = sessions(FIRST, LAST)
"""The session that the old home has not run."""

REFUSED = {
    **{sign: f"a{sign}b" for sign in "%[]^|\\?"},
    "\\n": "a\nb",
    "\\x1b": "a\x1b[2Jb",
    "\\x7f": "a\x7fb",
    "\\udcff": os.fsdecode(b"a\xffb"),
    "\\u2028": "a\u2028b",
    "a name in it too many": "x" * 256,
    "bytes": "/".join(["x" * 100] * 5),
}

USABLE = ("all #:;'\"{}~,=&$@+!*()`<> of them", " a ", "a..b.", "~", "données 日本", "x" * 200)


def files(folder: Path) -> set[str]:
    return {f"{place}/{name}" for place, _, names in os.walk(folder) for name in names}


@pytest.mark.parametrize("why", REFUSED)
def test_a_home_that_a_library_would_go_astray_in_is_refused_before_anything_is_written(ask_in, tmp_path, why):
    answer = refused(ask_in, tmp_path / REFUSED[why], ("positions", "add", "A", "1", "1"))
    assert why in answer.words
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", first_quick(["demo", "doctor", "ui"], quick=2))
def test_every_command_refuses_it(ask_in, tmp_path, command):
    refused(ask_in, tmp_path / "a[b", (command,))
    assert list(tmp_path.iterdir()) == []


def refused(ask_in, home: Path, command: tuple[str, ...]) -> Answer:
    answer = ask_in(home)(*command)
    assert answer.code == 1
    output = " ".join((answer.data + answer.words).split())
    assert "home cannot lie in" in output
    assert "CANDLELAKE_HOME" in output
    assert len(answer.words.splitlines()) <= 1, "one line, without a sign that moves the cursor"
    return answer


@pytest.mark.parametrize("name", first_quick(USABLE))
def test_a_home_with_any_other_sign_works_and_keeps_to_itself(ask_in, tmp_path, name):
    ask = ask_in(tmp_path / "homes" / name)
    assert ask("positions", "add", "A", "3", "10").code == 0
    assert '"quantity":3' in ask("positions", "--json").data.replace(" ", "").replace("3.0", "3")
    lake = Lake(load_settings().lake)
    assert connect(lake).sql("SELECT quantity FROM portfolio.positions").rows() == [(3.0,)]
    assert dagster_home(load_settings().home).is_dir()
    assert [file for file in files(tmp_path) if not file.startswith(f"{tmp_path}/homes/{name}/")] == []


@pytest.mark.parametrize("name", ["a%b", "a[b", "a\\b", "a\nb"])
def test_a_lake_in_a_folder_of_its_own_is_refused_likewise(ask_in, tmp_path, monkeypatch, name):
    monkeypatch.setenv("CANDLELAKE_LAKE", str(tmp_path / name))
    answer = ask_in(tmp_path / "home")("positions", "add", "A", "1", "1")
    assert answer.code == 1
    assert "The lake cannot lie in" in answer.words
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a\nb", "a\u2028b", os.fsdecode(b"a\xffb")])
def test_a_folder_of_declarations_that_the_list_of_allowed_ones_cannot_name_is_refused(
    ask_in, tmp_path, monkeypatch, name
):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("CANDLELAKE_MINE", str(tmp_path / name))
    ask = ask_in(tmp_path / "home")
    for command in (("new", "model", "mine"), ("mine", "allow"), ("doctor",)):
        answer = ask(*command)
        assert answer.code == 1
        assert "folder of your declarations cannot lie in" in " ".join((answer.words + answer.data).split())
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_declarations_may_have_the_signs_that_no_lake_may(ask_in, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("CANDLELAKE_MINE", str(tmp_path / "a%20[b]^|?*"))
    ask = ask_in(tmp_path / "home")
    assert ask("new", "indicator", "range_20").code == 0
    assert ask("mine").data == "range_20.py  indicator range_20\n"


@pytest.mark.parametrize("name", first_quick(["a%20[b]^|?*\\ ", "a\nb\tc", "日本 ü", os.fsdecode(b"a\xffb")], quick=0))
def test_the_vendor_s_files_may_lie_in_any_folder(ask_in, tmp_path, monkeypatch, name):
    home, vendor = moved_into(tmp_path), tmp_path / name
    lay(home, NEXT, day_file(NEXT))
    shutil.move(home / "sample", vendor)
    done = typed(home, "run", "--date", str(NEXT), CANDLELAKE_FLAT_FILES=str(vendor))
    assert done.returncode == 0, done.stderr
    ask = ask_in(home)
    monkeypatch.setenv("CANDLELAKE_FLAT_FILES", str(vendor))
    assert "ok    day files" in ask("doctor").data


@pytest.mark.parametrize(
    "setting", ["CANDLELAKE_FLAT_FILES", "CANDLELAKE_REFERENCE", "CANDLELAKE_MINE", "DAGSTER_HOME"]
)
def test_a_folder_of_an_unknown_user_is_named_by_its_setting(ask_in, tmp_path, monkeypatch, setting):
    ask = ask_in(tmp_path / "home")
    monkeypatch.setenv(setting, "~nobody-of-this-name/data")
    for command in (("positions", "add", "A", "1", "1"), ("doctor",)):
        answer = ask(*command)
        assert answer.code == 1
        assert f"{setting} leads nowhere" in " ".join((answer.words + answer.data).split())
    assert list(tmp_path.iterdir()) == []


def test_a_record_of_runs_elsewhere_is_refused_before_anything_is_written(ask_in, tmp_path, monkeypatch):
    ask = ask_in(tmp_path / "home")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "a?b"))
    answer = ask("demo")
    assert answer.code == 1
    assert "record of runs cannot lie in" in answer.words
    assert list(tmp_path.iterdir()) == []


@pytest.mark.thorough
def test_where_the_locale_does_not_write_paths_in_utf_8_only_ascii_can_be_a_home(tmp_path):
    locale = environment(LC_ALL="C", PYTHONUTF8="0")
    for name, code in (("données", 1), ("data", 0)):
        command = [*COMMAND, "--home", str(tmp_path / name), "positions", "add", "A", "1", "1"]
        done = subprocess.run(command, env=locale, capture_output=True, text=True, check=False, cwd=tmp_path)  # noqa: S603 (our own command)
        assert done.returncode == code, done.stderr
        assert ("Set PYTHONUTF8=1" in done.stderr) == (code == 1)
    assert [entry.name for entry in tmp_path.iterdir()] == ["data"]


def test_a_link_to_a_folder_is_as_good_as_the_folder_behind_it(ask_in, tmp_path):
    (tmp_path / "behind [it]").mkdir()
    (tmp_path / "behind").mkdir()
    (tmp_path / "bad").symlink_to(tmp_path / "behind [it]")
    (tmp_path / "good").symlink_to(tmp_path / "behind")
    assert "The lake cannot lie in" in ask_in(tmp_path / "bad")("positions", "add", "A", "1", "1").words
    assert ask_in(tmp_path / "good")("positions", "add", "A", "1", "1").code == 0
    assert list((tmp_path / "behind [it]").iterdir()) == []
    assert (tmp_path / "behind" / "lake").is_dir()


def test_a_detour_through_a_folder_that_is_not_there_does_not_make_it(ask_in, tmp_path):
    assert ask_in(tmp_path / "missing" / ".." / "home")("positions", "add", "A", "1", "1").code == 0
    assert [entry.name for entry in tmp_path.iterdir()] == ["home"]


@pytest.mark.parametrize("home", ["~nobody-of-this-name/data", "loop/data"])
def test_a_home_that_leads_nowhere_is_named(ask_in, tmp_path, monkeypatch, home):
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    answer = ask_in(Path(home))("positions", "add", "A", "1", "1")
    assert answer.code == 1
    assert "Traceback" not in answer.words
    assert len(answer.words.splitlines()) == 1


def test_a_record_of_runs_of_one_s_own_is_refused_where_sqlite_would_write_beside_it(tmp_path, monkeypatch):
    (tmp_path / "a?b").mkdir()
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "a?b"))
    with pytest.raises(SettingsError, match="DAGSTER_HOME"):
        dagster_home(tmp_path / "home")


@pytest.mark.thorough
def test_two_lakes_whose_names_look_like_patterns_of_each_other_are_apart(ask_in, tmp_path):
    for name, quantity in (("a*b", "1"), ("aXb", "2")):
        ask_in(tmp_path / name)("positions", "add", "A", quantity, "1")
    for name, quantity in (("a*b", 1.0), ("aXb", 2.0)):
        rows = connect(Lake(tmp_path / name / "lake")).sql("SELECT quantity FROM portfolio.positions").rows()
        assert rows == [(quantity,)]
