"""Bars in any order come out by ticker and session, as sorting them puts them."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from pipeline.market.indicators.ordering import in_order

NAMES = ["A", "AAp", "AAP", "NA", "", "é", "a very long ticker indeed", "Z"]


def bars(keys: list[tuple[str, int]]) -> tuple[pl.DataFrame, np.ndarray]:
    rows = [(ticker, place, float(number)) for number, (ticker, place) in enumerate(keys)]
    frame = pl.DataFrame(rows, schema={"ticker": pl.String, "session": pl.Int32, "close": pl.Float64}, orient="row")
    return frame, frame["session"].to_numpy()


@given(st.lists(st.tuples(st.sampled_from(NAMES), st.integers(0, 40)), min_size=1, max_size=120, unique=True))
def test_rows_come_out_as_sorting_puts_them(keys):
    frame, places = bars(keys)
    assert_frame_equal(in_order(frame, places), frame.sort("ticker", "session"))


@pytest.mark.parametrize("apart", [1, 1_000], ids=["dense", "sparse"])
def test_two_rows_of_one_ticker_and_session_are_noticed(apart):
    frame, places = bars([("A", apart), ("B", 0), ("A", apart)])
    assert in_order(frame, places) is None
    frame, places = bars([("A", apart), ("B", apart), ("A", 0)])
    assert in_order(frame, places)["close"].to_list() == [2.0, 0.0, 1.0]
