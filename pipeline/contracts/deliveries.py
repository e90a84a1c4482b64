"""`stocks/deliveries`: the audit trail, one row per delivered version of a file."""

import pandera.polars as pa
import polars as pl

from pipeline.contracts.table import Table


class Delivery(pa.DataFrameModel):
    """One version of a vendor file and what became of its rows."""

    session: pl.Date = pa.Field(description="Session of the file.")
    key: str = pa.Field(description="Vendor key of the file.")
    etag: str = pa.Field(description="Version, as the vendor names it (MD5 of the bytes for a folder).")
    is_current: bool = pa.Field(description="Whether this version is the one the bars come from.")
    size: pl.Int64 = pa.Field(gt=0, description="Bytes, compressed.")
    last_modified: pl.Datetime("us", "UTC") = pa.Field(description="When the vendor wrote this version.")  # type: ignore[valid-type]
    sha256: str = pa.Field(str_length={"min_value": 64, "max_value": 64}, description="SHA-256 of the bytes, hex.")
    rows_read: pl.Int64 = pa.Field(ge=0, description="Rows in the file.")
    kept: pl.Int64 = pa.Field(ge=0, description="Rows that became bars.")
    duplicates: pl.Int64 = pa.Field(ge=0, description="Identical repeats that collapsed into a kept row.")
    quarantined: pl.Int64 = pa.Field(ge=0, description="Rows rejected with a reason.")
    run_id: str = pa.Field(description="Dagster run that last worked this version into the tables.")

    @pa.dataframe_check(name="rows_read_equals_kept_duplicates_quarantined")
    def _rows_reconcile(cls, data: pa.PolarsData) -> pl.LazyFrame:  # noqa: N805 (pandera passes the class)
        accounted = pl.col("kept") + pl.col("duplicates") + pl.col("quarantined")
        return data.lazyframe.select(pl.col("rows_read") == accounted)


DELIVERIES = Table(
    market="stocks",
    name="deliveries",
    schema=Delivery.to_schema(),
    key=("session", "key", "etag"),
    description="One row per delivered version of a vendor file: identity, and the fate of every row in it.",
)
