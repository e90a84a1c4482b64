"""Maintenance, as the job that Dagster runs on Sundays."""

import os
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest
from dagster import AssetKey
from polars.testing import assert_frame_equal

from assets_tests.dagster_runs import QUIET, TO_BARS, instance, rows, run
from assets_tests.vendor_day import VendorFolder, row
from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.deliveries import DELIVERIES
from pipeline.contracts.quarantine import QUARANTINE
from pipeline.definitions import build_definitions
from pipeline.lake.lake import Lake
from pipeline.lake.sql.duckdb_access import give_access

BARS = (DAILY_BARS, QUARANTINE, DELIVERIES)
THU, FRI = date(2024, 1, 4), date(2024, 1, 5)


@pytest.fixture(scope="module")
def maintained(tmp_path_factory, new_lake):
    """Settings of a home where two days ran one by one, its rows before, and the metadata of maintenance."""
    vendor = VendorFolder(tmp_path_factory.mktemp("operations"))
    home = vendor.settings(**new_lake())
    with instance() as dagster:
        for session in (THU, FRI):
            vendor.lay(session, row(session, "NA"), row(session, "AAP"))
            run(home, [session], instance=dagster, only=TO_BARS)
        before = {table: rows(home, table) for table in BARS}
        job = build_definitions(home).resolve_job_def("maintenance")
        result = job.execute_in_process(instance=dagster, run_config=QUIET)
    metadata = {
        event.asset_key.path[-1]: {name: value.value for name, value in event.materialization.metadata.items()}
        for event in result.get_asset_materialization_events()
    }
    return home, before, metadata


def test_maintenance_changes_no_row(maintained):
    home, before, _ = maintained
    for table in BARS:
        assert_frame_equal(rows(home, table), before[table], check_exact=True)


def test_a_month_that_lay_in_two_files_lies_in_one(maintained):
    home, _, metadata = maintained
    assert metadata["compacted_tables"]["stocks.daily_bars"] == 1
    assert len(Lake(home.lake).open(DAILY_BARS).file_uris()) == 1


def test_no_file_within_the_retention_is_removed(maintained):
    home, _, metadata = maintained
    assert metadata["vacuumed_tables"]["files_removed"] == 0
    lake = Lake(home.lake)
    day_one = [lake.scan(DAILY_BARS, version=version).collect() for version in range(lake.version(DAILY_BARS))][1]
    assert set(day_one["session"]) == {THU}


def test_the_catalog_answers_any_duckdb_client(maintained):
    home, _, metadata = maintained
    assert metadata["sql_catalog"]["stocks.daily_bars"] == 4
    with duckdb.connect(str(home.catalog), read_only=True) as client:
        give_access(client, Lake(home.lake))
        found = client.sql("SELECT session, ticker FROM stocks.daily_bars ORDER BY ALL").fetchall()
    assert found == [(THU, "AAP"), (THU, "NA"), (FRI, "AAP"), (FRI, "NA")]


def test_what_killed_processes_left_outside_the_tables_goes_after_a_day_and_nothing_else(maintained):
    home, _, metadata = maintained
    assert metadata["vacuumed_tables"]["unfinished_removed"] == 0
    kept, left = leftovers(home, "new"), leftovers(home, "old")
    for path in left:
        then = path.stat().st_mtime - 2 * 86_400
        os.utime(path, (then, then))
    before = files_of(home) - {path for path in left if path.is_file()}
    with instance() as dagster:
        job = build_definitions(home).resolve_job_def("maintenance")
        result = job.execute_in_process(
            instance=dagster, run_config=QUIET, asset_selection=[AssetKey(["operations", "vacuumed_tables"])]
        )
    (event,) = result.get_asset_materialization_events()
    assert event.materialization.metadata["unfinished_removed"].value == len(left)
    assert [path for path in left if path.exists()] == []
    assert [path for path in kept if not path.exists()] == []
    assert {path for path in before if ".writing-old" not in str(path)} - files_of(home) == set()


def leftovers(home, name):
    """Lay down what a killed process leaves: of a vendor file, a record and the catalog, and a folder of pages."""
    files = [home.catalog.parent / f".{home.catalog.name}-{name}"]
    if isinstance(home.lake, Path):
        records = home.lake / "stocks/daily_bars/_hashes"
        raw = next(home.lake.glob("raw/us_stocks_sip/day_aggs_v1/*/*"))
        files += [raw / f".incoming-{name}", records / f".incoming-{name}"]
    for path in files:
        path.write_bytes(b"half of it")
    pages = home.reports / f".writing-{name}"
    pages.mkdir(parents=True)
    (pages / "index.html").write_text("half of it")
    return [*files, pages]


def files_of(home):
    return {path for path in home.home.rglob("*") if path.is_file() and "history" not in path.parts}


@pytest.mark.thorough
def test_a_probe_that_a_killed_process_left_in_the_bucket_goes_and_nothing_else(s3_server):
    lake = Lake(s3_server.place())
    for name in (".candlelake-probe-0", "raw/.candlelake-probe-0"):
        lake.objects.put(name, b"first")
    assert lake.store.remove_unfinished(older_than=timedelta(days=1)) == []
    # A server's clock cannot be set: what is older than now is old.
    assert lake.store.remove_unfinished(older_than=timedelta(seconds=-60)) == [".candlelake-probe-0"]
    assert list(lake.objects.names("")) == ["raw/.candlelake-probe-0"]
