"""How complete the bars of a session are: shown with the bars, and judged by a check."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl

from pipeline.contracts.table import Table
from pipeline.lake.lake import Lake
from pipeline.market.gate.coverage import coverage

TRAILING = 20
"""A session's number of bars is compared with the median of this many sessions before it."""


def session_coverage(lake: Lake, table: Table, sessions: Sequence[date]) -> pl.DataFrame:
    """Return the `coverage` of the `sessions` with bars in `table`, against the TRAILING sessions before each."""
    start = table.venue.calendar.offset(sessions[0], -TRAILING)
    bars = lake.scan(table, start, sessions[-1], columns=["session"])
    bars_per_session = bars.group_by("session").agg(bars=pl.len()).collect()
    return coverage(bars_per_session, TRAILING).filter(pl.col("session") >= sessions[0])


def with_coverage(
    counts: Mapping[date, Mapping[str, Any]], lake: Lake, table: Table, sessions: Sequence[date]
) -> dict[date, dict[str, Any]]:
    """Return `counts`, metadata by session, with the coverage added where a session before has bars."""
    shares = dict(session_coverage(lake, table, sessions).select("session", "coverage").drop_nulls().iter_rows())
    coverage_metadata = {session: {"coverage": share} for session, share in shares.items()}
    return {session: {**metadata, **coverage_metadata.get(session, {})} for session, metadata in counts.items()}
