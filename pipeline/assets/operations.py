"""Maintenance of the lake: compaction of tables, removal of old files, the SQL catalog."""

from datetime import timedelta
from pathlib import Path

from dagster import (
    AssetDep,
    AssetExecutionContext,
    AssetsDefinition,
    LastPartitionMapping,
    MaterializeResult,
    ResourceParam,
    asset,
)
from dagster_duckdb import DuckDBResource

from pipeline.contracts.alerts import ALERTS
from pipeline.contracts.reference import REFERENCE_TABLES
from pipeline.lake.delta.maintenance import SHORTEST_RETENTION, compact, vacuum
from pipeline.lake.lake import Lake
from pipeline.lake.sql.catalog import write_catalog
from pipeline.lake.sql.duckdb_access import give_access
from pipeline.lake.storage.leftovers import remove_older, unfinished_copies
from pipeline.market.market import Market
from pipeline.orchestration.lake_resource import step_redone_after_conflict
from pipeline.orchestration.table_metadata import OWNERS, asset_key, stage
from pipeline.reports.folder import ReportsFolder
from pipeline.settings import Settings
from pipeline.tables import PORTFOLIO_TABLES, every_table

AFTER_ALL_TABLES = {"dagster/priority": "-2"}
"""The catalog lists all existing tables, with those that the run has just created."""


def operations_of(market: Market) -> tuple[AssetsDefinition, ...]:
    """Return the assets of maintenance over the tables of `market`."""

    @asset(
        key=["operations", "compacted_tables"],
        group_name="operations",
        description="Months of every table in one file each, sorted by its key: one ticker's history reads in a blink.",
        kinds={"deltalake"},
        owners=OWNERS,
        metadata=stage("compaction"),
    )
    def compacted_tables(context: AssetExecutionContext, lake: ResourceParam[Lake]) -> MaterializeResult:
        """Rewrite the months that have several files."""
        with step_redone_after_conflict():  # months that are compact by then are left as they are
            months = {
                table.sql_name: len(compact(lake, table, run_id=context.run.run_id))
                for table in every_table(market)
                if lake.exists(table)
            }
        return MaterializeResult(metadata={"months": sum(months.values()), **months})

    @asset(
        key=["operations", "vacuumed_tables"],
        group_name="operations",
        description="Every table without the files that no version within the retention needs.",
        kinds={"deltalake"},
        owners=OWNERS,
        metadata=stage("vacuum"),
        deps=[compacted_tables],
    )
    def vacuumed_tables(
        context: AssetExecutionContext, lake: ResourceParam[Lake], settings: ResourceParam[Settings]
    ) -> MaterializeResult:
        """Remove replaced files older than the retention, and unfinished files of killed processes."""
        keep = timedelta(days=settings.retention_days)
        files = {
            table.sql_name: len(vacuum(lake, table, keep=keep, run_id=context.run.run_id))
            for table in every_table(market)
            if lake.exists(table)
        }
        unfinished = unfinished_removed(lake, settings)
        return MaterializeResult(
            metadata={"files_removed": sum(files.values()), "unfinished_removed": unfinished, **files}
        )

    @asset(
        key=["operations", "sql_catalog"],
        group_name="operations",
        description="A DuckDB file with a view of every table, for any DuckDB client.",
        kinds={"duckdb"},
        owners=OWNERS,
        metadata=stage("SQL catalog"),
        # For a table that is never written, such as minutes for many users, Dagster would warn before every daily run.
        deps=[
            # By default it would mean all partitions, and Dagster would walk every day since the first one.
            AssetDep(asset_key(table), partition_mapping=LastPartitionMapping() if table.session else None)
            for table in (*REFERENCE_TABLES, *market.by_day, *PORTFOLIO_TABLES, ALERTS)
        ],
        op_tags=AFTER_ALL_TABLES,
    )
    def sql_catalog(
        lake: ResourceParam[Lake], settings: ResourceParam[Settings], duckdb_catalog: DuckDBResource
    ) -> MaterializeResult:
        """Write the views again if tables were added or changed, then count each view's rows as a client would."""
        before = _written_at(settings.catalog)
        views = write_catalog(lake, settings.catalog)
        if _written_at(settings.catalog) == before:
            return MaterializeResult(metadata={"views": len(views)})
        with duckdb_catalog.get_connection() as connection:
            give_access(connection, lake)
            rows = {view: connection.sql(f"SELECT count(*) FROM {view}").fetchall()[0][0] for view in views}  # noqa: S608
        return MaterializeResult(metadata={"views": len(views), **rows})

    return compacted_tables, vacuumed_tables, sql_catalog


def unfinished_removed(lake: Lake, settings: Settings) -> int:
    """Remove unfinished vendor files, records, pages and catalogs of killed processes; return how many there were.

    Younger files may belong to a running process.
    """
    of_lake = lake.store.remove_unfinished(older_than=SHORTEST_RETENTION)
    beside = [*ReportsFolder(settings.reports).unfinished(), *unfinished_copies(settings.catalog)]
    return len(of_lake) + len(remove_older(beside, SHORTEST_RETENTION))


def _written_at(path: Path) -> int | None:
    return path.stat().st_mtime_ns if path.exists() else None
