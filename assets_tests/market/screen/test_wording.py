import polars as pl
import pytest

from pipeline.market.screen.wording import above_or_below, compared, decimal, percent, up_or_down, whole


def value_of(expression: pl.Expr) -> str:
    return pl.select(expression).item()


@pytest.mark.parametrize(
    ("number", "digits", "text"),
    [
        (34.24, 1, "34.2"),
        (5.0, 1, "5.0"),
        (-0.04, 1, "0.0"),
        (-0.06, 1, "-0.1"),
        (1234.5, 2, "1,234.50"),
        (999.999, 2, "1,000.00"),
        (1e-9, 2, "0.00"),
        (0.07, 2, "0.07"),
        (123456789.0, 0, "123,456,789"),
        (100.0, 0, "100"),
        (-1000.0, 0, "-1,000"),
        (0.0, 0, "0"),
        (1e300, 0, "1,000,000,000,000,000"),
    ],
)
def test_figures_have_set_decimals_and_thousands_separators(number, digits, text):
    assert value_of(decimal(pl.lit(number), digits)) == text


def test_a_missing_figure_stays_missing():
    assert value_of(decimal(pl.lit(None, pl.Float64), 1)) is None


def test_shares_and_changes_read_as_words():
    assert value_of(whole(pl.lit(3120))) == "3,120"
    assert value_of(percent(pl.lit(0.342))) == "34.2 %"
    assert value_of(up_or_down(pl.lit(0.342))) == "up 34.2 %"
    assert value_of(up_or_down(pl.lit(-0.05))) == "down 5.0 %"
    assert value_of(above_or_below(pl.lit(0.041))) == "4.1 % above"
    assert value_of(above_or_below(pl.lit(-0.003))) == "0.3 % below"


@pytest.mark.parametrize(
    ("count", "tickers", "text"),
    [
        (1, 2, "the other stock"),
        (4, 5, "all 4 other stocks"),
        (3, 5, "3 of the 4 other stocks"),
        (98, 99, "all 98 other stocks"),
        (99, 100, "99 % of 100 stocks"),
        (3119, 3120, "99 % of 3,120 stocks"),
        (3026, 3120, "96 % of 3,120 stocks"),
    ],
)
def test_a_comparison_counts_few_stocks_and_never_overstates_a_percentage_of_many(count, tickers, text):
    assert value_of(compared(pl.lit(count), pl.lit(tickers))) == text


def test_what_would_be_rounded_to_nothing_is_shown_as_no_change():
    assert [value_of(up_or_down(pl.lit(share))) for share in (0.0, -1e-16, 0.0004, -0.0006)] == [
        *["unchanged"] * 3,
        "down 0.1 %",
    ]
    assert [value_of(above_or_below(pl.lit(share))) for share in (0.0, 1e-16, -0.0004, 0.0006)] == [
        *["at"] * 3,
        "0.1 % above",
    ]
