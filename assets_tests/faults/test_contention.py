"""Several processes over one lake at once: nothing is lost, doubled or half read."""

import pytest
from polars.testing import assert_frame_equal

from assets_tests.faults.contention import at_once, readers
from assets_tests.faults.nursery import Work
from assets_tests.faults.two_versions import DAYS, NEW, OLD, Market, assert_agree, lake_of, stored_tables
from assets_tests.stocks import INDICATORS_TABLE
from pipeline.contracts.candidates import CANDIDATES

pytestmark = pytest.mark.thorough


def test_runs_of_the_same_sessions_with_maintenance_and_readers_beside_them(small: Market) -> None:
    settings = small.home("same")
    small.publish(OLD)
    small.run(settings)
    small.publish(NEW)
    with readers(settings) as seen:
        at_once(small, [Work(settings, DAYS), Work(settings, DAYS), Work(settings, job="maintenance")])
    assert {OLD, NEW} <= set(seen)
    assert_agree(stored_tables(settings), NEW)
    alone = stored_tables(settings)
    small.run(settings)
    for name, rows in stored_tables(settings).items():
        assert_frame_equal(alone[name], rows)


def test_runs_of_different_sessions_beside_each_other_lose_nothing(small: Market) -> None:
    settings = small.home("different")
    small.publish(OLD)
    at_once(small, [Work(settings, [day]) for day in DAYS])
    small.publish(NEW)
    with readers(settings):
        at_once(small, [*(Work(settings, [day]) for day in DAYS), Work(settings, job="maintenance")])
    assert_agree(stored_tables(settings), NEW)
    keys = stored_tables(settings)["stocks.daily_bars"].select("session", "ticker").sort("session", "ticker").rows()
    lake = lake_of(settings)
    computed = lake.scan(INDICATORS_TABLE, *DAYS).select("session", "ticker").sort("session", "ticker").collect()
    assert computed.rows() == keys
    listed = lake.scan(CANDIDATES, *DAYS).select(CANDIDATES.key).collect()
    assert not listed.is_duplicated().any()
