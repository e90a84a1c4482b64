"""`candlelake positions`: what is held, what it is worth, and the reasons to sell it."""

import json
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from assets_tests.cli.conftest import Ask
from assets_tests.cli.positions.conftest import LATEST, NOW
from assets_tests.market.holdings import day
from pipeline.contracts.reference import SPLITS
from pipeline.lake.lake import Lake


def test_what_is_held_is_shown_after_the_split_with_sums_in_eighty_columns(ask: Ask) -> None:
    ask("add", "AAPL", "10", "100", "--opened", str(day(0)), "--stop", "102", "--note", "[red]mine[/red]\x1b[2J")
    ask("add", "HALT", "5", "20", "--opened", str(day(0)))
    answer = ask()
    lines = answer.data.splitlines()
    assert answer.code == 0
    assert lines[0] == f"positions · {day(5)}"
    assert lines[2].split() == ["1", "AAPL", "20", "50.00", "1,000.00", "+0.00", "+0.0", "%", "+2.0", "%"]
    assert "high    new  Fell to 50.00; the stop is 51.00" in lines[3]
    assert "[red]mine[/red]" in answer.data
    assert "\x1b" not in answer.data
    assert f"no bar on {day(5)}: halted or delisted; last close {day(1)}" in answer.data
    assert lines[-1].split() == ["total", "1,105.00", "+5.00", "+0.5", "%"]
    assert max(map(len, lines)) <= 80


def test_a_wider_terminal_shows_the_entry_and_the_sessions_held(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    ask("add", "AAPL", "10", "100", "--opened", str(day(0)))
    monkeypatch.setenv("COLUMNS", "120")
    header, row = ask("list").data.splitlines()[1:3]
    assert header.split()[3:5] == ["entry", "close"]
    assert row.split()[3] == "50.00"
    assert row.split()[-1] == "5"


def test_colours_are_for_terminals(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    ask("add", "AAPL", "10", "100", "--opened", str(day(0)), "--stop", "102")
    plain = ask().data
    monkeypatch.setenv("FORCE_COLOR", "1")
    coloured = ask().data
    assert "\x1b[" not in plain
    assert "\x1b[1;31m" in coloured


def test_a_position_bought_after_the_newest_bars_is_shown_too(ask: Ask) -> None:
    ask("add", "AAPL", "1", "49")
    assert f"no bar since it was opened on {LATEST}: shown at the price paid" in ask().data


def test_an_earlier_session_shows_what_was_held_then(ask: Ask) -> None:
    ask("add", "AAPL", "10", "100", "--opened", str(day(0)))
    ask("add", "AAp", "1", "7", "--opened", str(day(3)))
    ask("close", "AAPL", "--price", "60", "--date", str(day(4)))
    tickers = {
        on: [row["ticker"] for row in json.loads(ask("--date", str(day(on)), "--json").data)] for on in (0, 3, 4)
    }
    assert tickers == {0: ["AAPL"], 3: ["AAPL", "AAp"], 4: ["AAp"]}


@pytest.mark.thorough
def test_a_session_that_the_lake_does_not_have_is_warned_of(ask: Ask) -> None:
    ask("add", "AAPL", "10", "100", "--opened", str(day(0)))
    assert f"warning: The lake has no bars of {LATEST}" in ask("--date", str(LATEST)).words
    assert "warning" not in ask("--date", str(day(5))).words


def test_json_has_every_column_and_signal(ask: Ask) -> None:
    ask("add", "AAPL", "10", "100", "--opened", str(day(0)), "--stop", "102")
    answer = ask("--json")
    (row,) = json.loads(answer.data)
    assert (row["quantity"], row["entry"], row["value"], row["opened"]) == (20, 50, 1000, str(day(0)))
    assert [signal["rule"] for signal in row["signals"]] == ["stop_hit"]
    assert row["signals"][0]["is_new"] is True
    assert answer.words == ""


def test_nothing_held_is_an_empty_answer_that_says_what_to_do(ask: Ask) -> None:
    assert json.loads(ask("--json").data) == []
    answer = ask()
    assert (answer.code, answer.data) == (0, "")
    assert f"Nothing is held on {day(5)}. `candlelake positions add" in answer.words


def test_an_unknown_command_is_a_wrong_call(ask: Ask) -> None:
    assert ask("sell", "AAPL").code == 2


def test_the_demo_s_end_is_the_newest_session(ask: Ask) -> None:
    answer = ask("add", "AAPL", "1", "50", "--opened", "2024-01-11")
    assert date(2024, 1, 11) > LATEST
    assert f"is yet to come; the latest session is {LATEST}" in answer.words


def test_a_split_in_doubt_is_said_under_the_position_beside_the_total_and_in_json(ask: Ask, home: Path) -> None:
    ratios = [(10.0, 1.0), (15.0, 1.0)]
    seen = {"first_seen_at": NOW, "last_seen_at": NOW, "doubt": "conflicting"}
    told = [{"ticker": "AAp", "execution_date": day(3), "split_from": old, "split_to": new} for old, new in ratios]
    rows = pl.DataFrame([row | seen for row in told], schema=SPLITS.columns)
    Lake(home / "lake").refresh(SPLITS, rows, run_id="test")
    ask("add", "AAp", "10", "7", "--opened", str(day(0)))
    ask("add", "AAp", "1", "7", "--opened", str(day(4)))
    words = f"a split of {day(3)} is in doubt and not applied: 1 for 10 or 1 for 15"
    lines = [line.strip() for line in ask().data.splitlines()]
    assert lines[3] == words
    assert lines[-1] == "in the total: what is in doubt of AAp"
    assert [row["in_doubt"] for row in json.loads(ask("--json").data)] == [[words], []]
    assert "in doubt" not in ask("--date", str(day(2))).data
