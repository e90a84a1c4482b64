"""Which job makes which table again, from which inputs and in which order; and the repair of each damage in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache

from dagster import AssetKey, AssetsDefinition

from pipeline.contracts.reference import REFERENCE_TABLES
from pipeline.contracts.table import Table
from pipeline.definitions import graph_of
from pipeline.errors import FileRefused
from pipeline.lake.integrity.damage import Damage, Kind
from pipeline.lake.lake import Lake
from pipeline.lake.raw.raw_files import RawFiles
from pipeline.market.market import Market
from pipeline.orchestration.asset_graph import (
    Job,
    datasets_of,
    in_order,
    input_keys,
    job_of,
    source_of,
    tables_of,
)
from pipeline.orchestration.partitions import session_partitions
from pipeline.orchestration.table_metadata import asset_key
from pipeline.tables import contracts, every_table


@dataclass(frozen=True)
class Maker:
    """An asset that makes tables again: session by session or, for tables that are refreshed whole, at once."""

    job: str
    tables: tuple[Table, ...]
    """All made by one step."""
    source: str
    """The source of their rows, in words."""
    datasets: tuple[str, ...]
    """The datasets of the vendor's files that it reads."""
    inputs: tuple[Table, ...]
    """Tables that must have rows of a session before the maker can run for it."""

    @property
    def assets(self) -> list[AssetKey]:
        """Return the assets to materialize."""
        return [asset_key(table) for table in self.tables]

    @property
    def is_of_raw_files(self) -> bool:
        """Return whether it reads the stored files of the vendor."""
        return bool(self.datasets)

    @property
    def is_of_sessions(self) -> bool:
        """Return whether it runs by session."""
        return all(table.session is not None for table in self.tables)

    @property
    def name(self) -> str:
        """Return the tables it makes."""
        return ", ".join(table.sql_name for table in self.tables)

    def can_make(self, lake: Lake, raw_files: RawFiles, sessions: Sequence[date]) -> list[date]:
        """Return the `sessions` whose inputs exist: rows in `lake`, and the vendor's files."""
        makeable = set(sessions)
        for table in self.inputs:
            makeable &= set(lake.sessions(table)) if lake.exists(table) else set()
        return [session for session in sessions if session in makeable and self._has_files(raw_files, session)]

    def _has_files(self, raw_files: RawFiles, session: date) -> bool:
        try:
            return not self.datasets or raw_files.in_force(self.datasets, session) is not None
        except FileRefused:
            return False


def makers_of(assets: Sequence[AssetsDefinition], jobs: Sequence[Job], tables: Sequence[Table]) -> list[Maker]:
    """Return the makers of those of `tables` that `assets` make, each after the tables it reads."""
    raw_assets = {key: asset for asset in assets if datasets_of(asset) for key in asset.keys}
    makers = []
    for asset in in_order(assets):
        made = tables_of(asset, tables)
        if made and not any(table.irreplaceable for table in made):
            files = [raw_assets[key] for key in input_keys(asset) if key in raw_assets]
            input_tables = [table for table in tables if asset_key(table) in input_keys(asset)]
            makers.append(
                Maker(
                    job=job_of(asset, jobs, assets),
                    tables=made,
                    source=_source(asset, files, input_tables),
                    datasets=tuple(dataset for asset_with_files in files for dataset in datasets_of(asset_with_files)),
                    inputs=tuple(table for table in input_tables if table.session and not table.may_be_empty),
                )
            )
    return makers


def _source(asset: AssetsDefinition, files: Sequence[AssetsDefinition], input_tables: Sequence[Table]) -> str:
    of_others = [words for words in map(source_of, [asset, *files]) if words]
    return of_others[0] if of_others else and_so_on([table.sql_name for table in input_tables if table.session])


def and_so_on(names: Sequence[str]) -> str:
    """Return names as a list in words: a, b and c."""
    return " and ".join(part for part in (", ".join(names[:-1]), names[-1]) if part)


@cache
def makers(stocks: Market) -> tuple[Maker, ...]:
    """Return the makers of all tables that can be made again, each after the makers of its inputs."""
    graph = graph_of(stocks, session_partitions(stocks.venue))
    return tuple(makers_of(graph.assets, tuple(graph.jobs), every_table(stocks)))


@cache
def maker_of(stocks: Market) -> Mapping[str, Maker]:
    """Return the maker of each table that can be made again, by the table's SQL name."""
    return {table.sql_name: maker for maker in makers(stocks) for table in maker.tables}


REFRESHED = {table.sql_name for table in REFERENCE_TABLES}
"""Tables whose rows their source can send again; earlier answers exist only in the tables' earlier versions."""


def remedy(stocks: Market, damage: Damage) -> str:
    """Return how `verify --repair` mends a damage, in words."""
    if damage.kind == Kind.LOST_ENTRY and damage.table not in maker_of(stocks):
        return f"there is no copy of it, and the table cannot be made again: {NO_COPY}"
    return _OF_KIND[damage.kind] if damage.kind in _OF_KIND else _made_again(stocks, damage.table)


def _made_again(stocks: Market, table: str) -> str:
    contract = contracts(stocks).get(table.replace(".", "/"))
    if table in REFRESHED:
        return "--repair restores the newest undamaged version, and queries the source again"
    if maker := maker_of(stocks).get(table):
        what = "makes its sessions again from" if maker.is_of_sessions else "sums it up again from"
        return f"--repair {what} {maker.source}"
    if contract is not None and contract.session is None:
        return "cannot be made again; --repair restores the newest undamaged version"
    return "cannot be made again; --repair takes it out of the table"


NO_COPY = "restore its folder from a backup, or move it away and start over"

_OF_KIND = {
    Kind.ENTRY: "--repair puts it back from the copy in its record",
    Kind.LOST_ENTRY: "there is no copy of it; --repair makes the whole table again",
    Kind.OLD_ENTRY: "there is no copy of it, and the newest version does not need it; --repair sets it aside",
    Kind.CHECKPOINT: "--repair makes it again from the log",
    Kind.RECORD: "--repair records the version again",
    Kind.OLD_DATA: "cannot be made again; --repair sets it aside, and those versions are no longer readable",
    Kind.RAW: "--repair fetches it again",
    Kind.RECEIPT: "--repair writes it from the audit trail, or fetches the file again",
    Kind.OLD_RAW: "cannot be fetched again, no table needs it; --repair sets it aside",
}
