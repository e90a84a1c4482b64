"""`candlelake candidates`: the list to read and the list to process."""

import json
import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from assets_tests.cli.conftest import GAP, REPLACED, SESSIONS, Ask, Home
from assets_tests.own_models import OWN
from assets_tests.stocks import declare, declaring
from pipeline.cli.candidates import Listing, newest_session, show
from pipeline.contracts.candidates import CANDIDATES
from pipeline.lake.lake import Lake


def listing(*tickers: str, newest: date = REPLACED) -> Listing:
    """Return a made-up listing of `trend`, and nothing of `pullback`."""
    rows = [
        {
            "model": "trend",
            "rank": rank,
            "ticker": ticker,
            "score": 1 / rank,
            "close": 10.0,
            "reasons": [f"[bold]Reason[/bold] {number} of {ticker} " + "very " * 20 + "long" for number in range(5)],
            "scanned": 9,
            "passed": 5,
            "left_out": 5,
            "left_out_reasons": [f"X{number}: [bold]a split[/bold]" for number in range(5)],
        }
        for rank, ticker in enumerate(tickers, 1)
    ]
    return Listing(REPLACED, newest, ("trend", "pullback"), pl.DataFrame(rows))


def test_the_list_fits_eighty_columns_with_two_reasons_a_row(ask: Ask) -> None:
    answer = ask("candidates", "--model", "trend")
    lines = answer.data.splitlines()
    assert answer.code == 0
    assert max(map(len, lines)) <= 80
    ranks = [line for line in lines if re.match(r" ?\d", line)]
    assert len(ranks) >= 3
    assert len([line for line in lines if line]) <= 2 + 2 * len(ranks)


def test_a_wider_terminal_shows_three_reasons_and_a_file_all_of_each(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    show(listing("AAPL"))
    wide = capsys.readouterr().out
    assert wide.count("Reason") == 3
    assert max(map(len, wide.splitlines())) <= 120
    monkeypatch.delenv("COLUMNS")
    show(listing("AAPL"))
    assert capsys.readouterr().out.count("very long") == 3


def test_who_is_left_out_is_named_as_far_as_a_line_goes(capsys: pytest.CaptureFixture[str]) -> None:
    show(listing("AAPL"))
    words = " ".join(capsys.readouterr().err.split())
    assert "5 left out, since prices are in doubt: X0: [bold]a split[/bold]; X1:" in words
    assert "X2: [bold]a split[/bold]; and 2 more. `candlelake splits` lists all." in words


def test_a_list_from_before_doubts_were_counted_names_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    older = listing("AAPL")
    show(replace(older, rows=older.rows.with_columns(left_out=None, left_out_reasons=None)))
    assert "left out" not in capsys.readouterr().err


def test_names_are_text_and_not_markup(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    show(listing("[red]", ":smile:", "[/]"))
    output = capsys.readouterr().out
    for text in ("[red]", ":smile:", "[/]", "[bold]Reason[/bold]"):
        assert text in output


def test_a_sign_that_moves_the_cursor_is_not_passed_on(capsys: pytest.CaptureFixture[str]) -> None:
    show(listing("A\x1b[2J"))
    assert "\x1b" not in capsys.readouterr().out


def test_a_model_without_candidates_is_named_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    show(listing("AAPL"))
    assert f"pullback: no stock passed its filters on {REPLACED}." in capsys.readouterr().err


def test_an_older_list_says_that_a_newer_session_has_none(capsys: pytest.CaptureFixture[str]) -> None:
    show(listing("AAPL", newest=date(2004, 9, 30)))
    assert "newest session, 2004-09-30" in capsys.readouterr().err


def test_json_is_all_of_the_latest_session(ask: Ask, home: Home) -> None:
    answer = ask("candidates", "--json", "--model", "trend", "--top", "2")
    listed = json.loads(answer.data)
    assert answer.code == 0
    assert [(row["session"], row["rank"]) for row in listed] == [(str(REPLACED), 1), (str(REPLACED), 2)]
    stored = Lake(home.path / "lake").scan(CANDIDATES, REPLACED, REPLACED).filter(pl.col("model") == "trend").collect()
    assert listed[0]["contributions"] == stored.filter(pl.col("rank") == 1)["contributions"].to_list()[0]


def test_an_earlier_session_is_listed_by_its_date(ask: Ask) -> None:
    answer = ask("candidates", "--date", str(SESSIONS[-1]), "--json")
    assert {row["session"] for row in json.loads(answer.data)} == {str(SESSIONS[-1])}


def test_a_session_without_candidates_is_an_empty_answer_and_no_error(ask: Ask) -> None:
    answer = ask("candidates", "--date", str(SESSIONS[5]), "--json")
    assert (answer.code, json.loads(answer.data)) == (0, [])
    assert f"trend: no stock passed its filters on {SESSIONS[5]}" in answer.words


def test_a_session_that_was_not_run_says_which_are_there(ask: Ask) -> None:
    answer = ask("candidates", "--date", str(GAP))
    assert (answer.code, answer.data) == (1, "")
    assert answer.words.startswith(f"error: {GAP} has not been ranked.")
    assert f"`candlelake run --date {GAP}`" in answer.words


def test_a_day_without_trading_names_the_sessions_around_it(ask: Ask) -> None:
    answer = ask("candidates", "--date", "2004-09-12")
    assert (answer.code, answer.data) == (2, "")
    assert (
        "2004-09-12 is a Sunday without trading; the sessions around it are 2004-09-10 and 2004-09-13" in answer.words
    )


@pytest.mark.parametrize("day", ["2004-9-12", "yesterday", "2004-02-30", "1850-01-01"])
def test_what_is_no_date_is_a_wrong_call(ask: Ask, day: str) -> None:
    answer = ask("candidates", "--date", day)
    assert (answer.code, answer.data) == (2, "")
    assert len(answer.words.splitlines()) == 1


def test_an_unknown_model_is_a_wrong_call_that_names_the_models(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    declare(monkeypatch, declaring(models=OWN))
    answer = ask("candidates", "--model", "[red]")
    assert answer.code == 2
    assert "'[red]' is not a model; choose from strong, dips" in answer.words


def test_before_the_first_run_the_remedy_is_named(ask_in, tmp_path: Path) -> None:
    answer = ask_in(tmp_path / "empty")("candidates")
    assert (answer.code, answer.data) == (1, "")
    assert "candlelake run" in answer.words


def test_the_newest_session_is_that_of_the_newest_month(home: Home) -> None:
    assert newest_session(Lake(home.path / "lake"), CANDIDATES) == REPLACED
