"""The history of the vendor's answers, what is in doubt, and what may be applied: by hand."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from assets_tests.market.histories import DAY, FIRST, dividend, dividends, evening, split, splits
from pipeline.contracts.reference import DIVIDENDS, KNOWN, SPLITS, TICKERS, vendor_columns
from pipeline.errors import ClockBehind
from pipeline.market.securities.reference import (
    applicable_dividends,
    applicable_splits,
    as_known,
    changes_of,
    dated_before,
    merged,
    newest_refresh,
    vanished_tickers,
    with_dividend_doubts,
    with_split_doubts,
    withdrawn_last,
)


def history(*refreshes, table=SPLITS):
    """Return the history after the refreshes of as many evenings, kept to its contract."""
    known = table.empty()
    judged = {"splits": with_split_doubts, "dividends": with_dividend_doubts}.get(table.name, lambda rows: rows)
    for number, answer in enumerate(refreshes):
        known = table.enforce(judged(merged(known, answer, evening(number))))
    return known


def moments(row):
    return row["first_seen_at"], row["last_seen_at"], row["withdrawn_at"]


def test_what_is_new_is_first_and_last_seen_now():
    (row,) = history(splits(split())).to_dicts()
    assert moments(row) == (FIRST, FIRST, None)


def test_a_row_that_comes_again_is_only_seen_later():
    (row,) = history(splits(split()), splits(split())).to_dicts()
    assert moments(row) == (FIRST, evening(1), None)


def test_a_row_that_no_longer_comes_is_kept_as_withdrawn():
    (row,) = history(splits(split()), splits()).to_dicts()
    assert moments(row) == (FIRST, FIRST, evening(1))


def test_a_withdrawn_row_that_comes_again_is_another_row():
    rows = history(splits(split()), splits(), splits(), splits(split()))
    assert sorted(map(moments, rows.to_dicts())) == [(FIRST, FIRST, evening(1)), (evening(3), evening(3), None)]


def test_what_is_altered_is_withdrawn_and_another_row():
    rows = history(splits(split()), splits(split(new=3.0))).sort("first_seen_at")
    assert rows["split_to"].to_list() == [2.0, 3.0]
    assert rows["withdrawn_at"].to_list() == [evening(1), None]
    changes = changes_of(rows, evening(1))
    assert changes.select("change", "ticker", "split_to").rows() == [("withdrawn", "X", 2.0), ("added", "X", 3.0)]
    assert changes_of(rows, evening(2)).is_empty()


def test_rows_that_say_less_are_compared_with_their_gaps():
    vague = split(id=None, execution_date=None, old=None)
    assert history(splits(vague), splits(vague))["last_seen_at"].to_list() == [evening(1)]
    assert len(history(splits(vague), splits(vague | {"id": "X1"}))) == 2


def test_a_row_that_is_twice_in_one_answer_is_one():
    assert len(history(splits(split(), split()))) == 1


@pytest.mark.parametrize("late", [timedelta(0), timedelta(seconds=1)])
def test_a_clock_that_stands_or_runs_back_is_an_error(late):
    for known in (history(splits(split())), history(splits(split("Y")), splits())):
        with pytest.raises(ClockBehind, match="clock"):
            merged(known, splits(split()), newest_refresh(known) - late)


def test_the_newest_refresh_is_known_by_the_rows_it_saw_or_withdrew():
    assert newest_refresh(SPLITS.empty()) is None
    assert newest_refresh(history(splits(split()), splits(split()))) == evening(1)
    assert newest_refresh(history(splits(split()), splits())) == evening(1)


def test_what_the_newest_refresh_took_back_is_shown_until_the_next():
    rows = history(splits(split(), split("Y")), splits(split("Y")))
    assert withdrawn_last(rows)["ticker"].to_list() == ["X"]
    assert withdrawn_last(history(splits(split(), split("Y")), splits(split("Y")), splits(split("Y")))).is_empty()
    assert withdrawn_last(SPLITS.empty()).is_empty()


def security(ticker, **others):
    return dict.fromkeys(vendor_columns(TICKERS)) | {"ticker": ticker, "active": True} | others


def test_a_ticker_vanishes_when_no_row_of_it_comes_any_more():
    def securities(*rows):
        return pl.DataFrame(list(rows), schema=vendor_columns(TICKERS))

    before = securities(security("A"), security("B"), security("C"))
    after = securities(security("A"), security("B", active=False, delisted_on=DAY))
    assert vanished_tickers(history(before, after, table=TICKERS))["ticker"].to_list() == ["C"]


def doubts(*rows):
    known = history(splits(*rows))
    return dict(known.sort("id").select("id", "doubt").rows())


@pytest.mark.parametrize(
    ("row", "doubt"),
    [
        (split(), None),
        (split(new=1.0, old=20.0), None),
        (split(new=10_000.0), None),
        (split(new=1.0, old=10_000.0), None),
        (split(new=10_001.0), "implausible"),
        (split(new=1.0, old=2e6), "implausible"),
        (split(new=0.0), "not_positive"),
        (split(old=0.0), "not_positive"),
        (split(old=-1.0, new=-2.0), "not_positive"),
        (split(new=None), "unreadable"),
        (split(old=None, new=0.0), "unreadable"),
        (split(execution_date=None), "unreadable"),
    ],
)
def test_a_split_is_judged_by_itself(row, doubt):
    rows = history(splits(row))
    assert rows["doubt"].to_list() == [doubt]
    assert len(applicable_splits(rows)) == (doubt is None)


def test_the_first_of_several_splits_with_one_ratio_counts():
    assert doubts(split(id="b"), split(id="a", old=2.0, new=4.0), split(id="c", old=0.5, new=1.0)) == {
        "a": None,
        "b": "repeated",
        "c": "repeated",
    }
    assert doubts(split(id="a", old=3.0, new=1.0), split(id="b", old=1.0, new=1 / 3)) == {"a": None, "b": "repeated"}


def test_the_first_is_the_one_seen_first():
    rows = history(splits(split(id="b")), splits(split(id="a"), split(id="b")))
    assert dict(rows.select("id", "doubt").rows()) == {"a": "repeated", "b": None}


def test_splits_with_different_ratios_are_all_in_doubt_and_none_is_applied():
    rows = history(splits(split(id="a"), split(id="b"), split(id="c", new=3.0), split("Y")))
    assert dict(rows.select("id", "doubt").rows()) == {
        "a": "conflicting",
        "b": "conflicting",
        "c": "conflicting",
        "Y1": None,
    }
    assert applicable_splits(rows)["ticker"].to_list() == ["Y"]


def test_a_split_that_is_broken_does_not_spoil_the_sound_one_of_its_day():
    assert doubts(split(id="a", new=0.0), split(id="b"), split(id="c", new=None)) == {
        "a": "not_positive",
        "b": None,
        "c": "unreadable",
    }


def test_splits_of_different_days_or_tickers_do_not_conflict():
    assert set(
        doubts(split(id="a"), split("x", id="b", new=3.0), split(id="c", execution_date=FIRST.date())).values()
    ) == {None}


def test_a_conflict_ends_when_the_vendor_takes_one_of_the_splits_back():
    rows = history(splits(split(id="a"), split(id="b", new=3.0)), splits(split(id="a")))
    # What was withdrawn keeps the doubt it had.
    assert dict(rows.select("id", "doubt").rows()) == {"a": None, "b": "conflicting"}
    assert applicable_splits(rows).rows() == [("X", DAY, 1.0, 2.0)]
    assert applicable_splits(rows, evening(0)).is_empty()


def test_what_may_be_applied_is_what_was_known_at_the_moment():
    rows = history(splits(), splits(split()), splits(split(new=3.0)), splits())
    just_before = timedelta(microseconds=1)
    ratios = {
        evening(0): [],
        evening(1) - just_before: [],
        evening(1): [2.0],
        evening(2) - just_before: [2.0],
        evening(2): [3.0],
        evening(3): [],
        None: [],
    }
    assert {moment: applicable_splits(rows, moment)["split_to"].to_list() for moment in ratios} == ratios


def test_applicable_splits_are_sorted_and_one_a_ticker_and_day():
    later = date(2024, 3, 1)
    rows = history(splits(split("Y"), split("X", execution_date=later, id="l"), split("X"), split("X", id="2")))
    assert applicable_splits(rows).rows() == [("X", DAY, 1.0, 2.0), ("X", later, 1.0, 2.0), ("Y", DAY, 1.0, 2.0)]


@pytest.mark.parametrize(
    ("row", "doubt"),
    [
        (dividend(), None),
        (dividend(currency="usd"), None),
        (dividend(currency="CAD"), "not_usd"),
        (dividend(currency=None), "not_usd"),
        (dividend(amount=0.0), "not_positive"),
        (dividend(amount=-0.5), "not_positive"),
        (dividend(amount=None), "unreadable"),
        (dividend(ex_dividend_date=None), "unreadable"),
        (dividend(frequency=None, pay_date=None, distribution_type=None), None),
    ],
)
def test_a_dividend_is_judged_by_itself(row, doubt):
    rows = history(dividends(row), table=DIVIDENDS)
    assert rows["doubt"].to_list() == [doubt]
    assert len(applicable_dividends(rows)) == (doubt is None)


def test_a_dividend_under_two_ids_counts_once():
    rows = history(dividends(dividend(id="b"), dividend(id="a")), table=DIVIDENDS)
    assert dict(rows.select("id", "doubt").rows()) == {"a": None, "b": "repeated"}
    untyped = dividend(distribution_type=None)
    rows = history(dividends(untyped, untyped | {"id": "2"}), table=DIVIDENDS)
    assert sorted(rows["doubt"].to_list(), key=str) == [None, "repeated"]


def test_several_dividends_of_one_day_add_up():
    special = dividend(id="2", distribution_type="special")
    rows = history(dividends(dividend(), special, dividend(amount=1.25, id="3"), dividend("Y")), table=DIVIDENDS)
    assert applicable_dividends(rows).rows() == [("X", DAY, 2.25), ("Y", DAY, 0.5)]


QUARTERLY = {"frequency": 4}


def test_a_regular_dividend_told_again_within_days_is_paid_once():
    later = {"ex_dividend_date": DAY + timedelta(days=1), "id": "2"}
    rows = history(dividends(dividend(**QUARTERLY), dividend(**QUARTERLY | later)), table=DIVIDENDS)
    assert dict(rows.select("id", "doubt").rows()) == {"X1": None, "2": "repeated_nearby"}
    assert applicable_dividends(rows).rows() == [("X", DAY, 0.5)]


@pytest.mark.parametrize(
    "other",
    [
        {"ex_dividend_date": DAY + timedelta(days=8)},
        {"cash_amount": 0.51},
        {"distribution_type": "special"},
        {"ticker": "Y"},
    ],
)
def test_another_dividend_within_days_is_paid_too(other):
    later = {"ex_dividend_date": DAY + timedelta(days=1), "id": "2"}
    rows = history(dividends(dividend(**QUARTERLY), dividend(**QUARTERLY) | later | other), table=DIVIDENDS)
    assert rows["doubt"].to_list() == [None, None]


@pytest.mark.parametrize("kind", [{"frequency": 0, "distribution_type": "special"}, {"frequency": None}])
def test_a_dividend_of_no_known_frequency_told_again_within_days_is_paid_once(kind):
    later = {"ex_dividend_date": DAY + timedelta(days=1), "id": "2"}
    rows = history(dividends(dividend(**kind), dividend(**kind) | later), table=DIVIDENDS)
    assert applicable_dividends(rows).rows() == [("X", DAY, 0.5)]
    next_week = {"ex_dividend_date": DAY + timedelta(days=7), "id": "2"}
    assert (
        history(dividends(dividend(**kind), dividend(**kind) | next_week), table=DIVIDENDS)["doubt"].null_count() == 2
    )


def test_a_weekly_payer_pays_the_same_every_week():
    weeks = [dividend(frequency=52, ex_dividend_date=DAY + timedelta(days=7 * week), id=str(week)) for week in range(3)]
    assert history(dividends(*weeks), table=DIVIDENDS)["doubt"].null_count() == 3


def test_of_two_regular_amounts_of_one_day_the_larger_is_paid():
    rows = history(
        dividends(dividend(amount=0.2925, id="b", **QUARTERLY), dividend(amount=0.2725, id="a", **QUARTERLY)),
        table=DIVIDENDS,
    )
    assert dict(rows.select("id", "doubt").rows()) == {"a": "replaced", "b": None}
    assert applicable_dividends(rows).rows() == [("X", DAY, 0.2925)]


def test_of_two_regular_amounts_of_one_day_the_one_told_last_is_paid():
    first = dividend(amount=0.2925, id="b", **QUARTERLY)
    rows = history(dividends(first), dividends(first, dividend(amount=0.2725, id="a", **QUARTERLY)), table=DIVIDENDS)
    assert applicable_dividends(rows).rows() == [("X", DAY, 0.2725)]
    assert applicable_dividends(rows, evening(0)).rows() == [("X", DAY, 0.2925)]


def test_a_replaced_amount_hides_no_dividend_of_another_day():
    later = {"ex_dividend_date": DAY + timedelta(days=2), "id": "2"}
    rows = history(
        dividends(dividend(**QUARTERLY), dividend(amount=0.6, id="3", **QUARTERLY), dividend(**QUARTERLY | later)),
        table=DIVIDENDS,
    )
    assert applicable_dividends(rows).rows() == [("X", DAY, 0.6), ("X", later["ex_dividend_date"], 0.5)]


def test_dividends_are_those_known_at_the_moment():
    rows = history(dividends(dividend()), dividends(dividend(amount=0.6)), table=DIVIDENDS)
    assert applicable_dividends(rows, evening(0))["cash_amount"].to_list() == [0.5]
    assert applicable_dividends(rows, evening(5))["cash_amount"].to_list() == [0.6]
    assert as_known(rows, datetime(2000, 1, 1, tzinfo=UTC)).is_empty()


def test_moments_to_come_are_dated_before_now_in_their_order():
    rows = history(splits(split(), split("Y")), splits(split("Y")), splits(split("Y"), split("Z")), splits(split("Z")))
    at = evening(1) + timedelta(hours=1)
    dated = SPLITS.enforce(dated_before(rows, at))
    assert newest_refresh(dated) < at
    assert dated.filter(ticker="X").equals(rows.filter(ticker="X")), "moments that lie in the past stay"
    for one, other in zip(dated.sort("ticker").to_dicts(), rows.sort("ticker").to_dicts(), strict=True):
        assert (one["withdrawn_at"] is None) == (other["withdrawn_at"] is None)
    ranks = [frame.select(pl.concat([pl.col(name) for name in KNOWN]).rank("dense")) for frame in (dated, rows)]
    assert ranks[0].equals(ranks[1])
    assert len(merged(dated, splits(split("N")), at)) == len(rows) + 1


def test_a_history_without_a_moment_to_come_stays_as_it_is():
    rows = history(splits(split()), splits())
    assert dated_before(rows, evening(1)).equals(rows)
    assert dated_before(SPLITS.empty(), FIRST).is_empty()


def test_moments_that_have_no_room_before_now_are_left_to_the_person():
    rows = history(splits(split()), splits(split("Y")))
    with pytest.raises(ClockBehind, match="--clock-was-ahead"):
        dated_before(rows, FIRST)
