from datetime import date

import exchange_calendars
import pytest

from pipeline.venues.us_stocks import US_STOCKS


@pytest.mark.filterwarnings("ignore:Series.values returning an ndarray:DeprecationWarning")  # exchange-calendars 4.13
def test_the_sessions_are_those_of_exchange_calendars_from_2003_to_2040():
    xnys = exchange_calendars.get_calendar("XNYS", start="2003-01-01", end="2040-12-31")
    assert US_STOCKS.calendar.sessions == tuple(session.date() for session in xnys.sessions)


def test_weekends_and_holidays_are_no_sessions():
    assert US_STOCKS.calendar.is_session(date(2024, 1, 12))
    for closed in (date(2024, 1, 13), date(2024, 1, 14), date(2024, 1, 15)):
        assert not US_STOCKS.calendar.is_session(closed)


def test_closed_weekdays_are_in_order_and_never_on_a_weekend():
    closed = US_STOCKS.closed_days
    assert list(closed) == sorted(set(closed))
    assert all(day.weekday() < 5 for day in closed)
    assert date(2012, 10, 29) in closed


def test_between_has_both_ends_and_may_be_empty():
    assert US_STOCKS.calendar.between(date(2024, 1, 12), date(2024, 1, 16)) == (date(2024, 1, 12), date(2024, 1, 16))
    assert US_STOCKS.calendar.between(date(2024, 1, 13), date(2024, 1, 15)) == ()


def test_at_or_before_steps_back_over_days_off():
    assert US_STOCKS.calendar.at_or_before(date(2024, 1, 15)) == date(2024, 1, 12)
    assert US_STOCKS.calendar.at_or_before(date(2024, 1, 16)) == date(2024, 1, 16)


def test_offset_counts_sessions_either_way():
    assert US_STOCKS.calendar.offset(date(2024, 1, 12), 1) == date(2024, 1, 16)
    assert US_STOCKS.calendar.offset(date(2024, 1, 16), -1) == date(2024, 1, 12)
    assert US_STOCKS.calendar.offset(date(2024, 1, 16), 0) == date(2024, 1, 16)


def test_offset_is_held_inside_the_calendar():
    assert US_STOCKS.calendar.offset(date(2003, 1, 3), -10) == date(2003, 1, 2)
    assert US_STOCKS.calendar.offset(date(2040, 12, 28), 10) == date(2040, 12, 31)


def test_offset_from_a_day_off_is_refused():
    with pytest.raises(ValueError, match="2024-01-15 is not a session"):
        US_STOCKS.calendar.offset(date(2024, 1, 15), 1)


@pytest.mark.parametrize("day", [date(2002, 12, 31), date(2041, 1, 1)])
def test_days_that_the_calendar_does_not_know_are_refused(day):
    with pytest.raises(ValueError, match="The calendar knows 2003-01-02 to 2040-12-31"):
        US_STOCKS.calendar.is_session(day)


def test_no_session_lies_before_the_first():
    with pytest.raises(ValueError, match="no session at or before 2003-01-01"):
        US_STOCKS.calendar.at_or_before(date(2003, 1, 1))
