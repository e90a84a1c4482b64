"""Which events of reference data differ between two moments, and when that was. Pure."""

from datetime import datetime

import polars as pl

from pipeline.market.known_events import KnownEvents
from pipeline.market.securities.reference import as_known

CHANGED = {"ticker": pl.String, "day": pl.Date, "cause": pl.String}
"""Columns of events that differ: the cause says in words how."""

MOMENT = pl.Datetime("us", "UTC")

_EVENT = ["ticker", "day"]


def changed_events(history: pl.DataFrame, known_at: datetime | None, kind: KnownEvents) -> pl.DataFrame:
    """Return the events of a `kind` that count otherwise now than at the moment `known_at` (UTC), as CHANGED.

    `history` are the vendor's statements, all or those of some tickers; None means that none was known.
    """
    now = kind.known(history, None)
    then = kind.known(history, known_at) if known_at else now.clear()
    both = then.rename({"value": "was"}).join(now.rename({"value": "now"}), on=_EVENT, how="full", coalesce=True)
    changed = both.filter(pl.col("was").ne_missing(pl.col("now")))
    return changed.select(*_EVENT, cause=_cause(kind.noun))


def _cause(noun: str) -> pl.Expr:
    was, now = pl.col("was"), pl.col("now")
    return (
        pl.when(was.is_null())
        .then(pl.format(f"{noun} of {{}} became known", now))
        .when(now.is_null())
        .then(pl.format(f"{noun} of {{}} no longer holds", was))
        .otherwise(pl.format(f"{noun} is {{}}, not {{}}", now, was))
    )


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
