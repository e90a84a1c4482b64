"""Holding a whole lake against what was recorded of it: every table, the vendor's files, and the audit trail."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import polars as pl

from pipeline.contracts.aggregates import AGGREGATES
from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.deliveries import DELIVERIES, MINUTE_DELIVERIES
from pipeline.contracts.minutes import MINUTE_BARS
from pipeline.contracts.quarantine import MINUTE_QUARANTINE, QUARANTINE
from pipeline.contracts.table import Table
from pipeline.lake.integrity.damage import Damage, Kind, TableState
from pipeline.lake.integrity.mending import Mending
from pipeline.lake.integrity.raw import Delivered, RawState, RawVerification
from pipeline.lake.integrity.table import TableVerification
from pipeline.lake.raw.receipts import Receipt
from pipeline.lake.tables import Lake
from pipeline.market.gate.audit import unreconciled
from pipeline.progress import Progress
from pipeline.queries.unrecorded_files import Judge

TRAILS = ((DELIVERIES, DAILY_BARS, QUARANTINE), (MINUTE_DELIVERIES, MINUTE_BARS, MINUTE_QUARANTINE))
"""Each audit trail, and the tables whose rows it counts."""

AMISS = {Kind.DATA, Kind.ENTRY, Kind.LOST_ENTRY, Kind.OWED}
"""What keeps the rows of a table from being counted."""


@dataclass(frozen=True)
class Found:
    """What a check of the lake found."""

    tables: Mapping[str, TableState]
    """By `market/name`."""
    raw: RawState
    rows: Sequence[Damage]
    """Sessions whose rows are not as many as the audit trail tells of."""
    leftovers: Sequence[str] = ()
    """Folders of tables, as `market/name`, whose first write was killed before there was a version: no damage."""

    @property
    def damages(self) -> list[Damage]:
        """Return everything that is damaged: the vendor's files first, from which the rest is made."""
        return [*self.raw.damages, *(one for state in self.tables.values() for one in state.damages), *self.rows]


def verify(lake: Lake, progress: Progress, only: Iterable[str] | None = None) -> Found:
    """Read every file of the lake, and hold it against what was recorded; `only` some tables (`market/name`) if named.

    Nothing is changed. Runs may go on meanwhile: what they write after this began is not looked at.
    """
    remains = lake.store.remains() if only is None else []
    lost = [name for name in remains if lake.store.holds_data(name)]
    wanted = sorted([*lake.tables(), *lost]) if only is None else list(only)
    with Judge() as judge:
        states = {name: check.run(progress.advance) for name, check in _checks(lake, wanted, judge, progress)}
    delivered = [one for trail, *_ in TRAILS for one in _delivered(lake, states, trail)]
    raw = RawVerification(lake.objects, delivered)
    if only is None:
        progress.begin("raw files", raw.steps)
        raw.run(progress.advance)
        _forgive_sessions_without_files(states, raw.state, delivered)
    miscounted = [one for tables in TRAILS for one in _miscounted(lake, states, *tables)]
    return Found(states, raw.state, miscounted, [name for name in remains if name not in lost])


def _checks(
    lake: Lake, names: Sequence[str], judge: Judge, progress: Progress
) -> Iterator[tuple[str, TableVerification]]:
    """Yield the check of each table when its turn has come; what each looks at is settled before the first."""
    checks = {
        name: TableVerification(lake.objects, name, lambda data, told, name=name: judge.judged(data, told, name))  # type: ignore[misc]
        for name in names
    }
    for name, check in checks.items():
        progress.begin(name.replace("/", "."), check.steps)
        yield name, check


def whole_rows(lake: Lake, state: TableState, table: Table, version: int | None = None) -> pl.LazyFrame:
    """Return the rows of those files of a version, the newest unless told, that are whole."""
    live = state.live_at(state.newest if version is None else version)
    files = [f"{lake.root}/{state.name}/{one.name}" for one in live if one.name in state.whole]
    if not files:
        return table.empty().lazy()
    return pl.scan_parquet(
        files,
        schema=table.columns,
        hive_partitioning=False,
        missing_columns="insert",
        extra_columns="ignore",
        storage_options=lake.storage_options or None,
        glob=False,
    )


def recorded(lake: Lake, found: Found) -> int:
    """Record every version without hashes whose files were read to the end and found whole; return how many."""
    mending = Mending(lake, datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ"), "")
    return sum(len(mending.record(state, state.unrecorded)) for state in found.tables.values())


def _forgive_sessions_without_files(
    states: Mapping[str, TableState], raw: RawState, delivered: Iterable[Delivered]
) -> None:
    """Leave out what a repair took out and nobody can owe: sessions of which no file ever came, as on a holiday.

    Only while the audit trails are whole, which know every file that came.
    """
    trails = [states[trail.path] for trail, *_ in TRAILS if trail.path in states]
    if any(one.kind in AMISS for state in trails for one in state.damages):
        return
    known = {one.receipt.session for one in delivered} | {one.session for one in raw.whole}
    known |= {one.first for one in raw.damages if one.first is not None}
    for name, state in states.items():
        if name != AGGREGATES.path:  # asked of the REST API, without a file
            state.damages = [one for one in state.damages if one.kind != Kind.OWED or _holds_one_of(one, known)]


def _holds_one_of(damage: Damage, sessions: Iterable[date]) -> bool:
    return any((damage.first or day) <= day <= (damage.last or day) for day in sessions)


def _delivered(lake: Lake, states: Mapping[str, TableState], trail: Table) -> Iterable[Delivered]:
    state = states.get(trail.path)
    if state is None:
        return
    named = ("session", "key", "etag", "size", "last_modified", "sha256")
    for row in whole_rows(lake, state, trail).select(*named, "is_current").collect().iter_rows(named=True):
        is_current = row.pop("is_current")
        yield Delivered(Receipt(**row), is_current)


def _miscounted(lake: Lake, states: Mapping[str, TableState], *tables: Table) -> Iterable[Damage]:
    """Yield the sessions whose bars or rejected rows are not as many as the audit trail tells of."""
    held = [states.get(table.path) for table in tables]
    if any(state is None or any(one.kind in AMISS for one in state.damages) for state in held):
        return
    trail, bars, quarantine = (
        whole_rows(lake, state, table) for state, table in zip(held, tables, strict=True) if state is not None
    )
    for row in unreconciled(trail, bars, quarantine).collect().iter_rows(named=True):
        found = (
            f"of {row['rows_read']} rows read, {row['bars']} are bars and {row['rejected']} rejected; the audit trail "
            f"tells of {row['kept']} and {row['quarantined']}"
        )
        yield Damage(Kind.ROWS, tables[1].sql_name, "", found, row["session"], row["session"])
