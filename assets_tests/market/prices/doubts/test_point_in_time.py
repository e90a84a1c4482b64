"""A session's doubts are the same computed alone, in a range, and in the whole history; nothing later changes them."""

from datetime import date, timedelta

import polars as pl
import pytest

from assets_tests.examples import first_quick
from assets_tests.market.prices.doubts.walks import EVENT, SESSIONS, changed, doubts, paid, told, value, walk
from pipeline.contracts.price_doubts import PRICE_DOUBTS
from pipeline.market.prices.doubts import LOOKBACK
from pipeline.market.securities.listings import LISTING


def market() -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Return bars, splits and dividends of tickers with a fault each, around EVENT."""
    odd = walk("ODD", seed=4)
    bars = [
        walk("MISS", jumps={EVENT: (10, 0.1)}, seed=1),
        walk("EARLY", jumps={EVENT: (0.5, 2)}, seed=2),
        walk("TWICE", jumps={EVENT: (0.5, 2)}, seed=3),
        changed(odd, EVENT, close=value(odd, EVENT, "close") * 1.7),
        walk("HALT", jumps={EVENT: (20, 0.05)}, without=range(EVENT - 30, EVENT), seed=5),
        walk("SPIN", jumps={EVENT: (0.7, 1)}, seed=6),
    ]
    splits = [
        told((EVENT - 3, 1, 2), ticker="EARLY"),
        told((EVENT, 1, 2), (EVENT + 4, 1, 2), ticker="TWICE"),
        told((EVENT - 9, 4, 1), ticker="HALT"),
    ]
    return (
        pl.concat(bars).sort("session", "ticker"),
        pl.concat(splits),
        paid((EVENT, 0.1), (EVENT + 1, 0.1), ticker="SPIN"),
    )


@pytest.fixture(scope="module")
def whole() -> pl.DataFrame:
    return doubts(*market())


def test_every_fault_is_found_and_keeps_the_contract(whole):
    assert set(whole["ticker"]) == {"MISS", "EARLY", "TWICE", "ODD", "HALT", "SPIN"}
    assert PRICE_DOUBTS.enforce(whole).equals(whole)


@pytest.mark.parametrize("length", first_quick([3, 1, 40]))
def test_a_range_of_sessions_has_the_same_rows_as_the_whole_history(whole, length):
    bars, splits, dividends = market()
    for begin in range(EVENT - 5, EVENT + 8, length):
        last = min(begin + length - 1, len(SESSIONS) - 1)
        sessions = SESSIONS[max(begin - LOOKBACK + 1, 0) : last + 1]
        window = bars.filter(pl.col("session").is_between(sessions[0], sessions[-1]))
        found = doubts(window, splits, dividends, sessions=sessions, since=SESSIONS[begin])
        expected = whole.filter(pl.col("session").is_between(SESSIONS[begin], SESSIONS[last]))
        assert found.equals(expected)


def test_what_is_told_for_a_later_day_does_not_matter(whole):
    bars, splits, dividends = market()
    later = told((EVENT + 20, 10, 1), ticker="MISS")
    found = doubts(bars, pl.concat([splits, later]), dividends)
    before = SESSIONS[EVENT + 20]
    assert found.filter(pl.col("session") < before).equals(whole.filter(pl.col("session") < before))


def test_bars_of_the_security_that_had_the_ticker_before_are_no_past(whole):
    bars = walk(jumps={EVENT: (30, 1 / 30)})
    taken = SESSIONS[EVENT]
    rows = [
        ("X", "FIGI1", "ETF", None, taken - timedelta(days=1)),
        ("X", "FIGI2", "CS", taken, None),
    ]
    listed = pl.DataFrame(rows, schema=LISTING, orient="row")
    assert len(doubts(bars)) == 1
    assert doubts(bars, listed=listed).is_empty()
    # What comes later is judged by the new security's own bars.
    again = walk(jumps={EVENT: (30, 1 / 30), EVENT + 30: (0.5, 2)})
    assert doubts(again, listed=listed)["session"].to_list() == [SESSIONS[EVENT + 30]]


def test_a_session_without_bars_and_a_market_without_any_have_no_doubt():
    bars = walk()
    assert doubts(bars.clear()).is_empty()
    alone: tuple[date, ...] = SESSIONS[:1]
    assert doubts(bars.head(1), sessions=alone).is_empty()
