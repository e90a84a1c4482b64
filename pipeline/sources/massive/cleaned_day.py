"""One delivered day, cleaned, whichever edition it came in: bars, rejected rows as delivered, and the counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

import polars as pl

from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.minutes import MINUTE_BARS
from pipeline.contracts.quarantine import EVERY_REASON, QUARANTINE
from pipeline.errors import FileRefused
from pipeline.market.gate.clean import Cleaned, clean
from pipeline.market.minutes.hours import KEY, minute_reasons
from pipeline.sources.transfer.gzip_file import REMEDY


@dataclass(frozen=True)
class CleanedDay:
    """The rows of one day. rows_read = kept + duplicates + quarantined."""

    bars: pl.DataFrame
    """In the columns of `stocks/daily_bars`, sorted by ticker; of minutes, in those of `stocks/minute_bars`, by ticker
    and minute.
    """
    quarantine: pl.DataFrame
    """In the columns of `stocks/quarantine`, by row number."""
    rows_read: int
    kept: int
    duplicates: int
    quarantined: int
    extra_columns: tuple[str, ...]
    """What the vendor delivered beyond the columns that are read."""


class Delivered(Protocol):
    """The rows of one day as they were delivered."""

    @property
    def rows(self) -> pl.DataFrame:
        """What `market.clean.clean` wants: every row, numbers as numbers."""

    @property
    def extra_columns(self) -> tuple[str, ...]:
        """Columns that the vendor delivered and nobody reads."""

    def as_delivered(self, row_numbers: Sequence[int]) -> pl.DataFrame:
        """Return the vendor's text in the columns of `stocks/quarantine`, for the rows asked for, in that order."""


def cleaned_day(delivered: Delivered, session: date, key: str, etag: str, max_bad_share: float) -> CleanedDay:
    """Return the bars, the rejected rows and the counts of one delivery, which `key` and `etag` name.

    Raises FileRefused when more than `max_bad_share` (0 … 1) of the rows are rejected.
    """
    cleaned = clean(delivered.rows, session)
    bars = cleaned.bars.with_columns(pl.lit(session).alias("session")).select(list(DAILY_BARS.columns))
    return _told(cleaned, bars, delivered, session, key, etag, max_bad_share)


def cleaned_minutes(delivered: Delivered, session: date, key: str, etag: str, max_bad_share: float) -> CleanedDay:
    """Return what `cleaned_day` does, of a delivery of minutes. Raises as it does."""
    cleaned = clean(delivered.rows, session, KEY, minute_reasons(session))
    minute = pl.from_epoch(pl.col("window_start") // 1_000, "us").dt.replace_time_zone("UTC")
    bars = cleaned.bars.with_columns(session=pl.lit(session), minute=minute).select(list(MINUTE_BARS.columns))
    return _told(cleaned, bars, delivered, session, key, etag, max_bad_share)


def _told(  # noqa: PLR0913, PLR0917 (what came, what became of it, and the delivery's name)
    cleaned: Cleaned,
    bars: pl.DataFrame,
    delivered: Delivered,
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
    found = dict(cleaned.rejected.select(pl.col("reasons").explode().value_counts()).unnest("reasons").iter_rows())
    by_reason = ", ".join(f"{reason} {found[reason]:,}" for reason in EVERY_REASON if reason in found)
    raise FileRefused(
        f"{name} has {cleaned.quarantined:,} bad rows of {cleaned.rows_read:,} "
        f"({cleaned.quarantined / cleaned.rows_read:.1%}), more than the {max_bad_share:.1%} allowed: {by_reason}.",
        remedy=f"{REMEDY} To let such files in, raise CANDLELAKE_MAX_BAD_SHARE.",
    )


def _quarantine(rejected: pl.DataFrame, delivered: Delivered, session: date, key: str, etag: str) -> pl.DataFrame:
    if rejected.is_empty():
        return QUARANTINE.empty()
    text = delivered.as_delivered(rejected["row_number"].to_list())
    delivery = [pl.lit(session).alias("session"), pl.lit(key).alias("key"), pl.lit(etag).alias("etag")]
    return rejected.with_columns(*delivery).hstack(text).select(list(QUARANTINE.columns))
