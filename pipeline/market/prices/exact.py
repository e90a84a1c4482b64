"""Prices and numbers of shares as the decimals that they are, after the rounding of binary numbers. Pure.

A stop of 0.07 before a 1:100 reverse split is 7.00. Binary arithmetic gives 7.000000000000001, which no price equals.
Here a result that is a decimal but for rounding becomes the number that the decimal is read as. Ratios are multiplied
first and divided by once, so that the rounding stays within a few units of the last digit.
"""

import polars as pl

DECIMALS = 8
"""Decimals that prices and shares may have."""

UNITS = 10**DECIMALS

LARGEST = 2.0**53 / UNITS
"""Numbers from here on (90 million) have no room for eight decimals, and stay as they are."""

ROUNDING = 2.0**-50
"""The relative error of a typed decimal after a product and a quotient, at most: four units of the last digit."""


def exact(number: float, scale: float | None = None) -> float:
    """Return the decimal that `number` is but for rounding; a number that is none stays as it is.

    `scale` is the largest number that it was computed from, if that is larger: a difference is as inexact as they are.
    """
    if abs(number) >= LARGEST:
        return number
    decimal = round(number * UNITS) / UNITS
    return decimal if abs(decimal - number) <= ROUNDING * abs(scale or number) else number


def exact_numbers(numbers: pl.Expr) -> pl.Expr:
    """Return each of `numbers` as `exact` does."""
    # Polars divides by one number by multiplying with its inverse, which is not exact; its rounding divides.
    decimal = numbers.round(DECIMALS)
    is_decimal = (numbers.abs() < LARGEST) & ((decimal - numbers).abs() <= ROUNDING * numbers.abs())
    return pl.when(is_decimal).then(decimal).otherwise(numbers)


def down_to_the_cent(price: float) -> float:
    """Return `price` in USD rounded down to the cent; an amount that is whole cents but for rounding stays."""
    return round(price * UNITS) // (UNITS // 100) / 100
