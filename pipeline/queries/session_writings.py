"""Which commit wrote the rows of each session of a table."""

import polars as pl

from pipeline.contracts.table import Table
from pipeline.lake.lake import Lake
from pipeline.venues.venue import Venue


def calendar(venue: Venue) -> pl.DataFrame:
    """Return the venue's sessions, in order."""
    return pl.DataFrame({"session": venue.calendar.sessions}, schema={"session": pl.Date})


def writings(lake: Lake, table: Table) -> pl.DataFrame:
    """Return a row per session and commit that wrote it: session, version, tickers, run_id, committed_at, read,
    computed_by."""
    commits = lake.trail(table).commits().drop_nulls("first_session")
    spans = calendar(table.venue).join_where(
        commits, pl.col("session") >= pl.col("first_session"), pl.col("session") <= pl.col("last_session")
    )
    return spans.select("session", "version", "tickers", "run_id", "committed_at", "read", "computed_by")


def newest_writings(lake: Lake, table: Table) -> pl.DataFrame:
    """Return a row per session with the last commit that wrote it whole, in the columns of `writings`, in order.

    A commit of single tickers does not say what the rows of the others were computed from.
    """
    whole = writings(lake, table).filter(pl.col("tickers").is_null())
    return whole.sort("version").unique("session", keep="last").sort("session")


def possible_writings(lake: Lake, table: Table) -> pl.DataFrame:
    """Return session and version of each commit that wrote the session, or may have because it is no longer known."""
    lost_versions = pl.DataFrame({"version": lake.trail(table).unknown()}, schema={"version": pl.Int64})
    known_writings = writings(lake, table).select("session", "version")
    return pl.concat(
        [known_writings, calendar(table.venue).join(lost_versions, how="cross").select("session", "version")]
    ).sort("version")
