"""Splits by many ratios, at many days, of calm and of lively tickers: believed when told as they are, else found."""

from math import log

import polars as pl
from hypothesis import assume, given
from hypothesis import strategies as st

from assets_tests.examples import examples
from assets_tests.market.prices.doubts.walks import SESSIONS, doubts, told, walk
from pipeline.contracts.price_doubts import PRICE_DOUBTS

RATIOS = [(1, 2), (1, 3), (1, 4), (1, 5), (1, 7), (1, 10), (1, 20), (2, 3), (2, 1), (3, 1), (4, 1), (7, 1), (10, 1)]
RATIOS += [(12, 1), (15, 1), (20, 1), (25, 1), (40, 1), (50, 1), (100, 1), (250, 1)]

ratios = st.sampled_from(RATIOS)
places = st.integers(min_value=45, max_value=len(SESSIONS) - 15)
volatilities = st.sampled_from([0.004, 0.01, 0.02, 0.03])
seeds = st.integers(min_value=0, max_value=10_000)


def split_at(place: int, ratio: tuple[int, int], volatility: float, seed: int) -> pl.DataFrame:
    old, new = ratio
    # A price that stays far from a tick, before and after.
    first = 200.0 if new > old else 4.0
    return walk(first=first, volatility=volatility, jumps={place: (old / new, new / old)}, seed=seed)


@given(place=places, ratio=ratios, volatility=volatilities, seed=seeds)
@examples(80)
def test_a_split_that_is_told_as_it_is_is_believed(place, ratio, volatility, seed):
    bars = split_at(place, ratio, volatility, seed)
    assert doubts(bars, told((place, *ratio))).is_empty()


@given(place=places, ratio=ratios, volatility=volatilities, seed=seeds)
@examples(80)
def test_a_split_that_is_not_told_is_found_on_its_day_and_named_closely(place, ratio, volatility, seed):
    old, new = ratio
    assume(abs(log(old / new)) > 12 * volatility)

    found = doubts(split_at(place, ratio, volatility, seed)).filter(pl.col("session") == SESSIONS[place])

    assert found["kind"].to_list() in (["split_missing"], ["jump_unexplained"])
    if found["kind"].item() == "split_missing":
        named = log(found["split_from"].item() / found["split_to"].item())
        assert abs(named - log(old / new)) <= 4 * volatility + 0.12


@given(place=places, ratio=ratios, wrong=ratios, volatility=volatilities, seed=seeds)
@examples(80)
def test_whatever_is_told_the_rows_keep_the_contract(place, ratio, wrong, volatility, seed):
    bars = split_at(place, ratio, volatility, seed)
    found = doubts(bars, told((place - 2, *wrong), (place, *wrong), (place + 1, *ratio)))
    assert PRICE_DOUBTS.enforce(found).equals(found)
