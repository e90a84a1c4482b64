"""Splits in doubt within the time of a holding: they are not applied, so its shares and value may be wrong. Pure."""

import polars as pl

from pipeline.market.securities.reference import as_known

STATED_BEFORE = "repeated"
"""A doubt that changes nothing: the vendor sent the same split twice, and it counts once."""


def doubted_splits(history: pl.DataFrame) -> pl.DataFrame:
    """Return what is in doubt: ticker, day, and `doubt` in words, a row for each ticker and day, sorted.

    `history` are rows of `reference/splits`. Rows without a day are left out: they lie in no time.
    """
    doubtful = as_known(history).filter(pl.col("doubt") != STATED_BEFORE).drop_nulls("execution_date")
    ratio = pl.format("{} for {}", _number("split_to"), _number("split_from"))
    return (
        doubtful.select("ticker", day="execution_date", told=pl.coalesce(ratio, "doubt"))
        .unique()
        .group_by("ticker", "day")
        .agg(pl.col("told").sort().str.join(" or "))
        .select("ticker", "day", doubt=pl.format("a split of {} is in doubt and not applied: {}", "day", "told"))
        .sort("ticker", "day")
    )


def doubts_of_holdings(held: pl.DataFrame, doubted: pl.DataFrame) -> pl.DataFrame:
    """Return `held` with the day and the words of each doubt within its time, a row for each; others are left out.

    `held`: ticker, opened, session and any other columns; a doubt counts from the day after the opening up to the
    session. `doubted`: ticker, day, doubt, as of `doubted_splits`.
    """
    in_time = pl.col("day") > pl.col("opened"), pl.col("day") <= pl.col("session")
    return held.join(doubted, on="ticker", maintain_order="left_right").filter(*in_time)


def _number(side: str) -> pl.Expr:
    """Return a side of a ratio as text, a whole number without decimals."""
    return pl.col(side).cast(pl.String).str.strip_suffix(".0")
