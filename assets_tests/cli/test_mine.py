"""Commands over one's own declarations: written, shown, allowed, and refused with one line."""

from collections.abc import Callable
from pathlib import Path

import pytest

from assets_tests.cli.conftest import Ask
from pipeline.mine.templates import TEMPLATES


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "home"


@pytest.fixture
def ask(home: Path, ask_in: Callable[[Path], Ask]) -> Ask:
    return ask_in(home)


@pytest.mark.parametrize("kind", TEMPLATES)
def test_a_new_file_works_and_is_shown(ask: Ask, home: Path, kind: str) -> None:
    assert ask("new", kind, "my_own").code == 0
    assert (home / "mine" / "my_own.py").stat().st_mode & 0o777 == 0o600
    assert ask("mine").data == f"my_own.py  {kind} my_own\n"


@pytest.mark.parametrize("name", ["rsi_14", "Range 20", "a" * 65, "../x", "class_", ""])
def test_a_name_that_cannot_be_is_refused_and_no_file_stays(ask: Ask, home: Path, name: str) -> None:
    answer = ask("new", "indicator", name)
    assert answer.code == 2
    assert len(answer.words.splitlines()) == 1
    assert list((home / "mine").glob("*.py")) == []


def test_a_file_that_is_there_is_never_written_over(ask: Ask, home: Path) -> None:
    ask("new", "rule", "mine")
    before = (home / "mine" / "mine.py").read_bytes()
    assert ask("new", "model", "mine").code == 2
    assert (home / "mine" / "mine.py").read_bytes() == before


def test_in_a_folder_of_somebody_else_nothing_runs_before_it_is_allowed(
    ask: Ask, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANDLELAKE_FLAT_FILES", str(home.parent))
    (home / "mine").mkdir(parents=True)
    (home / "mine" / "_theirs.py").write_text("raise SystemExit(9)\n")
    assert "does not run before `candlelake mine allow`" in ask("new", "rule", "my_own").words
    shown = ask("mine")
    assert "has code that does not run: _theirs.py, my_own.py." in shown.words
    assert shown.data == ""
    refused = ask("run")
    assert refused.code == 1
    assert "`candlelake mine allow` switches it on" in refused.words.splitlines()[-1]
    assert ask("mine", "allow").data == "my_own.py  rule my_own\n"


def test_a_mistake_is_one_line_with_file_and_line(ask: Ask, home: Path) -> None:
    ask("new", "rule", "my_own")
    file = home / "mine" / "my_own.py"
    file.write_text(f"{file.read_text()}\nnothing\n")
    answer = ask("mine")
    assert answer.code == 1
    (line,) = answer.words.splitlines()
    assert f"{file}, line {len(file.read_text().splitlines())}: NameError" in line
