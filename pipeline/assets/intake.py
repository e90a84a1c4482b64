"""One pass over a range of day files: the bars go on as they come, the little that is left over is kept."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

import polars as pl

from pipeline.contracts.deliveries import DELIVERIES
from pipeline.lake.raw_files import RawFiles, Receipt
from pipeline.sources.day_aggs import CleanedDay, clean_day_file
from pipeline.sources.flat_files import Dataset

COUNTS = ("rows_read", "kept", "duplicates", "quarantined")
IDENTITY = ("key", "etag", "size", "last_modified", "sha256")


class Intake:
    """Cleans the current file of each session once. What it kept is complete when `bars` has been read to its end."""

    def __init__(self, raw_files: RawFiles, max_bad_share: float, run_id: str) -> None:
        self.counts: dict[date, dict[str, int]] = {}
        """Of each session: rows read, kept, duplicates, quarantined."""
        self._raw_files = raw_files
        self._max_bad_share = max_bad_share
        self._run_id = run_id
        self._quarantine: list[pl.DataFrame] = []
        self._deliveries: list[dict[str, object]] = []
        self._unread: dict[tuple[str, ...], list[str]] = {}

    def bars(self, chunks: Iterable[Sequence[date]]) -> Iterator[pl.DataFrame]:
        """Yield the bars of each chunk of sessions; raises FileRefused at the first file that cannot be trusted."""
        for sessions in chunks:
            yield pl.concat([self._bars_of(session) for session in sessions])

    @property
    def quarantine(self) -> pl.DataFrame:
        """Return the rejected rows, in the columns of `stocks/quarantine`."""
        return pl.concat(self._quarantine)

    @property
    def deliveries(self) -> pl.DataFrame:
        """Return the files taken in, in the columns of `stocks/deliveries`."""
        return DELIVERIES.empty().vstack(pl.DataFrame(self._deliveries, schema=DELIVERIES.columns))

    @property
    def warnings(self) -> list[str]:
        """Return what a person should hear of."""
        return [
            f"{keys[0]} has columns nobody reads: {', '.join(columns)}"
            + (f" (and {len(keys) - 1:,} more files)." if len(keys) > 1 else ".")
            for columns, keys in self._unread.items()
        ]

    def _bars_of(self, session: date) -> pl.DataFrame:
        receipt = self._raw_files.required(Dataset.DAY_AGGS, session)
        data = self._raw_files.read(receipt)
        cleaned = clean_day_file(data, session, receipt.key, receipt.etag, self._max_bad_share)
        self._keep(receipt, cleaned)
        return cleaned.bars

    def _keep(self, receipt: Receipt, cleaned: CleanedDay) -> None:
        counts = {name: getattr(cleaned, name) for name in COUNTS}
        identity = {name: getattr(receipt, name) for name in IDENTITY}
        fate = {"session": receipt.session, "is_current": True, "run_id": self._run_id}
        self.counts[receipt.session] = counts
        self._quarantine.append(cleaned.quarantine)
        self._deliveries.append(identity | counts | fate)
        if cleaned.extra_columns:
            self._unread.setdefault(cleaned.extra_columns, []).append(receipt.key)
