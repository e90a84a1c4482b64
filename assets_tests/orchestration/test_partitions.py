from datetime import UTC, date, datetime

import pytest
import time_machine

from assets_tests.stock_graph import STOCK_SESSIONS
from pipeline.errors import SettingsError
from pipeline.orchestration.partitions import (
    last_day_over,
    look_back,
    session_partitions,
    sessions_of,
    sessions_over,
)
from pipeline.settings import Settings
from pipeline.sources.port import PUBLICATION
from pipeline.venues.us_stocks import US_STOCKS

NOON_IN_MAY = datetime(2024, 5, 28, 12, tzinfo=UTC)


def test_the_partitions_are_the_sessions_of_the_exchange_from_the_vendor_s_first_day():
    keys = STOCK_SESSIONS.get_partition_keys(current_time=NOON_IN_MAY)
    assert keys[0] == "2003-09-10"
    assert keys == [str(session) for session in US_STOCKS.calendar.between(date(2003, 9, 10), date(2024, 5, 24))]


def test_no_holiday_of_the_years_to_come_is_a_partition():
    keys = STOCK_SESSIONS.get_partition_keys(current_time=datetime(2040, 12, 31, 12, tzinfo=UTC))
    assert keys == [str(session) for session in US_STOCKS.calendar.between(date(2003, 9, 10), date(2040, 12, 28))]


def test_a_session_gets_its_partition_at_new_york_s_midnight_after_it():
    before, after = datetime(2024, 5, 25, 3, 59, tzinfo=UTC), datetime(2024, 5, 25, 4, 0, tzinfo=UTC)
    assert STOCK_SESSIONS.get_partition_keys(current_time=before)[-1] == "2024-05-23"
    assert STOCK_SESSIONS.get_partition_keys(current_time=after)[-1] == "2024-05-24"


def test_the_definition_is_the_same_whenever_it_is_made():
    with time_machine.travel(datetime(2031, 7, 4, tzinfo=UTC)):
        later = session_partitions(US_STOCKS)
    assert later.get_serializable_unique_identifier() == STOCK_SESSIONS.get_serializable_unique_identifier()


def test_start_and_end_bound_the_partitions():
    bounded = session_partitions(US_STOCKS, date(2024, 1, 6), date(2024, 1, 16))
    assert bounded.get_partition_keys() == [
        *("2024-01-08", "2024-01-09", "2024-01-10", "2024-01-11", "2024-01-12", "2024-01-16"),
    ]


def test_a_history_may_be_a_single_session():
    assert session_partitions(US_STOCKS, date(2024, 1, 16), date(2024, 1, 16)).get_partition_keys() == ["2024-01-16"]


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (date(2003, 9, 9), None),
        (date(2024, 1, 16), date(2024, 1, 12)),
        (date(2024, 1, 13), date(2024, 1, 15)),
        (date(2041, 1, 2), None),
    ],
)
def test_a_span_without_a_session_of_the_vendor_is_refused(start, end):
    with pytest.raises(SettingsError, match="CANDLELAKE_START"):
        session_partitions(US_STOCKS, start, end)


def test_the_look_back_counts_sessions_and_the_session_itself():
    bounded = session_partitions(US_STOCKS, date(2024, 1, 2), date(2024, 1, 31))
    wanted = bounded.empty_subset().with_partition_keys(["2024-01-17"])
    needed = look_back(3).get_upstream_mapped_partitions_result_for_partitions(wanted, bounded, bounded)
    assert list(needed.partitions_subset.get_partition_keys()) == ["2024-01-12", "2024-01-16", "2024-01-17"]


def test_keys_become_sessions_in_order():
    assert sessions_of(["2024-01-16", "2024-01-12"]) == [date(2024, 1, 12), date(2024, 1, 16)]


@pytest.mark.parametrize(
    ("now", "newest"),
    [
        (datetime(2024, 5, 24, 15, 29, tzinfo=UTC), date(2024, 5, 22)),
        (datetime(2024, 5, 24, 15, 30, tzinfo=UTC), date(2024, 5, 23)),
        (datetime(2024, 5, 25, 2, 0, tzinfo=UTC), date(2024, 5, 23)),  # still Friday in New York
        (datetime(2024, 5, 25, 15, 30, tzinfo=UTC), date(2024, 5, 24)),
        (datetime(2024, 5, 28, 20, 0, tzinfo=UTC), date(2024, 5, 24)),  # Tuesday after Memorial Day
        (datetime(2024, 1, 5, 16, 29, tzinfo=UTC), date(2024, 1, 3)),  # winter: an hour later in UTC
        (datetime(2024, 1, 5, 16, 30, tzinfo=UTC), date(2024, 1, 4)),
    ],
)
def test_a_session_is_published_at_half_past_eleven_new_york_on_the_day_after(now, newest):
    assert PUBLICATION.newest(US_STOCKS, now) == newest


def test_a_complete_history_ends_where_the_settings_say():
    now = datetime(2024, 5, 28, 20, 0, tzinfo=UTC)
    assert PUBLICATION.newest(US_STOCKS, now, end=date(2013, 2, 9)) == date(2013, 2, 8)


def test_a_day_is_over_at_new_york_s_midnight():
    assert last_day_over(US_STOCKS, datetime(2024, 5, 25, 3, 59, tzinfo=UTC)) == date(2024, 5, 23)
    assert last_day_over(US_STOCKS, datetime(2024, 5, 25, 4, 0, tzinfo=UTC)) == date(2024, 5, 24)
    assert last_day_over(US_STOCKS, datetime(2024, 5, 25, 4, 0, tzinfo=UTC), end=date(2013, 2, 8)) == date(2013, 2, 8)


@pytest.mark.parametrize("hour", [0, 3, 4, 5, 12, 23])
def test_the_sessions_that_are_over_are_those_that_have_a_partition(hour):
    for day in (date(2024, 7, 3), date(2024, 7, 5), date(2024, 7, 8), date(2024, 11, 4), date(2025, 3, 10)):
        now = datetime(day.year, day.month, day.day, hour, 30, tzinfo=UTC)
        keys = STOCK_SESSIONS.get_partition_keys(current_time=now)
        assert [str(session) for session in sessions_over(US_STOCKS, Settings(), now)] == keys
