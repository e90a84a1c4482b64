"""Streams that take few characters: a command loses characters there, never its answer."""

import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from assets_tests.cli.conftest import REPLACED, Ask, Home
from assets_tests.cli.harming import copied
from assets_tests.commands import COMMAND, environment
from pipeline.cli.rows import dump, write_csv, write_exact_csv
from pipeline.cli.streams import SIMILAR, is_unicode, replace_unwritable

ASKED = (
    ("candidates",),
    ("candidates", "--json"),
    ("candidates", "--model", "Öl"),
    ("explain", "IBM", str(REPLACED)),
    ("explain", "日本", str(REPLACED)),
    ("positions",),
    ("positions", "--history"),
    ("positions", "--json"),
    ("restate", "--dry-run"),
    ("sql", "SELECT 'Öl …' AS öl, '−1' AS minus"),
    ("sql", "SELECT 'Öl …' AS öl, '−1' AS minus", "--format", "csv"),
    ("sql", "SELECT 'Öl …' AS öl, '−1' AS minus", "--format", "json"),
    ("sql", "SELECT ö"),
    ("status",),
    ("mine",),
    ("doctor",),
)


def take_ascii_only() -> None:
    """Let stdout and stderr fail at what is not ASCII, as those of such a terminal do, and begin as a command does."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="ascii", errors="strict")
    replace_unwritable()


def is_part(text: str, whole: str) -> bool:
    """Return whether the characters of `text` are all in `whole`, in that order."""
    rest = iter(whole)
    return all(character in rest for character in text)


@pytest.mark.thorough
def test_every_command_gives_the_same_answer_where_ascii_is_all_that_can_be_written(
    home: Home, ask_in: Callable[[Path], Ask], tmp_path: Path
) -> None:
    ask = ask_in(copied(home.path, tmp_path / "home"))
    assert ask("positions", "add", "IBM", "5", "80", "--opened", str(REPLACED), "--note", "für später …").code == 0
    whole = [ask(*command) for command in ASKED]
    take_ascii_only()
    for command, expected in zip(ASKED, whole, strict=True):
        answer = ask(*command)
        assert answer.code == expected.code, command
        assert (answer.data + answer.words).isascii()
        assert "UnicodeEncodeError" not in answer.words
        for found, text in ((answer.data, expected.data), (answer.words, expected.words)):
            assert is_part("".join(filter(str.isascii, text)), found), command


@pytest.mark.parametrize(
    "settings", [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": ""}]
)
def test_a_process_of_its_own_does_the_same(home: Home, settings: dict[str, str]) -> None:
    command = [*COMMAND, "--home", str(home.path), "candidates", "--model", "trend", "--top", "1"]
    done = subprocess.run(command, env=environment(**settings), capture_output=True, check=False, cwd=home.path.parent)  # noqa: S603 (our own command)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.decode("ascii").splitlines()
    assert lines[0] == f"trend - {REPLACED}"
    assert lines[2].startswith("1  ")


def test_what_is_typed_in_utf_8_is_read_in_any_locale(home: Home) -> None:
    locale = environment(LC_ALL="C", PYTHONUTF8="0", PYTHONIOENCODING="")
    command = [*COMMAND, "--home", str(home.path), "sql", "SELECT 'für' AS ö", "--format", "json"]
    done = subprocess.run(command, env=locale, capture_output=True, check=False, cwd=home.path.parent)  # noqa: S603 (our own command)
    assert json.loads(done.stdout) == [{"ö": "für"}]


def test_what_is_no_text_in_any_encoding_is_one_error(ask: Ask) -> None:
    for command in (
        ("sql", "SELECT '\udcff'"),
        ("positions", "add", "IBM", "1", "80", "--opened", str(REPLACED), "--note", "\udcff"),
    ):
        answer = ask(*command)
        assert answer.code == 1
        assert "not" in answer.words
        assert "UnicodeEncodeError" not in answer.words


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_tables_keep_their_width_and_what_can_be_written_is_written(encoding: str) -> None:
    text = "│ é · × − … │\n└──┴──╪══┘ “ok” 日"
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors=SIMILAR)
    stream.write(text)
    stream.flush()
    written = stream.buffer.getvalue().decode(encoding)
    assert len(written) == len(text)
    expected = {
        "ascii": '| ? - x - ~ |\n+--+--+==+ "ok" ?',
        "latin-1": '| é · × - ~ |\n+--+--+==+ "ok" ?',
        "cp1252": "| é · × - … |\n+--+--+==+ “ok” ?",
        "utf-8": text,
    }
    assert written == expected[encoding]


def test_a_comparison_is_not_turned_round() -> None:
    assert "a ≤ b ≥ c".encode("ascii", SIMILAR) == b"a <= b >= c"


def test_json_loses_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    take_ascii_only()
    dump({"note": "für später …", "ticker": "日本"})
    output = capsys.readouterr().out
    assert output.isascii()
    assert json.loads(output) == {"note": "für später …", "ticker": "日本"}


@pytest.mark.parametrize("write", [write_csv, write_exact_csv])
def test_csv_warns_of_what_it_loses_and_no_character_becomes_another(write, capsys) -> None:
    rows = pl.DataFrame({"note": ["−1+1", "für", "plain"]})
    take_ascii_only()
    write(rows)
    answer = capsys.readouterr()
    assert [row["note"] for row in csv.DictReader(io.StringIO(answer.out))] == ["?1+1", "f?r", "plain"]
    assert answer.err.startswith("warning: Some characters are written as ?, since stdout takes ascii only.")
    write(rows.tail(1))
    assert capsys.readouterr().err == ""


def test_a_stream_without_an_encoding_takes_every_character() -> None:
    assert is_unicode(io.StringIO())
