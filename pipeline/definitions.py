"""The map: every asset, check, job, schedule, sensor and resource of candlelake, on one page."""

from dagster import Definitions, ResourceDefinition, in_process_executor
from dagster_duckdb import DuckDBResource

from pipeline.assets.aggregates import stock_aggregates
from pipeline.assets.alerts import alerts
from pipeline.assets.bars import cleaned_day_aggs
from pipeline.assets.minutes import cleaned_minute_aggs, raw_minute_aggs, stock_intraday_features
from pipeline.assets.operations import compacted_tables, sql_catalog, vacuumed_tables
from pipeline.assets.outcomes import model_scores, stock_outcomes
from pipeline.assets.portfolio import marked_positions, positions
from pipeline.assets.raw import raw_day_aggs
from pipeline.assets.reference import (
    reference_dividends,
    reference_splits,
    reference_ticker_events,
    reference_tickers,
)
from pipeline.assets.reports import stock_reports
from pipeline.assets.signals import stock_candidates, stock_indicators
from pipeline.checks.bars import covers_the_market, has_the_latest_session, minutes_reconcile, reconciles
from pipeline.checks.contract import contract_check
from pipeline.checks.editions import agrees_with_our_splits, nothing_left_provisional
from pipeline.checks.reference import REFERENCE_CHECKS
from pipeline.lake.lake import Lake
from pipeline.lake.raw.raw_files import RawFiles
from pipeline.orchestration.jobs import (
    aggregates,
    maintenance,
    minutes_by_day,
    outcomes,
    reference_data,
    restated_signals,
    stocks_by_day,
)
from pipeline.orchestration.lake_reader import LakeReader
from pipeline.orchestration.lake_resource import lake_of_run
from pipeline.orchestration.schedules import every_evening, every_morning, every_noon, every_session, every_sunday
from pipeline.orchestration.sensors import changed_past, vendor_files
from pipeline.progress import Progress
from pipeline.settings import Settings, load_settings
from pipeline.sources.choose import flat_files_of, reference_source_of, rest_days_of
from pipeline.tables import EVERY_TABLE

ASSETS = (
    reference_tickers,
    reference_splits,
    reference_dividends,
    reference_ticker_events,
    raw_day_aggs,
    cleaned_day_aggs,
    stock_indicators,
    stock_candidates,
    stock_aggregates,
    raw_minute_aggs,
    cleaned_minute_aggs,
    stock_intraday_features,
    marked_positions,
    stock_outcomes,
    model_scores,
    stock_reports,
    alerts,
    compacted_tables,
    vacuumed_tables,
    sql_catalog,
)
"""What runs make, in the order of the journey."""

JOBS = (reference_data, stocks_by_day, minutes_by_day, restated_signals, aggregates, outcomes, maintenance)
"""An asset that several of them make is the first one's."""


def build_definitions(settings: Settings, progress: Progress | None = None, lake: Lake | None = None) -> Definitions:
    """Return the definitions over the lake and the sources that `settings` name; `progress` hears of long work.

    `lake` is one at the place of the settings, whose tables may be open already.
    """
    lake = lake or Lake(settings.lake)
    catalog = DuckDBResource(database=str(settings.catalog), connection_config={"access_mode": "READ_ONLY"})
    return Definitions(
        assets=[*ASSETS, positions],
        asset_checks=[
            *(contract_check(table) for table in EVERY_TABLE),
            covers_the_market,
            has_the_latest_session,
            reconciles,
            minutes_reconcile,
            nothing_left_provisional,
            agrees_with_our_splits,
            *REFERENCE_CHECKS,
        ],
        jobs=JOBS,
        schedules=[every_evening, every_morning, every_session, every_noon, every_sunday],
        sensors=[vendor_files, changed_past],
        # A process for each step costs three seconds each, and Polars keeps every core busy within one.
        executor=in_process_executor,
        resources={
            "settings": settings,
            "lake": lake_of_run(settings.lake, lake.opened),
            "raw_files": RawFiles(settings.lake),
            # Made when a run needs it: the page of assets must open without the vendor's credentials.
            "flat_files": ResourceDefinition(lambda _: flat_files_of(settings)),
            "rest_days": ResourceDefinition(lambda _: rest_days_of(settings)),
            "reference_source": ResourceDefinition(lambda _: reference_source_of(settings)),
            # Made here, or the configuration of a run could name another file.
            "duckdb_catalog": ResourceDefinition(lambda _: catalog, config_schema={}),
            "progress": progress or Progress(),
            "io_manager": LakeReader(lake, EVERY_TABLE),
        },
    )


defs = build_definitions(load_settings())
