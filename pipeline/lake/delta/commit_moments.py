"""Commit times of a table's versions, corrected for jumps of the computer's clock."""

from datetime import datetime

import polars as pl


def no_later_than_successors(commits: pl.DataFrame) -> pl.DataFrame:
    """Return `commits`, each with `committed_at` at the earliest of its own moment and those of later versions.

    A version dated by a clock that was ahead still came before its successors.
    """
    in_order = commits.sort("version")
    return in_order.with_columns(pl.col("committed_at").cum_min(reverse=True))


def no_earlier_than_predecessors(commits: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """Return `commits`, each with `committed_at` at the latest of its own moment and those of earlier versions.

    A moment after `now` comes from a clock that was ahead: it counts as that of the next version, or as `now`.
    """
    in_order = commits.sort("version")
    possible = pl.when(pl.col("committed_at") <= now).then("committed_at").otherwise(None)
    return in_order.with_columns(committed_at=possible.backward_fill().fill_null(now).cum_max())
