"""Files that are replaced, refused or missing, through the real assets."""

from datetime import date

import polars as pl
import pytest

from assets_tests.dagster_runs import TO_BARS, failure_of, instance, rows, run
from assets_tests.stocks import TABLES
from assets_tests.vendor_day import HEADER, VendorFolder, day_file, key_of, row
from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.deliveries import DELIVERIES
from pipeline.contracts.quarantine import QUARANTINE
from pipeline.errors import NotPublished
from pipeline.lake.lake import Lake
from pipeline.lake.raw.raw_files import RawFiles

FRI, MON, TUE = date(2024, 1, 5), date(2024, 1, 8), date(2024, 1, 9)
GOOD = [row(FRI, ticker) for ticker in ("AAPL", "IBM", "KO", "NA")]
BAD = row(FRI, "BAD", high="1")


@pytest.fixture
def vendor(tmp_path):
    return VendorFolder(tmp_path)


@pytest.fixture
def dagster():
    with instance() as ephemeral:
        yield ephemeral


@pytest.fixture(scope="module")
def replaced(tmp_path_factory):
    """A session whose file the vendor replaced, and that ran after each delivery: vendor and the two files."""
    vendor = VendorFolder(tmp_path_factory.mktemp("replaced"))
    with instance() as dagster:
        first = vendor.lay(FRI, *GOOD, BAD)
        run(vendor.settings(), [FRI], instance=dagster, only=TO_BARS)
        second = vendor.lay(FRI, row(FRI, "AAPL", "15"), *GOOD[1:3])
        run(vendor.settings(), [FRI], instance=dagster, only=TO_BARS)
    return vendor, first, second


def test_a_replaced_file_replaces_the_bars_and_the_rejected_rows(replaced):
    vendor, _, _ = replaced
    bars = rows(vendor.settings(), DAILY_BARS)
    assert dict(bars.select("ticker", "close").iter_rows()) == {"AAPL": 15.0, "IBM": 10.0, "KO": 10.0}
    assert rows(vendor.settings(), QUARANTINE).is_empty()


def test_a_replaced_file_keeps_both_deliveries_and_only_the_new_one_is_current(replaced):
    vendor, first, second = replaced
    deliveries = rows(vendor.settings(), DELIVERIES)
    found = {
        (one["size"], one["is_current"], one["rows_read"], one["kept"], one["quarantined"])
        for one in deliveries.iter_rows(named=True)
    }
    assert found == {(len(first), False, 5, 4, 1), (len(second), True, 3, 3, 0)}


def test_a_replaced_file_keeps_the_bytes_of_both_versions(replaced):
    vendor, first, second = replaced
    raw = RawFiles(vendor.settings().lake)
    versions = raw.versions("us_stocks_sip/day_aggs_v1", FRI)
    assert [raw.read(version) for version in versions] == [first, second]


TRUNCATED = day_file(*GOOD)[:-12]
REFUSED = {
    "not gzip": (f"{HEADER}\n{GOOD[0]}\n".encode(), "is not a gzip file"),
    "truncated": (TRUNCATED, "is truncated"),
    "wrong columns": (day_file("AAPL,10", header="ticker,close"), "lacks volume, open, high, low, window_start"),
    "header only": (day_file(), "has a header but no row"),
    "too many bad rows": (day_file(*GOOD[:3], BAD), "1 bad rows of 4 (25.0%)"),
}


@pytest.fixture(scope="module")
def refused(tmp_path_factory):
    """A session whose good file the vendor replaced by one bad file after another: versions before, and outcomes."""
    vendor = VendorFolder(tmp_path_factory.mktemp("refused"))
    lake = Lake(vendor.settings().lake)
    with instance() as dagster:
        vendor.lay(FRI, *GOOD)
        run(vendor.settings(), [FRI], instance=dagster)
        versions_before = {table: lake.version(table) for table in TABLES}
        outcomes = {}
        for name, (content, _) in REFUSED.items():
            vendor.lay_bytes(FRI, content)
            result = run(vendor.settings(), [FRI], instance=dagster, raises=False)
            outcomes[name] = (result.success, failure_of(result), {table: lake.version(table) for table in TABLES})
    return versions_before, outcomes


