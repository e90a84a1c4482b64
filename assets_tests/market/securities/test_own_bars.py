"""Which bars count in a ticker's window after a rename, and after another security had the ticker."""

from datetime import date, timedelta

import polars as pl

from assets_tests.market.securities.test_listings import FUND, META, OTHER, listed, renamed, security
from pipeline.market.securities.own_bars import followed, own_rows, own_spans, sources_of

DAY = timedelta(days=1)
RENAME = date(2022, 6, 9)
FACEBOOK = [renamed(META, "FB", date(2012, 5, 18)), renamed(META, "META", RENAME)]


def spans(found: pl.DataFrame) -> list[tuple]:
    return own_spans(found).drop("events_end").rows()


def test_a_ticker_that_was_never_renamed_and_never_shared_needs_no_span():
    assert spans(listed([security("A", META), security("B", None)])) == []


def test_a_renamed_security_takes_its_bars_from_its_former_ticker_up_to_the_rename():
    assert spans(listed([security("META", META)], FACEBOOK)) == [
        ("META", RENAME, "FB", date(2012, 5, 18), date(2022, 6, 8)),
        ("META", RENAME, "META", RENAME, None),
    ]


def test_a_fund_that_had_the_ticker_before_the_company_took_it_stays_out():
    found = listed([security("META", META), security("META", FUND, delisted=date(2022, 1, 31))], FACEBOOK)
    assert spans(found) == [
        ("META", RENAME, "FB", date(2012, 5, 18), date(2022, 6, 8)),
        ("META", RENAME, "META", RENAME, None),
    ]


def test_without_a_former_ticker_only_the_other_security_stays_out():
    found = listed([security("FB", FUND), security("META", META)], [*FACEBOOK, renamed(FUND, "FB", date(2025, 6, 25))])
    assert ("FB", date(2025, 6, 25), "FB", date(2022, 6, 10), None) in spans(found)


def test_each_of_several_renames_has_all_the_tickers_before_it():
    thrice = [renamed(META, name, date(year, 1, 5)) for name, year in (("A", 2010), ("B", 2015), ("C", 2020))]
    found = listed([security("C", META)], thrice)
    assert [row[:3] for row in spans(found)] == [
        ("B", date(2015, 1, 5), "A"),
        ("B", date(2015, 1, 5), "B"),
        ("C", date(2020, 1, 5), "A"),
        ("C", date(2020, 1, 5), "B"),
        ("C", date(2020, 1, 5), "C"),
    ]


def test_a_security_that_took_its_old_ticker_back_has_the_days_between_from_the_other_one():
    there_and_back = [renamed(META, name, date(year, 1, 5)) for name, year in (("A", 2010), ("B", 2015), ("A", 2020))]
    found = listed([security("A", META)], there_and_back)
    assert spans(found)[:3] == [
        ("A", date(2020, 1, 5), "A", date(2010, 1, 5), date(2015, 1, 4)),
        ("A", date(2020, 1, 5), "B", date(2015, 1, 5), date(2020, 1, 4)),
        ("A", date(2020, 1, 5), "A", date(2020, 1, 5), None),
    ]


def test_a_split_around_the_day_of_the_rename_counts_under_the_old_ticker_unless_somebody_took_it_that_day():
    # The vendor dates some renames on a weekend or holiday: the next session is up to four days after the last one.
    free = own_spans(listed([security("META", META)], FACEBOOK))
    taken = own_spans(
        listed([security("META", META), security("FB", OTHER)], [*FACEBOOK, renamed(OTHER, "FB", RENAME)])
    )
    until = {name: found.filter(source="FB", ticker="META")["events_end"].item() for name, found in
             {"free": free, "taken": taken}.items()}  # fmt: skip
    assert until == {"free": RENAME + timedelta(days=3), "taken": date(2022, 6, 8)}


def test_the_sources_of_tickers_are_themselves_and_their_former_tickers():
    found = listed([security("META", META), security("A", OTHER)], FACEBOOK)
    assert sources_of(pl.Series(["META", "A"]), found).sort().to_list() == ["A", "FB", "META"]


def test_a_change_under_a_former_ticker_is_followed_to_the_later_one():
    changes = pl.DataFrame({"ticker": ["FB", "FB", "A"], "day": [date(2020, 1, 2), date(2023, 1, 3), date(2020, 1, 2)]})
    found = followed(changes, "day", listed([security("META", META)], FACEBOOK))
    assert found.rows() == [("META", date(2020, 1, 2), RENAME)]


def test_the_bars_of_a_window_are_those_of_the_security_under_the_tickers_of_their_days():
    rows = pl.DataFrame(
        [("FB", RENAME - DAY), ("FB", RENAME), ("META", RENAME - DAY), ("META", RENAME), ("META", RENAME + DAY)],
        schema={"ticker": pl.String, "session": pl.Date},
        orient="row",
    )
    found = listed([security("META", META)], FACEBOOK)
    assert own_rows(rows, "session", ["META", "A"], RENAME, found).rows() == [
        ("META", RENAME - DAY, "FB"),
        ("META", RENAME, "META"),
    ]
    assert own_rows(rows, "session", ["FB"], RENAME - DAY, found)["stated_for"].to_list() == ["FB"]
    splits = rows.rename({"session": "execution_date"}).with_columns(half=pl.lit(0.5))
    own = own_rows(splits, "execution_date", ["META"], RENAME, found)
    assert own.select("ticker", "execution_date", "half").rows() == [("META", RENAME - DAY, 0.5), ("META", RENAME, 0.5)]
