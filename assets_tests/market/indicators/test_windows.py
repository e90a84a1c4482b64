"""A value depends on its window and on nothing else: alone, in a range, in the whole history, beside other tickers."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets_tests.examples import examples
from assets_tests.market.indicators.naive import by_window
from assets_tests.market.indicators.tape import SESSIONS, hard_series, tape, traded, wandering
from assets_tests.stocks import INDICATORS_TABLE, LOOKBACK_SESSIONS, indicators
from pipeline.market.indicators.families import (
    bars_held,
    bollinger_bands,
    candle_body,
    dollar_volume,
    exponential_average,
    extremes,
    macd,
    relative_strength,
    sequential_setup,
    simple_average,
    simple_return,
    swings,
    true_range,
    volume_average,
)

SHORT = (
    simple_average(4),
    exponential_average(3),
    macd(2, 5, 3),
    relative_strength(3),
    true_range(3),
    bollinger_bands(4, 2),
    candle_body(),
    simple_return(3),
    extremes(6),
    volume_average(4),
    dollar_volume(4),
    sequential_setup(),
    swings(k=2, n=12),
    bars_held(),
)
"""The table's indicators with parameters so short that a few bars exercise them."""

PARAMETERS = {"mean": 4, "ema": 3, "macd": (2, 5, 3), "wilder": 3, "back": 3, "extreme": 6, "swing": (2, 12)}
CROSSING_ZERO = ("macd", "bollinger_lower")


def assert_same(ours: pl.DataFrame, expected: pl.DataFrame, bars: pl.DataFrame, *, within: float) -> None:
    """Compare two tables, relative to each value; what can cross zero, to the prices it comes from."""
    assert ours.select("ticker", "session").equals(expected.select("ticker", "session"))
    priced = expected.join(bars.select("ticker", "session", "close"), on=["ticker", "session"], maintain_order="left")
    averages = pl.col("^(ema_.*|macd|macd_signal|bollinger_middle)$").abs()
    prices = priced.select(pl.max_horizontal("close", averages)).to_series()
    for name in ours.columns[2:]:
        got, wanted = ours[name].cast(pl.Float64), expected[name].cast(pl.Float64)
        assert got.is_null().equals(wanted.is_null(), check_names=False), f"{name}: other nulls"
        scale = prices if name.startswith(CROSSING_ZERO) else wanted.abs()
        # A share is as sharp as the prices it compares, and an RSI as the sum of gains and losses.
        scale = pl.select(pl.max_horizontal(scale, 1.0)).to_series() if name.startswith(("return", "rsi")) else scale
        off = ((got - wanted).abs() > within * scale).fill_null(value=False)
        assert not off.any(), (
            f"{name}: {got.filter(off)[0]} instead of {wanted.filter(off)[0]} at {ours.filter(off)[0]}"
        )


def naive(bars: pl.DataFrame, like: pl.DataFrame, lookback: int) -> pl.DataFrame:
    return pl.DataFrame(by_window(bars, SESSIONS, lookback, PARAMETERS), schema=like.schema)


@st.composite
def markets(draw: st.DrawFn) -> pl.DataFrame:
    """Return one to three tickers on up to 45 sessions: dense or sparse, with repeated prices, cliffs and no volume."""
    frames = []
    for ticker in draw(st.lists(st.sampled_from(["AAP", "AAp", "NA", "Z"]), min_size=1, max_size=3, unique=True)):
        at = sorted(draw(st.sets(st.integers(0, 44), min_size=1, max_size=45)))
        level = draw(st.sampled_from([1e-4, 1.0, 1e5]))
        price = st.one_of(
            st.sampled_from([10.0, 10.0, 11.0, 1e-2]), st.integers(1, 2000).map(lambda cents: cents / 100)
        )
        few = {"min_size": len(at), "max_size": len(at)}
        opens, close, high, low = (draw(st.lists(price.map(lambda p, level=level: p * level), **few)) for _ in range(4))
        frames.append(
            tape(
                close,
                ticker=ticker,
                at=at,
                open_=opens,
                high=[max(prices) for prices in zip(opens, close, high, low, strict=True)],
                low=[min(prices) for prices in zip(opens, close, high, low, strict=True)],
                volume=draw(st.lists(st.sampled_from([0.0, 0.0, 0.5, 100.0, 1e9]), **few)),
            )
        )
    return pl.concat(frames)


