"""Numbers from the text of a vendor's cells; text that is not a number is null.

A number is any text that parses as a 64-bit float (`61.68`, `61.680000`, `2.03e6`), with or without white space around
it. Numbers of trades and times may be written as floats (`180.000000`), but a number of trades must be whole.
"""

import polars as pl

_EXACT_WHOLE_NUMBERS_END = 2.0**53
_INT64_FLOATS_END = 2.0**63


def as_float(name: str) -> pl.Expr:
    """Return the text column `name` as 64-bit floats."""
    return pl.col(name).str.strip_chars().cast(pl.Float64, strict=False)


def as_count(name: str) -> pl.Expr:
    """Return a number of trades; null when it is a fraction, or so large a float that it may have been rounded."""
    number = as_float(name)
    is_whole = (number.floor() == number) & (number.abs() < _EXACT_WHOLE_NUMBERS_END)
    whole_float = pl.when(is_whole).then(number).cast(pl.Int64, strict=False)
    return pl.coalesce(_whole(name), whole_float).alias(name)


def as_time(name: str) -> pl.Expr:
    """Return a time as 64-bit whole numbers of its unit.

    A float is precise enough (256 ns in nanoseconds); values beyond 64 bits become the smallest or largest time.
    """
    number = as_float(name)
    beyond = pl.when(number >= _INT64_FLOATS_END).then(2**63 - 1).when(number < -_INT64_FLOATS_END).then(-(2**63))
    time = pl.coalesce(_whole(name), number.cast(pl.Int64, strict=False), beyond.cast(pl.Int64))
    return pl.when(number.is_finite()).then(time).alias(name)


def _whole(name: str) -> pl.Expr:
    return pl.col(name).str.strip_chars().cast(pl.Int64, strict=False)
