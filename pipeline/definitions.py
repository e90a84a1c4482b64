"""The map: every asset, check, job, schedule, sensor and resource of candlelake, on one page."""

from dataclasses import dataclass
from functools import cache, partial

from dagster import AssetsDefinition, Definitions, ResourceDefinition, in_process_executor
from dagster_duckdb import DuckDBResource

from pipeline.assets.aggregates import aggregates_of
from pipeline.assets.alerts import alerts_of
from pipeline.assets.bars import bars_of
from pipeline.assets.minutes import minutes_of
from pipeline.assets.operations import operations_of
from pipeline.assets.outcomes import outcomes_of
from pipeline.assets.portfolio import positions_of, recorded_positions
from pipeline.assets.raw import day_files_of
from pipeline.assets.reference import recorded_rulings, reference_of
from pipeline.assets.reports import reports_of
from pipeline.assets.signals import signals_of
from pipeline.checks.bars import bar_checks, minutes_reconcile
from pipeline.checks.contract import contract_check
from pipeline.checks.doubts import no_new_doubts
from pipeline.checks.editions import agrees_with_our_splits, nothing_left_provisional
from pipeline.checks.reference import REFERENCE_CHECKS
from pipeline.lake.lake import Lake
from pipeline.lake.raw.raw_files import RawFiles
from pipeline.market.market import Market
from pipeline.mine.in_force import require_switched_on, stocks_of
from pipeline.orchestration.jobs import Jobs, jobs_of
from pipeline.orchestration.lake_reader import LakeReader
from pipeline.orchestration.lake_resource import lake_of_run
from pipeline.orchestration.partitions import partitions_of
from pipeline.orchestration.patches.session_partitions import SessionPartitions
from pipeline.orchestration.schedules import schedules_of
from pipeline.orchestration.sensors import sensors_of
from pipeline.progress import Progress
from pipeline.settings import Settings, load_settings
from pipeline.sources.choose import Sources
from pipeline.tables import every_table


@dataclass(frozen=True)
class Graph:
    """What runs make, and the jobs that make it."""

    assets: tuple[AssetsDefinition, ...]
    """In the order of the journey."""
    jobs: Jobs


@cache
def graph_of(stocks: Market, partitions: SessionPartitions) -> Graph:
    """Return the assets and jobs of `stocks`, by session in `partitions`."""
    assets = (
        *reference_of(stocks),
        day_files_of(stocks, partitions),
        bars_of(stocks, partitions),
        *signals_of(stocks, partitions),
        aggregates_of(stocks, partitions),
        *minutes_of(stocks, partitions),
        positions_of(stocks, partitions),
        *outcomes_of(stocks, partitions),
        reports_of(stocks, partitions),
        alerts_of(stocks, partitions),
        *operations_of(stocks),
    )
    return Graph(assets, jobs_of(stocks, partitions))


def build_definitions(settings: Settings, progress: Progress | None = None, lake: Lake | None = None) -> Definitions:
    """Return the definitions over the lake and the sources that `settings` name; `progress` hears of long work.

    `lake` is one at the place of the settings, whose tables may be open already.
    """
    lake = lake or Lake(settings.lake)
    stocks = stocks_of(settings)
    tables = every_table(stocks)
    sources = Sources(settings)
    graph = graph_of(stocks, partitions_of(stocks.venue, settings))
    catalog = DuckDBResource(database=str(settings.catalog), connection_config={"access_mode": "READ_ONLY"})
    return Definitions(
        assets=[*graph.assets, recorded_rulings(stocks), recorded_positions(stocks)],
        asset_checks=[
            *(contract_check(table) for table in tables),
            *bar_checks(stocks),
            no_new_doubts(stocks),
            minutes_reconcile,
            nothing_left_provisional,
            agrees_with_our_splits,
            *REFERENCE_CHECKS,
        ],
        jobs=list(graph.jobs),
        schedules=schedules_of(stocks, graph.jobs, sources.publication),
        sensors=sensors_of(stocks, graph.jobs),
        # A process for each step costs three seconds each, and Polars keeps every core busy within one.
        executor=in_process_executor,
        resources={
            "settings": settings,
            "sources": sources,
            "lake": lake_of_run(settings.lake, stocks, lake.opened, partial(require_switched_on, settings)),
            "raw_files": RawFiles(settings.lake),
            # Made when a run needs it: the page of assets must open without the vendor's credentials.
            "flat_files": ResourceDefinition(lambda _: sources.flat_files()),
            "rest_days": ResourceDefinition(lambda _: sources.rest_days()),
            "reference_source": ResourceDefinition(lambda _: sources.reference()),
            # Made here, or the configuration of a run could name another file.
            "duckdb_catalog": ResourceDefinition(lambda _: catalog, config_schema={}),
            "progress": progress or Progress(),
            "io_manager": LakeReader(lake, tables),
        },
    )


defs = build_definitions(load_settings())
