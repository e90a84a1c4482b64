"""Splits in doubt within the time of a holding: they are not applied, so its shares and value may be wrong. Pure."""

import polars as pl

from pipeline.market.securities.listings import NO_LISTINGS
from pipeline.market.securities.names import events_under_security, under_security
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


def doubts_of_holdings(held: pl.DataFrame, doubted: pl.DataFrame, listed: pl.DataFrame = NO_LISTINGS) -> pl.DataFrame:
    """Return `held` with the day and the words of each doubt within its time, a row for each; others are left out.

    `held`: ticker, bought_as, opened, session and any other columns; a doubt counts from the day after the opening up
    to the session. `doubted`: ticker, day, doubt, as of `doubted_splits`. `listed` are listings: a doubt counts for the
    security that is held, under whatever ticker.
    """
    bought = held.with_columns(called="ticker", ticker=pl.coalesce("bought_as", "ticker"))
    own = under_security(bought, "opened", listed).rename({"ticker": "security"})
    doubts = events_under_security(doubted, "day", listed).rename({"ticker": "security"})
    in_time = pl.col("day") > pl.col("opened"), pl.col("day") <= pl.col("session")
    found = own.join(doubts, on="security", maintain_order="left_right").filter(*in_time)
    return found.drop("security").rename({"called": "ticker"})


def _number(side: str) -> pl.Expr:
    """Return a side of a ratio as text, a whole number without decimals."""
    return pl.col(side).cast(pl.String).str.strip_suffix(".0")