@pytest.mark.parametrize("name", REFUSED)
def test_a_refused_file_leaves_every_table_as_it_was_and_the_error_names_file_and_fault(refused, name):
    versions_before, outcomes = refused
    success, failure, versions = outcomes[name]
    assert not success
    assert "FileRefused" in failure
    assert key_of(FRI) in failure
    assert REFUSED[name][1] in failure
    assert versions == versions_before


@pytest.mark.thorough
def test_a_good_file_after_a_refused_one_is_taken_in(vendor, dagster):
    vendor.lay_bytes(FRI, TRUNCATED)
    assert not run(vendor.settings(), [FRI], instance=dagster, raises=False).success
    vendor.lay(FRI, *GOOD)
    assert run(vendor.settings(), [FRI], instance=dagster, only=TO_BARS).success
    assert len(rows(vendor.settings(), DAILY_BARS)) == len(GOOD)


@pytest.mark.thorough
def test_one_refused_file_of_a_range_keeps_the_whole_range_out(vendor, dagster):
    vendor.lay(FRI, *GOOD)
    vendor.lay_bytes(MON, TRUNCATED)
    result = run(vendor.settings(), [FRI, MON], instance=dagster, raises=False)
    assert f"{key_of(MON)} is truncated" in failure_of(result)
    assert rows(vendor.settings(), DAILY_BARS).is_empty()


def test_sessions_without_a_file_are_named_and_nothing_is_fetched(vendor, dagster):
    vendor.lay(FRI, *GOOD)
    with pytest.raises(NotPublished, match=f"2 of 3 sessions have no file in .*: {MON}, {TUE}\\."):
        run(vendor.settings(), [FRI, MON, TUE], instance=dagster)
    assert not (vendor.settings().lake / "raw").exists()


@pytest.mark.thorough
def test_unread_columns_are_a_warning_in_the_run(vendor, dagster):
    lines = [f"{one},{number}.5" for number, one in enumerate(GOOD)]
    vendor.lay_bytes(FRI, day_file(*lines, header=f"{HEADER},vwap"))
    result = run(vendor.settings(), [FRI], instance=dagster, only=TO_BARS)
    assert len(rows(vendor.settings(), DAILY_BARS)) == len(GOOD)
    warnings = [entry.user_message for entry in dagster.all_logs(result.run_id) if entry.level == 30]
    assert f"{key_of(FRI)} has unknown columns: vwap." in warnings


@pytest.mark.thorough
def test_a_version_that_was_replaced_before_it_was_worked_has_a_row(vendor, dagster):
    home = vendor.settings()
    for close in ("10", "11", "12"):
        vendor.lay(FRI, row(FRI, "AAPL", close))
        run(home, [FRI], instance=dagster, only=["raw_day_aggs"])
    run(home, [FRI], instance=dagster, only=TO_BARS)
    deliveries = rows(home, DELIVERIES)
    assert deliveries.filter("is_current").select("rows_read", "kept").rows() == [(1, 1)]
    missed = deliveries.filter(~pl.col("is_current"))
    assert missed.select("rows_read", "kept", "duplicates", "quarantined").rows() == [(None,) * 4] * 2
    in_raw = {receipt.etag for receipt in RawFiles(home.lake).versions("us_stocks_sip/day_aggs_v1", FRI)}
    assert set(deliveries["etag"]) == in_raw


@pytest.mark.thorough
def test_a_refused_version_has_a_row_once_a_good_one_came(vendor, dagster):
    home = vendor.settings()
    vendor.lay_bytes(FRI, day_file(row(FRI, "AAPL"))[:-9])
    assert not run(home, [FRI], instance=dagster, only=TO_BARS, raises=False).success
    vendor.lay(FRI, row(FRI, "AAPL"))
    run(home, [FRI], instance=dagster, only=TO_BARS)
    assert rows(home, DELIVERIES).sort("is_current").select("is_current", "kept").rows() == [(False, None), (True, 1)]
