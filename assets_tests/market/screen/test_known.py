"""What reference data adds to a day: the security's type on the session, and splits in doubt inside the look-back."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from assets_tests.market.screen.panels import MONDAY, TUESDAY, day
from assets_tests.stocks import LOOKBACK_SESSIONS, with_reference
from pipeline.contracts.minutes import INTRADAY_FEATURES
from pipeline.contracts.price_doubts import PRICE_DOUBTS, SPLIT_MISSING
from pipeline.contracts.reference import SPLITS
from pipeline.market.screen.known import Known, with_known, with_minutes, with_price_doubts
from pipeline.market.screen.model import OF_MINUTES
from pipeline.market.screen.rank import PRICE_DOUBT, SPLIT_IN_DOUBT, TYPE
from pipeline.market.securities.listings import LISTING
from pipeline.venues.us_stocks import US_STOCKS

SEEN = datetime(2024, 1, 1, tzinfo=UTC)
WINDOW = US_STOCKS.calendar.between(US_STOCKS.calendar.offset(MONDAY, 1 - LOOKBACK_SESSIONS), TUESDAY)
ROWS = day({"ticker": "A"}, {"ticker": "B"}, {"ticker": "A", "session": TUESDAY})


def listed(*rows: tuple[str, str, date | None, date | None]) -> pl.DataFrame:
    return pl.DataFrame([(t, None, kind, first, last) for t, kind, first, last in rows], schema=LISTING, orient="row")


def split_rows(ticker: str, executed: date | None, doubt: str | None, **changed: object) -> pl.DataFrame:
    known = {"first_seen_at": SEEN, "last_seen_at": SEEN, "split_from": 1.0, "split_to": 2.0}
    row = known | {"ticker": ticker, "execution_date": executed, "doubt": doubt} | changed
    return pl.DataFrame([row], schema=SPLITS.columns)


def doubts(splits: pl.DataFrame) -> list[tuple[str, date]]:
    found = with_reference(ROWS, listed(), splits, WINDOW)
    return found.filter(pl.col(SPLIT_IN_DOUBT)).select("ticker", "session").rows()


def test_a_type_is_that_of_the_session():
    known = with_reference(
        ROWS, listed(("A", "ETF", None, MONDAY), ("A", "CS", TUESDAY, None)), split_rows("C", MONDAY, None), WINDOW
    )
    assert known.select("ticker", "session", TYPE).rows() == [
        ("A", MONDAY, "ETF"),
        ("B", MONDAY, None),
        ("A", TUESDAY, "CS"),
    ]


def test_where_nothing_is_known_the_day_stays_as_it_is():
    assert with_reference(ROWS, listed(), SPLITS.empty(), WINDOW).equals(ROWS)


@pytest.mark.parametrize("doubt", ["conflicting", "implausible", "not_positive", "unreadable"])
def test_a_split_that_could_not_be_applied_casts_doubt_from_its_day_on(doubt):
    assert doubts(split_rows("A", MONDAY, doubt)) == [("A", MONDAY), ("A", TUESDAY)]
    assert doubts(split_rows("A", TUESDAY, doubt)) == [("A", TUESDAY)]


def test_a_split_in_doubt_under_a_former_ticker_casts_doubt_on_the_later_one():
    spans = [("OLD", "figi", "CS", None, MONDAY), ("A", "figi", "CS", TUESDAY, None)]
    renamed = pl.DataFrame(spans, schema=LISTING, orient="row")
    found = with_reference(ROWS.filter(session=TUESDAY), renamed, split_rows("OLD", MONDAY, "conflicting"), WINDOW)
    assert found[SPLIT_IN_DOUBT].to_list() == [True]


def test_a_split_in_doubt_is_forgotten_when_the_window_no_longer_reaches_it():
    # Of Tuesday's window the second session is the last that can have split inside it.
    assert doubts(split_rows("A", WINDOW[2], "conflicting")) == [("A", MONDAY), ("A", TUESDAY)]
    assert doubts(split_rows("A", WINDOW[1], "conflicting")) == [("A", MONDAY)]
    assert doubts(split_rows("A", WINDOW[0], "conflicting")) == []


def test_splits_that_are_applied_repeated_withdrawn_or_without_a_day_cast_none():
    assert doubts(split_rows("A", MONDAY, None)) == []
    assert doubts(split_rows("A", MONDAY, "repeated")) == []
    assert doubts(split_rows("A", MONDAY, "rejected", ruling="rejected")) == [], "the user has ruled"
    assert doubts(split_rows("A", MONDAY, "conflicting", withdrawn_at=SEEN + timedelta(days=1))) == []
    assert doubts(split_rows("A", None, "unreadable")) == []


def price_doubt(ticker: str, known_on: date, about: date, **changed: object) -> pl.DataFrame:
    row = {"ticker": ticker, "session": known_on, "event_date": about, "kind": SPLIT_MISSING, "leaves_out": True}
    return pl.DataFrame([row | {"evidence": "Numbers.", "reading": "a split"} | changed], schema=PRICE_DOUBTS.columns)


def in_words(*found: pl.DataFrame) -> dict[tuple[str, date], str]:
    """Return why each ticker and session is in doubt."""
    known = with_price_doubts(ROWS, pl.concat(found), WINDOW, LOOKBACK_SESSIONS)
    assert known.drop(PRICE_DOUBT).equals(ROWS)
    words = known.drop_nulls(PRICE_DOUBT)
    return {(row["ticker"], row["session"]): row[PRICE_DOUBT] for row in words.to_dicts()}


def test_a_doubt_about_prices_leaves_its_ticker_out_from_the_session_at_whose_close_it_is_known():
    assert in_words(price_doubt("A", MONDAY, MONDAY)) == {("A", MONDAY): "a split", ("A", TUESDAY): "a split"}
    assert in_words(price_doubt("A", TUESDAY, MONDAY)) == {("A", TUESDAY): "a split"}
    assert in_words(price_doubt("A", MONDAY, MONDAY, leaves_out=False)) == {}


def test_a_doubt_about_prices_is_forgotten_when_the_window_no_longer_reaches_its_day():
    assert set(in_words(price_doubt("A", WINDOW[9], WINDOW[2]))) == {("A", MONDAY), ("A", TUESDAY)}
    assert set(in_words(price_doubt("A", WINDOW[9], WINDOW[1]))) == {("A", MONDAY)}
    assert in_words(price_doubt("A", WINDOW[9], WINDOW[0])) == {}
    assert in_words(price_doubt("A", WINDOW[9], WINDOW[0] - timedelta(days=30))) == {}


def test_a_day_alone_is_in_doubt_as_in_a_range():
    days = [WINDOW[place] for place in range(5)] + [WINDOW[1] - timedelta(days=2)]
    found = pl.concat([price_doubt("A", WINDOW[9], about, reading=str(about)) for about in days])
    window = WINDOW[1:]
    alone = with_price_doubts(ROWS.filter(session=TUESDAY), found, window, LOOKBACK_SESSIONS)
    in_a_range = with_price_doubts(ROWS, found, WINDOW, LOOKBACK_SESSIONS).filter(session=TUESDAY)
    assert alone.equals(in_a_range)


def test_of_several_doubts_about_a_ticker_the_one_known_last_is_named():
    first, then = (
        price_doubt("A", WINDOW[5], WINDOW[5], reading="one"),
        price_doubt("A", TUESDAY, WINDOW[4], reading="two"),
    )
    assert in_words(first, then) == {("A", MONDAY): "one", ("A", TUESDAY): "two"}


def test_prices_that_were_never_checked_leave_a_day_without_the_column():
    known = Known(listed(), SPLITS.empty(), None)
    assert with_known(ROWS, known, WINDOW, LOOKBACK_SESSIONS).equals(ROWS)
    checked = with_known(ROWS, Known(listed(), SPLITS.empty(), PRICE_DOUBTS.empty()), WINDOW, LOOKBACK_SESSIONS)
    assert checked[PRICE_DOUBT].null_count() == len(ROWS)


def test_minutes_join_their_own_ticker_and_session_only():
    features = pl.DataFrame(
        [{"ticker": "A", "session": MONDAY, "vwap": 9.0, "premarket_volume": 0.0}], schema=INTRADAY_FEATURES.columns
    )
    bare = ROWS.drop(OF_MINUTES)
    found = with_minutes(bare.lazy(), features.lazy()).collect()
    assert set(found.columns) == {*bare.columns, *OF_MINUTES}
    assert found.sort("session", "ticker").select("vwap", "premarket_volume").rows() == [
        (9.0, 0.0),
        (None, None),
        (None, None),
    ]


def test_a_split_in_doubt_of_the_security_that_had_the_ticker_before_counts_no_longer():
    spans = [("A", "figi", "CS", None, WINDOW[1]), ("A", "another", "CS", TUESDAY, None)]
    taken_over = pl.DataFrame(spans, schema=LISTING, orient="row")
    rows = ROWS.filter(pl.col("ticker") == "A")
    found = with_reference(rows, taken_over, split_rows("A", WINDOW[1], "conflicting"), WINDOW)
    assert found.filter(session=TUESDAY)[SPLIT_IN_DOUBT].to_list() == [False]
