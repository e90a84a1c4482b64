"""`candlelake positions add`, `change` and `remove`: what is recorded, and what is refused."""

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from assets_tests.cli.conftest import Ask
from assets_tests.cli.positions.conftest import LATEST, NOW, book
from assets_tests.market.holdings import day
from pipeline.contracts.reference import DIVIDENDS
from pipeline.lake.lake import Lake


def test_a_purchase_is_recorded_with_all_its_terms(ask: Ask, home: Path) -> None:
    terms = ("--stop", "90", "--target", "130", "--commission", "1.5", "--note", "mine", "--opened", str(day(0)))
    answer = ask("add", "AAPL", "2.5", "100", *terms)
    assert (answer.code, answer.data) == (0, "")
    assert answer.words == f"Position 1: 2.5 AAPL at 100 on {day(0)}.\n"
    (row,) = book(home).to_dicts()
    columns = ("ticker", "quantity", "price", "opened", "stop", "target", "commission", "note")
    assert tuple(row[name] for name in columns) == ("AAPL", 2.5, 100, day(0), 90, 130, 1.5, "mine")


def test_a_purchase_without_a_day_is_of_the_newest_session(ask: Ask, home: Path) -> None:
    assert ask("add", "AAPL", "1", "50").code == 0
    assert book(home)["opened"].to_list() == [LATEST]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("AAPL", "0", "100"), "the quantity 0 is not above 0"),
        (("AAPL", "nan", "100"), "the quantity nan"),
        (("AAPL", "ten", "100"), "valid number"),
        (("AAPL", "1", "1", "--opened", "2024-01-06"), "2024-01-06 is a Saturday without trading"),
        (("AAPL", "1", "1", "--opened", "2024-02-29"), "is yet to come"),
        (("AAPL", "1", "1", "--stop", "5", "--target", "4"), "the stop 5 is not below the target 4"),
    ],
)
def test_what_cannot_be_a_purchase_is_a_wrong_call(ask: Ask, home: Path, arguments, words: str) -> None:
    answer = ask("add", *arguments)
    assert answer.code == 2
    assert words in answer.words
    assert book(home).is_empty()


@pytest.mark.parametrize(
    ("ticker", "near"), [("aapl", "AAPL"), ("APPL", "AAPL"), ("AAP", "AAp"), ("HALLT", "HALT"), ("QQQQ", None)]
)
def test_a_ticker_that_the_lake_does_not_know_is_refused_with_those_near_it(ask: Ask, home, ticker, near) -> None:
    answer = ask("add", ticker, "1", "100", "--opened", str(day(0)))
    assert answer.code == 1
    assert f"{ticker} has no bar in the lake" in answer.words
    assert (f"(near it: {near}" in answer.words) if near else ("near it" not in answer.words)
    assert "--force" in answer.words
    assert book(home).is_empty()


def test_an_unknown_ticker_is_recorded_when_one_insists(ask: Ask, home: Path) -> None:
    assert ask("add", "QQQQ", "1", "100", "--force").code == 0
    assert book(home)["ticker"].to_list() == ["QQQQ"]


def test_an_empty_lake_objects_to_no_ticker(ask_in: Callable[[Path], Ask], tmp_path: Path) -> None:
    ask = ask_in(tmp_path / "empty")
    assert ask("positions", "add", "AAPL", "1", "100").code == 0
    answer = ask("positions")
    assert "no bar since it was opened" in answer.data
    assert "Splits and dividends are not known" in answer.words


def test_a_price_that_was_not_traded_on_the_day_is_warned_of(ask: Ask) -> None:
    answer = ask("add", "AAPL", "1", "10", "--opened", str(day(0)))
    assert answer.code == 0
    assert f"warning: AAPL traded between 90 and 110 on {day(0)}, not at 10." in answer.words
    assert "warning" not in ask("add", "AAPL", "1", "109", "--opened", str(day(0))).words


def test_a_stop_is_changed_from_a_session_on(ask: Ask) -> None:
    ask("add", "AAPL", "10", "100", "--opened", str(day(0)), "--stop", "90")
    assert ask("change", "1", "--stop", "49", "--target", "60", "--from", str(day(4))).code == 0
    stops = [json.loads(ask("--json", "--date", str(day(on))).data)[0]["stop"] for on in (1, 3, 5)]
    assert stops == [90, 45, 49]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("1",), 2, "nothing to change"),
        (("1", "--stop", "-1"), 2, "the stop -1"),
        (("2", "--stop", "1"), 1, "There is no position 2"),
        (("1", "--stop", "500", "--target", "400"), 1, "would not be below its target"),
    ],
)
def test_a_change_that_cannot_be_is_refused(ask: Ask, home: Path, arguments, code: int, words: str) -> None:
    ask("add", "AAPL", "10", "100", "--opened", str(day(0)))
    answer = ask("change", *arguments)
    assert answer.code == code
    assert words in answer.words
    assert book(home).height == 1


def test_a_removed_position_is_not_shown_but_in_the_history(ask: Ask) -> None:
    ask("add", "AAPL", "10", "100", "--opened", str(day(0)), "--note", "oops")
    assert ask("remove", "1").code == 0
    assert json.loads(ask("--json").data) == []
    lines = ask("--history").data.splitlines()
    assert [line.split()[2] for line in lines[1:]] == ["opened", "removed"]
    assert "oops" in lines[1]
    assert max(map(len, lines)) <= 80
    assert [row["event"] for row in json.loads(ask("--history", "--json").data)] == ["opened", "removed"]
    assert ask("remove", "1").code == 1


def test_an_empty_history_is_its_header(ask: Ask) -> None:
    assert len(ask("--history").data.splitlines()) == 1
    assert json.loads(ask("--history", "--json").data) == []


def test_an_order_not_to_be_reduced_is_recorded_changed_and_shown(ask: Ask, home: Path) -> None:
    ask("add", "AAPL", "10", "100", "--opened", str(day(0)), "--stop", "90", "--do-not-reduce")
    assert book(home)["do_not_reduce"].to_list() == [True]
    assert "do not reduce" in ask().data
    assert json.loads(ask("--json").data)[0]["do_not_reduce"] is True
    assert ask("change", "1", "--reduce", "--from", str(day(3))).code == 0
    assert book(home)["do_not_reduce"].to_list() == [True, False]
    assert book(home)["stop_from"].to_list() == [None, day(0)]
    assert "do not reduce" not in ask().data
    opened, changed = ask("--history").data.splitlines()[1:]
    assert (opened.endswith("DNR"), changed.endswith("DNR")) == (True, False)


def test_a_dividend_lowers_the_stop_that_is_shown_and_that_a_change_is_judged_by(ask: Ask, home: Path) -> None:
    paid = {"ticker": "AAPL", "ex_dividend_date": day(4), "cash_amount": 5.0, "currency": "USD"}
    seen = {"first_seen_at": NOW, "last_seen_at": NOW}
    Lake(home / "lake").refresh(DIVIDENDS, pl.DataFrame([paid | seen], schema=DIVIDENDS.columns), run_id="test")
    ask("add", "AAPL", "10", "100", "--opened", str(day(0)), "--stop", "90")
    stops = [json.loads(ask("--json", "--date", str(day(on))).data)[0]["stop"] for on in (1, 3, 5)]
    assert stops == [90, 45, 40]
    assert ask("change", "1", "--target", "42", "--from", str(day(5))).code == 0
    assert ask("change", "1", "--target", "40", "--from", str(day(5))).code == 1
