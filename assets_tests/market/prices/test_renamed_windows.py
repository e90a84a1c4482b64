"""A renamed security's indicators: those of a twin that never changed its ticker, whatever happened around it."""

import polars as pl
import pytest

from assets_tests.market.corporate_actions import day, splits
from assets_tests.market.indicators.tape import SESSIONS, traded, wandering
from assets_tests.market.indicators.test_windows import assert_same
from assets_tests.market.prices.test_point_in_time import split_bars
from assets_tests.stocks import LOOKBACK_SESSIONS, point_in_time_indicators
from pipeline.market.securities.listings import LISTING

OLD, NEW, CHANGE = "OLD", "NEW", 300
"""The company is called OLD up to the session before CHANGE, and NEW from then on."""

TWIN = traded(wandering(400, seed=1), ticker="TWIN", seed=1)
FUND = traded(wandering(240, seed=2), ticker=NEW, seed=2)
"""Another security that was called NEW before."""
TAKER = traded(wandering(400, seed=3), ticker=OLD, seed=3).filter(pl.col("session") >= day(CHANGE))
"""Another company that takes OLD on the day the first one gives it up."""

LISTED = pl.DataFrame(
    [
        (NEW, "figi of the fund", "ETF", None, day(239)),
        (NEW, "figi", "CS", day(CHANGE), None),
        (OLD, "figi", "CS", day(0), SESSIONS[CHANGE - 1]),
        (OLD, "figi of the taker", "CS", day(CHANGE), None),
    ],
    schema=LISTING,
    orient="row",
)
UNTAKEN = LISTED.filter(pl.col("composite_figi") != "figi of the taker")


def called(bars: pl.DataFrame) -> pl.DataFrame:
    """Return the bars of the company under the tickers it had."""
    is_new = pl.col("session") >= day(CHANGE)
    return bars.with_columns(ticker=pl.when(is_new).then(pl.lit(NEW)).otherwise(pl.lit(OLD)))


def computed(bars: pl.DataFrame, events: pl.DataFrame, listed: pl.DataFrame, first: int, last: int) -> pl.DataFrame:
    window = SESSIONS[max(first - LOOKBACK_SESSIONS + 1, 0) : last + 1]
    read = bars.filter(pl.col("session").is_between(window[0], window[-1]))
    return point_in_time_indicators(read, events, window, SESSIONS[first], listed=listed)


def as_twin(rows: pl.DataFrame, ticker: str, since: int) -> pl.DataFrame:
    own = rows.filter(pl.col("ticker") == ticker, pl.col("session") >= day(since))
    return own.with_columns(ticker=pl.lit("TWIN"))


EVENTS = splits((OLD, 120, 1, 2), (NEW, CHANGE, 5, 1), (NEW, 350, 1, 3), (NEW, 200, 1, 10), (OLD, 320, 1, 7))
"""Two splits of the fund and of the taker, at 200 and 320, must not touch the company's."""
OWN_EVENTS = splits(("TWIN", 120, 1, 2), ("TWIN", CHANGE, 5, 1), ("TWIN", 350, 1, 3))
COMPANY = split_bars(TWIN, OWN_EVENTS)
EVERYBODY = pl.concat([called(COMPANY), FUND, TAKER])


@pytest.fixture(scope="module")
def of_the_twin() -> pl.DataFrame:
    return computed(COMPANY, OWN_EVENTS, LISTED.clear(), 0, 399).filter(pl.col("session") >= day(CHANGE))


@pytest.mark.parametrize(("first", "last"), [(0, 399), (CHANGE, CHANGE), (310, 310), (299, 355), (350, 399)])
def test_windows_of_a_renamed_company_are_those_of_a_twin_that_was_not(of_the_twin, first, last):
    rows = as_twin(computed(EVERYBODY, EVENTS, LISTED, first, last), NEW, CHANGE)
    expected = of_the_twin.filter(pl.col("session").is_between(day(first), day(last)))
    assert_same(rows, expected, COMPANY, within=1e-9)


def test_the_rows_before_the_rename_stay_those_of_the_old_ticker():
    before = computed(COMPANY, OWN_EVENTS, LISTED.clear(), 250, 299)
    rows = as_twin(computed(EVERYBODY, EVENTS, LISTED, 250, 399), OLD, 0).filter(pl.col("session") < day(CHANGE))
    assert_same(rows, before, COMPANY, within=1e-9)


def test_the_company_that_takes_the_freed_ticker_the_same_day_begins_with_its_own_first_bar():
    rows = computed(EVERYBODY, EVENTS, LISTED, CHANGE, 399).filter(ticker=OLD).sort("session")
    assert rows["bars"].to_list() == list(range(1, 101))


@pytest.mark.parametrize("stated_for", [[OLD], [NEW], [OLD, NEW]])
def test_a_split_on_the_day_of_the_rename_counts_once_under_whichever_ticker_it_is_stated(of_the_twin, stated_for):
    others = EVENTS.filter(pl.col("execution_date") != day(CHANGE))
    events = pl.concat([others, *(splits((ticker, CHANGE, 5, 1)) for ticker in stated_for)])
    alone = pl.concat([called(COMPANY), FUND])
    events = events.filter((pl.col("ticker") != OLD) | (pl.col("execution_date") <= day(CHANGE)))
    rows = as_twin(computed(alone, events, UNTAKEN, 0, 399), NEW, CHANGE)
    assert_same(rows, of_the_twin, COMPANY, within=1e-9)


def test_a_rename_that_is_yet_to_come_changes_nothing():
    first = computed(EVERYBODY, EVENTS, LISTED.filter(pl.lit(value=False)), 250, 299)
    assert computed(EVERYBODY, EVENTS, LISTED, 250, 299).equals(first)
