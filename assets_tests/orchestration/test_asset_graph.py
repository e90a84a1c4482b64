"""Who makes which table, from what, by which job: derived from the assets, complete, and right for an asset to come."""

from datetime import date
from pathlib import Path

import pytest
from dagster import AssetExecutionContext, AssetsDefinition, AssetSelection, asset, define_asset_job

from assets_tests.dagster_runs import TO_BARS, instance, run
from assets_tests.stock_graph import GRAPH, STOCK_SESSIONS
from assets_tests.stocks import EVERY_TABLE, STOCKS
from assets_tests.vendor_day import VendorFolder, row
from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.table import Table
from pipeline.definitions import defs
from pipeline.lake.lake import Lake
from pipeline.lake.raw.raw_files import RawFiles
from pipeline.orchestration.asset_graph import input_keys, job_of, metadata_of, stage_of, tables_of
from pipeline.orchestration.makers import Maker, maker_of, makers, makers_of
from pipeline.orchestration.partitions import ONE_RUN
from pipeline.orchestration.table_metadata import STAGE, asset_key, declared, stage
from pipeline.venues.us_stocks import US_STOCKS

THU, FRI, MON = date(2024, 1, 4), date(2024, 1, 5), date(2024, 1, 8)

ASSETS, JOBS = GRAPH.assets, list(GRAPH.jobs)

CLOSES = Table(
    venue=US_STOCKS,
    name="closes",
    schema=DAILY_BARS.schema,
    key=DAILY_BARS.key,
    description="A table to come: bars once more.",
)


@asset(
    **declared(STOCKS, CLOSES, group="signals", stage=stage("closes")),
    deps=[asset_key(DAILY_BARS)],
    partitions_def=STOCK_SESSIONS,
    backfill_policy=ONE_RUN,
)
def closes(context: AssetExecutionContext) -> None:
    """Make the table to come."""


closes_by_day = define_asset_job("closes_by_day", AssetSelection.assets(closes), partitions_def=STOCK_SESSIONS)


@pytest.mark.parametrize("table", EVERY_TABLE, ids=lambda table: table.sql_name)
def test_every_table_is_made_by_an_asset_or_says_why_nothing_can_make_it_again(table: Table) -> None:
    assert (table.sql_name in maker_of(STOCKS)) != bool(table.irreplaceable)


def test_every_asset_that_is_a_table_is_one_of_the_lake_s_tables() -> None:
    graph = defs.resolve_asset_graph()
    of_tables = {key for key in graph.get_all_asset_keys() if "dagster/table_name" in graph.get(key).metadata}
    assert of_tables == {asset_key(table) for table in EVERY_TABLE}


@pytest.mark.parametrize("one", ASSETS, ids=lambda one: one.op.name)
def test_every_asset_has_a_job_and_a_stage(one: AssetsDefinition) -> None:
    assert job_of(one, JOBS, ASSETS)
    assert metadata_of(one, STAGE)


def test_an_asset_that_declares_no_stage_is_called_by_its_name() -> None:
    @asset(key=["stocks", "weekly_bars"])
    def undeclared() -> None:
        """Make nothing."""

    assert stage_of(undeclared, EVERY_TABLE).name == "weekly bars"


def test_each_table_is_made_after_those_it_reads() -> None:
    made = [table.sql_name for maker in makers(STOCKS) for table in maker.tables]
    for one in ASSETS:
        for table in tables_of(one, EVERY_TABLE):
            for read in (other for other in EVERY_TABLE if asset_key(other) in input_keys(one)):
                assert (
                    read.irreplaceable or table.irreplaceable or made.index(read.sql_name) < made.index(table.sql_name)
                )


def test_an_asset_without_a_job_is_a_mistake() -> None:
    with pytest.raises(LookupError, match="No job makes closes"):
        job_of(closes, JOBS, [*ASSETS, closes])


@pytest.fixture
def of_closes() -> Maker:
    """Return the maker of a new table, which is entered nowhere but among the assets and tables."""
    made = makers_of([closes, *ASSETS], [*JOBS, closes_by_day], [*EVERY_TABLE, CLOSES])
    return next(maker for maker in made if CLOSES in maker.tables)


def test_a_table_to_come_is_made_again_by_its_job_after_the_bars_that_it_reads(of_closes: Maker) -> None:
    assert of_closes.tables == (CLOSES,)
    assert of_closes.job == "closes_by_day"
    assert of_closes.source == "stocks.daily_bars"
    assert of_closes.inputs == (DAILY_BARS,)


def test_it_can_be_made_for_the_sessions_that_have_bars(of_closes: Maker, tmp_path: Path) -> None:
    vendor = VendorFolder(tmp_path)
    for session in (THU, FRI):
        vendor.lay(session, row(session, "NA"))
    settings = vendor.settings()
    with instance() as ephemeral:
        run(settings, [THU, FRI], instance=ephemeral, only=TO_BARS)
    lake, raw_files = Lake(settings.lake), RawFiles(settings.lake)
    assert of_closes.can_make(lake, raw_files, [THU, FRI, MON]) == [THU, FRI]
    assert maker_of(STOCKS)["stocks.daily_bars"].can_make(lake, raw_files, [THU, FRI, MON]) == [THU, FRI]


def test_bars_can_be_made_for_the_sessions_whose_file_is_whole(tmp_path: Path) -> None:
    maker = maker_of(STOCKS)["stocks.daily_bars"]
    assert maker.is_of_raw_files
    lake = Lake(tmp_path / "lake")
    assert maker.can_make(lake, RawFiles(tmp_path / "lake"), [THU]) == []
