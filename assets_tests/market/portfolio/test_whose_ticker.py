"""A position is in a security, whatever becomes of its ticker: renames, delistings, and tickers used again."""

from datetime import UTC, datetime

import polars as pl
import pytest

from assets_tests.market.holdings import NO_SPLITS, bars, day, dividends, history, opening, splits
from assets_tests.stocks import INDICATORS_TABLE
from pipeline.contracts.portfolio import POSITION_MARKS
from pipeline.errors import PositionRefused
from pipeline.market.portfolio.book import Sale, in_force, settled, with_sale
from pipeline.market.portfolio.positions import position_marks
from pipeline.market.portfolio.sales import meant_by
from pipeline.market.portfolio.sell.rule import Rule
from pipeline.market.portfolio.sell.signals import sell_signals
from pipeline.market.securities.listings import LISTING

LATER = datetime(2024, 3, 1, tzinfo=UTC)

FUND, COMPANY = "figi of the fund", "figi of the company"
ENDED, RENAMED = 3, 6
"""The fund called T is delisted on day 3; the company called OLD is called T from day 6 on."""

LISTED = pl.DataFrame(
    [
        ("T", FUND, "ETF", None, day(ENDED - 1)),
        ("T", COMPANY, "CS", day(RENAMED), None),
        ("OLD", COMPANY, "CS", day(0), day(RENAMED - 1)),
    ],
    schema=LISTING,
    orient="row",
)
BARS = pl.concat(
    [
        bars("T", {0: 12, 1: 11, 2: 10}),
        bars("OLD", {0: 300, 1: 310, 2: 320, 3: 330, 4: 340, 5: 350}),
        bars("T", {6: 360, 7: 370, 8: 380}),
    ]
)
COLUMNS = ("ticker", "close", "value", "no_bar", "bought_as", "delisted_on")


def marks(book, *sessions, known_splits=NO_SPLITS, paid=None, prices=BARS, listed=LISTED):
    days = [day(number) for number in sessions]
    found = position_marks(
        settled(book, known_splits, listed), prices, known_splits, days, dividends() if paid is None else paid, listed
    )
    return POSITION_MARKS.enforce(found)


def test_a_delisted_fund_keeps_its_last_close_when_a_company_takes_its_ticker():
    found = marks(history(opening("T", price=12)), 2, 3, 5, 8)
    assert found.select(COLUMNS).rows() == [
        ("T", 10, 100, False, None, None),
        ("T", 10, 100, True, None, day(ENDED)),
        ("T", 10, 100, True, None, day(ENDED)),
        ("T", 10, 100, True, None, day(ENDED)),
    ]
    assert found["priced_on"].to_list() == [day(2)] * 4


def test_a_renamed_company_is_valued_and_called_by_its_new_ticker():
    found = marks(history(opening("OLD", price=300)), 5, 6, 8)
    assert found.select(COLUMNS).rows() == [
        ("OLD", 350, 3500, False, None, None),
        ("T", 360, 3600, False, "OLD", None),
        ("T", 380, 3800, False, "OLD", None),
    ]


def test_a_position_bought_under_the_new_ticker_was_never_called_otherwise():
    assert marks(history(opening("T", price=360, at=6)), 8).select(COLUMNS).rows() == [
        ("T", 380, 3800, False, None, None)
    ]


def test_splits_and_dividends_are_those_of_the_security_by_their_day():
    events = splits(("OLD", 2, 1, 2), ("T", 7, 1, 5), ("T", 1, 1, 10), ("OLD", 7, 1, 100))
    paid = dividends(("OLD", 4, 0.5), ("T", 8, 0.1), ("T", 2, 9.0), ("OLD", 8, 99.0))
    found = marks(history(opening("OLD", quantity=10, price=300)), 8, known_splits=events, paid=paid)
    # 10 shares become 20, then 100: dividends of 20 × 0.50 and 100 × 0.10.
    assert found.select("quantity", "entry", "dividends").rows() == [(100, 30, 20)]


@pytest.mark.parametrize("stated_for", [["OLD"], ["T"], ["OLD", "T"]])
def test_a_split_on_the_day_of_the_rename_counts_once_under_either_ticker(stated_for):
    events = splits(*((ticker, RENAMED, 1, 4) for ticker in stated_for))
    found = marks(history(opening("OLD", quantity=10, price=300)), 5, 6, known_splits=events)
    assert found["quantity"].to_list() == [10, 40]


