"""Runs started from the command line: on the home's own instance, with a report of what was done."""

import logging
from datetime import date

import pytest
from dagster import AssetKey, DagsterRunStatus

from assets_tests.dagster_runs import rows
from assets_tests.vendor_day import HEADER, VendorFolder, day_file, row
from pipeline.contracts.bars import DAILY_BARS
from pipeline.errors import FileRefused, PermanentError
from pipeline.orchestration.instance import open_instance
from pipeline.orchestration.runs import run_sessions, runnable_sessions
from pipeline.progress import Progress
from pipeline.settings import Settings

THU, FRI, MON = date(2024, 1, 4), date(2024, 1, 5), date(2024, 1, 8)
TICKERS = ["AAP", "AAp", "NA", "TRUE", "1E5"]


class Heard(Progress):
    """Remembers the stages, and the steps of each that were done."""

    def __init__(self):
        super().__init__()
        self.stages = {}

    def begin(self, stage, total):
        self._current = stage
        self.stages[stage] = [0, total]

    def advance(self, steps):
        self.stages[self._current][0] += steps


@pytest.fixture(autouse=True)
def dagsters_log_level():
    """A run from the command line silences Dagster's log; here it gets its voice back."""
    level = logging.getLogger("dagster").level
    yield
    logging.getLogger("dagster").setLevel(level)


@pytest.fixture(scope="module")
def vendor(tmp_path_factory):
    folder = VendorFolder(tmp_path_factory.mktemp("execution"))
    for session in (THU, FRI):
        folder.lay(session, *(row(session, ticker) for ticker in TICKERS))
    half = [f"{row(MON, ticker)},1.5" for ticker in TICKERS[:2]]
    folder.lay_bytes(MON, day_file(*half, header=f"{HEADER},vwap"))
    return folder


@pytest.fixture(scope="module")
def after_a_range(vendor):
    heard = Heard()
    return run_sessions(vendor.settings(), [THU, FRI], heard), heard


@pytest.fixture(scope="module")
def after_a_thin_day(vendor, after_a_range):
    return run_sessions(vendor.settings(), [MON], Progress())


def test_the_report_names_sessions_stages_and_times(after_a_range):
    report, _ = after_a_range
    assert report.sessions == (THU, FRI)
    stages = {stage.name: stage for stage in report.stages}
    assert list(stages)[:5] == ["raw files", "bars", "indicators", "doubts", "candidates"]
    assert all(stage.seconds >= 0 for stage in stages.values())
    assert stages["bars"].counts == {"rows": 2 * len(TICKERS), "quarantined": 0}
    assert stages["indicators"].counts == {"rows": 2 * len(TICKERS)}


def test_a_range_of_old_sessions_is_no_failure(after_a_range):
    report, _ = after_a_range
    assert (report.warnings, report.failed_checks) == ((), ())


def test_whoever_waits_hears_of_every_stage_to_its_end(after_a_range):
    _, heard = after_a_range
    assert heard.stages == {
        "vendor files": [2, 2],
        "cleaning": [2, 2],
        "indicators": [2, 2],
        "doubts": [2, 2],
        "candidates": [2, 2],
        "pages": [2, 2],
    }


def test_the_run_is_on_the_instance_that_the_ui_opens(vendor, after_a_range):
    report, _ = after_a_range
    with open_instance(vendor.settings().home) as instance:
        run = instance.get_run_by_id(report.run_id)
        assert (run.job_name, run.status) == ("stocks_by_day", DagsterRunStatus.SUCCESS)
        assert {str(THU), str(FRI)} <= instance.get_materialized_partitions(AssetKey(["stocks", "candidates"]))


def test_a_failed_check_is_in_the_report_and_the_rows_are_there(vendor, after_a_thin_day):
    (failed,) = after_a_thin_day.failed_checks
    assert failed.check_name == "covers_the_market"
    assert failed.metadata["least_coverage"].value == pytest.approx(0.4)
    assert MON in set(rows(vendor.settings(), DAILY_BARS)["session"])


def test_the_report_carries_the_run_s_warnings(after_a_thin_day):
    (warning,) = after_a_thin_day.warnings
    assert "has unknown columns: vwap" in warning


def test_an_error_of_an_asset_reaches_the_caller_as_it_is(tmp_path):
    vendor = VendorFolder(tmp_path)
    vendor.lay_bytes(FRI, b"not a gzip file")
    with pytest.raises(FileRefused, match="is not a gzip file"):
        run_sessions(vendor.settings(), [FRI], Progress())


def test_days_without_trading_are_not_run():
    assert runnable_sessions(Settings(), date(2024, 1, 12), date(2024, 1, 16)) == [date(2024, 1, 12), date(2024, 1, 16)]


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (date(2024, 1, 13), date(2024, 1, 15)),
        (date(2003, 9, 1), date(2003, 9, 9)),
        (date(2039, 1, 3), date(2039, 1, 4)),
        (date(2024, 1, 16), date(2024, 1, 12)),
    ],
)
def test_a_span_without_a_partition_is_refused_with_the_tables_span(start, end):
    with pytest.raises(PermanentError, match=r"The tables span 2003-09-10 to ") as refused:
        runnable_sessions(Settings(), start, end)
    assert f"{start} to {end}" in str(refused.value)


def test_chunks_are_counted_when_the_next_is_requested():
    heard = Heard()
    seen = [(list(chunk), list(heard.stages["stage"])) for chunk in heard.chunks("stage", [1, 2, 3], 2)]
    assert seen == [([1, 2], [0, 3]), ([3], [2, 3])]
    assert heard.stages == {"stage": [3, 3]}


def test_items_are_tracked_one_by_one():
    heard = Heard()
    assert list(heard.track("stage", ["a", "b"])) == ["a", "b"]
    assert heard.stages == {"stage": [2, 2]}
