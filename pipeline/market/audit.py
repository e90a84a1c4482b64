"""The audit trail of delivered files: what a new delivery makes of the rows already there."""

import polars as pl


def with_arrivals(known: pl.DataFrame, arrived: pl.DataFrame) -> pl.DataFrame:
    """Return the deliveries of the sessions in `arrived`: the arrived versions as current, others as replaced.

    Both frames have the columns of `stocks/deliveries`. A version that arrives again takes the place of its row.
    """
    versions = ["session", "key", "etag"]
    replaced = known.join(arrived, on=versions, how="anti").join(arrived, on="session", how="semi")
    return pl.concat([replaced.with_columns(is_current=pl.lit(value=False)), arrived]).sort(*versions)


def unreconciled(deliveries: pl.LazyFrame, bars: pl.LazyFrame, quarantine: pl.LazyFrame) -> pl.LazyFrame:
    """Return the sessions whose tables disagree with the audit trail, with the numbers that differ.

    Of each current delivery, `kept` must be the number of bars and `quarantined` that of rejected rows.
    """
    stored_bars = bars.group_by("session").agg(bars=pl.len())
    stored_rejected = quarantine.group_by("session").agg(rejected=pl.len())
    counted = (
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
    return counted.filter(~agree).sort("session")