def test_a_split_of_the_company_that_takes_the_old_ticker_that_very_day_is_not_followed():
    taken = pl.concat(
        [LISTED, pl.DataFrame([("OLD", "a third", "CS", day(RENAMED), None)], schema=LISTING, orient="row")]
    )
    found = marks(history(opening("OLD")), 6, known_splits=splits(("OLD", RENAMED, 1, 4)), listed=taken)
    assert found.select("quantity", "ticker").rows() == [(10, "T")]


def test_without_listings_every_ticker_is_a_security_of_its_own():
    found = marks(history(opening("T", price=12)), 8, listed=LISTED.clear())
    assert found.select(COLUMNS).rows() == [("T", 380, 3800, False, None, None)]


SAYS_ALWAYS = Rule(
    name="says_always",
    version=1,
    severity="low",
    description="For tests.",
    condition=pl.lit(value=True),
    value=pl.col("close"),
    threshold=pl.coalesce("rsi_14_before", pl.lit(-1.0)),
    reasons=(pl.format("low {}", pl.col("low").fill_null(-1.0)),),
)


def rows_of_indicators(*values):
    rows = [(ticker, day(at), rsi) for ticker, at, rsi in values]
    found = pl.DataFrame(rows, schema=["ticker", "session", "rsi_14"], orient="row")
    others = [name for name in INDICATORS_TABLE.columns if name not in found.columns]
    types = INDICATORS_TABLE.columns
    return found.with_columns(pl.lit(None, types[name]).alias(name) for name in others).select(list(types))


def signals(book, *sessions):
    table = rows_of_indicators(("T", 2, 22.0), ("OLD", 5, 55.0), ("T", 6, 66.0), ("T", 7, 77.0))
    found = sell_signals(marks(book, *sessions), BARS, table, [SAYS_ALWAYS], LISTED)
    return found.select("session", "ticker", "threshold", "reasons").rows()


def test_a_delisted_security_gives_no_signal_from_bars_of_the_one_that_took_its_ticker():
    assert [session for session, *_ in signals(history(opening("T", price=12)), 2, 3, 6, 7)] == [day(2)]


def test_the_bar_before_the_rename_is_the_one_under_the_former_ticker():
    assert signals(history(opening("OLD", price=300)), 6, 7) == [
        (day(6), "T", 55.0, ["low 360.0"]),
        (day(7), "T", 66.0, ["low 370.0"]),
    ]


def sold(book, ticker, at, **of_sale):
    return in_force(
        settled(with_sale(book, NO_SPLITS, Sale(ticker, 1.0, day(at), **of_sale), LATER, LISTED), NO_SPLITS)
    )


@pytest.mark.parametrize("ticker", ["OLD", "T"])
def test_a_renamed_position_is_sold_by_either_ticker(ticker):
    assert sold(history(opening("OLD")), ticker, 8)["closed"].to_list() == [day(8)]


def test_a_sale_by_the_new_ticker_takes_the_oldest_shares_of_the_company_first():
    book = history(opening("T", at=6), opening("OLD", at=0))
    after = sold(book, "T", 8, quantity=5).sort("position")
    assert after.select("position", "ticker", "quantity", "closed").rows() == [
        (1, "T", 10, None),
        (2, "OLD", 5, None),
        (3, "OLD", 5, day(8)),
    ]


def test_a_ticker_that_means_two_securities_held_is_asked_for_by_position():
    book = history(opening("T"), opening("OLD"))
    with pytest.raises(PositionRefused, match="several securities") as refused:
        sold(book, "T", 8)
    assert "--position" in refused.value.remedy
    assert sold(book, "T", 8, position=1).filter(pl.col("closed").is_not_null())["position"].to_list() == [1]


def test_the_positions_of_a_sale_are_those_of_one_security():
    book = history(opening("T"), opening("OLD", at=1), opening("A"))
    assert meant_by(book, NO_SPLITS, LISTED, "OLD", day(8))["position"].to_list() == [2]
    assert meant_by(book, NO_SPLITS, LISTED, "T", day(4))["position"].to_list() == [1]
    assert meant_by(book, NO_SPLITS, LISTED, "B", day(4)).is_empty()
