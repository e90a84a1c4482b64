"""What the vendor says of splits and dividends, then and now: which events differ between two moments. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from pipeline.market.prices.point_in_time import splits_in_doubt
from pipeline.market.securities.reference import applicable_dividends, applicable_splits, as_known, with_split_doubts

CHANGED = {"ticker": pl.String, "day": pl.Date, "cause": pl.String}
"""Columns of events that differ: the cause says in words how."""

MOMENT = pl.Datetime("us", "UTC")

_EVENT = ["ticker", "day"]


@dataclass(frozen=True)
class Statements:
    """One kind of events that the vendor states, and how one is counted."""

    day: str
    """The column of the day on which an event takes effect."""
    counted: Callable[[pl.DataFrame, datetime | None], pl.DataFrame]
    """Returns ticker, day and `number` of the events that counted at a moment, or count now."""
    words: str
    """One event in words, with `{}` for its number."""


def _splits(history: pl.DataFrame, known_at: datetime | None) -> pl.DataFrame:
    applied = applicable_splits(history, known_at)
    return applied.select("ticker", day="execution_date", number=pl.col("split_to") / pl.col("split_from"))


def _dividends(history: pl.DataFrame, known_at: datetime | None) -> pl.DataFrame:
    return applicable_dividends(history, known_at).select("ticker", day="ex_dividend_date", number="cash_amount")


def _doubts(history: pl.DataFrame, known_at: datetime | None) -> pl.DataFrame:
    then = history if known_at is None else known_then(history, known_at)
    return splits_in_doubt(with_split_doubts(then)).select("ticker", day="execution_date", number=pl.lit(1.0))


SPLIT = Statements("execution_date", _splits, "split of {} for 1")
DIVIDEND = Statements("ex_dividend_date", _dividends, "dividend of {}")
DOUBT = Statements("execution_date", _doubts, "split in doubt")


def changed_events(history: pl.DataFrame, known_at: datetime | None, kind: Statements) -> pl.DataFrame:
    """Return the events of a `kind` that count otherwise now than at the moment `known_at` (UTC), as CHANGED.

    `history` are the vendor's statements, all or those of some tickers; None means that none was known.
    """
    now = kind.counted(history, None)
    then = kind.counted(history, known_at) if known_at else now.clear()
    both = then.select(*_EVENT, was="number").join(
        now.select(*_EVENT, now="number"), on=_EVENT, how="full", coalesce=True
    )
    changed = both.filter(pl.col("was").ne_missing(pl.col("now")))
    became, ceased = (
        pl.format(kind.words, pl.col(name)) if "{}" in kind.words else pl.lit(kind.words) for name in ("now", "was")
    )
    cause = (
        pl.when(pl.col("was").is_null())
        .then(pl.concat_str(became, pl.lit(" became known")))
        .when(pl.col("now").is_null())
        .then(pl.concat_str(ceased, pl.lit(" no longer holds")))
        .otherwise(pl.concat_str(became, pl.format(", not {}", "was")))
    )
    return changed.select(*_EVENT, cause=cause)


def moments_of(history: pl.DataFrame) -> pl.Series:
    """Return the moments at which what is known changed, in order."""
    changes = pl.concat([history["first_seen_at"], history["withdrawn_at"]])
    return changes.drop_nulls().unique().sort().cast(MOMENT)


def last_change(column: str, moments: pl.Series) -> pl.Expr:
    """Return the last of `moments` that is not after the one in `column`; null when there is none."""
    if moments.is_empty():
        return pl.lit(None, MOMENT).alias(column)
    at = pl.lit(moments).search_sorted(pl.col(column), side="right").cast(pl.Int64) - 1
    return pl.when(pl.col(column).is_not_null() & (at >= 0)).then(pl.lit(moments).gather(at.clip(0))).alias(column)


def known_then(history: pl.DataFrame, known_at: datetime | None) -> pl.DataFrame:
    """Return the statements that held at the moment `known_at`, as if they still did; none was known for None."""
    held = history.clear() if known_at is None else as_known(history, known_at)
    return held.with_columns(withdrawn_at=pl.lit(None, MOMENT))
