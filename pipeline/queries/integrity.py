"""Checks a whole lake against its records: every table, the vendor's files, and the audit trail."""

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
from pipeline.lake.integrity.raw import DeliveredVersion, RawState, RawVerification
from pipeline.lake.integrity.table import TableVerification
from pipeline.lake.lake import Lake
from pipeline.lake.raw.receipts import Receipt
from pipeline.market.gate.audit import unreconciled
from pipeline.progress import Progress
from pipeline.queries.unfinished_sessions import unfinished_sessions
from pipeline.queries.unrecorded_files import Judge

TRAILS = ((DELIVERIES, DAILY_BARS, QUARANTINE), (MINUTE_DELIVERIES, MINUTE_BARS, MINUTE_QUARANTINE))
"""Each audit trail, and the tables whose rows it counts."""

AMISS = {Kind.DATA, Kind.ENTRY, Kind.LOST_ENTRY, Kind.OWED}
"""Damage after which the rows of a table cannot be counted."""


@dataclass(frozen=True)
class Found:
    """What a check of the lake found."""

    tables: Mapping[str, TableState]
    """By `market/name`."""
    raw: RawState
    rows: Sequence[Damage]
    """Sessions whose number of rows differs from the audit trail."""
    leftovers: Sequence[str] = ()
    """Folders of tables, as `market/name`, whose first write was killed before it made a version: no damage."""
    unfinished: Sequence[Damage] = ()
    """Sessions whose last run ended before it wrote the audit trail: no damage, the next run finishes them."""

    @property
    def damages(self) -> list[Damage]:
        """Return every damage: the vendor's files first, since the rest is made from them."""
        return [*self.raw.damages, *(damage for state in self.tables.values() for damage in state.damages), *self.rows]


def verify(lake: Lake, progress: Progress, only: Iterable[str] | None = None) -> Found:
    """Read every file of the lake and compare it with its record; with `only`, just those tables (`market/name`).

    Nothing is changed. Runs may go on meanwhile: what they write after the start is not checked.
    """
    remains = lake.store.remains() if only is None else []
    lost_tables = [name for name in remains if lake.store.holds_data(name)]
    names = sorted([*lake.tables(), *lost_tables]) if only is None else list(only)
    with Judge() as judge:
        states = {name: check.run(progress.advance) for name, check in _checks(lake, names, judge, progress)}
    delivered = [file for trail, *_ in TRAILS for file in _delivered(lake, states, trail)]
    raw = RawVerification(lake.objects, delivered)
    if only is None:
        progress.begin("raw files", raw.steps)
        raw.run(progress.advance)
        _drop_debts_without_files(states, raw.state, delivered)
    leftovers = [name for name in remains if name not in lost_tables]
    rows, unfinished = list[Damage](), list(raw.state.unfinished)
    for trail, *counted in TRAILS:
        differing = list(_row_count_damages(lake, states, trail, *counted))
        sessions = unfinished_sessions(lake, trail, counted) if differing else set()
        rows += [damage for damage in differing if damage.first not in sessions]
        unfinished += [damage for damage in differing if damage.first in sessions]
    return Found(states, raw.state, rows, leftovers, unfinished)


def _checks(
    lake: Lake, names: Sequence[str], judge: Judge, progress: Progress
) -> Iterator[tuple[str, TableVerification]]:
    """Yield the check of each table in turn; which files each one reads is fixed before the first."""
    checks = {
        name: TableVerification(lake.objects, name, lambda data, file, name=name: judge.judged(data, file, name))  # type: ignore[misc]
        for name in names
    }
    for name, check in checks.items():
        progress.begin(name.replace("/", "."), check.steps)
        yield name, check


def whole_rows(lake: Lake, state: TableState, table: Table, version: int | None = None) -> pl.LazyFrame:
    """Return the rows in the undamaged files of a version; of the newest, if none is named."""
    live = state.live_at(state.newest if version is None else version)
    files = [f"{lake.root}/{state.name}/{file.name}" for file in live if file.name in state.whole]
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
    """Record the hashes of every version that has none and whose files are undamaged; return how many versions."""
    mending = Mending(lake, datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ"), "")
    return sum(len(mending.record(state, state.unrecorded)) for state in found.tables.values())


def _drop_debts_without_files(
    states: Mapping[str, TableState], raw: RawState, delivered: Iterable[DeliveredVersion]
) -> None:
    """Drop the debts of a repair that nothing can pay: sessions that never had a file, such as holidays.

    Only while the audit trails are undamaged, since they list every file that came.
    """
    trails = [states[trail.path] for trail, *_ in TRAILS if trail.path in states]
    if any(damage.kind in AMISS for state in trails for damage in state.damages):
        return
    sessions_with_files = {file.receipt.session for file in delivered} | {receipt.session for receipt in raw.whole}
    sessions_with_files |= {damage.first for damage in raw.damages if damage.first is not None}
    for name, state in states.items():
        if name != AGGREGATES.path:  # comes from the REST API, without a file
            state.damages = [
                damage
                for damage in state.damages
                if damage.kind != Kind.OWED or _contains_any(damage, sessions_with_files)
            ]


def _contains_any(damage: Damage, sessions: Iterable[date]) -> bool:
    return any((damage.first or day) <= day <= (damage.last or day) for day in sessions)


def _delivered(lake: Lake, states: Mapping[str, TableState], trail: Table) -> Iterable[DeliveredVersion]:
    state = states.get(trail.path)
    if state is None:
        return
    columns = ("session", "key", "etag", "size", "last_modified", "sha256")
    for row in whole_rows(lake, state, trail).select(*columns, "is_current").collect().iter_rows(named=True):
        is_current = row.pop("is_current")
        yield DeliveredVersion(Receipt(**row), is_current)


def _row_count_damages(lake: Lake, states: Mapping[str, TableState], *tables: Table) -> Iterable[Damage]:
    """Yield the sessions whose number of bars or of rejected rows differs from the audit trail."""
    trail_states = [states.get(table.path) for table in tables]
    if any(state is None or any(damage.kind in AMISS for damage in state.damages) for state in trail_states):
        return
    trail, bars, quarantine = (
        whole_rows(lake, state, table) for state, table in zip(trail_states, tables, strict=True) if state is not None
    )
    for row in unreconciled(trail, bars, quarantine).collect().iter_rows(named=True):
        text = (
            f"of {row['rows_read']} rows read, {row['bars']} are bars and {row['rejected']} rejected; the audit trail "
            f"says {row['kept']} and {row['quarantined']}"
        )
        yield Damage(Kind.ROWS, tables[1].sql_name, "", text, row["session"], row["session"])
