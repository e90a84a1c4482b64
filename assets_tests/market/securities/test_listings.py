"""Which security traded under a ticker when, and that two that used one symbol are never joined."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets_tests.examples import examples
from assets_tests.market.corporate_actions import day
from assets_tests.market.indicators.tape import tape
from pipeline.contracts.reference import TICKER_EVENTS, TICKERS
from pipeline.errors import QueryError
from pipeline.market.securities.listings import LISTING, listings, series, successions, with_listing

SEEN = datetime(2025, 7, 1, tzinfo=UTC)
META, FUND, OTHER = "BBG000MM2P62", "BBG01THEFUND", "BBG000OTHER0"


def security(
    ticker: str, figi: str | None, *, type_: str | None = "CS", delisted: date | None = None, **changed
) -> dict:
    known = {"first_seen_at": SEEN, "last_seen_at": SEEN}
    fields = {
        "ticker": ticker,
        "composite_figi": figi,
        "type": type_,
        "active": delisted is None,
        "delisted_on": delisted,
    }
    return known | fields | changed


def renamed(figi: str, ticker: str, since: date, **changed) -> dict:
    known = {"first_seen_at": SEEN, "last_seen_at": SEEN}
    return known | {"composite_figi": figi, "ticker": ticker, "since": since} | changed


def listed(tickers: list[dict], events: list[dict] = ()) -> pl.DataFrame:
    return listings(
        pl.DataFrame(list(tickers), schema=TICKERS.columns), pl.DataFrame(list(events), schema=TICKER_EVENTS.columns)
    )


def spans(found: pl.DataFrame) -> list[tuple]:
    return found.select("ticker", "composite_figi", "first_day", "last_day").rows()


RENAME = date(2022, 6, 9)
FACEBOOK = [renamed(META, "FB", date(2012, 5, 18)), renamed(META, "META", RENAME)]


def test_a_renamed_security_has_its_old_ticker_until_the_day_before_the_new_one():
    assert spans(listed([security("META", META)], FACEBOOK)) == [
        ("FB", META, date(2012, 5, 18), date(2022, 6, 8)),
        ("META", META, RENAME, None),
    ]


def test_another_fund_that_takes_the_symbol_later_is_another_listing():
    found = listed(
        [security("META", META), security("FB", FUND, type_="ETF")],
        [*FACEBOOK, renamed(FUND, "FB", date(2025, 6, 25))],
    )
    assert spans(found) == [
        ("FB", META, date(2012, 5, 18), date(2022, 6, 8)),
        ("FB", FUND, date(2025, 6, 25), None),
        ("META", META, RENAME, None),
    ]
    assert found["type"].to_list() == ["CS", "ETF", "CS"]


def test_the_present_owner_of_a_ticker_comes_last_when_the_day_is_unknown():
    found = listed([security("META", META), security("FB", FUND)], FACEBOOK)
    assert spans(found)[:2] == [
        ("FB", META, date(2012, 5, 18), date(2022, 6, 8)),
        ("FB", FUND, date(2022, 6, 9), None),
    ]


def test_without_any_rename_a_delisting_says_when_the_old_ticker_ended():
    found = listed([security("META", META), security("FB", META, delisted=RENAME)])
    assert spans(found) == [("FB", META, None, date(2022, 6, 8)), ("META", META, RENAME, None)]


def test_a_security_without_a_last_day_is_listed_for_ever():
    assert spans(listed([security("IBM", "BBG000BLNNH6")])) == [("IBM", "BBG000BLNNH6", None, None)]


def test_a_delisted_security_ends_the_day_before_and_one_without_that_day_claims_nothing():
    gone = [
        security("A", META, delisted=date(2020, 1, 6)),
        security("B", FUND, delisted=date(2020, 1, 6), delisted_on=None),
    ]
    assert spans(listed(gone)) == [("A", META, None, date(2020, 1, 5))]


def test_a_delisted_and_relisted_security_is_one_listing():
    twice = [security("A", META, delisted=date(2020, 1, 6)), security("A", META)]
    assert spans(listed(twice)) == [("A", META, None, None)]


def test_a_delisting_ends_the_span_that_a_rename_opened():
    found = listed([security("B", META, delisted=date(2020, 1, 6))], [renamed(META, "B", date(2019, 1, 2))])
    assert spans(found) == [("B", META, date(2019, 1, 2), date(2020, 1, 5))]


def test_a_delisting_before_a_rename_is_of_an_earlier_time_under_the_ticker():
    found = listed([security("B", META, delisted=date(2010, 1, 6))], [renamed(META, "B", date(2019, 1, 2))])
    assert spans(found) == [("B", META, date(2019, 1, 2), None)]


def test_a_security_may_come_back_to_a_ticker_it_had():
    days = [date(2018, 1, 2), date(2019, 1, 2), date(2020, 1, 2)]
    found = listed([security("A", META)], [renamed(META, t, d) for t, d in zip("ABA", days, strict=True)])
    assert spans(found) == [
        ("A", META, days[0], date(2019, 1, 1)),
        ("A", META, days[2], None),
        ("B", META, days[1], date(2020, 1, 1)),
    ]


def test_the_later_of_overlapping_claims_has_the_ticker_from_its_first_day_on():
    found = listed([], [renamed(META, "A", date(2018, 1, 2)), renamed(FUND, "A", date(2019, 1, 2))])
    assert spans(found) == [("A", META, date(2018, 1, 2), date(2019, 1, 1)), ("A", FUND, date(2019, 1, 2), None)]


def test_two_that_claim_a_ticker_for_the_same_days_are_both_left_out():
    assert spans(listed([security("A", META), security("A", FUND), security("B", OTHER)])) == [("B", OTHER, None, None)]


def test_a_figi_that_two_tickers_claim_at_once_is_known_for_neither():
    found = listed([security("A", META), security("B", META, type_="ETF")])
    assert found.select("ticker", "composite_figi", "type").rows() == [("A", None, "CS"), ("B", None, "ETF")]


def test_what_the_vendor_took_back_counts_no_more():
    taken_back = {"withdrawn_at": SEEN + timedelta(days=1)}
    found = listed([security("A", META), security("A", FUND, **taken_back)], [renamed(META, "Z", RENAME, **taken_back)])
    assert spans(found) == [("A", META, None, None)]


def test_nothing_known_is_no_listing():
    assert listed([]).schema == pl.Schema(LISTING)
    assert with_listing(tape([1.0]), listed([]))["type"].to_list() == [None]


def test_the_type_is_that_of_the_security_that_had_the_ticker_on_the_session():
    found = listed(
        [security("B", META, type_="CS", delisted=day(4)), security("B", FUND, type_="ETF"), security("C", OTHER)],
        [renamed(FUND, "B", day(6)), renamed(OTHER, "C", day(2))],
    )
    bars = pl.concat([tape([1.0] * 8, ticker="B"), tape([1.0] * 3, ticker="C"), tape([1.0], ticker="b")])
    known = with_listing(bars, found)
    assert known.drop("composite_figi", "type").equals(bars)
    types = dict(known.group_by("ticker").agg(pl.col("type").sort_by("session")).iter_rows())
    assert types == {"B": [*["CS"] * 4, None, None, "ETF", "ETF"], "C": [None, None, "CS"], "b": [None]}


def market() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return bars and listings: FB becomes META on session 3, and another FB is listed on session 6."""
    bars = pl.concat(
        [
            tape([10.0, 11.0, 12.0, 70.0, 71.0], ticker="FB", at=[0, 1, 2, 6, 7]),
            tape([5.0, 13.0, 14.0], ticker="META", at=[1, 3, 4]),
        ]
    )
    found = listed(
        [security("META", META), security("META", OTHER, delisted=day(2)), security("FB", FUND)],
        [renamed(META, "FB", day(0)), renamed(META, "META", day(3)), renamed(FUND, "FB", day(6))],
    )
    return bars, found


