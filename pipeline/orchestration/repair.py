"""Repairs what a check found damaged: files in place, and rows from the vendor's files by the jobs that made them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from uuid import uuid4

from dagster import AssetKey, DagsterError
from deltalake.exceptions import DeltaError
from polars.exceptions import PolarsError

from pipeline.assets.reference import SET_A_SOURCE
from pipeline.contracts.alerts import ALERTS
from pipeline.contracts.table import Table
from pipeline.errors import CandlelakeError, error_text
from pipeline.lake.integrity.damage import Damage, Kind, TableState
from pipeline.lake.integrity.mending import DAMAGED, Mending
from pipeline.lake.lake import Lake
from pipeline.lake.raw.raw_files import RawFiles
from pipeline.mine.in_force import stocks_of
from pipeline.orchestration.jobs import MINUTES_BY_DAY, STOCKS_BY_DAY
from pipeline.orchestration.makers import NO_COPY, REFRESHED, maker_of, makers
from pipeline.orchestration.partitions import sessions_over
from pipeline.orchestration.runs import RunReport, run_sessions
from pipeline.progress import Progress
from pipeline.queries.integrity import Found, whole_rows
from pipeline.settings import Settings
from pipeline.sources.choose import Sources
from pipeline.sources.massive.reference import NoReference
from pipeline.sources.port import Dataset
from pipeline.tables import contracts

GO_ON = "Once that is mended, `candlelake verify --repair` goes on from here."

Span = tuple[date, date]


@dataclass
class Repaired:
    """The result of a repair."""

    reports: list[RunReport] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    """Repairs that needed no run, in words."""
    lost: list[str] = field(default_factory=list)
    """Losses that could not be repaired, and what to do, in words."""
    ended_well: bool = True
    """Whether every run of the repair succeeded. If not, a refreshed table may be left without its rows."""


def repair(settings: Settings, found: Found, progress: Progress) -> Repaired:
    """Repair the damage in `found`. No other run may write meanwhile.

    A failure in one table does not stop the repair of others; it is reported as lost.
    """
    return _Repair(settings, found, progress).all()


class _Repair:
    def __init__(self, settings: Settings, found: Found, progress: Progress) -> None:
        self._settings, self._found, self._progress = settings, found, progress
        self._stocks = stocks_of(settings)
        self._contracts, self._maker_of = contracts(self._stocks), maker_of(self._stocks)
        self._lake, self._raw_files = Lake(settings.lake), RawFiles(settings.lake)
        moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        self._place = f"{self._lake.root}/{DAMAGED}/{moment}"
        self._run_id = str(uuid4())
        self._mending = Mending(self._lake, moment, self._run_id)
        self._repaired = Repaired()
        self._due: dict[str, list[Span]] = {}
        """Sessions to make again, by SQL name of the table."""
        self._due_whole: set[str] = set()
        """SQL names of the tables to refresh whole."""

    def all(self) -> Repaired:
        """Repair vendor files, then logs, then data files, and then make removed rows again."""
        self._mend_raw()
        for state in self._found.tables.values():
            with_damage = {damage.kind for damage in state.damages}
            if Kind.LOST_ENTRY in with_damage:
                self._give_up_table(state)
                continue
            self._mend_log(state, with_damage)
            self._mend_data(state)
        for damage in [*self._found.rows, *(one for one in self._found.unfinished if one.kind != Kind.RAW)]:
            self._due.setdefault(damage.table, []).append(_span(damage))
        self._make_again()
        return self._repaired

    def _mend_raw(self) -> None:
        raw = self._found.raw
        for name in self._mending.rebuild_receipts(raw):
            self._repaired.done.append(f"{name} was written again from the audit trail.")
        unknown = [damage for damage in raw.damages if damage.file not in raw.rebuilt]
        for damage in unknown:
            self._mending.set_raw_aside(damage.file)
            if damage.kind == Kind.OLD_RAW:
                self._lose(f"{damage.file} is a version that the vendor has replaced: it cannot be fetched again.")
        wanted = [*(damage for damage in unknown if damage.kind != Kind.OLD_RAW), *raw.unfinished]
        of_minutes = [damage for damage in wanted if str(Dataset.MINUTE_AGGS) in damage.file]
        of_days = [damage for damage in wanted if damage not in of_minutes]
        self._fetch(of_minutes, MINUTES_BY_DAY, "raw_minute_aggs")
        self._fetch(of_days, STOCKS_BY_DAY, "raw_day_aggs")

    def _fetch(self, damages: list[Damage], job: str, asset: str) -> None:
        for span in self._spans({damage.first for damage in damages if damage.first}):
            self._run(job, [AssetKey([self._stocks.venue.market, asset])], span, "raw files")

    def _mend_log(self, state: TableState, with_damage: set[Kind]) -> None:
        versions = self._mending.put_back_entries(state)
        if versions:
            self._repaired.done.append(f"{state.sql_name}: the log entry of {_versions(versions)} was restored.")
        if given_up := self._mending.give_up_entries(state):
            self._lose(f"{state.sql_name}: what {_versions(given_up)} changed is no longer known. No row is lost.")
        if Kind.CHECKPOINT in with_damage:
            self._mending.renew_checkpoint(state)
            self._repaired.done.append(f"{state.sql_name}: the checkpoint was made again.")
        damaged = [version for damage in state.damages if damage.kind == Kind.RECORD for version in damage.versions]
        if recorded := self._mending.record(state, damaged):
            self._repaired.done.append(f"{state.sql_name}: the hashes of {_versions(recorded)} were recorded again.")
        if forgotten := sorted(set(damaged) - set(recorded)):
            self._lose(
                f"{state.sql_name}: the hashes of {_versions(forgotten)} could not be recorded again; their records "
                f"are in {self._place}."
            )

    def _mend_data(self, state: TableState) -> None:
        for damage in (damage for damage in state.damages if damage.kind == Kind.OLD_DATA):
            self._mending.set_aside([damage.file])
            self._lose(f"{state.sql_name} can no longer be read as of {_versions(damage.versions)}.")
        self._due.setdefault(state.sql_name, []).extend(
            _span(damage) for damage in state.damages if damage.kind == Kind.OWED
        )
        damages = [damage for damage in state.damages if damage.kind == Kind.DATA]
        table = self._contracts.get(state.name)
        if not damages:
            return
        if table is None:
            self._lose(f"{state.sql_name} is not a table of candlelake. It stays as it is.")
        elif table.session is None:
            self._restore(state, table)
        else:
            spans = [_span(damage) for damage in damages]
            can_be_made = table.sql_name in self._maker_of
            self._mending.take_out(state, spans if can_be_made else [])
            if can_be_made:
                self._due[state.sql_name] += spans
            else:
                lost = ", ".join(f"{first} to {last}" for first, last in spans)
                again = " A run of these sessions may send its alerts again." if table is ALERTS else ""
                self._lose(f"{state.sql_name} has lost its rows of {lost}: nothing can make them again.{again}")

    def _restore(self, state: TableState, table: Table) -> None:
        """Restore a table that is refreshed whole; query its source or sum it up again where possible."""
        damaged = [damage.file for damage in state.damages if damage.kind == Kind.DATA]
        is_refreshed = table.sql_name in REFRESHED
        if table.sql_name in self._maker_of and not is_refreshed:
            self._mending.set_aside(damaged)
            self._due_whole.add(table.sql_name)
            return
        has_source = is_refreshed and self._has_reference()
        version = next((version for version in range(state.newest - 1, 0, -1) if _is_whole(state, version)), None)
        if version is None and not has_source:
            otherwise = f"move {self._lake.uri(table)} away and record it again."
            self._lose(
                f"{table.sql_name} has no earlier undamaged version. It stays as it is: restore the file from a "
                "backup, or " + (f"repair again with a source. {SET_A_SOURCE}" if is_refreshed else otherwise)
            )
            return
        rows = table.empty() if version is None else whole_rows(self._lake, state, table, version).collect()
        self._mending.set_aside(damaged)
        self._lake.refresh(table, rows, run_id=self._run_id)
        self._lose(self._undone(table, version))
        if has_source:
            self._due_whole.add(table.sql_name)

    def _has_reference(self) -> bool:
        with Sources(self._settings).reference() as source:
            return not isinstance(source, NoReference)

    def _undone(self, table: Table, version: int | None) -> str:
        if version is None:
            return f"{table.sql_name} has no earlier undamaged version. Its source is queried as if for the first time."
        written = self._lake.trail(table).commits().filter(version=version)["committed_at"].item()
        restored = f"{table.sql_name} was restored as of version {version}, {written:%Y-%m-%d %H:%M} UTC"
        if table.sql_name not in REFRESHED:
            return f"{restored}. Later entries are lost: record them again."
        if self._has_reference():
            return f"{restored}, and its source is queried again: later entries count as learned now."
        return f"{restored}. Later entries are missing until the next `candlelake reference`. {SET_A_SOURCE}"

    def _give_up_table(self, state: TableState) -> None:
        """Make a table again from nothing, because its log no longer says which rows it has."""
        table = self._contracts.get(state.name)
        if state.sql_name not in self._maker_of or table is None:
            self._lose(f"{state.sql_name} cannot be made again. It stays as it is: {NO_COPY}.")
            return
        if state.sql_name in REFRESHED and not self._has_reference():
            self._lose(f"{state.sql_name} has no source to refresh it from. It stays as it is. {SET_A_SOURCE}")
            return
        sessions = sorted({file.first for file in state.files.values() if file.first} | set(self._known_sessions()))
        if lacking := self._not_to_be_fetched(state, table):
            self._lose(
                f"{state.sql_name} cannot be made again: vendor files of {len(lacking):,} of its sessions are missing, "
                f"the first of {lacking[0]}. It stays as it is: {NO_COPY}."
            )
            return
        self._mending.set_table_aside(state.name)
        self._lose(f"{state.sql_name} is made again from nothing; its earlier versions are in {self._place}.")
        if table.session is None:
            self._due_whole.add(state.sql_name)
        elif sessions:
            self._due[state.sql_name] = [(sessions[0], sessions[-1])]

    def _not_to_be_fetched(self, state: TableState, table: Table) -> list[date]:
        """Return the sessions that a table made from vendor files has rows of, but no such file any more."""
        maker = self._maker_of[table.sql_name]
        if table.session is None or not maker.is_of_raw_files:
            return []
        stored = whole_rows(self._lake, state, table).select("session").unique().collect()["session"].to_list()
        return sorted(set(stored) - set(maker.can_make(self._lake, self._raw_files, stored)))

    def _known_sessions(self) -> Iterator[date]:
        yield from (receipt.session for receipt in self._found.raw.whole)

    def _make_again(self) -> None:
        for maker in makers(self._stocks):
            if not maker.is_of_sessions:
                if any(table.sql_name in self._due_whole for table in maker.tables):
                    self._run(maker.job, maker.assets, None, maker.name)
                continue
            spans = [span for table in maker.tables for span in self._due.get(table.sql_name, ())]
            can_make = maker.can_make(self._lake, self._raw_files, self._sessions(spans)) if spans else []
            for span in self._spans(can_make):
                self._run(maker.job, maker.assets, span, maker.name)

    def _run(self, job: str, assets: Sequence[AssetKey], span: Span | None, what: str) -> None:
        sessions = self._stocks.calendar.between(*span) if span else ()
        try:
            report = run_sessions(self._settings, sessions, self._progress, job_name=job, only=assets)
        except (CandlelakeError, DagsterError, DeltaError, PolarsError, OSError) as failed:
            # Errors of the libraries: the inputs may be damaged too, and beyond repair.
            sessions_text = f" of {span[0]} to {span[1]}" if span else ""
            self._lose(f"{what}{sessions_text} could not be made again: {error_text(failed)} {GO_ON}")
            self._repaired.ended_well = False
        else:
            self._repaired.reports.append(report)

    def _sessions(self, spans: Iterable[Span]) -> list[date]:
        """Return the sessions in `spans` that are partitions, in order, without repeats."""
        runnable = set(sessions_over(self._stocks.venue, self._settings, datetime.now(UTC)))
        return sorted({session for span in spans for session in self._stocks.calendar.between(*span)} & runnable)

    def _spans(self, sessions: Iterable[date]) -> list[Span]:
        """Return `sessions` as unbroken spans of the exchange's calendar, in order."""
        spans: list[Span] = []
        for session in sorted(sessions):
            if spans and session == self._stocks.calendar.offset(spans[-1][1], 1):
                spans[-1] = spans[-1][0], session
            else:
                spans.append((session, session))
        return spans

    def _lose(self, words: str) -> None:
        self._repaired.lost.append(words)


def _is_whole(state: TableState, version: int) -> bool:
    live = state.live_at(version)
    return version not in state.gap and bool(live) and all(file.name in state.whole for file in live)


def _span(damage: Damage) -> Span:
    if damage.first is None or damage.last is None:
        raise ValueError(f"the log names no session of {damage.file}")
    return damage.first, damage.last


def _versions(versions: Sequence[int]) -> str:
    if len(versions) == 1:
        return f"version {versions[0]}"
    return f"versions {versions[0]} to {versions[-1]}"
