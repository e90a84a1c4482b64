"""A second implementation that agrees: the wealth of a holder who is split and paid, and puts every payment back in."""

import math

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets_tests.examples import examples
from assets_tests.market.afterwards import (
    DAYS,
    NO_DIVIDENDS,
    NO_SPLITS,
    lists,
    outcomes,
    ranked,
    still,
    tape,
    what_followed,
)
from pipeline.contracts.outcomes import CANDIDATE_OUTCOMES, HORIZONS, LONGEST
from pipeline.market.scorekeeping.outcomes import PAIR, forward_returns

LENGTH = 75

prices = st.integers(800, 1200).map(lambda cents: cents / 100)
bars = st.tuples(prices, prices, prices, prices).map(lambda p: (p[0], max(p), min(p), p[3]))
markets = st.lists(st.none() | bars, min_size=LENGTH, max_size=LENGTH)
splits = st.dictionaries(st.integers(1, LENGTH - 1), st.sampled_from([(1, 2), (3, 2), (20, 1), (7, 3)]), max_size=3)
dividends = st.dictionaries(st.integers(1, LENGTH - 1), st.sampled_from([0.1, 0.5, 2.0]), max_size=4)


def frames(market, split, paid):
    """Return bars (with a ticker that never misses a session), splits and dividends of A."""
    bars = tape("A", {number: bar for number, bar in enumerate(market) if bar})
    every = still("EVERY", range(LENGTH))
    halved = [("A", DAYS[n], float(old), float(new)) for n, (old, new) in split.items()]
    cash = [("A", DAYS[n], amount) for n, amount in paid.items()]
    return {
        "bars": pl.concat([bars, every]),
        "splits": pl.DataFrame(halved, schema=NO_SPLITS.schema, orient="row"),
        "dividends": pl.DataFrame(cash, schema=NO_DIVIDENDS.schema, orient="row"),
    }


def shares_over_time(market, split, paid, entry):
    """Return the shares that one share becomes with dividends reinvested, by session from `entry` on."""
    shares, held = 1.0, {entry: 1.0}
    for today in range(entry + 1, LENGTH):
        old, new = split.get(today, (1, 1))
        shares *= new / old
        if today in paid:
            before = max(number for number in range(today) if market[number])
            close = market[before][3]
            for number in range(before + 1, today + 1):
                close *= split.get(number, (1, 1))[0] / split.get(number, (1, 1))[1]
            if paid[today] < close:
                shares *= close / (close - paid[today])
        held[today] = shares
    return held


def naive_wealth(market, split, paid, on):
    """Return the returns of a list of session `on` by horizon, and the worst and best of the longest."""
    entry = on + 1
    if entry >= LENGTH or not market[entry]:
        return {}, None
    shares = shares_over_time(market, split, paid, entry)
    cost = market[entry][0]
    found = {}
    for horizon in HORIZONS:
        if on + horizon < LENGTH:
            last = max(number for number in range(entry, on + horizon + 1) if market[number])
            found[horizon] = shares[last] * market[last][3] / cost - 1
    if on + LONGEST >= LENGTH:
        return found, None
    days = [number for number in range(entry, on + LONGEST + 1) if market[number]]
    lows, highs = ([shares[n] * market[n][side] / cost - 1 for n in days] for side in (2, 1))
    return found, (min(lows), max(highs))


@examples(60)
@given(markets, splits, dividends)
def test_a_holder_s_wealth_is_the_total_return(market, split, paid):
    after = what_followed(**frames(market, split, paid))
    sessions = (1, 10, 14, 30, 73)
    pairs = pl.DataFrame({"ticker": ["A"] * len(sessions), "session": [DAYS[n] for n in sessions]})
    found = {(session, h): r for _, session, h, r in forward_returns(pairs, after).iter_rows()}
    expected = {(DAYS[n], h): gain for n in sessions for h, gain in naive_wealth(market, split, paid, n)[0].items()}
    assert found.keys() == expected.keys()
    assert all(math.isclose(found[key], expected[key], rel_tol=1e-9, abs_tol=1e-11) for key in expected)


@examples(30)
@given(markets, splits, dividends)
def test_the_worst_and_the_best_are_those_of_the_holder_s_wealth_and_every_row_keeps_the_contract(market, split, paid):
    scored = lists({"A": 1.0, "EVERY": 0.0}, on=10)
    rows = outcomes(ranked(scored), scored, what_followed(**frames(market, split, paid)))
    row = CANDIDATE_OUTCOMES.enforce(rows).row(by_predicate=pl.col("ticker") == "A", named=True)
    _, extremes = naive_wealth(market, split, paid, 10)
    if extremes is None:
        assert (row["worst_60"], row["best_60"]) == (None, None)
    else:
        assert math.isclose(row["worst_60"], extremes[0], rel_tol=1e-9, abs_tol=1e-11)
        assert math.isclose(row["best_60"], extremes[1], rel_tol=1e-9, abs_tol=1e-11)


@pytest.mark.thorough
@examples(20)
@given(markets, st.integers(0, 60))
def test_pairs_together_are_the_pairs_one_by_one(market, first):
    after = what_followed(**frames(market, {}, {}))
    pairs = pl.DataFrame({"ticker": ["A", "EVERY", "A"], "session": [DAYS[first], DAYS[first], DAYS[first + 9]]})
    alone = [forward_returns(pairs[number], after) for number in range(3)]
    assert forward_returns(pairs, after).equals(pl.concat(alone).sort(*PAIR, "horizon"))
