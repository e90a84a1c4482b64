"""The rows that are outdated when a split comes late, is corrected or withdrawn, or when bars change."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from pipeline.contracts.reference import DIVIDENDS, SPLITS
from pipeline.market.known_events import APPLIED_SPLITS, SPLITS_IN_DOUBT, TOLD_DIVIDENDS, TOLD_SPLITS
from pipeline.market.outdated_ranges import OUTDATED, outdated_by_bars, outdated_by_events

SESSIONS = [date(2024, 1, 1) + timedelta(days=n) for n in range(10)]
LOOKBACK = 4
NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def split_row(ticker, place, split_to, first_seen, withdrawn=None, *, split_from=1.0):
    return {
        "ticker": ticker,
        "execution_date": SESSIONS[place],
        "split_from": split_from,
        "split_to": split_to,
        "adjustment_type": None,
        "id": f"{ticker}{place}{split_to}",
        "doubt": None,
        "first_seen_at": first_seen,
        "last_seen_at": (withdrawn or first_seen + 10 * HOUR) - HOUR / 2,
        "withdrawn_at": withdrawn,
    }


def history(*rows):
    return pl.DataFrame(list(rows), schema=SPLITS.columns)


def computed(*known):
    """Return the sessions from the first on, each with the moment of the splits it was computed with."""
    rows = {"session": SESSIONS[: len(known)], "known_at": list(known)}
    return pl.DataFrame(rows, schema={"session": pl.Date, "known_at": pl.Datetime("us", "UTC")})


def ranges(outdated):
    places = {session: place for place, session in enumerate(SESSIONS)}
    return [
        (row["ticker"], places[row["first_session"]], places[row["last_session"]], row["cause"])
        for row in outdated.iter_rows(named=True)
    ]


def by_splits(sessions_computed, rows, events=APPLIED_SPLITS):
    return ranges(outdated_by_events(sessions_computed, rows, SESSIONS, LOOKBACK, events))


def test_nothing_is_outdated_without_later_news():
    assert by_splits(computed(*[NOON] * 10), history(split_row("A", 3, 2.0, NOON - HOUR))) == []


def test_a_late_split_outdates_its_ticker_from_its_day_to_the_end_of_the_look_back():
    late = history(split_row("A", 3, 2.0, NOON + HOUR), split_row("B", 3, 2.0, NOON - HOUR))
    # The window of session 6 begins with session 3, whose bar trades in new shares already.
    assert by_splits(computed(*[NOON] * 10), late) == [("A", 3, 5, "split of 2 for 1 became known")]


def test_sessions_that_were_not_computed_are_not_named():
    assert by_splits(computed(*[NOON] * 5), history(split_row("A", 3, 2.0, NOON + HOUR))) == [
        ("A", 3, 4, "split of 2 for 1 became known")
    ]


def test_sessions_computed_after_the_news_are_left_alone():
    known = [*[NOON] * 4, NOON + 2 * HOUR, NOON + 2 * HOUR]
    assert by_splits(computed(*known), history(split_row("A", 3, 2.0, NOON + HOUR))) == [
        ("A", 3, 3, "split of 2 for 1 became known")
    ]


def test_a_correction_outdates_what_rests_on_the_former_ratio():
    corrected = history(split_row("A", 2, 2.0, NOON - HOUR, NOON + HOUR), split_row("A", 2, 3.0, NOON + HOUR))
    assert by_splits(computed(*[NOON] * 10), corrected) == [("A", 2, 4, "split is 3 for 1, not 2 for 1")]


def test_a_split_taken_back_outdates_what_rests_on_it():
    assert by_splits(computed(*[NOON] * 10), history(split_row("A", 2, 0.05, NOON - HOUR, NOON + HOUR))) == [
        ("A", 2, 4, "split of 1 for 20 no longer holds")
    ]


def test_a_split_published_and_withdrawn_since_outdates_nothing():
    assert by_splits(computed(*[NOON] * 10), history(split_row("A", 2, 2.0, NOON + HOUR, NOON + 2 * HOUR))) == []


def test_the_same_ratio_under_another_id_outdates_nothing():
    renamed = history(
        split_row("A", 2, 2.0, NOON - HOUR, NOON + HOUR), split_row("A", 2, 4.0, NOON + HOUR, split_from=2.0)
    )
    assert by_splits(computed(*[NOON] * 10), renamed) == []


def test_what_never_knew_of_splits_rests_on_none():
    assert by_splits(computed(None, None, NOON + HOUR), history(split_row("A", 1, 2.0, NOON))) == [
        ("A", 1, 1, "split of 2 for 1 became known")
    ]


def test_a_split_on_a_day_without_trading_takes_effect_on_the_next_session():
    sessions = [day for day in SESSIONS if day != SESSIONS[4]]
    rows = computed(*[NOON] * 10).filter(pl.col("session") != SESSIONS[4])
    found = outdated_by_events(rows, history(split_row("A", 4, 2.0, NOON + HOUR)), sessions, LOOKBACK, APPLIED_SPLITS)
    assert ranges(found) == [("A", 5, 7, "split of 2 for 1 became known")]


def test_sessions_computed_one_by_one_make_one_range():
    daily = [NOON + HOUR * n for n in range(10)]
    assert by_splits(computed(*daily), history(split_row("A", 3, 2.0, NOON + 20 * HOUR))) == [
        ("A", 3, 5, "split of 2 for 1 became known")
    ]


@pytest.mark.parametrize("place", [0, 9])
def test_a_split_at_either_end_of_the_calendar_is_no_error(place):
    found = by_splits(computed(*[NOON] * 10), history(split_row("A", place, 2.0, NOON + HOUR)))
    # Before the first session there is no bar to adjust.
    assert found == ([("A", 9, 9, "split of 2 for 1 became known")] if place else [])


def changed(*rows):
    days_changed = [(ticker, SESSIONS[at], SESSIONS[first], SESSIONS[last]) for ticker, at, first, last in rows]
    days = dict.fromkeys(["session", "first_computed", "last_computed"], pl.Date)
    return pl.DataFrame(days_changed, schema={"ticker": pl.String} | days, orient="row")


def test_a_changed_bar_outdates_every_row_whose_window_holds_it():
    found = outdated_by_bars(changed(("A", 2, 2, 9), ("B", 8, 8, 9)), SESSIONS, LOOKBACK)
    assert ranges(found) == [("A", 2, 5, "its bar changed"), ("B", 8, 9, "its bar changed")]


def test_rows_computed_from_the_bar_as_it_is_now_are_left_alone():
    assert ranges(outdated_by_bars(changed(("A", 2, 3, 4)), SESSIONS, LOOKBACK)) == [("A", 3, 4, "its bar changed")]


def test_no_news_gives_an_empty_frame_of_the_same_columns():
    none = outdated_by_bars(changed(), SESSIONS, LOOKBACK)
    assert none.schema == OUTDATED
    assert outdated_by_events(computed(), history(), SESSIONS, LOOKBACK, APPLIED_SPLITS).schema == OUTDATED


def rejected_at(row, moment):
    """Return a row of the vendor and its successor, once the user has rejected it."""
    ended = row | {"withdrawn_at": moment, "last_seen_at": moment - HOUR / 2}
    return [ended, row | {"first_seen_at": moment, "last_seen_at": moment, "ruling": "rejected", "doubt": "rejected"}]


def conflicting():
    return [split_row("A", 3, new, NOON - 2 * HOUR) | {"doubt": "conflicting"} for new in (2.0, 3.0)]


def test_a_ruling_that_settles_a_doubt_outdates_the_lists_that_left_the_ticker_out():
    settled = [row for told in conflicting() for row in rejected_at(told, NOON + HOUR)]
    assert by_splits(computed(*[NOON] * 10), history(*settled)) == [], "no price changes"
    assert by_splits(computed(*[NOON] * 10), history(*settled), SPLITS_IN_DOUBT) == [
        ("A", 3, 5, "split in doubt of 2 for 1 and 3 for 1 no longer holds")
    ]
    assert by_splits(computed(*[NOON + 2 * HOUR] * 10), history(*settled), SPLITS_IN_DOUBT) == []


def test_a_ruling_outdates_the_doubts_about_prices_even_where_it_changes_none():
    there_was_none = split_row("A", 3, None, NOON + HOUR, split_from=None)
    there_was_none |= {"id": None, "ruling": "rejected", "doubt": "rejected"}
    assert by_splits(computed(*[NOON] * 10), history(there_was_none)) == []
    assert by_splits(computed(*[NOON] * 10), history(there_was_none), TOLD_SPLITS) == [
        ("A", 3, 5, "split of nothing by your ruling became known")
    ]


def test_a_dividend_that_is_corrected_outdates_the_doubts_about_prices():
    first = {"ticker": "A", "ex_dividend_date": SESSIONS[2], "cash_amount": 0.5, "currency": "USD"}
    was = first | {"first_seen_at": NOON - HOUR, "last_seen_at": NOON, "withdrawn_at": NOON + HOUR}
    now = first | {"cash_amount": 0.6, "first_seen_at": NOON + HOUR, "last_seen_at": NOON + HOUR}
    rows = pl.DataFrame([was, now], schema=DIVIDENDS.columns)
    assert by_splits(computed(*[NOON] * 10), rows, TOLD_DIVIDENDS) == [("A", 2, 4, "dividend is 0.6 USD, not 0.5 USD")]
    assert by_splits(computed(*[NOON + 2 * HOUR] * 10), rows, TOLD_DIVIDENDS) == []
