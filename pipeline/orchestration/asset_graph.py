"""The graph of assets and jobs: the order to run them, and the job, tables and stage of each asset."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

import polars as pl
from dagster import AssetKey, AssetsDefinition, AssetSelection

from pipeline.contracts.table import Table
from pipeline.lake.lake import Lake
from pipeline.orchestration.table_metadata import COUNTS_SESSIONS_AS, DATASETS, MOST_SESSIONS, SOURCE, STAGE, asset_key


class Job(Protocol):
    """A job as `define_asset_job` returns it; Dagster has no public name for its type."""

    @property
    def name(self) -> str:
        """Return its name."""

    @property
    def selection(self) -> AssetSelection:
        """Return what it makes."""


def in_order(assets: Iterable[AssetsDefinition]) -> list[AssetsDefinition]:
    """Return `assets` such that each follows the assets it reads, otherwise in the order given."""
    waiting, ordered = list(assets), list[AssetsDefinition]()
    while waiting:
        keys = {key for asset in waiting for key in asset.keys}
        ready = next(asset for asset in waiting if not input_keys(asset) & keys)
        waiting.remove(ready)
        ordered.append(ready)
    return ordered


def input_keys(asset: AssetsDefinition) -> set[AssetKey]:
    """Return the keys of the other assets that `asset` reads."""
    return {key for inputs in asset.asset_deps.values() for key in inputs} - set(asset.keys)


def tables_of(asset: AssetsDefinition, tables: Iterable[Table]) -> tuple[Table, ...]:
    """Return which of `tables` `asset` makes, in their order; none for vendor files and pages."""
    return tuple(table for table in tables if asset_key(table) in asset.keys)


def job_of(asset: AssetsDefinition, jobs: Sequence[Job], assets: Sequence[AssetsDefinition]) -> str:
    """Return the name of the first of `jobs` that makes all of `asset`.

    Raises LookupError when none does: an asset without a job is never made.
    """
    for job in jobs:
        if asset.keys <= job.selection.resolve(assets):
            return job.name
    raise LookupError(f"No job makes {name_of(asset)}. Add it to the selection of one.")


def name_of(asset: AssetsDefinition) -> str:
    """Return the names of the assets that `asset` makes."""
    return ", ".join(sorted(key.path[-1].replace("_", " ") for key in asset.keys))


def metadata_of(asset: AssetsDefinition, name: str) -> Any:
    """Return the metadata entry `name` of `asset`; None when there is none."""
    return next((metadata[name] for metadata in asset.metadata_by_key.values() if name in metadata), None)


def source_of(asset: AssetsDefinition) -> str | None:
    """Return the source of the data of `asset`, in words; None when it reads only tables of the lake."""
    words: str | None = metadata_of(asset, SOURCE)
    return words


def datasets_of(asset: AssetsDefinition) -> list[str]:
    """Return the vendor's datasets that `asset` stores as files."""
    return list(metadata_of(asset, DATASETS) or ())


@dataclass(frozen=True)
class AssetStage:
    """An asset's stage of a run, as people know it."""

    name: str
    tables: tuple[Table, ...]
    sessions_as: str
    """The name under which its sessions are counted; empty when rows of tables are counted instead."""
    most_sessions: int
    """It processes at most so many sessions; 0 means all."""

    def counts(self, lake: Lake, sessions: Sequence[date]) -> dict[str, int]:
        """Return what a run over `sessions` wrote: rows of these sessions or whole tables, or a count of sessions."""
        amounts = {table.counted_as: _rows(lake, table, sessions) for table in self.tables if table.counted_as}
        if self.sessions_as:
            amounts[self.sessions_as] = min(self.most_sessions or len(sessions), len(sessions))
        return amounts


def stage_of(asset: AssetsDefinition, tables: Iterable[Table]) -> AssetStage:
    """Return the stage of `asset`; without a declared stage, one with the asset's own name."""
    return AssetStage(
        name=metadata_of(asset, STAGE) or name_of(asset),
        tables=tables_of(asset, tables),
        sessions_as=metadata_of(asset, COUNTS_SESSIONS_AS) or "",
        most_sessions=metadata_of(asset, MOST_SESSIONS) or 0,
    )


def _rows(lake: Lake, table: Table, sessions: Sequence[date]) -> int:
    if not lake.exists(table):
        return 0
    first, last = (sessions[0], sessions[-1]) if table.session else (None, None)
    count: int = lake.scan(table, first, last, columns=table.key).select(pl.len()).collect().item()
    return count
