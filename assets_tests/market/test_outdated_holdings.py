"""Marks that are outdated when a split, dividend or listing of what is held becomes known later."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from assets_tests.market.holdings import SESSIONS, day, history, opening
from assets_tests.market.securities.test_listings import FUND, META, renamed, security
from pipeline.contracts.reference import DIVIDENDS, SPLITS, TICKER_EVENTS, TICKERS
from pipeline.market.outdated_holdings import outdated_holdings
from pipeline.market.portfolio.book import Sale, in_force, settled, with_sale

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
EARLIER, LATER = (
    {"first_seen_at": NOON + timedelta(hours=hours), "last_seen_at": NOON + timedelta(days=9)} for hours in (-1, 1)
)
TABLES = {"splits": SPLITS, "dividends": DIVIDENDS, "tickers": TICKERS, "ticker_events": TICKER_EVENTS}
NO_SPLITS = SPLITS.empty().select("ticker", "execution_date", "split_from", "split_to")


def split(ticker, at, new=2.0, **known):
    return {"ticker": ticker, "execution_date": day(at), "split_from": 1.0, "split_to": new, "id": "s"} | known


def dividend(ticker, at, amount=0.5, **known):
    own = {"ticker": ticker, "ex_dividend_date": day(at), "cash_amount": amount, "currency": "USD", "id": "d"}
    return own | known


def outdated(book, *sessions, at=NOON, **statements):
    """Return ticker, first and last session, and day of the event, for marks of every position on `sessions`."""
    moment = pl.lit(at, pl.Datetime("us", "UTC"))
    held = in_force(settled(book, NO_SPLITS))
    marks = held.select("position").join(pl.DataFrame({"session": [day(one) for one in sessions]}), how="cross")
    known = marks.with_columns(splits_at=moment, dividends_at=moment, tickers_at=moment, events_at=moment)
    histories = {name: pl.DataFrame(statements.get(name, []), schema=table.columns) for name, table in TABLES.items()}
    found = outdated_holdings(known, held, histories, SESSIONS)
    places = {session: place for place, session in enumerate(SESSIONS)}
    return [
        (row["ticker"], places[row["first_session"]], places[row["last_session"]], places[row["event_date"]])
        for row in found.iter_rows(named=True)
    ]


BOOK = history(opening("A", at=1))


@pytest.mark.parametrize("kind", ["splits", "dividends"])
def test_an_event_outdates_the_marks_from_its_day_on(kind):
    event = {"splits": split, "dividends": dividend}[kind]
    assert outdated(BOOK, 1, 2, 3, 4, **{kind: [event("A", 3, **LATER)]}) == [("A", 3, 4, 3)]


@pytest.mark.parametrize(
    "statement",
    [
        split("A", 3, **EARLIER),  # was known
        split("B", 3, **LATER),  # of another ticker
        split("A", 1, **LATER),  # in the price paid
        split("A", 9, **LATER),  # yet to come
    ],
)
def test_an_event_that_moves_nothing_held_outdates_nothing(statement):
    assert outdated(BOOK, 1, 2, 3, 4, splits=[statement]) == []


def test_marks_that_have_no_moment_knew_nothing():
    assert outdated(BOOK, 2, 3, at=None, splits=[split("A", 3, **EARLIER)]) == [("A", 3, 3, 3)]


def test_a_split_before_a_sale_outdates_every_mark_since_it_changes_what_the_sale_left():
    book = with_sale(history(opening("A", at=1)), NO_SPLITS, Sale("A", 1.0, day(5), quantity=5), NOON)
    assert outdated(book, 1, 2, 3, splits=[split("A", 4, **LATER)]) == [("A", 1, 3, 4)]


def test_a_rename_outdates_the_marks_from_its_day_on():
    events = [renamed(META, "A", day(0), **LATER), renamed(META, "NEW", day(3), **LATER)]
    found = outdated(BOOK, 1, 2, 3, 4, tickers=[security("NEW", META, **EARLIER)], ticker_events=events)
    assert {row[1:] for row in found} == {(3, 4, 3)}


def test_a_delisting_outdates_the_marks_from_its_day_on():
    gone = security("A", FUND, delisted=day(3), **LATER)
    before = security("A", FUND, **EARLIER) | {"withdrawn_at": NOON + timedelta(hours=1), "last_seen_at": NOON}
    assert outdated(BOOK, 1, 2, 3, 4, tickers=[before, gone]) == [("A", 3, 4, 3)]


def test_what_is_said_again_in_other_words_outdates_nothing():
    old = split("A", 3, **EARLIER) | {"withdrawn_at": NOON + timedelta(hours=1), "last_seen_at": NOON}
    new = split("A", 3, **LATER) | {"split_from": 2.0, "split_to": 4.0, "id": "t"}
    assert outdated(BOOK, 3, 4, splits=[old, new]) == []
