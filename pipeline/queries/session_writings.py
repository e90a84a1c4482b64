"""Which commit wrote the rows of each session of a table."""

import polars as pl

from pipeline.contracts.table import Table
from pipeline.lake.delta.commit_moments import no_later_than_successors
from pipeline.lake.delta.commits import version_read
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


def with_known_at(lake: Lake, written: pl.DataFrame, reference: Table, column: str) -> pl.DataFrame:
    """Return `written` (with `read`), by session, with the moment as of which each row knew the table `reference`.

    It is in `column`, null where the table was not read or did not exist then.
    """
    refreshes = pl.DataFrame(schema={"known": pl.Int64, column: pl.Datetime("us", "UTC")})
    if lake.exists(reference):
        # A clock that was ahead dated a version in the future: what was learnt before that date is still news.
        commits = no_later_than_successors(lake.trail(reference).commits())
        refreshes = commits.select(known="version", committed_at="committed_at").rename({"committed_at": column})
    return (
        written.with_columns(known=version_read(reference))
        .sort("known")
        # A version without a known date takes that of the one before it: it contains at least the same statements.
        .join_asof(refreshes.sort("known"), on="known")
        .drop("known")
        .sort("session")
    )
