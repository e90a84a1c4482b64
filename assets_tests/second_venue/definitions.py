"""The assets of Shanghai, from vendor files to pages, and the job that makes them."""

from dagster import AssetSelection, Definitions, ResourceDefinition, define_asset_job, in_process_executor

from assets_tests.second_venue.shanghai import EDITIONS, SHANGHAI
from pipeline.assets.bars import bars_of
from pipeline.assets.raw import day_files_of
from pipeline.assets.reports import reports_of
from pipeline.assets.signals import signals_of
from pipeline.checks.bars import bar_checks
from pipeline.checks.contract import contract_check
from pipeline.lake.lake import Lake
from pipeline.lake.raw.raw_files import RawFiles
from pipeline.market.declarations import Declarations
from pipeline.market.market import market_of
from pipeline.orchestration.lake_reader import LakeReader
from pipeline.orchestration.lake_resource import lake_of_run
from pipeline.orchestration.partitions import session_partitions
from pipeline.progress import Progress
from pipeline.settings import Settings
from pipeline.sources.choose import Sources


def build_shanghai(settings: Settings, declarations: Declarations) -> Definitions:
    """Return the definitions over the day files and the lake that `settings` name."""
    market, lake = market_of(SHANGHAI, declarations), Lake(settings.lake)
    partitions = session_partitions(SHANGHAI, end=SHANGHAI.calendar.last)
    assets = [
        day_files_of(market, partitions, EDITIONS),
        bars_of(market, partitions, EDITIONS),
        *signals_of(market, partitions),
        reports_of(market, partitions),
    ]
    sources = Sources(settings)
    return Definitions(
        assets=assets,
        asset_checks=[*(contract_check(table) for table in market.by_day), *bar_checks(market)],
        jobs=[define_asset_job("shanghai_by_day", AssetSelection.assets(*assets), partitions_def=partitions)],
        executor=in_process_executor,
        resources={
            "settings": settings,
            "sources": sources,
            "lake": lake_of_run(settings.lake, market, lake.opened),
            "raw_files": RawFiles(settings.lake),
            "flat_files": ResourceDefinition(lambda _: sources.flat_files()),
            "rest_days": ResourceDefinition(lambda _: None),
            "progress": Progress(),
            "io_manager": LakeReader(lake, market.by_day),
        },
    )
