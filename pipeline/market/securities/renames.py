"""Renames: which securities to query the vendor about, and which of them on a day. Pure."""

from collections.abc import Sequence
from datetime import date

import polars as pl

COMMON_STOCK = "CS"
"""The vendor's type of the securities to query."""

MOST_A_DAY = 100
"""Most securities queried in one refresh: one call each."""


def figis_without_events(securities: pl.DataFrame, first_sessions: pl.DataFrame, events: pl.DataFrame) -> list[str]:
    """Return the FIGIs of listed common stocks that may have had another ticker before, the newest first.

    These are the stocks whose bars begin after the first session in the lake, without an event for their present
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


def figis_due(waiting: Sequence[str], day: date) -> list[str]:
    """Return the FIGIs of `waiting` to query on `day`: half of MOST_A_DAY for the newest, half for the others in turn.

    A security without any event at the vendor waits for ever, and must not block the rest.
    """
    if len(waiting) <= MOST_A_DAY:
        return list(waiting)
    half = MOST_A_DAY // 2
    newest, others = list(waiting[:half]), list(waiting[half:])
    start = day.toordinal() * half % len(others)
    return newest + (others + others)[start : start + half]
