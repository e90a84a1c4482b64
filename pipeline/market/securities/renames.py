"""Renames: which securities the vendor must be asked about, and whose turn it is on a day. Pure."""

from collections.abc import Sequence
from datetime import date

import polars as pl

COMMON_STOCK = "CS"
"""The vendor's type of securities that are asked about."""

MOST_A_DAY = 100
"""Securities asked about in one refresh: one call each."""


def unasked(securities: pl.DataFrame, first_sessions: pl.DataFrame, events: pl.DataFrame) -> list[str]:
    """Return the FIGIs of listed common stocks that may have had another ticker before, the newest first.

    They are those whose bars begin after the first session of all, and of which no event says that they took their
    ticker. `securities` are rows of `reference/tickers` and `events` of `reference/ticker_events` that hold;
    `first_sessions`: ticker, and `first`, the session of its first bar.
    """
    listed = securities.filter(
        pl.col("active"), pl.col("type") == COMMON_STOCK, pl.col("composite_figi").is_not_null()
    ).join(first_sessions, on="ticker")
    first_of_all = pl.lit(first_sessions["first"].min(), dtype=pl.Date)
    newcomers = listed.filter(pl.col("first") > first_of_all)
    waiting = newcomers.join(events, on=["composite_figi", "ticker"], how="anti")
    return (
        waiting.sort("first", "ticker", descending=[True, False])["composite_figi"]
        .unique(maintain_order=True)
        .to_list()
    )


def whose_turn(waiting: Sequence[str], day: date) -> list[str]:
    """Return those of `waiting` to ask about on `day`: the newest half of what can be asked, the others in turn.

    A security of which the vendor knows no event waits for ever, and must not stand in the way of the rest.
    """
    if len(waiting) <= MOST_A_DAY:
        return list(waiting)
    half = MOST_A_DAY // 2
    newest, others = list(waiting[:half]), list(waiting[half:])
    start = day.toordinal() * half % len(others)
    return newest + (others + others)[start : start + half]
