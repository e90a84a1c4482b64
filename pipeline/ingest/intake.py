"""One pass over a range of delivered days: bars are passed on, rejected rows and counts are collected."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import TypeVar

import polars as pl

from pipeline.contracts.deliveries import DELIVERIES
from pipeline.contracts.quarantine import QUARANTINE
from pipeline.lake.raw.raw_files import REST, RawFiles, Receipt
from pipeline.sources.massive.cleaned_day import CleanedDay
from pipeline.sources.massive.day_aggs import clean_day_file, clean_minute_file
from pipeline.sources.massive.grouped_daily import GROUPED_DAILY, clean_grouped_daily
from pipeline.sources.port import Dataset

T = TypeVar("T")

Clean = Callable[[bytes, date, str, str, float], CleanedDay]
"""Cleans a file from its bytes, session, key, ETag, and the largest accepted share of rejected rows."""

EDITIONS: Mapping[str, Clean] = {str(Dataset.DAY_AGGS): clean_day_file, GROUPED_DAILY: clean_grouped_daily}
"""The datasets in which a session may come, and their cleaning functions. The first that exists is in force."""

MINUTES: Mapping[str, Clean] = {str(Dataset.MINUTE_AGGS): clean_minute_file}
"""The same for a session's minutes, which come in files only."""

AT_A_TIME = 2
"""Files cleaned in parallel: one is unpacked while another is parsed."""

COUNTS = ("rows_read", "kept", "duplicates", "quarantined")
IDENTITY = ("session", "key", "etag", "size", "last_modified", "sha256")


@dataclass(frozen=True)
class SessionIntake:
    """One session's edition in force, cleaned, and the other stored versions of it."""

    receipt: Receipt
    cleaned: CleanedDay
    others: Sequence[Receipt]


class Intake:
    """Cleans each session's edition in force once. What it collects is complete when `bars` is exhausted."""

    def __init__(
        self, raw_files: RawFiles, max_bad_share: float, run_id: str, editions: Mapping[str, Clean] = EDITIONS
    ) -> None:
        self.counts: dict[date, dict[str, int]] = {}
        """Per session: rows read, kept, duplicates, quarantined."""
        self._editions = editions
        self._raw_files = raw_files
        self._max_bad_share = max_bad_share
        self._run_id = run_id
        self._quarantine: list[pl.DataFrame] = []
        self._deliveries: list[dict[str, object]] = []
        self._other_versions: list[dict[str, object]] = []
        self._unread: dict[tuple[str, ...], list[str]] = {}

    def bars(self, chunks: Iterable[Sequence[date]]) -> Iterator[pl.DataFrame]:
        """Yield the bars of each chunk of sessions, while the next is being cleaned.

        Raises FileRefused when a file cannot be trusted.
        """
        with ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="cleaning") as threads:
            for cleaned in _one_ahead(threads.map(self._cleaned, sessions) for sessions in chunks):
                yield pl.concat([self._collected(intake) for intake in cleaned])

    @property
    def quarantine(self) -> pl.DataFrame:
        """Return the rejected rows, in the columns of `stocks/quarantine`."""
        return pl.concat([QUARANTINE.empty(), *self._quarantine])

    @property
    def deliveries(self) -> pl.DataFrame:
        """Return the cleaned files, in the columns of `stocks/deliveries`."""
        return pl.DataFrame(self._deliveries, schema=DELIVERIES.columns)

    @property
    def others(self) -> pl.DataFrame:
        """Return the other versions of the sessions' files, in the columns of `stocks/deliveries`, without counts."""
        return pl.DataFrame(self._other_versions, schema=DELIVERIES.columns)

    @property
    def warnings(self) -> list[str]:
        """Return warnings for people."""
        return [
            f"{keys[0]} has unknown columns: {', '.join(columns)}"
            + (f" (and {len(keys) - 1:,} more files)." if len(keys) > 1 else ".")
            for columns, keys in self._unread.items()
        ]

    def _cleaned(self, session: date) -> SessionIntake:
        """Return the intake of a session."""
        receipt = self._raw_files.in_force(list(self._editions), session)
        clean = next(clean for dataset, clean in self._editions.items() if receipt.key.startswith(f"{dataset}/"))
        data = self._raw_files.read(receipt)
        cleaned = clean(data, receipt.session, receipt.key, receipt.etag, self._max_bad_share)
        return SessionIntake(receipt, cleaned, self._others_than(receipt))

    def _others_than(self, in_force: Receipt) -> list[Receipt]:
        return [
            version
            for dataset in self._editions
            for version in self._raw_files.versions(dataset, in_force.session)
            if version != in_force
        ]

    def _collected(self, intake: SessionIntake) -> pl.DataFrame:
        """Return the bars; the day's rejected rows and counts are collected."""
        receipt, cleaned = intake.receipt, intake.cleaned
        counts = {name: getattr(cleaned, name) for name in COUNTS}
        self.counts[receipt.session] = counts
        if cleaned.quarantined:
            self._quarantine.append(cleaned.quarantine)
        self._deliveries.append(self._trail_line(receipt, is_current=True) | counts)
        self._other_versions += [self._trail_line(version, is_current=False) for version in intake.others]
        if cleaned.extra_columns:
            self._unread.setdefault(cleaned.extra_columns, []).append(receipt.key)
        return cleaned.bars

    def _trail_line(self, receipt: Receipt, *, is_current: bool) -> dict[str, object]:
        identity = {name: getattr(receipt, name) for name in IDENTITY}
        is_provisional = receipt.key.startswith(REST)
        return identity | {"provisional": is_provisional, "is_current": is_current, "run_id": self._run_id}


def _one_ahead(items: Iterator[T]) -> Iterator[T]:
    """Yield `items`, each once the next is ready."""
    waiting = list(islice(items, 1))
    for item in items:
        yield waiting.pop()
        waiting.append(item)
    yield from waiting
