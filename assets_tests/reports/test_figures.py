from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.reports import figures

NUMBERS = st.floats(-1e15, 1e15, allow_nan=False)


@pytest.mark.parametrize(
    ("number", "digits", "text"),
    [
        (1234.5, 2, "1,234.50"),
        (-0.07, 2, "−0.07"),
        (0.125, 2, "0.13"),  # exactly between: away from zero, as toFixed
        (-0.125, 2, "−0.13"),
        (2.5, 0, "3"),
        (1.005, 2, "1.00"),  # a double below 1.005
        (-0.0, 2, "0.00"),
        (-0.004, 2, "0.00"),
        (12345678.0, 0, "12,345,678"),
        (None, 2, "–"),
    ],
)
def test_a_number_is_rounded_from_all_its_digits(number, digits, text):
    assert figures.fixed(number, digits) == text


@pytest.mark.parametrize(
    ("number", "text"), [(0.9, "+0.90"), (-0.9, "−0.90"), (0.0, "0.00"), (0.004, "0.00"), (None, "–")]
)
def test_a_signed_number_has_a_sign_unless_it_shows_zero(number, text):
    assert figures.signed(number) == text


@pytest.mark.parametrize(("share", "text"), [(0.342, "+34.2 %"), (-0.0251, "−2.5 %"), (0.0001, "0.0 %"), (None, "–")])
def test_a_share_is_shown_as_a_percentage(share, text):
    assert figures.percent(share) == text


@pytest.mark.parametrize(
    ("amount", "text"), [(430.474, "430.47"), (0.03125, "0.0313"), (1.0, "1.00"), (545000.5, "545,000.50"), (None, "–")]
)
def test_a_price_below_a_dollar_has_four_decimals(amount, text):
    assert figures.price(amount) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (999.0, "999"),
        (999.94, "1,000"),
        (999.96, "1.0 k"),
        (999_949.0, "999.9 k"),
        (999_950.0, "1.0 M"),
        (12_345_678.0, "12.3 M"),
        (-3.5e9, "−3.5 B"),
        (2.25e12, "2.3 T"),
        (0.0, "0"),
        (None, "–"),
    ],
)
def test_a_large_number_is_shortened(number, text):
    assert figures.compact(number) == text


def test_an_amount_of_dollars_says_so():
    assert figures.dollars(673_300_000.0) == "$673.3 M"
    assert figures.dollars(None) == "–"


@pytest.mark.parametrize(
    ("number", "text"),
    [(0.22184, "0.2218"), (-0.00082354, "−0.0008235"), (49.718, "49.72"), (12_345.6, "12,346"), (-1000.0, "−1,000")],
)
def test_a_number_of_no_known_unit_has_four_significant_digits(number, text):
    assert figures.plain(number) == text


@pytest.mark.parametrize(("amount", "text"), [(100.0, "100"), (0.5, "0.5"), (1234.25, "1,234.25"), (7.0, "7")])
def test_a_number_of_shares_has_the_decimals_it_needs(amount, text):
    assert figures.quantity(amount) == text


def test_the_tone_follows_the_sign():
    assert [figures.tone(number) for number in (1.0, -1.0, 0.0, None)] == ["up", "down", "flat", "flat"]


def test_the_distance_to_a_missing_level_is_missing():
    assert figures.distance(10.0, None) is None
    assert figures.distance(None, 10.0) is None
    assert figures.distance(11.0, 10.0) == pytest.approx(0.1)


@given(NUMBERS, st.integers(0, 6))
def test_what_is_shown_lies_within_half_of_the_last_digit(number, digits):
    read_back = Decimal(figures.fixed(number, digits).replace(",", "").replace("−", "-"))
    assert abs(read_back - Decimal(number)) <= Decimal(5).scaleb(-digits - 1)


@given(NUMBERS)
def test_no_figure_ever_shows_a_negative_zero(number):
    for text in (figures.fixed(number), figures.signed(number), figures.percent(number), figures.compact(number)):
        assert not (text.startswith("−") and not any(digit in text for digit in "123456789"))


@given(
    st.one_of(
        st.floats(-1e18, 1e18, allow_nan=False),
        st.integers(-(2**40), 2**40).map(lambda halves: halves / 2),
        st.integers(-(2**60), 2**60),
    ),
    st.integers(0, 6),
)
def test_every_number_is_rounded_as_decimals_of_all_its_digits_are(number, digits):
    rounded = Decimal(number).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
    sign = "−" if rounded < 0 else ""
    assert figures.fixed(number, digits) == f"{sign}{abs(rounded):,}"


def test_the_rsi_of_a_price_without_movement_is_not_shown():
    assert figures.rsi_shown(0.0, 7.77, 7.77 * (1 + 1e-15)) is None
    assert figures.rsi_shown(0.0, 7.77, 8.5) == 0.0
    assert figures.rsi_shown(31.5, 7.77, 7.77) == 31.5
    assert figures.distance(7.77, 7.77 * (1 + 1e-15)) == 0.0
