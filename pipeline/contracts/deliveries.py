"""`stocks/deliveries`, `stocks/minute_deliveries`: the audit trail, one row per delivered version of a file."""

from functools import cache

import pandera.polars as pa
import polars as pl

from pipeline.contracts.table import Table
from pipeline.venues.us_stocks import US_STOCKS
from pipeline.venues.venue import Venue


class Delivery(pa.DataFrameModel):
    """One version of a vendor file and the fate of its rows.

    All counts are null when the version never reached the tables: it was refused, or replaced before it was processed.
    """

    session: pl.Date = pa.Field(description="Session of the file.")
    key: str = pa.Field(description="Vendor key of the file.")
    etag: str = pa.Field(
        description="Version, as the vendor names it (MD5 of the bytes for a folder, of the body for a REST answer)."
    )
    is_current: bool = pa.Field(description="Whether this version is the one the bars come from.")
    size: pl.Int64 = pa.Field(ge=0, description="Bytes, compressed; 0 of an empty file, which is refused.")
    last_modified: pl.Datetime("us", "UTC") = pa.Field(  # type: ignore[valid-type]
        description="When the vendor wrote this version; of a REST answer, when it was fetched."
    )
    sha256: str = pa.Field(str_length={"min_value": 64, "max_value": 64}, description="SHA-256 of the bytes, hex.")
    rows_read: pl.Int64 = pa.Field(ge=0, nullable=True, description="Rows in the file.")
    kept: pl.Int64 = pa.Field(ge=0, nullable=True, description="Rows that became bars.")
    duplicates: pl.Int64 = pa.Field(
        ge=0, nullable=True, description="Identical repeats that collapsed into a kept row."
    )
    quarantined: pl.Int64 = pa.Field(ge=0, nullable=True, description="Rows rejected with a reason.")
    run_id: str = pa.Field(
        description="Dagster run that last worked this version into the tables, or took note that none did."
    )
    provisional: bool = pa.Field(
        nullable=True,
        description="Whether it is the morning edition (a REST answer), which the flat file replaces once it is there; "
        "null, as false, in rows written before there were editions.",
    )

    @pa.dataframe_check(name="rows_read_equals_kept_duplicates_quarantined")
    def _rows_reconcile(cls, data: pa.PolarsData) -> pl.LazyFrame:  # noqa: N805 (pandera passes the class)
        accounted = pl.col("kept") + pl.col("duplicates") + pl.col("quarantined")
        return data.lazyframe.select((pl.col("rows_read") == accounted).fill_null(value=True))

    @pa.dataframe_check(name="worked_whole_or_not_at_all")
    def _worked_or_not(cls, data: pa.PolarsData) -> pl.LazyFrame:  # noqa: N805 (pandera passes the class)
        counts = pl.col("rows_read", "kept", "duplicates", "quarantined")
        was_worked = pl.all_horizontal(counts.is_not_null())
        never_was = pl.all_horizontal(counts.is_null()) & ~pl.col("is_current")
        return data.lazyframe.select(was_worked | never_was)


@cache
def deliveries(venue: Venue) -> Table:
    """Return the table of a venue."""
    return Table(
        venue=venue,
        name="deliveries",
        schema=Delivery.to_schema(),
        key=("session", "key", "etag"),
        description="One row per delivered version of a vendor file: identity, and the fate of every row in it.",
        counted_as="",
    )


DELIVERIES = deliveries(US_STOCKS)

MINUTE_DELIVERIES = Table(
    venue=US_STOCKS,
    name="minute_deliveries",
    schema=Delivery.to_schema(),
    key=DELIVERIES.key,
    description="One row per delivered version of a minute file: identity, and the fate of every row in it.",
    counted_as="",
)
