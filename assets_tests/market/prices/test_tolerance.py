"""Prices that never move, or move by rounding only: no rule, model, pattern or word finds a movement in them."""

import re

import polars as pl
import pytest

from assets_tests.market.holdings import RECORDED_AT, SPLIT
from assets_tests.market.portfolio.sell.sights import RULES
from assets_tests.stocks import INDICATORS_TABLE, point_in_time_indicators
from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.portfolio import POSITIONS
from pipeline.market.portfolio.book import Opening, with_openings
from pipeline.market.portfolio.positions import position_marks
from pipeline.market.portfolio.sell.signals import sell_signals
from pipeline.market.prices.tolerance import SAME, above, below, relative, same, without_noise
from pipeline.market.screen.factors import RSI
from pipeline.market.screen.model import OF_MINUTES
from pipeline.market.screen.models import PULLBACK, STRONG_CLOSE, TREND
from pipeline.market.screen.rank import candidates
from pipeline.venues.us_stocks import US_STOCKS

PRICES = (0.1, 0.3, 1.1, 2.55, 7.77, 9.99, 13.37, 19.99, 33.33, 47.11, 100.1, 250.35, 412345.67)
SESSIONS = US_STOCKS.calendar.sessions[-700:-20]
MOVEMENT = re.compile(
    r"washed out|cooled off|([Uu]p|[Dd]own) \d|trend is (speeding|slowing|losing|gaining)|% (above|below)"
)


def flat(ticker, price, *, split_at=None, ratio=3.0):
    """Return bars that never move, but by a split of `ratio` new shares for one before the session `split_at`."""
    prices = [price * ratio if split_at is not None and n < split_at else price for n in range(len(SESSIONS))]
    quoted = dict.fromkeys(("open", "high", "low", "close"), prices)
    others = {"ticker": ticker, "session": SESSIONS, "volume": 1e8, "transactions": 10}
    return pl.DataFrame(quoted | others).select(pl.col(name).cast(dtype) for name, dtype in DAILY_BARS.columns.items())


@pytest.fixture(scope="module")
def market():
    """Return bars of flat prices, each with and without a split, the splits, and the indicators as they are stored."""
    bars = [flat(f"F{price}", price) for price in PRICES]
    bars += [flat(f"S{price}", price, split_at=len(SESSIONS) - 30) for price in PRICES]
    rows = pl.concat(bars)
    splits = pl.DataFrame([(f"S{price}", SESSIONS[-30], 1.0, 3.0) for price in PRICES], schema=SPLIT, orient="row")
    computed = point_in_time_indicators(rows, splits, SESSIONS, SESSIONS[-120])
    return rows, splits, INDICATORS_TABLE.as_stored(computed)


def test_no_rule_says_to_sell_a_price_without_movement_but_for_the_time_it_took(market):
    rows, splits, indicators = market
    prices = rows.filter(pl.col("session") >= SESSIONS[-100])
    bought = prices.filter(pl.col("session") == SESSIONS[-100]).select("ticker", "close").rows()
    openings = [Opening(ticker, 3.0, price, SESSIONS[-100]) for ticker, price in bought]
    book = with_openings(POSITIONS.empty(), openings, RECORDED_AT)
    marks = position_marks(book, prices, splits, SESSIONS[-100:])
    signals = sell_signals(marks, prices, indicators, RULES)
    assert set(signals["rule"]) == {"time_stop"}
    assert set(signals["reasons"].explode()) == {
        f"Held {held} sessions without a profit: even" for held in range(20, 100)
    }


def test_no_model_finds_a_movement_in_prices_without_one(market):
    rows, _, indicators = market
    day = rows.filter(pl.col("session") == SESSIONS[-1]).join(indicators, on=["ticker", "session"])
    minutes = {name: pl.lit(0.0) for name in OF_MINUTES if name != "vwap"} | {"vwap": pl.col("close") * (1 + 1e-12)}
    listed = candidates(day.with_columns(**minutes), [TREND, PULLBACK, STRONG_CLOSE])
    assert set(listed["model"]) == {"trend"}
    words = listed["reasons"].explode().to_list()
    assert list(filter(MOVEMENT.search, words)) == []
    assert listed["score"].to_list() == [0] * len(listed)


def test_patterns_see_no_turn_in_rounding(market):
    indicators = market[2]
    assert set(indicators["td_setup"].drop_nulls()) == {0}
    assert indicators["support"].null_count() == indicators["resistance"].null_count() == len(indicators)


def test_an_rsi_of_a_price_without_movement_is_none(market):
    values = market[2].join(market[0], on=["ticker", "session"]).select(RSI.value)
    assert values.to_series().null_count() == len(values)


def test_a_flat_price_among_others_is_not_said_to_have_moved(market):
    rows, _, indicators = market
    day = rows.filter(pl.col("session") == SESSIONS[-1]).join(indicators, on=["ticker", "session"])
    rising = day.head(1).with_columns(
        ticker=pl.lit("UP"),
        return_252=pl.lit(0.5), return_60=pl.lit(0.2), return_5=pl.lit(0.01), sma_50=pl.lit(12.0),
        sma_200=pl.lit(10.0), close=pl.lit(13.0), high_252=pl.lit(14.0), macd_histogram=pl.lit(0.1),
        atr_14=pl.lit(0.2), rsi_14=pl.lit(45.0), bollinger_upper=pl.lit(14.0),
    )  # fmt: skip
    listed = candidates(pl.concat([day, rising], how="diagonal_relaxed"), [TREND, PULLBACK])
    assert listed.filter(pl.col("model") == PULLBACK.name)["ticker"].to_list() == ["UP"]
    flat_words = listed.filter(pl.col("ticker") != "UP")["reasons"].explode().drop_nulls().to_list()
    assert flat_words
    assert list(filter(MOVEMENT.search, flat_words)) == []


def test_a_difference_beyond_rounding_counts():
    pairs = pl.DataFrame({"a": [1.0, 1.0, 1.0, 0.0], "b": [1 + SAME / 2, 1 + 3 * SAME, 1 - 3 * SAME, 0.0]})
    a, b = pl.col("a"), pl.col("b")
    found = pairs.select(s=same(a, b), u=below(a, b), o=above(a, b), r=relative(a, b), n=without_noise(a - b, a))
    assert found["s"].to_list() == [True, False, False, True]
    assert found["u"].to_list() == [False, True, False, False]
    assert found["o"].to_list() == [False, False, True, False]
    assert found["r"].to_list()[0] == found["n"].to_list()[0] == 0
