"""A run that ends between bars and audit trail: no damage, named by a check, and finished by the next run."""

import errno
from datetime import date

import pytest

from assets_tests.dagster_runs import TO_BARS, instance, run
from assets_tests.vendor_day import VendorFolder, row
from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.deliveries import DELIVERIES
from pipeline.lake.lake import Lake
from pipeline.orchestration.repair import repair
from pipeline.progress import Progress
from pipeline.queries.integrity import verify

THU, FRI = date(2024, 1, 4), date(2024, 1, 5)


@pytest.fixture
def vendor(tmp_path):
    folder = VendorFolder(tmp_path)
    for session in (THU, FRI):
        folder.lay(session, row(session, "A"), row(session, "B"))
    return folder


@pytest.fixture
def settings(vendor):
    settings = vendor.settings()
    with instance() as dagster:
        run(settings, [THU, FRI], instance=dagster, only=TO_BARS)
    return settings


@pytest.fixture
def broken_off(vendor, settings, monkeypatch):
    """The settings of a lake in which a run of a replaced file of FRI found no room for the audit trail."""
    vendor.lay(FRI, row(FRI, "A"))
    replace = Lake.replace

    def full(lake, table, *arguments, **options):
        if table is DELIVERIES:
            raise OSError(errno.ENOSPC, "No space left on device")
        return replace(lake, table, *arguments, **options)

    with monkeypatch.context() as patched, instance() as dagster:
        patched.setattr(Lake, "replace", full)
        assert not run(settings, [FRI], instance=dagster, only=TO_BARS, raises=False).success
    return settings


def checked(settings):
    return verify(Lake(settings.lake), Progress())


def test_after_a_whole_run_no_session_is_unfinished(settings):
    found = checked(settings)
    assert (found.damages, found.unfinished) == ([], [])


def test_the_session_of_a_run_that_ended_early_is_unfinished_and_not_damaged_and_the_next_run_finishes_it(broken_off):
    found = checked(broken_off)
    assert found.damages == []
    assert [(one.table, one.first) for one in found.unfinished] == [("stocks.daily_bars", FRI)]
    with instance() as dagster:
        run(broken_off, [FRI], instance=dagster, only=TO_BARS)
    assert checked(broken_off).unfinished == []


@pytest.mark.thorough
def test_a_repair_finishes_it(broken_off):
    done = repair(broken_off, checked(broken_off), Progress())
    assert done.ended_well
    assert checked(broken_off).unfinished == []


@pytest.mark.thorough
def test_rows_that_another_program_took_away_are_damage(settings):
    Lake(settings.lake).open_to_write(DAILY_BARS.path).delete("session = '2024-01-05'")
    found = checked(settings)
    assert [(one.table, one.first) for one in found.damages] == [("stocks.daily_bars", FRI)]
    assert found.unfinished == []
