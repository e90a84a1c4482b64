"""The map: every asset, check, job, schedule, sensor and resource of candlelake, on one page."""

from dagster import Definitions, ResourceDefinition, in_process_executor
from dagster_duckdb import DuckDBResource

from pipeline.assets.bars import cleaned_day_aggs
from pipeline.assets.lake_reader import LakeReader
from pipeline.assets.operations import compacted_tables, sql_catalog, vacuumed_tables
from pipeline.assets.raw import raw_day_aggs
from pipeline.assets.signals import stock_candidates, stock_indicators
from pipeline.automation import every_session, every_sunday, maintenance, stocks_by_day, vendor_files
from pipeline.checks import contract_check, covers_the_market, has_the_latest_session, reconciles
from pipeline.lake.raw_files import RawFiles
from pipeline.lake.tables import Lake
from pipeline.progress import Progress
from pipeline.settings import Settings, load_settings
from pipeline.sources.choose import flat_files_of
from pipeline.tables import TABLES


def build_definitions(settings: Settings, progress: Progress | None = None) -> Definitions:
    """Return the definitions over the lake and the sources that `settings` name; `progress` hears of long work."""
    lake = Lake(settings.lake)
    return Definitions(
        assets=[
            raw_day_aggs,
            cleaned_day_aggs,
            stock_indicators,
            stock_candidates,
            compacted_tables,
            vacuumed_tables,
            sql_catalog,
        ],
        asset_checks=[
            *(contract_check(table) for table in TABLES),
            covers_the_market,
            has_the_latest_session,
            reconciles,
        ],
        jobs=[stocks_by_day, maintenance],
        schedules=[every_session, every_sunday],
        sensors=[vendor_files],
        # A process for each step costs three seconds each, and Polars keeps every core busy within one.
        executor=in_process_executor,
        resources={
            "settings": settings,
            "lake": lake,
            "raw_files": RawFiles(settings.lake),
            # Made when a run needs it: the page of assets must open without the vendor's credentials.
            "flat_files": ResourceDefinition(lambda _: flat_files_of(settings)),
            "duckdb_catalog": DuckDBResource(
                database=str(settings.catalog), connection_config={"access_mode": "READ_ONLY"}
            ),
            "progress": progress or Progress(),
            "io_manager": LakeReader(lake, TABLES),
        },
    )


defs = build_definitions(load_settings())
