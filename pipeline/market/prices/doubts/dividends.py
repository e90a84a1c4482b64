"""Cash dividends that the vendor tells twice, or in two amounts for one day. Pure."""

from collections.abc import Sequence
from datetime import date

import polars as pl

from pipeline.contracts.price_doubts import DIVIDEND_TOLD_TWICE, DIVIDENDS_DIFFER
from pipeline.market.prices.doubts.words import number

NEAR_DAYS = 7
"""Days between two ex-dates up to which equal amounts are one dividend, unless it is paid so often."""

REGULAR = "recurring"
"""The vendor's type of a dividend that is paid again and again, of which one day has one."""


def dividend_doubts(dividends: pl.DataFrame, sessions: Sequence[date], since: date) -> pl.DataFrame:
    """Return dividends told twice, and regular ones of one day with several amounts.

    Columns ticker, session (the first on or after the later ex-date), kind, event_date, told_date, cash_amount,
    evidence and reading. `dividends` are the rows of `reference/dividends` that hold.
    """
    in_time = pl.col("ex_dividend_date") <= sessions[-1]
    sound = (pl.col("cash_amount") > 0) & (pl.col("doubt") != "not_usd").fill_null(value=True)
    columns = ("ticker", "cash_amount", "currency", "frequency", "distribution_type")
    told = dividends.filter(in_time, sound).select(*columns, date="ex_dividend_date")
    calendar = pl.DataFrame({"session": sessions}, schema={"session": pl.Date}).sort("session")
    both = pl.concat([_twice(told), _differing(told)]).sort("event_date")
    known = both.join_asof(calendar, left_on="event_date", right_on="session", strategy="forward")
    return known.filter(pl.col("session") >= since)


def _twice(told: pl.DataFrame) -> pl.DataFrame:
    """Return the later of two equal dividends of a ticker within NEAR_DAYS, and within half of what is usual."""
    same = ["ticker", "cash_amount", "currency", "distribution_type"]
    # Only a later date is a repetition; of one date, the vendor's repetitions are marked already.
    dates = told.select(*same, "frequency", "date").unique([*same, "date"]).sort(*same, "date")
    before = pl.col("date").shift(1).over(same)
    usual = pl.when(pl.col("frequency") > 0).then(365 / pl.col("frequency") / 2).otherwise(float(NEAR_DAYS))
    apart = (pl.col("date") - pl.col("before")).dt.total_days()
    twice = dates.with_columns(before=before).filter(apart <= pl.min_horizontal(usual, pl.lit(float(NEAR_DAYS))))
    amount = number(pl.col("cash_amount"))
    return twice.select(
        "ticker",
        kind=pl.lit(DIVIDEND_TOLD_TWICE),
        event_date="date",
        told_date="date",
        cash_amount="cash_amount",
        evidence=pl.format(
            "{} {} told for {} and for {}.", amount, pl.col("currency"), pl.col("before"), pl.col("date")
        ),
        reading=pl.format(
            "one dividend of {}, on {}; the vendor tells it for {} too", amount, pl.col("before"), pl.col("date")
        ),
    )


def _differing(told: pl.DataFrame) -> pl.DataFrame:
    """Return the days of a ticker with regular dividends of different amounts in one currency."""
    regular = told.filter(pl.col("distribution_type") == REGULAR)
    amounts = pl.col("cash_amount").unique().sort()
    by_day = regular.group_by("ticker", "date", "currency").agg(amounts=amounts)
    several = by_day.filter(pl.col("amounts").list.len() > 1).unique(["ticker", "date"], keep="first")
    words = pl.col("amounts").list.eval(number(pl.element())).list.join(" and ")
    return several.select(
        "ticker",
        kind=pl.lit(DIVIDENDS_DIFFER),
        event_date="date",
        told_date="date",
        cash_amount=pl.col("amounts").list.last(),
        evidence=pl.format("{} {}, all regular, told for {}.", words, pl.col("currency"), pl.col("date")),
        reading=pl.format(
            "one of the dividends {} on {}; a company pays one regular dividend a day", words, pl.col("date")
        ),
    )
