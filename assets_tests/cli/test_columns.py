"""Narrow terminals: columns are left out before a price, a value or a profit would be cut."""

import json
from datetime import date

import polars as pl
import pytest

from assets_tests.cli.conftest import REPLACED, Ask
from pipeline.cli.candidates import Listing
from pipeline.cli.candidates import show as show_candidates
from pipeline.cli.columns import fitting, widths_of
from pipeline.cli.evaluate import Evaluation
from pipeline.cli.evaluate import show as show_evaluation
from pipeline.cli.positions.shown import draw, draw_history
from pipeline.contracts.outcomes import MODEL_SCORES
from pipeline.contracts.portfolio import POSITIONS

WIDTHS = {"name": 6, "score": 5, "close": 8}
"""Of a table that needs 23 characters."""


@pytest.mark.parametrize(
    ("room", "shown"),
    [
        (23, ["name", "score", "close"]),
        (22, ["name", "close"]),
        (16, ["name", "close"]),
        (15, ["close"]),
        (1, ["close"]),
    ],
)
def test_columns_go_in_the_order_given_until_the_others_fit(room: int, shown: list[str]) -> None:
    assert fitting(WIDTHS, ("score", "name"), room) == shown


def test_a_column_is_as_wide_as_its_heading_or_its_longest_cell() -> None:
    assert widths_of([{"a": "x", "close": "1,234.50"}, {"close": "1"}], ["a", "b", "close"]) == {
        "a": 1,
        "b": 1,
        "close": 8,
    }


POSITION = {
    "position": 12, "ticker": "AAPL", "quantity": 12_345.678, "entry": 1_234.5, "close": 98_765.43,
    "value": 1_219_300_523.66, "profit": -1_204_059_790.65, "cost": 15_240_732.0, "to_stop": -0.0123, "to_target": 12.5,
    "sessions_held": 250, "no_bar": False, "delisted_on": None, "bought_as": None, "priced_on": REPLACED,
    "in_doubt": [], "opened": REPLACED, "note": None, "do_not_reduce": False,
    "signals": [{"severity": "high", "is_new": True, "reasons": ["Fell to 98,701.00; the stop is 98,710.25"]}],
}  # fmt: skip

MONEY = ("1,219,300,523.66", "-1,204,059,790.65", "1,219,300,523.75", "-1,204,059,800.65")
"""The values and profits of the position, and of the total."""


@pytest.mark.parametrize("width", [24, 30, 40, 50, 60, 79, 80, 99, 100, 120, 200])
def test_the_money_of_positions_is_whole_at_every_width(width: int, monkeypatch, capsys) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    small = {"position": 3, "quantity": 1.0, "value": 0.09, "profit": -10.0, "cost": 10.09, "signals": []}
    draw(REPLACED, [POSITION, POSITION | small])
    output = capsys.readouterr().out
    for amount in MONEY:
        assert amount in output
    words = " ".join(output.split())
    assert "Fell to 98,701.00; the stop is 98,710.25" in words
    if width >= 50:
        assert max(map(len, output.splitlines())) <= width


def test_ordinary_positions_fit_forty_columns_with_value_and_profit(ask_in, monkeypatch, capsys) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    draw(REPLACED, [POSITION | {"quantity": 30.0, "close": 430.47, "value": 12_914.1, "profit": -687.95}])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 40
    assert lines[1].split() == ["#", "ticker", "close", "value", "profit"]
    assert lines[2].split() == ["12", "AAPL", "430.47", "12,914.10", "-687.95"]


@pytest.mark.parametrize("width", [30, 40, 60, 80, 120])
def test_the_prices_of_the_history_are_whole(width: int, monkeypatch, capsys) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    row = dict.fromkeys(POSITIONS.columns) | {
        "position": 7, "revision": 1, "event": "opened", "ticker": "AAPL", "quantity": 12_345.678, "price": 98_765.43,
        "opened": REPLACED, "stop": 97_000.5, "note": "long " * 40,
    }  # fmt: skip
    history = pl.DataFrame([row], schema=POSITIONS.columns, strict=False)
    draw_history(history.with_columns(recorded_at=pl.lit(date(2024, 1, 2)).cast(POSITIONS.columns["recorded_at"])))
    output = capsys.readouterr().out
    assert "98,765.43" in output
    assert "12,345.678" in output
    assert max(map(len, output.splitlines())) <= width


def listing(tickers: list[str]) -> Listing:
    rows = [
        {
            "model": "trend",
            "rank": rank,
            "ticker": ticker,
            "score": -1.25,
            "close": 98_765.43,
            "scanned": 9,
            "passed": 5,
            "left_out": 0,
        }
        | {"reasons": ["Up 265.6 % in eleven months, the last month left out", "Calm", "Near its high"]}
        for rank, ticker in enumerate(tickers, 1)
    ]
    return Listing(REPLACED, REPLACED, ("trend",), pl.DataFrame(rows))


@pytest.mark.parametrize("width", [20, 30, 40, 59, 60, 80, 100])
def test_the_close_of_candidates_is_whole_at_every_width(width: int, monkeypatch, capsys) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    show_candidates(listing(["NHW", "EOD"]))
    output = capsys.readouterr().out
    assert output.count("98,765.43") == 2
    assert max(map(len, output.splitlines())) <= width


def test_a_narrow_terminal_has_the_reasons_below_the_row(monkeypatch, capsys) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    show_candidates(listing(["NHW"]))
    assert capsys.readouterr().out.splitlines()[1:5] == [
        "#  ticker  score      close",
        "1  NHW     -1.25  98,765.43",
        "  Up 265.6 % in eleven months, the last…",
        "  Calm",
    ]


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_the_excess_of_an_evaluation_is_whole(width: int, monkeypatch, capsys) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    figures = {"sessions": 2385, "hit_rate": 1.0, "mean_excess": -0.9876, "mean_excess_se": 0.4321, "mean_ic": -0.999}
    key = {"model": "trend", "model_version": 1, "month": "2024-01", "horizon": 60}
    more = {"ic_t": -123.4, "turnover": 1.0, "coverage": 1.0}
    monthly = pl.DataFrame([dict.fromkeys(MODEL_SCORES.columns) | key | figures | more], schema=MODEL_SCORES.columns)
    show_evaluation(Evaluation(REPLACED, REPLACED, ("trend",), monthly, monthly.drop("month")))
    output = capsys.readouterr().out
    assert output.count("-98.76%") == 2
    assert ("43.21%" in output) == (width >= 60)
    assert max(map(len, output.splitlines())) <= max(width, len(output.splitlines()[0]))


@pytest.mark.parametrize("width", [40, 60, 80])
def test_the_rows_of_status_are_whole(width: int, ask: Ask, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    counts = {table["table"]: f"{table['rows']:,}" for table in json.loads(ask("status", "--json").data)["tables"]}
    lines = [line.split() for line in ask("status").data.splitlines()]
    assert {line[0]: counts[line[0]] in line for line in lines if line and line[0] in counts} == dict.fromkeys(
        counts, True
    )
