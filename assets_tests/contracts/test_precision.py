"""What is stored of a number: as sharp as it is promised, and no sharper."""

from fractions import Fraction

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from pipeline.contracts.precision import as_stored

NUMBERS = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e300, max_value=1e300).filter(
    lambda x: x == 0 or abs(x) > 1e-290
)


def stored(numbers: list[float | None], precision: str) -> list[float | None]:
    frame = pl.DataFrame({"x": numbers}, schema={"x": pl.Float64})
    return frame.select(as_stored("x", precision))["x"].to_list()


def digits(number: float) -> int:
    """Return how many binary digits it takes to write a number."""
    numerator = abs(Fraction(number).numerator)
    return (numerator // (numerator & -numerator)).bit_length() if numerator else 0


@given(st.lists(NUMBERS, min_size=1, max_size=50))
def test_a_value_keeps_31_binary_digits_and_is_the_nearest_such_number(numbers):
    for number, kept in zip(numbers, stored(numbers, "value"), strict=True):
        assert digits(kept) <= 31
        assert abs(Fraction(kept) - Fraction(number)) <= abs(Fraction(number)) / 2**31


@given(st.lists(st.floats(min_value=-1, max_value=1e6), min_size=1, max_size=50))
def test_a_share_is_as_sharp_as_the_price_it_makes(shares):
    for share, kept in zip(shares, stored(shares, "share"), strict=True):
        assert abs(kept - share) <= (1 + share) / 2**31 + 1e-15
        assert kept >= -1


@given(st.lists(NUMBERS, min_size=1, max_size=50), st.sampled_from(["value", "share", "exact"]))
def test_storing_what_was_stored_changes_nothing(numbers, precision):
    once = stored(numbers, precision)
    assert stored(once, precision) == once


def test_whole_numbers_ends_of_scales_and_null_are_stored_as_they_are():
    numbers = [0.0, -1.0, 100.0, 2.0**31 - 1, 1e305, None]
    assert stored(numbers, "value") == numbers
    assert stored(numbers, "exact") == numbers
