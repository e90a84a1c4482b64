"""Sessions of outcomes and features that are outdated when an event of a ticker becomes known after it took effect."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from pipeline.contracts.reference import DIVIDENDS
from pipeline.market.known_events import APPLIED_DIVIDENDS
from pipeline.market.outdated_events import Reach, changed_in_time, sessions_outdated_by_events

SESSIONS = [date(2024, 1, 1) + timedelta(days=n) for n in range(30)]
NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
FOUR_AFTER = Reach(-4, -2)
"""As outcomes that are bought at the next session and followed to the fourth."""


def dividend(ticker, place, first_seen, amount=0.5, withdrawn=None):
    return {
        "ticker": ticker,
        "ex_dividend_date": SESSIONS[place],
        "cash_amount": amount,
        "currency": "USD",
        "id": f"{ticker}{place}",
        "first_seen_at": first_seen,
        "last_seen_at": first_seen,
        "withdrawn_at": withdrawn,
    }


def computed(*rows):
    """Return sessions given as place, moment, and place of the newest bars."""
    named = [(SESSIONS[at], moment, SESSIONS[newest]) for at, moment, newest in rows]
    schema = {"session": pl.Date, "known_at": pl.Datetime("us", "UTC"), "newest": pl.Date}
    return pl.DataFrame(named, schema=schema, orient="row")


EVERY = computed(*[(at, NOON, 29) for at in range(20)])


def outdated(sessions, *statements, reach=FOUR_AFTER):
    history = pl.DataFrame(list(statements), schema=DIVIDENDS.columns)
    late = changed_in_time(sessions, history, APPLIED_DIVIDENDS, reach, SESSIONS)
    found = sessions_outdated_by_events(sessions, late, APPLIED_DIVIDENDS, reach, SESSIONS)
    places = {session: place for place, session in enumerate(SESSIONS)}
    return [
        (row["ticker"], places[row["first_session"]], places[row["last_session"]], row["cause"])
        for row in found.iter_rows(named=True)
    ]


def test_an_event_reaches_the_sessions_followed_over_its_day():
    assert outdated(EVERY, dividend("A", 10, NOON + HOUR)) == [("A", 6, 8, "dividend of 0.5 became known")]


def test_an_event_that_was_known_outdates_nothing():
    assert outdated(EVERY, dividend("A", 10, NOON - HOUR)) == []


def test_an_event_after_the_newest_bars_that_a_session_saw_outdates_nothing():
    assert outdated(computed((8, NOON, 9), (7, NOON, 10)), dividend("A", 10, NOON + HOUR)) == [
        ("A", 7, 7, "dividend of 0.5 became known")
    ]


def test_an_event_announced_before_its_day_is_no_news_in_an_ordinary_history():
    daily = computed(*[(at, NOON + at * 24 * HOUR, at + 4) for at in range(20)])
    ordinary = [dividend("A", at, NOON + (at - 6) * 24 * HOUR) for at in range(2, 29)]
    history = pl.DataFrame(ordinary, schema=DIVIDENDS.columns)
    assert changed_in_time(daily, history, APPLIED_DIVIDENDS, FOUR_AFTER, SESSIONS).is_empty()


def test_several_events_of_a_day_are_one_cause():
    both = (dividend("A", 10, NOON + HOUR), dividend("B", 10, NOON + HOUR))
    assert outdated(EVERY, *both) == [("A", 6, 8, "dividend of 0.5 became known (and 1 more)")]


def test_a_corrected_amount_is_named_with_the_one_before():
    was = dividend("A", 10, NOON - HOUR, 0.4, withdrawn=NOON + HOUR)
    assert outdated(EVERY, was, dividend("A", 10, NOON + HOUR)) == [("A", 6, 8, "dividend is 0.5, not 0.4")]


def test_sessions_computed_again_since_are_left_out():
    again = computed(*[(at, NOON + 2 * HOUR if at == 7 else NOON, 29) for at in range(20)])
    assert [row[1:3] for row in outdated(again, dividend("A", 10, NOON + HOUR))] == [(6, 6), (8, 8)]


@pytest.mark.parametrize(("day", "expected"), [(10, [(10, 10)]), (25, [])])
def test_features_of_minutes_rest_on_the_events_of_their_own_session(day, expected):
    found = outdated(EVERY, dividend("A", day, NOON + HOUR), reach=Reach(0, 0))
    assert [row[1:3] for row in found] == expected
