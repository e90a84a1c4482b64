"""`candlelake positions close`: at which price, of which shares, with what profit."""

import json
from pathlib import Path

import polars as pl
import pytest

from assets_tests.cli.conftest import Ask
from assets_tests.cli.positions.conftest import LATEST, NOW, book
from assets_tests.market.holdings import day
from pipeline.contracts.reference import SPLITS
from pipeline.lake.lake import Lake


def test_a_sale_without_a_price_is_at_the_latest_close_and_shows_its_profit(ask: Ask, home: Path) -> None:
    ask("add", "AAPL", "10", "100", "--opened", str(day(0)), "--commission", "1")
    answer = ask("close", "AAPL", "--quantity", "15", "--commission", "2")
    assert answer.code == 0
    # 15 of 20 new shares at 50, less 2; three quarters of what was paid.
    assert answer.words == f"Sold AAPL at 50 on {day(5)}: -2.75 (-0.4 %).\n"
    rest = json.loads(ask("--json").data)
    assert [(row["position"], row["quantity"]) for row in rest] == [(1, 5)]
    assert "1 position sold: -2.75 (-0.4 %)" in ask().words


def test_a_sale_on_a_day_without_a_bar_is_at_the_last_close_and_warned_of(ask: Ask, home: Path) -> None:
    ask("add", "HALT", "10", "20", "--opened", str(day(0)))
    answer = ask("close", "HALT", "--date", str(day(4)))
    assert answer.code == 0
    assert f"warning: HALT has no bar on {day(4)}; the sale counts at its close of {day(1)}." in answer.words
    assert book(home).row(-1, named=True)["closing_price"] == 21


def test_the_close_before_a_split_is_put_on_the_shares_of_the_sale(ask: Ask, home: Path) -> None:
    lake = Lake(home / "lake")
    split = {"ticker": "HALT", "execution_date": day(3), "split_from": 1.0, "split_to": 3.0}
    seen = {"first_seen_at": NOW, "last_seen_at": NOW}
    lake.refresh(SPLITS, pl.DataFrame([split | seen], schema=SPLITS.columns), run_id="test")
    ask("add", "HALT", "10", "21", "--opened", str(day(0)))
    answer = ask("close", "HALT", "--date", str(day(4)))
    assert f"Sold HALT at 7 on {day(4)}: +0.00 (+0.0 %)." in answer.words


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("MSFT",), 1, "No MSFT is held"),
        (("MSFT", "--price", "1"), 1, f"All MSFT cannot be sold on {LATEST}: 0 are held then"),
        (("AAPL", "--quantity", "21"), 1, f"21 AAPL cannot be sold on {day(5)}: 20 are held then"),
        (("AAPL", "--position", "7"), 1, "in position 7 cannot be sold"),
        (("AAPL", "--price", "-1"), 2, "the price -1 is not 0 or more"),
        (("AAPL", "--price", "1", "--date", "2024-01-06"), 2, "Saturday without trading"),
        (("AAPL", "--quantity", "0"), 2, "the quantity 0"),
    ],
)
def test_a_sale_that_cannot_be_is_refused(ask: Ask, home: Path, arguments, code: int, words: str) -> None:
    ask("add", "AAPL", "10", "100", "--opened", str(day(0)))
    answer = ask("close", *arguments)
    assert (answer.code, answer.data) == (code, "")
    assert words in answer.words
    assert book(home).height == 1


def test_a_ticker_without_any_close_needs_a_price(ask: Ask) -> None:
    ask("add", "QQQQ", "1", "100", "--force", "--opened", str(day(0)))
    answer = ask("close", "QQQQ")
    assert answer.code == 1
    assert "no close of QQQQ" in answer.words
    assert "--price" in answer.words
    assert ask("close", "QQQQ", "--price", "0").code == 0
