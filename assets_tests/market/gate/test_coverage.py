from datetime import date

import polars as pl
import pytest

from pipeline.market.gate.coverage import coverage


def bar_counts(*bars):
    sessions = [date(2024, 1, 2 + number) for number in range(len(bars))]
    return pl.DataFrame({"session": sessions, "bars": bars}, schema={"session": pl.Date, "bars": pl.UInt32})


def test_a_session_is_held_against_the_median_of_those_before_it():
    found = coverage(bar_counts(100, 300, 200, 150), trailing=20)
    assert found["median_before"].to_list() == [None, 100.0, 200.0, 200.0]
    assert found["coverage"].to_list() == [None, 3.0, 1.0, 0.75]


def test_only_the_trailing_sessions_count():
    assert coverage(bar_counts(1000, 10, 20, 10), trailing=2)["median_before"].to_list() == [None, 1000.0, 505.0, 15.0]


def test_sessions_come_in_any_order():
    forward = bar_counts(100, 300, 200, 150)
    assert coverage(forward.reverse(), trailing=2).equals(coverage(forward, trailing=2))


def test_a_half_missing_session_does_not_pull_the_next_one_s_median_down():
    found = coverage(bar_counts(100, 100, 100, 50, 100), trailing=20)
    assert found["coverage"][3] == pytest.approx(0.5)
    assert found["coverage"][4] == pytest.approx(1.0)
