"""When two prices or averages count as equal: one tolerance for all comparisons. Pure.

An average of equal prices, or a price put on another share basis, differs from the price by rounding, and a stored
average by up to 5e-10 of itself. Such a difference is not a movement, a crossing or a breakout.
"""

import polars as pl

SAME = 1e-8
"""Relative difference up to which two prices are the same: ten times the largest error of rounding and storing, and
less than a cent on a price of 700,000."""


def same(price: pl.Expr, other: pl.Expr) -> pl.Expr:
    """Return whether two prices are the same."""
    return (price - other).abs() <= _noise(price, other)


def below(price: pl.Expr, other: pl.Expr) -> pl.Expr:
    """Return whether a price lies below another, and is not the same."""
    return price < other - _noise(price, other)


def above(price: pl.Expr, other: pl.Expr) -> pl.Expr:
    """Return whether a price lies above another, and is not the same."""
    return price > other + _noise(price, other)


def without_noise(number: pl.Expr, scale: pl.Expr | float = 1.0) -> pl.Expr:
    """Return a number unchanged, but 0 where it is only rounding compared with `scale`."""
    largest = scale.abs() if isinstance(scale, pl.Expr) else pl.lit(abs(scale))
    return pl.when(number.abs() <= SAME * largest).then(0.0).otherwise(number)


def relative(price: pl.Expr, other: pl.Expr) -> pl.Expr:
    """Return price / other − 1, exactly 0 where the two are the same."""
    return without_noise(price / other - 1)


def closes_moved() -> pl.Expr:
    """Return whether the closes of the last 20 bars differ: else an RSI means nothing. Null is unknown."""
    return above(pl.col("bollinger_upper"), pl.col("bollinger_lower"))


def _noise(price: pl.Expr, other: pl.Expr) -> pl.Expr:
    return SAME * pl.max_horizontal(price.abs(), other.abs())