many = examples(60)


@many
@given(bars=markets(), lookback=st.integers(1, 40))
def test_every_value_is_that_of_its_window_by_the_plain_definitions(bars, lookback):
    ours = indicators(bars, SESSIONS, SESSIONS[0], declared=SHORT, lookback=lookback)
    assert_same(ours, naive(bars, ours, lookback), bars, within=1e-11)


@many
@given(bars=markets(), lookback=st.integers(1, 40), begin=st.integers(0, 44), length=st.integers(1, 45))
def test_a_range_gives_what_the_whole_history_gives(bars, lookback, begin, length):
    within = pl.col("session").is_between(SESSIONS[begin], SESSIONS[begin + length - 1])
    whole = indicators(bars, SESSIONS, SESSIONS[0], declared=SHORT, lookback=lookback).filter(within)
    needed = bars.filter(
        pl.col("session").is_between(SESSIONS[max(begin - lookback + 1, 0)], SESSIONS[begin + length - 1])
    )
    ranged = indicators(needed, SESSIONS, SESSIONS[begin], declared=SHORT, lookback=lookback)
    assert_same(ranged, whole, bars, within=1e-11)


@many
@given(bars=markets(), lookback=st.integers(5, 40), day=st.integers(0, 44))
def test_nothing_that_happens_later_changes_a_value(bars, lookback, day):
    known = bars.filter(pl.col("session") <= SESSIONS[day])
    then = indicators(known, SESSIONS, SESSIONS[0], declared=SHORT, lookback=lookback)
    later = indicators(bars, SESSIONS, SESSIONS[0], declared=SHORT, lookback=lookback)
    assert then.equals(later.filter(pl.col("session") <= SESSIONS[day]))


@many
@given(bars=markets(), lookback=st.integers(5, 40), random=st.randoms(use_true_random=False))
def test_neither_the_order_of_the_rows_nor_other_tickers_change_a_value(bars, lookback, random):
    together = indicators(bars, SESSIONS, SESSIONS[0], declared=SHORT, lookback=lookback)
    order = random.sample(range(len(bars)), len(bars))
    assert indicators(bars[order], SESSIONS, SESSIONS[0], declared=SHORT, lookback=lookback).equals(together)
    for (ticker,), own in bars.group_by(["ticker"]):
        alone = indicators(own, SESSIONS, SESSIONS[0], declared=SHORT, lookback=lookback)
        assert alone.equals(together.filter(pl.col("ticker") == ticker))


@pytest.fixture(scope="module")
def hard_market() -> pl.DataFrame:
    """Return the hard series over 1,400 sessions, each every day and one day in five, and a new listing."""
    frames = [traded(wandering(30, seed=9), ticker="new", seed=9, at=range(1370, 1400))]
    for k, (name, close) in enumerate(hard_series(1400).items()):
        frames.append(traded(close, ticker=name, seed=k))
        frames.append(traded(close[::5], ticker=f"{name}, sparse", seed=k, at=range(0, 1400, 5)))
    return pl.concat(frames)


@pytest.mark.parametrize("first", [200, 600, 1000, 1395])
def test_the_tables_own_values_agree_alone_in_a_range_and_in_the_whole_history(hard_market, first):
    whole = indicators(hard_market, SESSIONS, SESSIONS[0])
    days = range(first, first + 5)
    earliest = max(first - LOOKBACK_SESSIONS + 1, 0)
    ranged = hard_market.filter(pl.col("session").is_between(SESSIONS[earliest], SESSIONS[days[-1]]))
    wanted = whole.filter(pl.col("session").is_in([SESSIONS[day] for day in days]))
    assert_same(indicators(ranged, SESSIONS, SESSIONS[first]), wanted, hard_market, within=1e-12)
    for day in days:
        begin = SESSIONS[max(day - LOOKBACK_SESSIONS + 1, 0)]
        alone = hard_market.filter(pl.col("session").is_between(begin, SESSIONS[day]))
        expected = whole.filter(pl.col("session") == SESSIONS[day])
        assert_same(indicators(alone, SESSIONS, SESSIONS[day]), expected, hard_market, within=1e-12)


def test_the_values_keep_the_tables_contract(hard_market):
    rows = indicators(hard_market, SESSIONS, SESSIONS[0])
    assert INDICATORS_TABLE.enforce(rows).equals(rows)
    assert len(rows) == len(hard_market)
