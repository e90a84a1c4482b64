"""`stocks/quarantine` and `stocks/minute_quarantine`: every rejected row as the vendor wrote it, with the reasons."""

from collections.abc import Iterable
from functools import cache

import pandera.polars as pa
import polars as pl

from pipeline.contracts.delivered import DELIVERED_BAR
from pipeline.contracts.table import Table
from pipeline.venues.us_stocks import US_STOCKS
from pipeline.venues.venue import Venue

REASONS = {
    "malformed_row": "The line has not as many fields as the header, or a quote in it does not close.",
    "missing_ticker": "The ticker is empty.",
    "malformed_ticker": "The ticker has white space around it, or a control or invisible character in it.",
    "not_a_number": "A number is missing, unreadable, NaN or infinite, or the number of trades is a fraction.",
    "non_positive_price": "A price is zero or negative.",
    "high_below_low": "The high is below the low.",
    "open_or_close_outside_range": "The open or the close lies outside low … high.",
    "negative_volume": "The volume is negative.",
    "volume_too_large": "The volume is 2^53 or more, which a 64-bit float cannot hold to the share.",
    "negative_transactions": "The number of trades is negative.",
    "wrong_session": "The row's New York date is not the file's date.",
    "conflicting_duplicate": "Another row of the same bar was kept: it has more trades, or then more volume.",
}
"""Reason code to meaning. A row may carry several."""

MINUTE_REASONS = {
    "not_a_minute": "The window starts before 04:00 or after 20:00 New York, or not on a whole minute.",
}
"""Further reasons to reject a row of a minute file."""

EVERY_REASON = REASONS | MINUTE_REASONS


def _are_among(codes: Iterable[str]) -> pl.Expr:
    reasons = pl.col("reasons")
    are_known = reasons.list.eval(pl.element().is_in(list(codes))).list.all()
    return (reasons.list.len() > 0) & are_known


class QuarantinedRow(pa.DataFrameModel):
    """A rejected row. The vendor's columns are text, exactly as delivered."""

    session: pl.Date = pa.Field(description="Session of the file.")
    key: str = pa.Field(description="Vendor key of the file.")
    etag: str = pa.Field(description="Version of the file.")
    row_number: pl.Int64 = pa.Field(ge=1, description="Position of the row in the file, from 1, header not counted.")
    reasons: pl.List(pl.String) = pa.Field(description="Why it was rejected: " + ", ".join(REASONS) + ".")  # type: ignore[valid-type]

    @pa.dataframe_check(name="reasons_are_known_and_not_none")
    def _reasons_are_known(cls, data: pa.PolarsData) -> pl.LazyFrame:  # noqa: N805 (pandera passes the class)
        return data.lazyframe.select(_are_among(REASONS))


class QuarantinedMinute(QuarantinedRow):
    """A rejected row of a minute file."""

    reasons: pl.List(pl.String) = pa.Field(description="Why it was rejected: " + ", ".join(EVERY_REASON) + ".")  # type: ignore[valid-type]

    @pa.dataframe_check(name="reasons_are_known_and_not_none")
    def _reasons_are_known(cls, data: pa.PolarsData) -> pl.LazyFrame:  # noqa: N805 (pandera passes the class)
        return data.lazyframe.select(_are_among(EVERY_REASON))


def _with_delivered_text(schema: pa.DataFrameSchema) -> pa.DataFrameSchema:
    """Return `schema` with the columns of a delivered bar, as text."""
    text = {
        column.name: pa.Column(pl.String, nullable=True, description=column.description) for column in DELIVERED_BAR
    }
    return schema.add_columns(text)


@cache
def quarantine(venue: Venue) -> Table:
    """Return the table of a venue."""
    return Table(
        venue=venue,
        name="quarantine",
        schema=_with_delivered_text(QuarantinedRow.to_schema()),
        key=("session", "key", "etag", "row_number"),
        description="Rejected rows of the vendor's files as written, each with its reason codes.",
        may_be_empty=True,
        counted_as="quarantined",
    )


QUARANTINE = quarantine(US_STOCKS)

MINUTE_QUARANTINE = Table(
    venue=US_STOCKS,
    name="minute_quarantine",
    schema=_with_delivered_text(QuarantinedMinute.to_schema()),
    key=QUARANTINE.key,
    description="Rejected rows of the vendor's minute files as written, each with its reason codes.",
    may_be_empty=True,
    counted_as="quarantined",
)
