"""Bars on the basis of a day, against numbers worked out by hand and a second implementation."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from assets_tests.examples import examples
from assets_tests.market.corporate_actions import (
    NO_DIVIDENDS,
    NO_SPLITS,
    PRICES,
    adjusted_by_hand,
    day,
    dividends,
    splits,
)
from assets_tests.market.indicators.tape import tape
from pipeline.errors import ContractBroken, QueryError
from pipeline.market.prices.adjust import adjusted, events_of, on_basis_of, rebased

LAST = day(9)


def closes(bars: pl.DataFrame, split: pl.DataFrame, as_of: int = 9) -> list[float]:
    return adjusted(bars, split, NO_DIVIDENDS, day(as_of))["close"].to_list()


def test_a_two_for_one_split_halves_the_prices_before_it_and_doubles_the_volumes():
    bars = tape([88.0, 90.0, 45.0], open_=[87, 89, 46], high=[89, 91, 47], low=[86, 88, 44], volume=[10, 20, 40])
    assert adjusted(bars, splits(("A", 2, 1, 2)), NO_DIVIDENDS, LAST).drop("transactions").rows() == [
        ("A", day(0), 43.5, 44.5, 43.0, 44.0, 20.0),
        ("A", day(1), 44.5, 45.5, 44.0, 45.0, 40.0),
        ("A", day(2), 46.0, 47.0, 44.0, 45.0, 40.0),
    ]


def test_a_one_for_twenty_reverse_split_multiplies_the_prices_before_it():
    bars = tape([0.5, 0.25, 5.0], volume=[2000.0, 1000.0, 60.0])
    after = adjusted(bars, splits(("A", 2, 20, 1)), NO_DIVIDENDS, LAST)
    assert after["close"].to_list() == [10.0, 5.0, 5.0]
    assert after["volume"].to_list() == [100.0, 50.0, 60.0]


def test_two_splits_in_a_window_both_count_before_the_first_and_one_between():
    bars = tape([120.0, 61.0, 60.0, 20.0])
    assert closes(bars, splits(("A", 1, 1, 2), ("A", 3, 1, 3))) == [20.0, 61 / 3, 20.0, 20.0]


def test_a_split_on_the_first_day_changes_nothing():
    bars = tape([10.0, 11.0])
    assert adjusted(bars, splits(("A", 0, 1, 2)), NO_DIVIDENDS, LAST).equals(bars)


def test_a_split_of_a_ticker_that_is_not_in_the_bars_changes_nothing():
    bars = tape([10.0, 11.0])
    assert adjusted(bars, splits(("a", 1, 1, 2), ("ZZZ", 1, 1, 2)), NO_DIVIDENDS, LAST).equals(bars)


def test_thirty_before_a_three_for_one_split_is_ten_and_nothing_beside_it():
    assert closes(tape([30.0, 10.0]), splits(("A", 1, 1, 3))) == [10.0, 10.0]
    assert closes(tape([2.59, 0.37]), splits(("A", 1, 1, 7))) == [0.37, 0.37]
    assert 2.59 * (1 / 7) != 0.37, "by a rounded factor it would not be"
    # Three splits of 1:3 would be 1/3 × 1/3 × 1/3, rounded three times; 270 × 1 / 27 is rounded never.
    assert closes(tape([270.0, 90.0, 30.0, 10.0]), splits(*(("A", at, 1, 3) for at in (1, 2, 3)))) == [10.0] * 4


def test_a_split_on_a_day_without_trading_counts_for_the_bars_before_it():
    bars = tape([20.0, 10.0], at=[0, 5])
    assert closes(bars, splits(("A", 3, 1, 2))) == [10.0, 10.0]


def test_bars_after_the_day_are_left_out_and_splits_after_it_do_not_count():
    bars = tape([20.0, 10.0, 5.0])
    twice = splits(("A", 1, 1, 2), ("A", 2, 1, 2))
    assert closes(bars, twice, as_of=0) == [20.0]
    assert closes(bars, twice, as_of=1) == [10.0, 10.0]
    assert closes(bars, twice, as_of=2) == [5.0, 5.0, 5.0]


def test_total_return_takes_the_dividend_off_the_prices_before_it_but_not_off_the_volume():
    bars = tape([50.0, 49.0], volume=[100.0, 100.0])
    after = adjusted(bars, NO_SPLITS, dividends(("A", 1, 1.0)), LAST, "total_return")
    assert after["close"].to_list() == [49.0, 49.0]
    assert after["volume"].to_list() == [100.0, 100.0]
    assert adjusted(bars, NO_SPLITS, dividends(("A", 1, 1.0)), LAST).equals(bars), "the basis of splits alone"


def test_a_dividend_on_a_split_day_is_taken_from_the_close_in_new_shares():
    # 100.00 are two shares of 50.00, of which 1.00 is paid: 49.00, as it then trades. Nothing was gained.
    bars = tape([100.0, 49.0])
    after = adjusted(bars, splits(("A", 1, 1, 2)), dividends(("A", 1, 1.0)), LAST, "total_return")
    assert after["close"].to_list() == [49.0, 49.0]


def test_the_example_that_yahoo_publishes_for_its_adjusted_close():
    bars = tape([46.99, 48.30, 24.96, 24.91, 24.95, 24.53, 24.54])
    after = adjusted(bars, splits(("A", 2, 1, 2)), dividends(("A", 5, 0.08)), LAST, "total_return")
    assert after["close"].round(2).to_list() == [23.42, 24.07, 24.88, 24.83, 24.87, 24.53, 24.54]


def test_a_dividend_that_is_not_below_the_close_is_not_applied():
    bars = tape([10.0, 1.0])
    assert adjusted(bars, NO_SPLITS, dividends(("A", 1, 10.0)), LAST, "total_return").equals(bars)


def test_no_adjustment_is_the_bars_as_traded_up_to_the_day():
    bars = tape([20.0, 10.0, 5.0])
    split, paid = splits(("A", 1, 1, 2)), dividends(("A", 1, 1.0))
    assert adjusted(bars, split, paid, day(1), "none").equals(bars.head(2))


def test_an_unknown_basis_is_refused_with_those_there_are():
    with pytest.raises(QueryError, match=r"no basis .dividends.\. Ask for one of split, total_return, none"):
        adjusted(tape([1.0]), NO_SPLITS, NO_DIVIDENDS, LAST, "dividends")  # type: ignore[arg-type]


def test_conflicting_splits_are_refused_and_not_applied_twice():
    with pytest.raises(ContractBroken, match="several events"):
        adjusted(tape([1.0]), splits(("A", 1, 1, 2), ("A", 1, 1, 3)), NO_DIVIDENDS, LAST)


def test_rows_and_columns_keep_their_order_and_untouched_rows_their_bits():
    bars = pl.concat([tape([0.1, 0.2, 0.3], ticker="B"), tape([30.0, 10.0], ticker="A")]).reverse()
    bars = bars.select(reversed(bars.columns))
    after = adjusted(bars, splits(("A", 1, 1, 3)), NO_DIVIDENDS, LAST)
    assert after.columns == bars.columns
    assert after.select("ticker", "session").equals(bars.select("ticker", "session"))
    untouched = (pl.col("ticker") == "B") | (pl.col("session") == day(1))
    assert after.filter(untouched).equals(bars.filter(untouched))
    assert after["close"].to_list() == [10.0, 10.0, 0.3, 0.2, 0.1]


def test_no_bars_are_no_bars_on_any_basis():
    none = tape([])
    assert adjusted(none, splits(("A", 1, 1, 2)), dividends(("A", 1, 1.0)), LAST, "total_return").equals(none)


def test_going_back_to_an_earlier_basis_undoes_splits_and_dividends():
    bars = tape([100.0, 90.0, 40.0], volume=[1.0, 1.0, 2.0])
    events = events_of(bars, splits(("A", 2, 1, 2)), dividends(("A", 1, 10.0)), "total_return")
    newest = on_basis_of(LAST, bars, events)
    assert newest["close"].to_list() == [45.0, 45.0, 40.0]
    before_the_split = rebased(newest, events, LAST, day(1))
    assert before_the_split.select("close", "volume").rows() == [(90.0, 1.0), (90.0, 1.0)]
    first = rebased(newest, events, LAST, day(0))
    assert first.select("close", "volume").rows() == [(100.0, 1.0)]
    assert rebased(first, events, day(0), LAST).select("close", "volume").rows() == [(45.0, 2.0)]


CENTS = st.integers(1, 100_000).map(lambda cents: cents / 100)
WHOLE = st.sampled_from([1.0, 1.0, 2.0, 3.0, 7.0, 10.0, 20.0, 21.0])


@st.composite
def markets(draw: st.DrawFn) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Return bars of a few tickers in any order, with splits and dividends of these and others, on and off sessions."""
    frames = []
    for ticker in draw(st.lists(st.sampled_from(["AAP", "AAp", "NA"]), min_size=1, max_size=3, unique=True)):
        at = sorted(draw(st.sets(st.integers(0, 12), max_size=10)))
        close = draw(st.lists(CENTS, min_size=len(at), max_size=len(at)))
        frames.append(tape(close, ticker=ticker, at=at, volume=[float(10 * k) for k in at]))
    bars = pl.concat(frames)
    bars = bars[draw(st.permutations(range(len(bars))))]
    when = st.tuples(st.sampled_from(["AAP", "AAp", "NA", "ZZZ"]), st.integers(0, 14))
    split = {key: draw(st.tuples(WHOLE, WHOLE)) for key in draw(st.sets(when, max_size=8))}
    paid = {key: draw(CENTS) / 10 for key in draw(st.sets(when, max_size=8))}
    return (
        bars,
        splits(*((ticker, at, *ratio) for (ticker, at), ratio in split.items())),
        dividends(*((ticker, at, amount) for (ticker, at), amount in paid.items())),
    )


