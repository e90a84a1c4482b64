"""Rows of indicators that are outdated when a rename, or the end of another security, becomes known later."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from assets_tests.market.securities.test_listings import FUND, META, OTHER, listed, renamed, security
from pipeline.contracts.reference import TICKER_EVENTS, TICKERS
from pipeline.market.outdated_listings import outdated_by_listings
from pipeline.market.outdated_ranges import outdated_by_bars

SESSIONS = [date(2024, 1, 1) + timedelta(days=n) for n in range(12)]
LOOKBACK = 4
NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
EARLIER, LATER = (
    {"first_seen_at": NOON + timedelta(hours=h), "last_seen_at": NOON + timedelta(days=9)} for h in (-1, 1)
)
RENAMED = 5

COMPANY = security("NEW", META, **EARLIER)
EVENTS = [("OLD", SESSIONS[0]), ("NEW", SESSIONS[RENAMED])]


def computed(first=0, last=11, *, at=NOON, follows_renames=True):
    rows = {"session": SESSIONS[first : last + 1]}
    moment = pl.lit(at, pl.Datetime("us", "UTC"))
    return pl.DataFrame(rows, schema={"session": pl.Date}).with_columns(
        tickers_at=moment, events_at=moment, follows_renames=pl.lit(follows_renames)
    )


def outdated(sessions, securities, events):
    found = outdated_by_listings(
        sessions,
        pl.DataFrame(securities, schema=TICKERS.columns),
        pl.DataFrame(events, schema=TICKER_EVENTS.columns),
        SESSIONS,
        LOOKBACK,
    )
    places = {session: place for place, session in enumerate(SESSIONS)}
    return [
        (row["ticker"], places[row["first_session"]], places[row["last_session"]], row["cause"])
        for row in found.iter_rows(named=True)
    ]


def events(**known):
    return [renamed(META, ticker, day, **known) for ticker, day in EVENTS]


def test_what_was_known_when_it_was_computed_outdates_nothing():
    assert outdated(computed(), [COMPANY], events(**EARLIER)) == []


def test_a_rename_that_becomes_known_outdates_the_new_ticker_as_long_as_windows_reach_before_it():
    assert outdated(computed(), [COMPANY], events(**LATER)) == [("NEW", 5, 7, "it was OLD before")]


def test_sessions_computed_before_renames_were_followed_are_outdated_only_where_a_window_reaches_a_rename():
    securities = [COMPANY, security("PLAIN", OTHER, **EARLIER)]
    assert outdated(computed(follows_renames=False), securities, events(**EARLIER)) == [
        ("NEW", 5, 7, "it was OLD before")
    ]


def test_only_the_sessions_that_did_not_know_it_are_outdated():
    both = pl.concat([computed(0, 5), computed(6, 6, at=NOON + timedelta(hours=2)), computed(7, 11)])
    assert [row[1:3] for row in outdated(both, [COMPANY], events(**LATER))] == [(5, 5), (7, 7)]


def test_a_rename_taken_back_outdates_the_same_rows():
    gone = EARLIER | {"withdrawn_at": NOON + timedelta(hours=1), "last_seen_at": NOON}
    assert [row[:3] for row in outdated(computed(), [COMPANY], events(**gone))] == [("NEW", 5, 7)]


def test_a_fund_that_had_the_ticker_before_outdates_the_rows_that_took_its_bars():
    fund = security("NEW", FUND, delisted=SESSIONS[3], **LATER)
    own = [renamed(META, "NEW", SESSIONS[RENAMED], **EARLIER)]
    assert outdated(computed(), [COMPANY, fund], own) == [("NEW", 5, 7, "another security had the ticker before")]


@pytest.mark.parametrize(
    "later", [security("IPO", OTHER, **LATER), security("PLAIN", OTHER, delisted=SESSIONS[8], **LATER)]
)
def test_a_new_or_a_delisted_security_that_shares_no_ticker_outdates_nothing(later):
    plain = security("PLAIN", OTHER, **EARLIER)
    assert outdated(computed(), [COMPANY, plain, later], events(**EARLIER)) == []


def test_a_changed_bar_under_the_former_ticker_outdates_the_later_ticker_too():
    known = listed([COMPANY], events(**EARLIER))
    changed = pl.DataFrame(
        {"ticker": ["OLD"], "session": [SESSIONS[3]], "first_computed": [SESSIONS[3]], "last_computed": [SESSIONS[11]]}
    )
    found = outdated_by_bars(changed, SESSIONS, LOOKBACK, known)
    assert found.select("ticker", "first_session", "last_session").rows() == [
        ("OLD", SESSIONS[3], SESSIONS[6]),
        ("NEW", SESSIONS[5], SESSIONS[6]),
    ]
