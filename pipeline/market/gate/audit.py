"""The audit trail: how a delivery changes the deliveries and rows of a session, and whether the counts add up."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

ADDED, REMOVED, ALTERED = "added", "removed", "altered"

EXAMPLES = 10
"""Most examples of changes per session."""


@dataclass(frozen=True)
class Changes:
    """How rows differ from those they replace."""

    counts: pl.DataFrame
    """session, rows_added, rows_removed, rows_altered: one row per session that was written again, by session."""
    examples: pl.DataFrame
    """The key, then change (added, removed, altered), column, before, after: a few per session, values as text."""


def changes(before: pl.DataFrame, after: pl.DataFrame, key: Sequence[str]) -> Changes:
    """Return how the rows `after` differ from the rows `before`, which they replace; both have the same columns.

    `key` are the columns that identify a row, with `session` among them. A session without a row in `before` is written
    for the first time, and counts no changes.
    """
    values = [name for name in before.columns if name not in key]
    now = after.join(before.select("session").unique(), on="session", how="semi").with_columns(is_after=True)
    was = before.with_columns(is_before=True)
    both = was.join(now, on=list(key), how="full", coalesce=True, suffix=":after").with_columns(change=_change(values))
    counts = both.group_by("session").agg(
        (pl.col("change") == kind).sum().cast(pl.Int64).alias(f"rows_{kind}") for kind in (ADDED, REMOVED, ALTERED)
    )
    return Changes(counts.sort("session"), _examples(both.filter(pl.col("change").is_not_null()), key, values))


def _change(values: Sequence[str]) -> pl.Expr:
    differs = pl.any_horizontal([pl.col(name).ne_missing(pl.col(f"{name}:after")) for name in values])
    return (
        pl.when(pl.col("is_before").is_null())
        .then(pl.lit(ADDED))
        .when(pl.col("is_after").is_null())
        .then(pl.lit(REMOVED))
        .when(differs)
        .then(pl.lit(ALTERED))
    )


def _examples(changed: pl.DataFrame, key: Sequence[str], values: Sequence[str]) -> pl.DataFrame:
    of_session = ["session", "change"]
    first = changed.sort(key).group_by(of_session, maintain_order=True).head(EXAMPLES)
    text = {"column": pl.String, "before": pl.String, "after": pl.String}
    whole = first.filter(pl.col("change") != ALTERED).select(
        *key, "change", *(pl.lit(None, dtype).alias(name) for name, dtype in text.items())
    )
    altered = first.filter(pl.col("change") == ALTERED)
    cells = [
        altered.filter(pl.col(name).ne_missing(pl.col(f"{name}:after"))).select(
            *key,
            "change",
            column=pl.lit(name),
            before=pl.col(name).cast(pl.String),
            after=pl.col(f"{name}:after").cast(pl.String),
        )
        for name in values
    ]
    # The first of each kind comes before the second of any, so that every kind of change is shown.
    turn = pl.int_range(pl.len()).over(of_session)
    return (
        pl.concat([whole, *cells])
        .sort(*key, "column")
        .sort("session", turn, "change", maintain_order=True)
        .group_by("session", maintain_order=True)
        .head(EXAMPLES)
        .sort("session", *key, "column")
        .select(*key, "change", *text)
    )


def with_arrivals(stored: pl.DataFrame, arrived: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    """Return the deliveries of the sessions in `arrived`: the arrived versions as current, others as replaced.

    All three have the columns of `stocks/deliveries`. A version that arrives again replaces its row. `others` are
    versions that were delivered but never written to the tables; those without a row are added.
    """
    versions = ["session", "key", "etag"]
    replaced = stored.join(arrived, on=versions, how="anti").join(arrived, on="session", how="semi")
    rows = pl.concat([replaced.with_columns(is_current=pl.lit(value=False)), arrived])
    return pl.concat([rows, others.join(rows, on=versions, how="anti")]).sort(*versions)


def unreconciled(deliveries: pl.LazyFrame, bars: pl.LazyFrame, quarantine: pl.LazyFrame) -> pl.LazyFrame:
    """Return the sessions whose tables disagree with the audit trail, with the numbers that differ.

    For each current delivery, `kept` must equal the number of bars, and `quarantined` that of rejected rows.
    """
    stored_bars = bars.group_by("session").agg(bars=pl.len())
    stored_rejected = quarantine.group_by("session").agg(rejected=pl.len())
    counts = (
        deliveries.filter("is_current")
        .select("session", "rows_read", "kept", "duplicates", "quarantined")
        .join(stored_bars, on="session", how="full", coalesce=True)
        .join(stored_rejected, on="session", how="full", coalesce=True)
        .with_columns(pl.exclude("session").fill_null(0))
    )
    accounted = pl.col("kept") + pl.col("duplicates") + pl.col("quarantined")
    agree = (
        (pl.col("rows_read") == accounted)
        & (pl.col("kept") == pl.col("bars"))
        & (pl.col("quarantined") == pl.col("rejected"))
    )
    return counts.filter(~agree).sort("session")
