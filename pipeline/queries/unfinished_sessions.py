"""Sessions whose last run ended between its tables, by a kill or a full disk: no damage, the next run finishes them."""

from collections.abc import Sequence
from datetime import date

import polars as pl

from pipeline.contracts.table import Table
from pipeline.lake.lake import Lake
from pipeline.queries.session_writings import newest_writings


def unfinished_sessions(lake: Lake, trail: Table, counted: Sequence[Table]) -> set[date]:
    """Return the sessions whose last run wrote a `counted` table, but not the audit trail, which is written last.

    Commits of other programs name no run and leave no session unfinished.
    """
    audited = newest_writings(lake, trail).select("session", audited_by="run_id", audited_at="committed_at")
    unfinished = set[date]()
    for table in counted:
        written = newest_writings(lake, table).select("session", "run_id", "committed_at")
        unfinished |= set(
            written.join(audited, on="session", how="left").filter(
                pl.col("run_id").is_not_null(),
                pl.col("run_id").ne_missing(pl.col("audited_by")),
                (pl.col("committed_at") >= pl.col("audited_at")).fill_null(value=True),
            )["session"]
        )
    return unfinished