def test_a_series_follows_a_security_through_its_rename_each_bar_under_the_ticker_it_traded_as():
    followed = series(*market(), META)
    assert followed.select("ticker", "close").rows() == [
        *(("FB", 10.0), ("FB", 11.0), ("FB", 12.0)),
        *(("META", 13.0), ("META", 14.0)),
    ]


def test_two_securities_that_used_one_symbol_are_never_joined():
    bars, found = market()
    assert series(bars, found, FUND)["close"].to_list() == [70.0, 71.0]
    assert series(bars, found, OTHER)["close"].to_list() == [5.0]


def test_an_unlisted_figi_is_an_error_and_no_empty_series():
    with pytest.raises(QueryError, match="BBG0NOBODY"):
        series(*market(), "BBG0NOBODY")


def test_there_is_a_succession_where_both_figis_are_known_and_differ():
    _, found = market()
    assert successions(found).rows() == [("FB", day(6), day(3)), ("META", day(3), day(2))]
    unknown = listed([security("A", None, delisted=day(3)), security("A", META)])
    assert spans(unknown) == [("A", None, None, day(2)), ("A", META, day(3), None)]
    assert successions(unknown).is_empty()


FIGIS, NAMES, DAYS = ["F1", "F2", "F3"], ["A", "B"], st.integers(0, 6).map(day)


@examples(200)
@given(
    tickers=st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from([*FIGIS, None]), DAYS | st.none()), max_size=6),
    events=st.lists(st.tuples(st.sampled_from(FIGIS), st.sampled_from(NAMES), DAYS), max_size=6),
)
def test_no_ticker_has_two_listings_on_a_day_and_no_figi_two_tickers(tickers, events):
    found = listed([security(t, f, delisted=e) for t, f, e in tickers], [renamed(*event) for event in events])
    every_day = pl.DataFrame({"session": [day(k) for k in range(8)]})
    open_ended = found.with_columns(pl.col("first_day").fill_null(day(0)), pl.col("last_day").fill_null(day(7)))
    listed_days = open_ended.join(every_day, how="cross").filter(pl.col("session").is_between("first_day", "last_day"))
    assert not listed_days.select("ticker", "session").is_duplicated().any()
    with_figi = listed_days.filter(pl.col("composite_figi").is_not_null())
    assert not with_figi.select("composite_figi", "session").is_duplicated().any()
    # A join by ticker and day gets that listing.
    every_name = pl.DataFrame({"ticker": NAMES}).join(every_day, how="cross")
    got = with_listing(every_name, found).filter(pl.col("composite_figi").is_not_null())
    assert set(got.select("ticker", "session", "composite_figi").rows()) == set(
        with_figi.select("ticker", "session", "composite_figi").rows()
    )
