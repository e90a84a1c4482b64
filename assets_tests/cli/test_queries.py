"""`sql`, `status` and `doctor`: what they write, and how they fail."""

import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from assets_tests.cli.conftest import GAP, REPLACED, SESSIONS, THERE, Ask, Home
from assets_tests.examples import first_quick
from pipeline.cli.rows import write_csv, write_json


@pytest.mark.thorough
def test_sql_as_csv_has_a_header_and_every_row(ask: Ask, home: Home) -> None:
    query = "SELECT ticker, session, close FROM stocks.daily_bars ORDER BY session, ticker"
    answer = ask("sql", query, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(answer.data)))
    assert answer.code == 0
    assert rows[0].keys() == {"ticker", "session", "close"}
    assert len(rows) == home.rows_read - 2
    assert rows[0]["session"] == str(SESSIONS[0])


def test_sql_as_json_keeps_types(ask: Ask) -> None:
    query = f"SELECT ticker, session, close FROM stocks.daily_bars WHERE session = '{THERE}' ORDER BY 1"  # noqa: S608
    answer = ask("sql", query, "--format", "json")
    rows = json.loads(answer.data)
    assert rows[-1]["ticker"] == "[bold]"
    assert rows[-1]["close"] == 10.0
    assert rows[-1]["session"] == str(THERE)


@pytest.mark.thorough
def test_sql_as_a_table_shows_tickers_as_they_are(ask: Ask) -> None:
    answer = ask("sql", f"SELECT ticker FROM stocks.daily_bars WHERE session = '{THERE}'")  # noqa: S608
    assert "[bold]" in answer.data
    assert answer.words == ""


@pytest.mark.thorough
def test_a_long_table_says_that_it_is_cut(ask: Ask, home: Home) -> None:
    answer = ask("sql", "SELECT session FROM stocks.daily_bars")
    assert len(answer.data.splitlines()) < 70
    assert f"60 of {home.rows_read - 2} rows shown" in answer.words


@pytest.mark.parametrize(
    "query", first_quick(["SELEC 1", "SELECT * FROM stocks.nothing", "DROP TABLE stocks.daily_bars"])
)
def test_a_query_that_cannot_be_answered_is_one_line_and_no_data(ask: Ask, query: str) -> None:
    answer = ask("sql", query)
    assert (answer.code, answer.data) == (1, "")
    assert answer.words.startswith("error: ")
    assert len(answer.words.splitlines()) == 1


def test_json_and_csv_of_every_kind_of_value(capsys: pytest.CaptureFixture[str]) -> None:
    rows = pl.DataFrame(
        {
            "when": [datetime(2024, 1, 5, 16, tzinfo=UTC), None],
            "number": [float("nan"), float("inf")],
            "exact": [Decimal("1.10"), None],
            "nested": [[{"day": date(2024, 1, 5)}], None],
            "text": ['say "é"', ""],
        },
        schema_overrides={"nested": pl.List(pl.Struct({"day": pl.Date}))},
    )
    write_json(rows)
    first, second = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert first["when"] == "2024-01-05T16:00:00+00:00"
    assert (first["number"], second["number"]) == (None, None)
    assert first["exact"] == "1.10"
    assert first["nested"] == [{"day": "2024-01-05"}]
    write_csv(rows)
    written = capsys.readouterr().out
    read = list(csv.DictReader(io.StringIO(written)))
    assert json.loads(read[0]["nested"]) == [{"day": "2024-01-05"}]
    assert read[0]["text"] == 'say "é"'
    assert written.splitlines()[2].endswith(',""')


def test_status_counts_what_was_planted(ask: Ask, home: Home) -> None:
    answer = ask("status", "--json")
    found = json.loads(answer.data)
    assert answer.code == 0
    assert found["missing"] == [str(GAP)]
    assert found["replaced"] == [str(REPLACED)]
    assert found["rows_read"] == home.rows_read
    assert found["rows_quarantined"] == 1
    assert found["quarantined"] == {"negative_volume": 1}
    bars = next(table for table in found["tables"] if table["table"] == "stocks.daily_bars")
    assert (bars["sessions"], bars["first"], bars["last"]) == (len(SESSIONS) + 2, str(SESSIONS[0]), str(REPLACED))
    # One row was rejected, and one was an identical repeat.
    assert bars["rows"] == home.rows_read - 2


def test_status_shows_reference_data_without_sessions(ask: Ask) -> None:
    found = json.loads(ask("status", "--json").data)
    splits = next(table for table in found["tables"] if table["table"] == "reference.splits")
    assert (splits["sessions"], splits["first"], splits["last"]) == (None, None, None)


def test_status_reads_well_on_eighty_columns(ask: Ask) -> None:
    answer = ask("status")
    assert answer.code == 0
    assert max(map(len, answer.data.splitlines())) <= 80
    assert f"sessions missing        1  {GAP}" in answer.data
    assert f"sessions replaced       1  {REPLACED}" in answer.data
    assert "negative_volume" in answer.data


def test_status_of_an_empty_home_says_how_to_begin(ask_in: Callable[[Path], Ask], tmp_path: Path) -> None:
    answer = ask_in(tmp_path / "empty")("status")
    assert (answer.code, answer.data) == (0, "")
    assert "candlelake demo" in answer.words


def test_doctor_finds_the_filled_home_well(ask: Ask, home: Home) -> None:
    answer = ask("doctor")
    assert answer.code == 0, answer.data
    assert "FAIL" not in answer.data
    assert str(REPLACED) in answer.data
    assert "DuckDB" in answer.data


def test_doctor_names_the_missing_credentials(ask_in: Callable[[Path], Ask], tmp_path: Path) -> None:
    answer = ask_in(tmp_path / "new")("doctor")
    assert answer.code == 1
    assert answer.data.count("FAIL") == 1
    assert "CANDLELAKE_FLAT_FILES_KEY_ID" in answer.data
    assert not (tmp_path / "new").exists()


@pytest.mark.thorough
def test_doctor_names_a_folder_that_is_not_there(
    ask_in: Callable[[Path], Ask], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = ask_in(tmp_path / "new")
    monkeypatch.setenv("CANDLELAKE_FLAT_FILES", str(tmp_path / "gone"))
    answer = ask("doctor")
    assert answer.code == 1
    assert "gone does not exist" in " ".join(answer.data.split())


def test_doctor_names_the_setting_that_makes_no_sense(
    ask_in: Callable[[Path], Ask], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = ask_in(tmp_path / "new")
    monkeypatch.setenv("CANDLELAKE_MAX_BAD_SHARE", "much")
    answer = ask("doctor")
    assert answer.code == 1
    assert "CANDLELAKE_MAX_BAD_SHARE" in answer.data


@pytest.mark.thorough
def test_doctor_notices_a_damaged_instance_of_dagster(ask_in: Callable[[Path], Ask], tmp_path: Path) -> None:
    dagster = tmp_path / "broken" / "dagster"
    (tmp_path / "broken").mkdir(mode=0o700)
    dagster.mkdir()
    (dagster / "dagster.yaml").write_text("storage: 7\n")
    answer = ask_in(tmp_path / "broken")("doctor")
    assert answer.code == 1
    assert "instance" in answer.data
    assert answer.data.count("FAIL") == 2
