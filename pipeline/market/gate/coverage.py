"""Is a session's market whole? The number of its bars against the sessions before it."""

import polars as pl


def coverage(bars_per_session: pl.DataFrame, trailing: int) -> pl.DataFrame:
    """Return `bars_per_session` (columns `session`, `bars`) by session, with what could have been expected.

    Adds `median_before`, the median of the `trailing` sessions before (of as many as there are; null for the first),
    and `coverage`, the number of bars as a share of it.
    """
    ordered = bars_per_session.sort("session")
    before = pl.col("bars").shift(1).rolling_median(window_size=trailing, min_samples=1)
    return ordered.with_columns(median_before=before).with_columns(coverage=pl.col("bars") / pl.col("median_before"))
