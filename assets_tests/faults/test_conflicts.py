"""A step that another writer overtook is redone from its inputs, a bounded number of times; nothing else is."""

from collections.abc import Callable
from datetime import date
from itertools import count
from pathlib import Path

import polars as pl
import pytest
from dagster import DagsterEventType, DagsterInstance, ExecuteInProcessResult

from assets_tests.dagster_runs import TO_BARS, failure_of, rows, run
from assets_tests.vendor_day import VendorFolder, row
from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.deliveries import DELIVERIES
from pipeline.contracts.quarantine import QUARANTINE
from pipeline.contracts.table import Table
from pipeline.errors import TableMissing
from pipeline.lake import lake as lake_module
from pipeline.lake.delta.overwrite import Overwrite
from pipeline.lake.lake import Lake
from pipeline.orchestration import lake_resource as lake_of_run
from pipeline.orchestration.lake_resource import MOST_RETRIES

DAY = date(2024, 1, 5)
OTHER = "another-run"


@pytest.fixture
def vendor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> VendorFolder:
    monkeypatch.setattr(lake_of_run, "FIRST_PAUSE", 0.001)
    folder = VendorFolder(tmp_path)
    folder.lay(DAY, *(row(DAY, ticker, "10") for ticker in ("AAP", "AAp", "NA", "TRUE")))
    return folder


def overtaken(monkeypatch: pytest.MonkeyPatch, vendor: VendorFolder, table: Table, times: int) -> None:
    """Let another writer replace the day's rows of `table` between the opening and the commit of the first writes."""
    number = count()
    before_commits(monkeypatch, table, lambda: next(number) < times and another(vendor, table))


def before_commits(monkeypatch: pytest.MonkeyPatch, table: Table, act: Callable[[], object]) -> None:
    """Let something happen between the opening and each commit of the run under test to `table`."""
    commit = lake_module.commit

    def after_acting(store: object, opened: object, overwrite: Overwrite, *rest: object) -> None:
        if overwrite.table is table and overwrite.metadata["run_id"] != OTHER:
            act()
        commit(store, opened, overwrite, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(lake_module, "commit", after_acting)


def another(vendor: VendorFolder, table: Table) -> None:
    lake = Lake(vendor.settings().lake)
    try:
        rows = lake.scan(table, DAY, DAY).collect()
    except TableMissing:
        rows = table.empty()
    if rows.is_empty():
        prices = dict.fromkeys(("open", "high", "low", "close"), 99.0)
        rows = pl.DataFrame([{"ticker": "OTHER", "session": DAY, **prices, "volume": 1.0, "transactions": 1}])
    lake.replace(table, [DAY], [rows.select(list(table.columns))], run_id=OTHER)


def run_day(vendor: VendorFolder, instance: DagsterInstance) -> ExecuteInProcessResult:
    return run(vendor.settings(), [DAY], instance=instance, only=TO_BARS, raises=False)


def retries(result: ExecuteInProcessResult) -> list[str]:
    return [event.step_key for event in result.filter_events(_asks_to_be_redone) if event.step_key]


def _asks_to_be_redone(event: object) -> bool:
    return event.event_type == DagsterEventType.STEP_UP_FOR_RETRY  # type: ignore[attr-defined]


def test_a_step_that_was_overtaken_is_redone_and_the_tables_agree(
    vendor: VendorFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    overtaken(monkeypatch, vendor, DAILY_BARS, times=2)
    with DagsterInstance.ephemeral() as instance:
        result = run_day(vendor, instance)
    assert result.success
    assert retries(result) == ["stocks_cleaned_day_aggs"] * 2
    assert rows(vendor.settings(), DAILY_BARS)["ticker"].to_list() == ["AAP", "AAp", "NA", "TRUE"]
    assert rows(vendor.settings(), DELIVERIES).select("kept", "run_id").rows() == [(4, result.run_id)]
    assert rows(vendor.settings(), QUARANTINE).is_empty()


@pytest.mark.thorough
def test_one_that_is_overtaken_every_time_fails_with_the_table_and_the_other_commit(
    vendor: VendorFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    overtaken(monkeypatch, vendor, DAILY_BARS, times=1_000)
    with DagsterInstance.ephemeral() as instance:
        result = run_day(vendor, instance)
    assert not result.success
    assert len(retries(result)) == MOST_RETRIES
    newest = Lake(vendor.settings().lake).version(DAILY_BARS)
    assert f"the same rows of stocks.daily_bars meanwhile (version {newest}, by run {OTHER})" in failure_of(result)
    assert rows(vendor.settings(), DAILY_BARS)["ticker"].to_list() == ["OTHER"], "the other run's rows are untouched"


def test_a_file_that_is_refused_is_not_tried_again(vendor: VendorFolder) -> None:
    vendor.lay_bytes(DAY, b"<html>No such file</html>")
    with DagsterInstance.ephemeral() as instance:
        result = run_day(vendor, instance)
    assert not result.success
    assert retries(result) == []
    assert "FileRefused" in failure_of(result)


def test_a_run_that_was_marked_as_over_writes_nothing_and_is_not_tried_again(
    vendor: VendorFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def give_up() -> None:
        for running in instance.get_runs():
            instance.report_run_failed(running)

    before_commits(monkeypatch, DAILY_BARS, give_up)
    with DagsterInstance.ephemeral() as instance:
        result = run_day(vendor, instance)
    assert not result.success
    assert retries(result) == []
    assert f"RunReplaced: The run {result.run_id} was given up (FAILURE)" in failure_of(result)
    assert rows(vendor.settings(), DAILY_BARS).is_empty()


def test_the_run_whose_bars_were_replaced_by_another_is_redone(
    vendor: VendorFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without it, bars would be the other run's and the audit trail this one's."""
    number = count()
    before_commits(monkeypatch, QUARANTINE, lambda: next(number) or another(vendor, DAILY_BARS))
    with DagsterInstance.ephemeral() as instance:
        result = run_day(vendor, instance)
    assert result.success
    assert retries(result) == ["stocks_cleaned_day_aggs"]
    newest = [Lake(vendor.settings().lake).history(f"stocks/{name}")["run_id"][0] for name in TO_BARS[1:]]
    assert newest == [result.run_id] * 3
