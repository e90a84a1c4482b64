"""Does a list know the future? The check, on the shipped models, and on one that is planted to be caught."""

from collections.abc import Callable
from datetime import date

import numpy as np
import polars as pl
import pytest

from assets_tests.stocks import point_in_time_indicators
from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.indicators import IndicatorColumn
from pipeline.market.indicators import INDICATORS
from pipeline.market.indicators.declaration import Indicator, expressed
from pipeline.market.screen.factors import LAST_WEEK
from pipeline.market.screen.model import Model, Universe
from pipeline.market.screen.models import MODELS, PULLBACK, TREND
from pipeline.market.screen.rank import candidates
from pipeline.venues.us_stocks import US_STOCKS

SESSIONS = US_STOCKS.calendar.between(date(2023, 1, 3), date(2024, 6, 28))
DAY = SESSIONS[300]
"""The session whose lists are looked at; there are 70 after it."""

ONE_WEEK = Model(
    name="one_week",
    version=1,
    description="",
    universe=Universe(min_price=0.0, min_dollar_volume=0.0, min_bars=1),
    factors=((LAST_WEEK, 1.0),),
)

SPLITS = pl.DataFrame(
    {
        "ticker": ["T1", "T2"],
        "execution_date": [SESSIONS[250], SESSIONS[303]],
        "split_from": [1.0, 1.0],
        "split_to": [2.0, 3.0],
    }
)

Lists = Callable[[pl.DataFrame, pl.DataFrame], pl.DataFrame]
"""From bars and splits to the candidates of DAY."""


def listed_by(models: tuple[Model, ...], declared: tuple[Indicator, ...] = INDICATORS) -> Lists:
    """Return what draws up the lists of DAY as the assets do, from the bars there are."""

    def lists(bars: pl.DataFrame, splits: pl.DataFrame) -> pl.DataFrame:
        last = bars["session"].max()
        computed = point_in_time_indicators(
            bars, splits, [session for session in SESSIONS if session <= last], since=DAY, declared=declared
        )
        joined = bars.join(computed, on=["ticker", "session"])
        return candidates(joined, models).filter(pl.col("session") == DAY)

    return lists


def leaks(lists: Lists, bars: pl.DataFrame, splits: pl.DataFrame, day: date) -> list[str]:
    """Return the changes to what comes after `day` that change the lists of `day`; none when they know no future."""
    until, later = bars.filter(pl.col("session") <= day), bars.filter(pl.col("session") > day)
    keys = later.select("ticker", "session")
    shuffled = later.drop("ticker", "session").sample(fraction=1, shuffle=True, seed=11)
    without_last = later.filter(pl.col("session") < later["session"].max())
    known = splits.filter(pl.col("execution_date") <= day)
    others = {
        "removed": (until, known),
        "shortened": (pl.concat([until, without_last]), splits),
        "shuffled": (pl.concat([until, pl.concat([keys, shuffled], how="horizontal")]), splits),
        "unsplit": (bars, known),
    }
    expected = lists(bars, splits)
    return [
        change
        for change, (changed, known_splits) in others.items()
        if not lists(changed, known_splits).equals(expected)
    ]


@pytest.fixture(scope="module")
def bars():
    random = np.random.default_rng(5)
    steps = random.normal(0.001, 0.02, (12, len(SESSIONS)))
    closes = 40 * np.exp(np.cumsum(steps, axis=1))
    opens = closes * np.exp(random.normal(0, 0.005, closes.shape))
    frames = [
        pl.DataFrame(
            {
                "ticker": f"T{number}",
                "session": SESSIONS,
                "open": opens[number],
                "high": np.maximum(opens[number], closes[number]) * 1.01,
                "low": np.minimum(opens[number], closes[number]) * 0.99,
                "close": closes[number],
                "volume": random.uniform(1e6, 2e6, len(SESSIONS)),
                "transactions": 1000,
            },
            schema=DAILY_BARS.columns,
        )
        for number in range(12)
    ]
    return pl.concat(frames)


@pytest.mark.thorough
def test_the_shipped_models_list_the_same_whatever_comes_after(bars):
    lists = listed_by(MODELS)
    found = lists(bars, SPLITS)
    assert {TREND.name, PULLBACK.name} <= set(found["model"])
    assert leaks(lists, bars, SPLITS, DAY) == []


def test_a_factor_that_looks_back_is_not_accused(bars):
    assert leaks(listed_by((ONE_WEEK,)), bars, SPLITS, DAY) == []


def test_a_planted_factor_that_knows_the_future_is_caught(bars):
    next_week = expressed(
        {IndicatorColumn("return_5", "", unit="free"): pl.col("close").shift(-5) / pl.col("close") - 1}, lookback=6
    )
    planted = tuple(
        next_week if [column.name for column in indicator.columns] == ["return_5"] else indicator
        for indicator in INDICATORS
    )
    assert planted != INDICATORS
    assert leaks(listed_by((ONE_WEEK,), planted), bars, SPLITS, DAY) == ["removed", "shuffled", "unsplit"]


def test_a_factor_that_compares_with_the_last_day_there_is_is_caught(bars):
    def lists(bars: pl.DataFrame, splits: pl.DataFrame) -> pl.DataFrame:
        newest = pl.col("close").sort_by("session").last().over("ticker")
        of_day = bars.with_columns(return_5=newest / pl.col("close") - 1).filter(pl.col("session") == DAY)
        computed = of_day.with_columns(dollar_volume_20=pl.lit(1e9), bars=pl.lit(400))
        return candidates(computed, (ONE_WEEK,))

    assert leaks(lists, bars, SPLITS, DAY) == ["removed", "shortened", "shuffled"]
