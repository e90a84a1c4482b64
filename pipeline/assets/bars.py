"""The second stage: validated bars, what was rejected on the way, and the audit trail of every file."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

import polars as pl
from dagster import AssetExecutionContext, AssetOut, MaterializeResult, ResourceParam, multi_asset

from pipeline.assets.raw import raw_day_aggs
from pipeline.assets.session_table import asset_key, declared, record
from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.deliveries import DELIVERIES
from pipeline.contracts.quarantine import QUARANTINE
from pipeline.errors import TableMissing
from pipeline.lake.raw_files import RawFiles, Receipt
from pipeline.lake.tables import Lake
from pipeline.market.audit import with_arrivals
from pipeline.partitions import ONE_RUN, STOCK_SESSIONS, sessions_of
from pipeline.progress import Progress
from pipeline.settings import Settings
from pipeline.sources.day_aggs import CleanedDay, clean_day_file
from pipeline.sources.flat_files import Dataset

CHUNK = 21
"""Sessions handed to the writer at a time: about a month, which is what it gathers anyway."""


class Intake:
    """Cleans a range of day files once, passing the bars on as they come and keeping the little that is left over."""

    def __init__(self, context: AssetExecutionContext, raw_files: RawFiles, max_bad_share: float) -> None:
        self.quarantine: list[pl.DataFrame] = []
        self.deliveries: list[dict[str, object]] = []
        self.numbers: dict[date, dict[str, int]] = {}
        self._context = context
        self._raw_files = raw_files
        self._max_bad_share = max_bad_share

    def bars(self, chunks: Iterable[Sequence[date]]) -> Iterator[pl.DataFrame]:
        """Yield the bars of each chunk of sessions; raises FileRefused at the first file that cannot be trusted."""
        for sessions in chunks:
            yield pl.concat([self._bars_of(session) for session in sessions])

    def _bars_of(self, session: date) -> pl.DataFrame:
        receipt = self._raw_files.required(Dataset.DAY_AGGS, session)
        data = self._raw_files.read(receipt)
        cleaned = clean_day_file(data, session, receipt.key, receipt.etag, self._max_bad_share)
        self._note(receipt, session, cleaned)
        return cleaned.bars

    def _note(self, receipt: Receipt, session: date, cleaned: CleanedDay) -> None:
        if cleaned.extra_columns:
            self._context.log.warning(f"{receipt.key} has columns nobody reads: {', '.join(cleaned.extra_columns)}.")
        counts = {name: getattr(cleaned, name) for name in ("rows_read", "kept", "duplicates", "quarantined")}
        identity = {name: getattr(receipt, name) for name in ("key", "etag", "size", "last_modified", "sha256")}
        self.numbers[session] = counts
        self.quarantine.append(cleaned.quarantine)
        self.deliveries.append(
            {"session": session, **identity, **counts, "is_current": True, "run_id": self._context.run.run_id}
        )


@multi_asset(
    name="cleaned_day_aggs",
    outs={table.name: AssetOut(**declared(table, group="bars")) for table in (DAILY_BARS, QUARANTINE, DELIVERIES)},
    deps=[raw_day_aggs],
    partitions_def=STOCK_SESSIONS,
    backfill_policy=ONE_RUN,
)
def cleaned_day_aggs(
    context: AssetExecutionContext,
    lake: ResourceParam[Lake],
    raw_files: ResourceParam[RawFiles],
    settings: ResourceParam[Settings],
    progress: ResourceParam[Progress],
) -> Iterator[MaterializeResult]:
    """Clean each session's file in one pass; the audit trail is written last, when all it tells of is there."""
    sessions = sessions_of(context.partition_keys)
    intake = Intake(context, raw_files, settings.max_bad_share)
    files = progress.chunks("cleaning", sessions, CHUNK)

    written = lake.replace(DAILY_BARS, sessions, intake.bars(files), run_id=context.run.run_id)
    yield MaterializeResult(
        asset_key=asset_key(DAILY_BARS), metadata=record(context, DAILY_BARS, written, per_session=intake.numbers)
    )
    written = lake.replace(QUARANTINE, sessions, [pl.concat(intake.quarantine)], run_id=context.run.run_id)
    yield MaterializeResult(asset_key=asset_key(QUARANTINE), metadata=record(context, QUARANTINE, written))

    arrived = DELIVERIES.empty().vstack(pl.DataFrame(intake.deliveries, schema=DELIVERIES.columns))
    deliveries = with_arrivals(known_deliveries(lake, sessions), arrived)
    written = lake.replace(DELIVERIES, sessions, [deliveries], run_id=context.run.run_id)
    yield MaterializeResult(asset_key=asset_key(DELIVERIES), metadata=record(context, DELIVERIES, written))


def known_deliveries(lake: Lake, sessions: list[date]) -> pl.DataFrame:
    """Return what the audit trail holds for `sessions`; empty before the first delivery ever."""
    try:
        return lake.scan(DELIVERIES, sessions[0], sessions[-1]).collect()
    except TableMissing:
        return DELIVERIES.empty()
