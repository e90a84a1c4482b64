"""Doubts within the time of a holding: its shares, value and stops may be wrong. Pure."""

import polars as pl

from pipeline.contracts.price_doubts import DIVIDEND_TOLD_TWICE, DIVIDEND_WITHOUT_DROP, DIVIDENDS_DIFFER
from pipeline.contracts.reference import SETTLED
from pipeline.market.securities.listings import NO_LISTINGS
from pipeline.market.securities.names import under_security
from pipeline.market.securities.own_bars import followed
from pipeline.market.securities.reference import as_known

ABOUT_DIVIDENDS = (DIVIDEND_TOLD_TWICE, DIVIDENDS_DIFFER, DIVIDEND_WITHOUT_DROP)


def split_doubts(history: pl.DataFrame) -> pl.DataFrame:
    """Return the splits in doubt: ticker, day, `known_on`, and `doubt` in words, a row for each ticker and day, sorted.

    They are not applied. `history` are rows of `reference/splits`. Rows without a day are left out: they lie in no
    time.
    """
    doubtful = as_known(history).filter(~pl.col("doubt").is_in(SETTLED)).drop_nulls("execution_date")
    ratio = pl.format("{} for {}", _number("split_to"), _number("split_from"))
    return (
        doubtful.select("ticker", day="execution_date", told=pl.coalesce(ratio, "doubt"))
        .unique()
        .group_by("ticker", "day")
        .agg(pl.col("told").sort().str.join(" or "))
        .with_columns(known_on="day", doubt=pl.format("a split of {} is in doubt and not applied: {}", "day", "told"))
        .select("ticker", "day", "known_on", "doubt")
        .sort("ticker", "day")
    )


def doubts_about_prices(doubts: pl.DataFrame) -> pl.DataFrame:
    """Return the doubts that keep a ticker out of lists or are about its dividends, as `split_doubts` does.

    `doubts` are rows of `stocks/price_doubts`: each is known at the close of a session, which may be after its day.
    """
    grave = doubts.filter(pl.col("leaves_out") | pl.col("kind").is_in(ABOUT_DIVIDENDS))
    words = grave.select("ticker", day="event_date", known_on="session", doubt=pl.format("in doubt: {}", "reading"))
    return words.unique(["ticker", "day", "doubt"], keep="first", maintain_order=True).sort("ticker", "day")


def doubts_of_holdings(held: pl.DataFrame, doubted: pl.DataFrame, listed: pl.DataFrame = NO_LISTINGS) -> pl.DataFrame:
    """Return `held` with the day and the words of each doubt within its time, a row for each; others are left out.

    `held`: ticker, bought_as, opened, session and any other columns; a doubt counts from the day after the opening up
    to the session, if it is known then. `doubted`: ticker, day, known_on, doubt, as of `split_doubts`. `listed` are
    listings: a doubt counts for the security that is held, under whatever ticker.
    """
    bought = held.with_columns(called="ticker", ticker=pl.coalesce("bought_as", "ticker"))
    own = under_security(bought, "opened", listed).rename({"ticker": "security"})
    # On the day of a rename the vendor may state a split for the former ticker.
    of_former = followed(doubted, "day", listed).filter(pl.col("day") >= pl.col("followed_from")).drop("followed_from")
    doubts = under_security(pl.concat([doubted, of_former]), "day", listed).rename({"ticker": "security"})
    in_time = pl.col("day") > pl.col("opened"), pl.max_horizontal("day", "known_on") <= pl.col("session")
    found = own.join(doubts, on="security", maintain_order="left_right").filter(*in_time)
    return found.drop("security", "known_on").rename({"called": "ticker"})


def _number(side: str) -> pl.Expr:
    """Return a side of a ratio as text, a whole number without decimals."""
    return pl.col(side).cast(pl.String).str.strip_suffix(".0")
