"""A venue is a value: a lunch break, another zone, days that never end; the declared facts decide."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from pipeline.venues.venue import Hours, Venue

SHANGHAI = Venue(
    name="Shanghai stocks",
    market="shanghai",
    city="Shanghai",
    zone=ZoneInfo("Asia/Shanghai"),
    closures={2024: "01-01 02-09 02-12"},
    hours=Hours(
        first=time(9, 15),
        last=time(15),
        regular=((time(9, 30), time(11, 30)), (time(13), time(15))),
        early_close=time(11),
        early_closes={2024: "02-08"},
    ),
    currency="CNY",
    first_session=date(2024, 1, 2),
)
AROUND_THE_CLOCK = Venue(
    name="coins",
    market="coins",
    city="UTC",
    zone=ZoneInfo("UTC"),
    closures={2024: ""},
    hours=Hours(first=time(), last=time(23, 59), regular=((time(), time.max),)),
    currency="USD",
    first_session=date(2024, 1, 1),
    weekend=(),
)


def test_sessions_are_the_weekdays_without_a_closure_in_the_years_that_are_known():
    assert SHANGHAI.calendar.between(date(2024, 2, 7), date(2024, 2, 13)) == (
        date(2024, 2, 7),
        date(2024, 2, 8),
        date(2024, 2, 13),
    )
    assert SHANGHAI.closed_days == (date(2024, 1, 1), date(2024, 2, 9), date(2024, 2, 12))
    assert (SHANGHAI.calendar.first, SHANGHAI.calendar.last) == (date(2024, 1, 2), date(2024, 12, 31))


def test_a_lunch_break_makes_two_spans_of_regular_hours():
    assert SHANGHAI.regular_hours(date(2024, 2, 7)) == (
        (datetime(2024, 2, 7, 1, 30, tzinfo=UTC), datetime(2024, 2, 7, 3, 30, tzinfo=UTC)),
        (datetime(2024, 2, 7, 5, tzinfo=UTC), datetime(2024, 2, 7, 7, tzinfo=UTC)),
    )


def test_an_early_close_before_the_afternoon_leaves_the_morning():
    assert SHANGHAI.regular_hours(date(2024, 2, 8)) == (
        (datetime(2024, 2, 8, 1, 30, tzinfo=UTC), datetime(2024, 2, 8, 3, tzinfo=UTC)),
    )


def test_today_is_the_date_on_the_venue_s_own_clock():
    late = datetime(2024, 2, 7, 20, tzinfo=UTC)
    assert SHANGHAI.today(late) == date(2024, 2, 8)
    assert AROUND_THE_CLOCK.today(late) == date(2024, 2, 7)


def test_a_venue_that_never_closes_has_every_day_as_a_session():
    assert len(AROUND_THE_CLOCK.calendar.sessions) == 366
    assert AROUND_THE_CLOCK.bounds(date(2024, 2, 10)) == (
        datetime(2024, 2, 10, tzinfo=UTC),
        datetime(2024, 2, 11, tzinfo=UTC),
    )


def test_a_window_is_the_sessions_up_to_one_and_shorter_at_the_start():
    assert SHANGHAI.calendar.window(date(2024, 2, 13), 3) == (date(2024, 2, 7), date(2024, 2, 8), date(2024, 2, 13))
    assert SHANGHAI.calendar.window(date(2024, 1, 3), 5) == (date(2024, 1, 2), date(2024, 1, 3))
