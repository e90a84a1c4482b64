"""Precision of stored numbers: the digits of a computed value that mean something, and no more. Pure.

A computed value is right to about 1e-14, and two ways of computing it promise to agree within 1e-9. The digits between
mean nothing and do not compress: they take half of a table's space. A stored value keeps 31 binary digits, so that
it differs by less than 4.7e-10 of itself from the computed one, and two values that agree closely are stored at most
9.4e-10 apart, wherever the border between two stored numbers lies.
"""

from typing import Literal

import polars as pl

Precision = Literal["exact", "value", "share"]
"""Stored unchanged; to 31 binary digits; or, for a share x of a price, 1 + x to 31 binary digits."""

_SPLITTER = 2.0**22 + 1
"""Veltkamp's: x × splitter − (x × splitter − x) is x rounded to 53 − 22 binary digits (Dekker, "A floating-point
technique for extending the available precision", 1971)."""

_LARGEST = 2.0**1000
"""Beyond it the product would overflow; such a number is stored unchanged."""


def as_stored(column: str, precision: Precision) -> pl.Expr:
    """Return `column` as it is stored. Null stays null; to store a stored value again changes nothing."""
    value = pl.col(column)
    if precision == "exact":
        return value
    if precision == "share":
        return (_rounded(value + 1) - 1).alias(column)
    return _rounded(value).alias(column)


def _rounded(value: pl.Expr) -> pl.Expr:
    product = value * _SPLITTER
    return pl.when(value.abs() < _LARGEST).then(product - (product - value)).otherwise(value)
