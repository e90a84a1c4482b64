"""How whole the market of a session is, as the lake holds it: told with its bars, and judged by a check."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl

from pipeline.contracts.bars import DAILY_BARS
from pipeline.lake.tables import Lake
from pipeline.market.gate.coverage import coverage
from pipeline.venues.calendar import new_york

TRAILING = 20
"""Sessions whose median number of bars a session is held against."""


def held_coverage(lake: Lake, sessions: Sequence[date]) -> pl.DataFrame:
    """Return `coverage` of those of `sessions` that the lake has bars of, against the TRAILING before each."""
    start = new_york().offset(sessions[0], -TRAILING)
    held = lake.scan(DAILY_BARS, start, sessions[-1], columns=["session"])
    counted = held.group_by("session").agg(bars=pl.len()).collect()
    return coverage(counted, TRAILING).filter(pl.col("session") >= sessions[0])


def with_coverage(
    counts: Mapping[date, Mapping[str, Any]], lake: Lake, sessions: Sequence[date]
) -> dict[date, dict[str, Any]]:
    """Return `counts`, metadata by session, with the coverage of each session that has one before it."""
    shares = dict(held_coverage(lake, sessions).select("session", "coverage").drop_nulls().iter_rows())
    told = {session: {"coverage": share} for session, share in shares.items()}
    return {session: {**of_session, **told.get(session, {})} for session, of_session in counts.items()}
