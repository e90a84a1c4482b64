"""Maintenance, as the job that Dagster runs on Sundays."""

from datetime import date

import duckdb
import pytest
from polars.testing import assert_frame_equal

from assets_tests.dagster_runs import QUIET, TO_BARS, instance, rows, run
from assets_tests.vendor_day import VendorFolder, row
from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.deliveries import DELIVERIES
from pipeline.contracts.quarantine import QUARANTINE
from pipeline.definitions import build_definitions
from pipeline.lake.duckdb_access import give_access
from pipeline.lake.tables import Lake

BARS = (DAILY_BARS, QUARANTINE, DELIVERIES)
THU, FRI = date(2024, 1, 4), date(2024, 1, 5)


@pytest.fixture(scope="module")
def maintained(tmp_path_factory, new_lake):
    """Settings of a home where two days ran one by one, what it held then, and the materializations of maintenance."""
    vendor = VendorFolder(tmp_path_factory.mktemp("operations"))
    home = vendor.settings(**new_lake())
    with instance() as dagster:
        for session in (THU, FRI):
            vendor.lay(session, row(session, "NA"), row(session, "AAP"))
            run(home, [session], instance=dagster, only=TO_BARS)
        before = {table: rows(home, table) for table in BARS}
        job = build_definitions(home).resolve_job_def("maintenance")
        result = job.execute_in_process(instance=dagster, run_config=QUIET)
    told = {
        event.asset_key.path[-1]: {name: value.value for name, value in event.materialization.metadata.items()}
        for event in result.get_asset_materialization_events()
    }
    return home, before, told


def test_maintenance_changes_no_row(maintained):
    home, before, _ = maintained
    for table in BARS:
        assert_frame_equal(rows(home, table), before[table], check_exact=True)


def test_a_month_that_lay_in_two_files_lies_in_one(maintained):
    home, _, told = maintained
    assert told["compacted_tables"]["stocks.daily_bars"] == 1
    assert len(Lake(home.lake).open(DAILY_BARS).file_uris()) == 1


def test_no_file_within_the_retention_is_removed(maintained):
    home, _, told = maintained
    assert told["vacuumed_tables"]["files_removed"] == 0
    lake = Lake(home.lake)
    day_one = [lake.scan(DAILY_BARS, version=version).collect() for version in range(lake.version(DAILY_BARS))][1]
    assert set(day_one["session"]) == {THU}


def test_the_catalog_answers_any_duckdb_client(maintained):
    home, _, told = maintained
    assert told["sql_catalog"]["stocks.daily_bars"] == 4
    with duckdb.connect(str(home.catalog), read_only=True) as client:
        give_access(client, Lake(home.lake))
        found = client.sql("SELECT session, ticker FROM stocks.daily_bars ORDER BY ALL").fetchall()
    assert found == [(THU, "AAP"), (THU, "NA"), (FRI, "AAP"), (FRI, "NA")]
