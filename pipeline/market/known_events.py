"""What computed tables take from splits and dividends as they were known at a moment. Pure.

It says which rows another state of reference data would compute differently: those within reach of an event whose value
was another one then.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from pipeline.contracts.reference import DIVIDENDS, SPLITS
from pipeline.contracts.table import Table
from pipeline.market.securities.reference import applicable_dividends, applicable_splits, as_known, doubted_splits

Known = Callable[[pl.DataFrame, datetime | None], pl.DataFrame]
"""Returns ticker, day and value of the events of a history as known at a moment (UTC), or now: one row for each day."""


@dataclass(frozen=True, eq=False)
class KnownEvents:
    """The events of a table of reference data, in the form that a computed table takes them."""

    noun: str
    """What one is called, before `of` and its value."""
    table: Table
    day: str
    """The column of the day from which an event matters."""
    known: Known


def _applied(history: pl.DataFrame, known_at: datetime | None) -> pl.DataFrame:
    return _by_day(applicable_splits(history, known_at), "execution_date", _ratio())


def _applied_dividends(history: pl.DataFrame, known_at: datetime | None) -> pl.DataFrame:
    return _by_day(applicable_dividends(history, known_at), "ex_dividend_date", _text("cash_amount"))


def _in_doubt(history: pl.DataFrame, known_at: datetime | None) -> pl.DataFrame:
    return _by_day(doubted_splits(history, known_at), "execution_date", _ratio())


def _told_splits(history: pl.DataFrame, known_at: datetime | None) -> pl.DataFrame:
    value = (
        pl.when(pl.col("ruling") == "rejected")
        .then(pl.lit("nothing by your ruling"))
        .when(pl.col("ruling").is_not_null())
        .then(pl.format("{} by your ruling", _ratio()))
        .otherwise(_ratio())
    )
    return _by_day(as_known(history, known_at), "execution_date", value)


def _told_dividends(history: pl.DataFrame, known_at: datetime | None) -> pl.DataFrame:
    amount = pl.format("{} {}", _text("cash_amount"), pl.col("currency").fill_null("?"))
    value = pl.concat_str(amount, "distribution_type", "frequency", separator=" ", ignore_nulls=True)
    return _by_day(as_known(history, known_at), "ex_dividend_date", value)


def _by_day(rows: pl.DataFrame, day: str, value: pl.Expr) -> pl.DataFrame:
    """Return the distinct values of each ticker and day as one text."""
    dated = rows.select("ticker", day=day, value=value).drop_nulls("day").unique().sort("ticker", "day", "value")
    return dated.group_by("ticker", "day", maintain_order=True).agg(pl.col("value").str.join(" and "))


def _ratio() -> pl.Expr:
    """Return the ratio in words, the same for 2:1 and 4:2: `2 for 1`, and `1 for 10` for a reverse split."""
    new, old = pl.col("split_to") / pl.col("split_from"), pl.col("split_from") / pl.col("split_to")
    return pl.when(new < 1).then(pl.format("1 for {}", _short(old))).otherwise(pl.format("{} for 1", _short(new)))


def _short(number: pl.Expr) -> pl.Expr:
    return number.round(9).cast(pl.String).str.strip_suffix(".0").fill_null("?")


def _text(number: str) -> pl.Expr:
    return pl.col(number).cast(pl.String).fill_null("?")


APPLIED_SPLITS = KnownEvents("split", SPLITS, "execution_date", _applied)
SPLITS_IN_DOUBT = KnownEvents("split in doubt", SPLITS, "execution_date", _in_doubt)
APPLIED_DIVIDENDS = KnownEvents("dividend", DIVIDENDS, "ex_dividend_date", _applied_dividends)
TOLD_SPLITS = KnownEvents("split", SPLITS, "execution_date", _told_splits)
"""Every split that holds, in doubt or not, with the user's rulings."""
TOLD_DIVIDENDS = KnownEvents("dividend", DIVIDENDS, "ex_dividend_date", _told_dividends)
