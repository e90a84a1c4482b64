"""Indicators computed from bars of other tickers than today's tickers and renames call for."""

import json

import polars as pl

from pipeline.contracts.reference import TICKER_EVENTS, TICKERS
from pipeline.contracts.table import Table
from pipeline.lake.lake import Lake
from pipeline.market.code_changes import follows_renames
from pipeline.market.market import Market
from pipeline.market.outdated_listings import outdated_by_listings
from pipeline.queries.session_writings import newest_writings, with_known_at


def outdated_by_changed_listings(lake: Lake, market: Market) -> pl.DataFrame:
    """Return the rows of indicators that today's listings would compute from other bars, in the columns of `OUTDATED`.

    A commit says which versions of tickers and renames it read, and whether its code followed renames.
    """
    written = newest_writings(lake, market.indicators)
    for table, column in ((TICKERS, "tickers_at"), (TICKER_EVENTS, "events_at")):
        written = with_known_at(lake, written, table, column)
    computed = with_renames_followed(written, market.indicators)
    tickers, events = (lake.read(table).rows.collect() for table in (TICKERS, TICKER_EVENTS))
    return outdated_by_listings(computed, tickers, events, market.calendar.sessions, market.lookback)


def with_renames_followed(written: pl.DataFrame, table: Table) -> pl.DataFrame:
    """Return `written` (with `computed_by`) with `follows_renames`, whether the code of the commit followed renames."""
    records = written["computed_by"].unique().to_list()
    follow = {text: follows_renames(table, None if text is None else json.loads(text)) for text in records}
    found = pl.Series([follow[text] for text in written["computed_by"]], dtype=pl.Boolean)
    return written.with_columns(follows_renames=found)
