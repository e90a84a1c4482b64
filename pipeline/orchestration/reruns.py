"""The runs that bring outdated tables up to date: their jobs, their assets and their order."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from dagster import AssetKey

from pipeline.contracts.table import Table
from pipeline.market.market import Market
from pipeline.orchestration.jobs import RESTATED_SIGNALS, only_outdated, steps_of
from pipeline.orchestration.table_metadata import asset_key
from pipeline.queries.outdated import OutdatedSessions


@dataclass(frozen=True)
class Rerun:
    """One run over consecutive sessions."""

    job: str
    first: date
    last: date
    assets: tuple[AssetKey, ...]
    ops: dict[str, Any]
    """The run configuration of its assets."""


def reruns(stocks: Market, due: OutdatedSessions) -> list[Rerun]:
    """Return the runs that bring the sessions `due` up to date, in the order in which to run them."""
    return [
        Rerun(job, stretch.first, stretch.last, assets, only_outdated(stocks) if job == RESTATED_SIGNALS else {})
        for stretch in due.stretches
        for job, together in steps_of(stocks)
        if (assets := _assets(together, stretch.tables))
    ]


def _assets(together: Sequence[Sequence[Table]], due: Sequence[str]) -> tuple[AssetKey, ...]:
    """Return the assets of each group of tables in `together` that has a due one."""
    groups = [group for group in together if {table.sql_name for table in group} & set(due)]
    return tuple(key for group in groups for key in sorted(map(asset_key, group)))
