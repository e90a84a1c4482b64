"""Words and figures for the sentences of factors: Polars expressions that yield text."""

import polars as pl

VALUE = pl.col("value")
"""The factor's value for the ticker."""

ABOVE = pl.col("above")
"""The tickers that the value exceeds, in words: "97 % of 3,120 stocks", or "3 of the 4 other stocks"."""

BELOW = pl.col("below")
"""The tickers that the value falls short of, in words."""

WORDING_COLUMNS = ("value", "above", "below")
"""Columns that only sentences may use, one set per factor."""

FEW = 100
"""Below so many tickers a count says more than a percentage."""

LARGEST_FIGURE = 1e15
"""Figures are clipped to this on either side, where a double still holds every whole number."""


def whole(number: pl.Expr) -> pl.Expr:
    """Return a number rounded to a whole one, with thousands separators: `3,120`, `-12`."""
    return decimal(number, 0)


def decimal(number: pl.Expr, digits: int) -> pl.Expr:
    """Return a number with so many decimals and thousands separators: `1,234.50`, never `-0.0` or `1e5`."""
    clipped = number.cast(pl.Float64).clip(-LARGEST_FIGURE / 10**digits, LARGEST_FIGURE / 10**digits)
    units = (clipped * 10**digits).round().cast(pl.Int64)
    sign = pl.when(units < 0).then(pl.lit("-")).otherwise(pl.lit(""))
    grouped = _grouped(units.abs() // 10**digits)
    if digits == 0:
        return pl.concat_str(sign, grouped)
    fraction = (units.abs() % 10**digits).cast(pl.String).str.zfill(digits)
    return pl.concat_str(sign, grouped, pl.lit("."), fraction)


def percent(share: pl.Expr, digits: int = 1) -> pl.Expr:
    """Return a share as a percentage: 0.342 gives `34.2 %`."""
    return pl.format("{} %", decimal(share * 100, digits))


def up_or_down(change: pl.Expr) -> pl.Expr:
    """Return a relative change in words: `up 34.2 %`, `down 5.0 %`, and `unchanged` for what would be `0.0 %`."""
    direction = pl.when(change < 0).then(pl.lit("down")).otherwise(pl.lit("up"))
    moved = pl.format("{} {}", direction, percent(change.abs()))
    return pl.when(is_shown_as_nothing(change)).then(pl.lit("unchanged")).otherwise(moved)


def above_or_below(distance: pl.Expr) -> pl.Expr:
    """Return a relative distance in words: `4.1 % above`, `0.3 % below`, and `at` for what would be `0.0 %`."""
    side = pl.when(distance < 0).then(pl.lit("below")).otherwise(pl.lit("above"))
    apart = pl.format("{} {}", percent(distance.abs()), side)
    return pl.when(is_shown_as_nothing(distance)).then(pl.lit("at")).otherwise(apart)


def is_shown_as_nothing(share: pl.Expr, digits: int = 1) -> pl.Expr:
    """Return whether a share is 0 as a percentage with so many decimals."""
    return (share * 100 * 10**digits).round() == 0


def compared(count: pl.Expr, tickers: pl.Expr) -> pl.Expr:
    """Return in words that `count` of `tickers` (the ticker itself included) lie on one side.

    Percentages are rounded down, so that nothing is overstated.
    """
    others = tickers - 1
    few = (
        pl.when(count < others)
        .then(pl.format("{} of the {} other stocks", whole(count), whole(others)))
        .when(others == 1)
        .then(pl.lit("the other stock"))
        .otherwise(pl.format("all {} other stocks", whole(others)))
    )
    many = pl.format("{} % of {} stocks", whole((100 * count / tickers).floor()), whole(tickers))
    return pl.when(tickers < FEW).then(few).otherwise(many)


def _grouped(natural: pl.Expr) -> pl.Expr:
    backwards = natural.cast(pl.String).str.reverse()
    return backwards.str.replace_all(r"(\d{3})", "${1},").str.reverse().str.strip_prefix(",")
