"""One delivered day, cleaned, from any edition: bars, rejected rows as delivered, and the counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

import polars as pl

from pipeline.contracts.bars import daily_bars
from pipeline.contracts.minutes import MINUTE_BARS
from pipeline.contracts.quarantine import EVERY_REASON, QUARANTINE
from pipeline.errors import FileRefused
from pipeline.market.gate.clean import Cleaned, clean
from pipeline.market.minutes.hours import KEY, minute_reasons
from pipeline.sources.transfer.gzip_file import REMEDY
from pipeline.venues.venue import Venue


@dataclass(frozen=True)
class CleanedDay:
    """The rows of one day. rows_read = kept + duplicates + quarantined."""

    bars: pl.DataFrame
    """In the columns of `stocks/daily_bars`, sorted by ticker; minutes in those of `stocks/minute_bars`, by ticker and
    minute.
    """
    quarantine: pl.DataFrame
    """In the columns of `stocks/quarantine`, by row number."""
    rows_read: int
    kept: int
    duplicates: int
    quarantined: int
    extra_columns: tuple[str, ...]
    """Delivered columns that are not read."""


class DeliveredRows(Protocol):
    """The rows of one day as they were delivered."""

    @property
    def rows(self) -> pl.DataFrame:
        """The input of `market.gate.clean.clean`: every row, numbers as numbers."""

    @property
    def extra_columns(self) -> tuple[str, ...]:
        """Delivered columns that are not read."""

    def as_delivered(self, row_numbers: Sequence[int]) -> pl.DataFrame:
        """Return the vendor's text in the columns of `stocks/quarantine`, for the requested rows, in that order."""


def cleaned_day(  # noqa: PLR0913, PLR0917 (the delivery, and whose it is)
    delivered: DeliveredRows, venue: Venue, session: date, key: str, etag: str, max_bad_share: float
) -> CleanedDay:
    """Return the bars, the rejected rows and the counts of one delivery of a venue, identified by `key` and `etag`.

    Raises FileRefused when more than `max_bad_share` (0 … 1) of the rows are rejected.
    """
    cleaned = clean(delivered.rows, session, venue)
    bars = cleaned.bars.with_columns(pl.lit(session).alias("session")).select(list(daily_bars(venue).columns))
    return _accepted(cleaned, bars, delivered, session, key, etag, max_bad_share)


def cleaned_minutes(  # noqa: PLR0913, PLR0917 (the delivery, and whose it is)
    delivered: DeliveredRows, venue: Venue, session: date, key: str, etag: str, max_bad_share: float
) -> CleanedDay:
    """Return the same as `cleaned_day`, for a delivery of minutes, with the same errors."""
    cleaned = clean(delivered.rows, session, venue, KEY, minute_reasons(session, venue))
    minute = pl.from_epoch(pl.col("window_start") // 1_000, "us").dt.replace_time_zone("UTC")
    bars = cleaned.bars.with_columns(session=pl.lit(session), minute=minute).select(list(MINUTE_BARS.columns))
    return _accepted(cleaned, bars, delivered, session, key, etag, max_bad_share)


def _accepted(  # noqa: PLR0913, PLR0917 (the delivery, its outcome and its name)
    cleaned: Cleaned,
    bars: pl.DataFrame,
    delivered: DeliveredRows,
    session: date,
    key: str,
    etag: str,
    max_bad_share: float,
) -> CleanedDay:
    _require_mostly_good(cleaned, key, max_bad_share)
    return CleanedDay(
        bars=bars,
        quarantine=_quarantine(cleaned.rejected, delivered, session, key, etag),
        rows_read=cleaned.rows_read,
        kept=cleaned.kept,
        duplicates=cleaned.duplicates,
        quarantined=cleaned.quarantined,
        extra_columns=delivered.extra_columns,
    )


def _require_mostly_good(cleaned: Cleaned, name: str, max_bad_share: float) -> None:
    if cleaned.quarantined <= max_bad_share * cleaned.rows_read:
        return
    counts = dict(cleaned.rejected.select(pl.col("reasons").explode().value_counts()).unnest("reasons").iter_rows())
    by_reason = ", ".join(f"{reason} {counts[reason]:,}" for reason in EVERY_REASON if reason in counts)
    raise FileRefused(
        f"{name} has {cleaned.quarantined:,} bad rows of {cleaned.rows_read:,} "
        f"({cleaned.quarantined / cleaned.rows_read:.1%}), more than the {max_bad_share:.1%} allowed: {by_reason}.",
        remedy=f"{REMEDY} To accept such files, raise CANDLELAKE_MAX_BAD_SHARE.",
    )


def _quarantine(rejected: pl.DataFrame, delivered: DeliveredRows, session: date, key: str, etag: str) -> pl.DataFrame:
    if rejected.is_empty():
        return QUARANTINE.empty()
    text = delivered.as_delivered(rejected["row_number"].to_list())
    delivery = [pl.lit(session).alias("session"), pl.lit(key).alias("key"), pl.lit(etag).alias("etag")]
    return rejected.with_columns(*delivery).hstack(text).select(list(QUARANTINE.columns))
