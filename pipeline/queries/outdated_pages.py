"""What people were shown of outdated sessions: pages, and the alert of the newest session."""

from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from pipeline.alerts.sent import sent
from pipeline.contracts.portfolio import POSITION_MARKS, SIGNALS
from pipeline.contracts.table import Table
from pipeline.lake.lake import Lake
from pipeline.market.market import Market
from pipeline.queries.outdated import OutdatedSessions
from pipeline.queries.session_writings import newest_writings
from pipeline.reports.folder import ReportsFolder


@dataclass(frozen=True)
class Shown:
    """The sessions whose pages and alert no longer say what the tables hold, or will not once these run again."""

    pages: tuple[date, ...] = ()
    """In order."""
    alert: date | None = None
    """The newest session, if it is one of them and its alert was sent. It is corrected only while it is recent."""


def shown_tables(market: Market) -> tuple[Table, ...]:
    """Return the tables of a session that its pages and its alert show."""
    return (market.candidates, POSITION_MARKS, SIGNALS)


def outdated_pages(lake: Lake, market: Market, due: OutdatedSessions, folder: ReportsFolder) -> Shown:
    """Return the sessions whose pages must be written again, once those `due` have run.

    A page is out of date when a table that it shows is due, or was written after it, as by a run that ended early.
    """
    names = [table.sql_name for table in shown_tables(market)]
    due_sessions = set(due.due.filter(pl.col("table").is_in(names))["session"])
    written = _written_at(lake, market)
    pages = tuple(
        session
        for session in folder.sessions()
        if session in due_sessions or (session in written and written[session] > folder.written_at(session))
    )
    newest = max(written, default=None)
    was_sent = newest is not None and (newest in due_sessions or newest in pages) and bool(sent(lake, newest))
    return Shown(pages, newest if was_sent else None)


def _written_at(lake: Lake, market: Market) -> dict[date, datetime]:
    """Return when the tables of each session that has candidates were last written."""
    there = [table for table in shown_tables(market) if lake.exists(table)]
    if market.candidates not in there:
        return {}
    writings = pl.concat([newest_writings(lake, table).select("session", "committed_at") for table in there])
    ranked = newest_writings(lake, market.candidates).select("session")
    newest = writings.join(ranked, on="session", how="semi").group_by("session").agg(pl.col("committed_at").max())
    return dict(newest.iter_rows())
