"""Which job makes which table again, from what, and in which order; and what that comes to in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from dagster import AssetKey

from pipeline.assets.intake import EDITIONS, MINUTES
from pipeline.assets.minutes import cleaned_minute_aggs
from pipeline.assets.session_table import asset_key
from pipeline.automation import aggregates, minutes_by_day, outcomes, reference_data, stocks_by_day
from pipeline.contracts.aggregates import AGGREGATES
from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.candidates import CANDIDATES
from pipeline.contracts.deliveries import DELIVERIES
from pipeline.contracts.minutes import INTRADAY_FEATURES, MINUTE_BARS
from pipeline.contracts.outcomes import CANDIDATE_OUTCOMES, MODEL_SCORES, SESSION_SCORES
from pipeline.contracts.portfolio import POSITION_MARKS, SIGNALS
from pipeline.contracts.quarantine import QUARANTINE
from pipeline.contracts.reference import REFERENCE_TABLES, TICKER_EVENTS
from pipeline.contracts.table import Table
from pipeline.errors import FileRefused
from pipeline.lake.damage import Damage, Kind
from pipeline.lake.raw_files import RawFiles
from pipeline.lake.tables import Lake
from pipeline.market.indicators import INDICATORS_TABLE
from pipeline.settings import Settings
from pipeline.tables import CONTRACTS


@dataclass(frozen=True)
class Maker:
    """A step that makes tables again: session by session, or, those that are refreshed whole, at once."""

    job: str
    tables: tuple[Table, ...]
    """Made together, by one step."""
    source: str
    """What it makes them from, in words."""
    can_make: Callable[[Settings, Lake, Sequence[date]], list[date]]
    """Returns those of some sessions whose sources are there."""

    @property
    def assets(self) -> list[AssetKey]:
        """Return the assets to materialize."""
        return [asset_key(table) for table in self.tables]

    @property
    def is_of_raw_files(self) -> bool:
        """Return whether it is made from the vendor's files, as they were kept."""
        return self.tables[0] in {DAILY_BARS, MINUTE_BARS}

    @property
    def is_of_sessions(self) -> bool:
        """Return whether it is run for sessions."""
        return all(table.session is not None for table in self.tables)

    @property
    def name(self) -> str:
        """Return the tables it makes."""
        return ", ".join(table.sql_name for table in self.tables)


def _always(_: Settings, __: Lake, sessions: Sequence[date]) -> list[date]:
    return list(sessions)


def _asks_anew(table: Table) -> Maker:
    return Maker(reference_data.name, (table,), "its source", _always)


def _with_raw(editions: Mapping[str, object]) -> Callable[[Settings, Lake, Sequence[date]], list[date]]:
    def can_make(settings: Settings, _: Lake, sessions: Sequence[date]) -> list[date]:
        raw_files = RawFiles(settings.lake)
        return [session for session in sessions if _has_raw(raw_files, list(editions), session)]

    return can_make


def _has_raw(raw_files: RawFiles, editions: Sequence[str], session: date) -> bool:
    try:
        raw_files.in_force(editions, session)
    except FileRefused:
        return False
    return True


def _with_rows_of(table: Table) -> Callable[[Settings, Lake, Sequence[date]], list[date]]:
    def can_make(_: Settings, lake: Lake, sessions: Sequence[date]) -> list[date]:
        held = set(lake.sessions(table)) if lake.exists(table) else set()
        return [session for session in sessions if session in held]

    return can_make


MAKERS = (
    *(_asks_anew(table) for table in REFERENCE_TABLES if table is not TICKER_EVENTS),
    Maker(stocks_by_day.name, (DAILY_BARS, QUARANTINE, DELIVERIES), "the vendor's files", _with_raw(EDITIONS)),
    _asks_anew(TICKER_EVENTS),  # the bars say whose renames to ask for
    Maker(
        minutes_by_day.name,
        tuple(CONTRACTS["/".join(key.path)] for key in sorted(cleaned_minute_aggs.keys)),
        "the vendor's files of minutes",
        _with_raw(MINUTES),
    ),
    Maker(aggregates.name, (AGGREGATES,), "the REST API", _always),
    Maker(stocks_by_day.name, (INDICATORS_TABLE,), "bars and splits", _with_rows_of(DAILY_BARS)),
    Maker(minutes_by_day.name, (INTRADAY_FEATURES,), "minute bars", _with_rows_of(MINUTE_BARS)),
    Maker(stocks_by_day.name, (CANDIDATES,), "bars and indicators", _with_rows_of(INDICATORS_TABLE)),
    Maker(stocks_by_day.name, (POSITION_MARKS, SIGNALS), "positions and bars", _with_rows_of(DAILY_BARS)),
    Maker(outcomes.name, (CANDIDATE_OUTCOMES, SESSION_SCORES), "candidates and bars", _with_rows_of(CANDIDATES)),
    Maker(outcomes.name, (MODEL_SCORES,), "the scores of all lists", _always),
)
"""In the order in which one needs the other."""

MADE_BY = {table.sql_name: maker for maker in MAKERS for table in maker.tables}

ASKED_ANEW = {table.sql_name for table in REFERENCE_TABLES}
"""Tables whose rows their source tells anew; what it said before, only their own earlier versions tell."""


def remedy(damage: Damage) -> str:
    """Return what `verify --repair` does about a damage, in words."""
    if damage.kind == Kind.LOST_ENTRY and damage.table not in MADE_BY:
        return f"there is no copy of it, and the table cannot be made again: {NO_COPY}"
    return _OF_KIND[damage.kind] if damage.kind in _OF_KIND else _made_again(damage.table)


def _made_again(table: str) -> str:
    contract = CONTRACTS.get(table.replace(".", "/"))
    if table in ASKED_ANEW:
        return "--repair restores the newest version that is whole, and asks the source anew"
    if table in MADE_BY:
        what = "makes its sessions again from" if MADE_BY[table].is_of_sessions else "sums it up again from"
        return f"--repair {what} {MADE_BY[table].source}"
    if contract is not None and contract.session is None:
        return "cannot be made again; --repair restores the newest version that is whole"
    return "cannot be made again; --repair takes it out of the table"


NO_COPY = "restore its folder from a backup, or move it away and begin anew"

_OF_KIND = {
    Kind.ENTRY: "--repair puts it back from the copy in its record",
    Kind.LOST_ENTRY: "there is no copy of it; --repair makes the whole table again",
    Kind.OLD_ENTRY: "there is no copy of it, and the newest version does not need it; --repair sets it aside",
    Kind.CHECKPOINT: "--repair makes it anew from the log",
    Kind.RECORD: "--repair records the version anew",
    Kind.OLD_DATA: "cannot be made again; --repair sets it aside, and those versions cannot be read any more",
    Kind.RAW: "--repair fetches it anew",
    Kind.RECEIPT: "--repair writes it from the audit trail, or fetches the file anew",
    Kind.OLD_RAW: "cannot be fetched again, no table needs it; --repair sets it aside",
}
