"""Records what the user says in a table refreshed whole, while others may record at the same moment."""

import random
import time
from collections.abc import Callable, Sequence

import polars as pl

from pipeline.contracts.table import Table
from pipeline.errors import WriteConflict
from pipeline.lake.delta.commits import Reading
from pipeline.lake.lake import Lake

ATTEMPTS = 20
"""Attempts to record while others record at the same moment; each time, at least one of them succeeds."""

LONGEST_PAUSE = 0.2
"""Seconds."""

Change = Callable[[pl.DataFrame], pl.DataFrame]


def recorded(lake: Lake, table: Table, change: Change, *, run_id: str, read: Sequence[Reading] = ()) -> pl.DataFrame:
    """Replace all rows of `table` with what `change` makes of them, and return the new rows.

    When another process records meanwhile, `change` is called again with the new rows, so that nothing is lost. `read`
    are the other tables that the rows are computed from. Nothing is written where nothing changes. Raises what `change`
    raises, and WriteConflict when others were faster every time; nothing is written then.
    """
    for _ in range(ATTEMPTS - 1):
        try:
            return _recorded_once(lake, table, change, run_id, read)
        except WriteConflict:
            time.sleep(random.uniform(0, LONGEST_PAUSE))  # noqa: S311 (no secret depends on it)
    return _recorded_once(lake, table, change, run_id, read)


def _recorded_once(lake: Lake, table: Table, change: Change, run_id: str, read: Sequence[Reading]) -> pl.DataFrame:
    stored = lake.read(table)
    before = stored.rows.collect()
    rows = change(before)
    if stored.version is None or not rows.sort(table.key).equals(before.sort(table.key)):
        lake.refresh(table, rows, run_id=run_id, read=[stored, *read])
    return rows
