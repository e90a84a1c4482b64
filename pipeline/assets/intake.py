"""One pass over a range of days as delivered: the bars go on as they come, the little that is left over is kept."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import polars as pl

from pipeline.contracts.deliveries import DELIVERIES
from pipeline.lake.raw_files import REST, RawFiles, Receipt
from pipeline.sources.cleaned_day import CleanedDay
from pipeline.sources.day_aggs import clean_day_file, clean_minute_file
from pipeline.sources.flat_files import Dataset
from pipeline.sources.grouped_daily import GROUPED_DAILY, clean_grouped_daily

EDITIONS = {str(Dataset.DAY_AGGS): clean_day_file, GROUPED_DAILY: clean_grouped_daily}
"""The datasets that a session may come in, and what cleans each. The first that is there is the one in force."""

MINUTES = {str(Dataset.MINUTE_AGGS): clean_minute_file}
"""The same of a session's minutes, which come in files only."""

Clean = Callable[[bytes, date, str, str, float], CleanedDay]

AT_A_TIME = 2
"""Files cleaned side by side: one is unpacked while another is parsed. A file of minutes comes alone."""

COUNTS = ("rows_read", "kept", "duplicates", "quarantined")
IDENTITY = ("session", "key", "etag", "size", "last_modified", "sha256")


class Intake:
    """Cleans each session's edition in force once. What it kept is complete when `bars` has been read to its end."""

    def __init__(
        self, raw_files: RawFiles, max_bad_share: float, run_id: str, editions: Mapping[str, Clean] = EDITIONS
    ) -> None:
        self.counts: dict[date, dict[str, int]] = {}
        """Of each session: rows read, kept, duplicates, quarantined."""
        self._editions = editions
        self._raw_files = raw_files
        self._max_bad_share = max_bad_share
        self._run_id = run_id
        self._quarantine: list[pl.DataFrame] = []
        self._deliveries: list[dict[str, object]] = []
        self._others: list[dict[str, object]] = []
        self._unread: dict[tuple[str, ...], list[str]] = {}

    def bars(self, chunks: Iterable[Sequence[date]]) -> Iterator[pl.DataFrame]:
        """Yield the bars of each chunk of sessions; raises FileRefused at the first file that cannot be trusted."""
        with ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="cleaning") as threads:
            for sessions in chunks:
                yield pl.concat([self._kept(*cleaned) for cleaned in threads.map(self._cleaned, sessions)])

    @property
    def quarantine(self) -> pl.DataFrame:
        """Return the rejected rows, in the columns of `stocks/quarantine`."""
        return pl.concat(self._quarantine)

    @property
    def deliveries(self) -> pl.DataFrame:
        """Return the files taken in, in the columns of `stocks/deliveries`."""
        return pl.DataFrame(self._deliveries, schema=DELIVERIES.columns)

    @property
    def others(self) -> pl.DataFrame:
        """Return the other versions that came in for the sessions, in the columns of `stocks/deliveries`, uncounted."""
        return pl.DataFrame(self._others, schema=DELIVERIES.columns)

    @property
    def warnings(self) -> list[str]:
        """Return what a person should hear of."""
        return [
            f"{keys[0]} has columns nobody reads: {', '.join(columns)}"
            + (f" (and {len(keys) - 1:,} more files)." if len(keys) > 1 else ".")
            for columns, keys in self._unread.items()
        ]

    def _cleaned(self, session: date) -> tuple[Receipt, CleanedDay]:
        receipt = self._raw_files.in_force(list(self._editions), session)
        data = self._raw_files.read(receipt)
        clean = next(clean for dataset, clean in self._editions.items() if receipt.key.startswith(f"{dataset}/"))
        return receipt, clean(data, session, receipt.key, receipt.etag, self._max_bad_share)

    def _kept(self, receipt: Receipt, cleaned: CleanedDay) -> pl.DataFrame:
        """Return the bars; what is left over of the day is kept."""
        self._keep(receipt, cleaned)
        self._keep_others(receipt)
        return cleaned.bars

    def _keep(self, receipt: Receipt, cleaned: CleanedDay) -> None:
        counts = {name: getattr(cleaned, name) for name in COUNTS}
        self.counts[receipt.session] = counts
        self._quarantine.append(cleaned.quarantine)
        self._deliveries.append(_identity(receipt) | counts | {"is_current": True, "run_id": self._run_id})
        if cleaned.extra_columns:
            self._unread.setdefault(cleaned.extra_columns, []).append(receipt.key)

    def _keep_others(self, in_force: Receipt) -> None:
        for dataset in self._editions:
            versions = self._raw_files.versions(dataset, in_force.session)
            noted = {"is_current": False, "run_id": self._run_id}
            self._others += [_identity(one) | noted for one in versions if one != in_force]


def _identity(receipt: Receipt) -> dict[str, object]:
    named = {name: getattr(receipt, name) for name in IDENTITY}
    return named | {"provisional": receipt.key.startswith(REST)}
