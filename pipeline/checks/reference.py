"""Asset checks of reference data: rows that the vendor withdrew, and events in doubt."""

from collections.abc import Callable

import polars as pl
from dagster import AssetCheckResult, AssetChecksDefinition, AssetCheckSeverity, ResourceParam, asset_check

from pipeline.contracts.reference import DIVIDENDS, DOUBTS, REFERENCE_TABLES, SPLITS, TICKERS
from pipeline.contracts.table import Table
from pipeline.lake.lake import Lake
from pipeline.market.securities.reference import as_known, vanished_tickers, withdrawn_last
from pipeline.orchestration.table_metadata import asset_key, table_preview


def withdrawal_check(
    table: Table, description: str, withdrawn: Callable[[pl.DataFrame], pl.DataFrame]
) -> AssetChecksDefinition:
    """Return the check that the newest refresh of `table` left nothing `withdrawn`."""

    @asset_check(asset=asset_key(table), name="nothing_withdrawn", description=description)
    def nothing_withdrawn(lake: ResourceParam[Lake]) -> AssetCheckResult:
        rows = withdrawn(lake.read(table).rows.collect())
        return _check_result(rows, {"withdrawn": len(rows)})

    return nothing_withdrawn


def doubt_check(table: Table) -> AssetChecksDefinition:
    """Return the check that every event of `table` that holds can be applied."""

    @asset_check(
        asset=asset_key(table),
        name="nothing_in_doubt",
        description=f"No event of {table.sql_name} is in doubt. Events in doubt change no price: {', '.join(DOUBTS)}.",
    )
    def nothing_in_doubt(lake: ResourceParam[Lake]) -> AssetCheckResult:
        # What the user rejected is no doubt any more.
        rows = as_known(lake.read(table).rows.collect()).filter(pl.col("doubt") != "rejected")
        shown = rows.select("doubt", pl.exclude("doubt")).sort("doubt", *rows.columns[:2])
        return _check_result(shown, dict(rows["doubt"].value_counts().sort("doubt").rows()))

    return nothing_in_doubt


def _check_result(rows: pl.DataFrame, numbers: dict[str, int]) -> AssetCheckResult:
    return AssetCheckResult(
        passed=rows.is_empty(),
        # It is about the vendor, not the run.
        severity=AssetCheckSeverity.WARN,
        metadata={**numbers, "rows": table_preview(rows)},
    )


ALTERED = "The newest refresh has every row of the one before it, unchanged."
VANISHED = "Every ticker known before the newest refresh is still in it, listed or delisted."

REFERENCE_CHECKS = [
    *(withdrawal_check(table, ALTERED, withdrawn_last) for table in REFERENCE_TABLES if table is not TICKERS),
    # Names and listings change every day, and that is not a fault.
    withdrawal_check(TICKERS, VANISHED, vanished_tickers),
    *(doubt_check(table) for table in (SPLITS, DIVIDENDS)),
]