bases = st.sampled_from(["split", "total_return", "none"])
many = examples(150)


@many
@given(market=markets(), as_of=st.integers(0, 14), basis=bases)
def test_every_row_is_what_it_is_worked_out_by_itself(market, as_of, basis):
    bars, split, paid = market
    expected = adjusted_by_hand(bars, split, paid, day(as_of), basis)
    assert_frame_equal(adjusted(bars, split, paid, day(as_of), basis), expected, rel_tol=1e-14, abs_tol=0)


@many
@given(market=markets(), was=st.integers(0, 14), as_of=st.integers(0, 14), basis=bases)
def test_adjusting_to_one_day_and_then_to_another_is_adjusting_to_the_other(market, was, as_of, basis):
    bars, split, paid = market
    events = events_of(bars, split, paid, basis)
    there = rebased(on_basis_of(day(was), bars, events), events, day(was), day(as_of))
    known_then = bars.filter(pl.col("session") <= day(was))
    assert_frame_equal(there, on_basis_of(day(as_of), known_then, events), rel_tol=1e-12, abs_tol=0)


@many
@given(market=markets(), as_of=st.integers(0, 14), basis=bases)
def test_what_happens_after_the_day_changes_nothing(market, as_of, basis):
    bars, split, paid = market
    known = (
        bars.filter(pl.col("session") <= day(as_of)),
        split.filter(pl.col("execution_date") <= day(as_of)),
        paid.filter(pl.col("ex_dividend_date") <= day(as_of)),
    )
    assert adjusted(*known, day(as_of), basis).equals(adjusted(*market, day(as_of), basis))


@many
@given(market=markets(), as_of=st.integers(0, 14))
def test_dollar_volume_and_the_shape_of_a_bar_survive_splits(market, as_of):
    bars, split, paid = market
    before = bars.filter(pl.col("session") <= day(as_of))
    after = adjusted(bars, split, paid, day(as_of))
    traded = pl.col("close") * pl.col("volume")
    assert_frame_equal(after.select(traded), before.select(traded), rel_tol=1e-14)
    shape = [pl.col(name) / pl.col("close") for name in PRICES]
    assert_frame_equal(after.select(shape), before.select(shape), rel_tol=1e-14)
