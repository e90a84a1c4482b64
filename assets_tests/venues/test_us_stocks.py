"""US stocks as a venue: its hours agree with another library's."""

from datetime import UTC, date, datetime, time

import exchange_calendars
import pytest

from pipeline.venues.us_stocks import US_STOCKS
from pipeline.venues.xnys import EARLY_CLOSES


@pytest.mark.filterwarnings("ignore:Series.values returning an ndarray:DeprecationWarning")  # exchange-calendars 4.13
def test_early_closes_are_those_of_exchange_calendars_from_2003_to_2040():
    xnys = exchange_calendars.get_calendar("XNYS", start="2003-01-01", end="2040-12-31")
    ours = [date.fromisoformat(f"{year}-{day}") for year, days in EARLY_CLOSES.items() for day in days.split()]
    assert ours == [session.date() for session in xnys.early_closes]
    closes = {xnys.session_close(str(session)).tz_convert(US_STOCKS.zone).time() for session in ours}
    assert closes == {US_STOCKS.hours.close(session) for session in ours} == {time(13)}


def test_regular_hours_are_one_span_in_utc_and_end_early_on_short_sessions():
    assert US_STOCKS.regular_hours(date(2024, 1, 5)) == (
        (datetime(2024, 1, 5, 14, 30, tzinfo=UTC), datetime(2024, 1, 5, 21, tzinfo=UTC)),
    )
    assert US_STOCKS.regular_hours(date(2024, 7, 3)) == (
        (datetime(2024, 7, 3, 13, 30, tzinfo=UTC), datetime(2024, 7, 3, 17, tzinfo=UTC)),
    )


@pytest.mark.parametrize(("day", "hours"), [(date(2024, 3, 10), 23), (date(2024, 11, 3), 25), (date(2024, 1, 5), 24)])
def test_a_day_is_as_long_as_the_clock_makes_it(day, hours):
    begin, end = US_STOCKS.bounds(day)
    assert (end - begin).total_seconds() == hours * 3600
