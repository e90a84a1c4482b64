from datetime import timedelta

import polars as pl
import pytest

from assets_tests.market.afterwards import (
    DAYS,
    flat,
    listing,
    lists,
    outcomes,
    ranked,
    still,
    tape,
    what_followed,
)
from pipeline.contracts.outcomes import CANDIDATE_OUTCOMES, COMPLETE, DELISTED, HORIZONS, IN_DOUBT, NO_ENTRY, RUNNING
from pipeline.market.scorekeeping.outcomes import SILENT_SESSIONS

LONG = range(80)
"""Sessions enough for every horizon of a list on DAYS[1]."""


def split(ticker, number, old, new):
    row = {"ticker": ticker, "execution_date": DAYS[number], "split_from": float(old), "split_to": float(new)}
    return pl.DataFrame([row])


def dividend(ticker, number, cash):
    return pl.DataFrame([{"ticker": ticker, "ex_dividend_date": DAYS[number], "cash_amount": float(cash)}])


def became(ticker, bars, *, alone=True, **known):
    """Return the outcome of a candidate of DAYS[1], compared with itself unless others are scored too."""
    scored = lists({ticker: 1.0} if alone else dict.fromkeys(sorted(bars["ticker"].unique()), 1.0))
    rows = outcomes(ranked(lists({ticker: 1.0})), scored, what_followed(bars, **known))
    return CANDIDATE_OUTCOMES.enforce(rows).row(0, named=True)


def returns(row):
    return [row[f"return_{h}"] for h in HORIZONS]


def test_a_candidate_is_bought_at_the_next_open_and_sold_at_the_closes_of_the_horizons():
    bars = dict.fromkeys(LONG, flat(50.0)) | {
        1: (90.0, 99.0, 80.0, 95.0),  # the list's own session counts nothing
        2: (20.0, 23.0, 19.0, 21.0),
        6: (24.0, 25.0, 18.0, 25.0),
        21: flat(10.0),
        30: (50.0, 60.0, 5.0, 50.0),
        61: (50.0, 50.0, 40.0, 40.0),
        62: (50.0, 70.0, 1.0, 50.0),  # after the last horizon
    }
    row = became("A", tape("A", bars))
    assert (row["entry_session"], row["entry_open"]) == (DAYS[2], 20.0)
    # 21, 25, 10 and 40 by 20.
    assert returns(row) == pytest.approx([0.05, 0.25, -0.5, 1.0])
    # Low 5 and high 60 by 20.
    assert (row["worst_60"], row["best_60"]) == pytest.approx((-0.75, 2.0))
    assert (row["last_session"], row["fate"]) == (DAYS[61], COMPLETE)


def test_the_universe_is_the_median_of_all_who_passed_and_excess_is_the_difference():
    gains = {"A": 1.3, "B": 1.1, "C": 0.9, "D": 0.8}
    bars = pl.concat([tape(t, dict.fromkeys(LONG, flat(10.0)) | {6: flat(10.0 * g)}) for t, g in gains.items()])
    scored = lists({"A": 3.0, "B": 2.0, "C": 1.0, "D": 0.0})
    rows = outcomes(ranked(scored), scored, what_followed(bars))
    assert rows["ticker"].to_list() == ["A", "B"]
    # Between 10 % up and 10 % down.
    assert rows["universe_5"].to_list() == pytest.approx([0.0, 0.0])
    assert rows["excess_5"].to_list() == pytest.approx([0.3, 0.1])
    assert rows["universe_20"].to_list() == [0.0, 0.0]


def test_each_model_is_held_against_its_own_universe():
    bars = pl.concat([tape(t, {n: flat(p if n > 5 else 10.0) for n in LONG}) for t, p in {"A": 12, "B": 11}.items()])
    trend, pullback = lists({"A": 1.0, "B": 0.5}), lists({"A": 1.0}, model="pullback")
    scored = pl.concat([trend, pullback])
    rows = outcomes(ranked(scored, top=1), scored, what_followed(bars))
    assert dict(rows.select("model", "universe_5").iter_rows()) == pytest.approx({"trend": 0.15, "pullback": 0.2})


def test_a_list_of_another_version_than_scored_the_universe_has_no_excess():
    bars = still("A", LONG)
    rows = outcomes(ranked(lists({"A": 1.0}, version=1)), lists({"A": 1.0}, version=2), what_followed(bars))
    assert (rows["return_5"][0], rows["universe_5"][0], rows["excess_5"][0]) == (0.0, None, None)


@pytest.mark.parametrize(("old", "new"), [(1, 2), (20, 1), (3, 2)])
@pytest.mark.parametrize("number", [3, 6, 40])
def test_a_split_within_the_horizon_is_neither_gain_nor_loss(old, new, number):
    before, after = flat(30.0), flat(30.0 * old / new)
    row = became(
        "A", tape("A", {n: after if n >= number else before for n in LONG}), splits=split("A", number, old, new)
    )
    assert returns(row) == pytest.approx([0.0] * 4, abs=1e-12)
    assert (row["worst_60"], row["best_60"]) == pytest.approx((0.0, 0.0), abs=1e-12)
    assert row["entry_open"] == 30.0


def test_a_split_on_the_day_of_the_entry_is_in_the_open_already():
    bars = tape("A", {n: flat(30.0 if n < 2 else 15.0) for n in LONG})
    row = became("A", bars, splits=split("A", 2, 1, 2))
    assert (row["entry_open"], *returns(row)) == (15.0, 0.0, 0.0, 0.0, 0.0)


def test_a_dividend_within_the_horizon_is_part_of_the_return():
    # 20 % of the close before are paid out, the price falls by as much, then it rises by a quarter.
    bars = tape("A", {n: flat(10.0 if n < 10 else 8.0 if n < 30 else 10.0) for n in LONG})
    row = became("A", bars, dividends=dividend("A", 10, 2.0))
    assert returns(row) == pytest.approx([0.0, 0.0, 0.0, 0.25])
    assert row["worst_60"] == pytest.approx(0.0)


def test_a_dividend_on_the_day_of_the_entry_goes_to_the_seller():
    bars = tape("A", {n: flat(10.0 if n < 2 else 8.0) for n in LONG})
    assert returns(became("A", bars, dividends=dividend("A", 2, 2.0))) == [0.0, 0.0, 0.0, 0.0]


def test_a_horizon_that_the_lake_does_not_reach_is_null():
    row = became("A", still("A", range(21)))
    assert returns(row) == [0.0, 0.0, None, None]
    assert [row[name] for name in ("worst_60", "best_60", "universe_20", "excess_20")] == [None] * 4
    assert (row["last_session"], row["fate"]) == (DAYS[20], RUNNING)
    assert returns(became("A", still("A", range(22)))) == [0.0, 0.0, 0.0, None]


def test_a_list_of_the_newest_session_waits_for_its_entry():
    row = became("A", still("A", range(2)))
    assert (row["entry_session"], row["entry_open"], row["last_session"]) == (DAYS[2], None, None)
    assert (returns(row), row["fate"]) == ([None] * 4, RUNNING)


def test_a_session_that_the_lake_skips_is_not_taken_for_a_halt():
    without_entry = became("A", still("A", [n for n in LONG if n != 2]))
    assert (without_entry["entry_open"], without_entry["fate"]) == (None, RUNNING)
    without_a_horizon = became("A", still("A", [n for n in LONG if n != 21]))
    assert returns(without_a_horizon) == [0.0, 0.0, None, 0.0]
    assert without_a_horizon["fate"] == RUNNING


def market(*bars):
    """Return bars, and those of a ticker that trades on every session."""
    return pl.concat([still("EVERY", LONG), *bars])


def test_who_has_no_bar_on_the_next_session_is_not_bought():
    row = became("A", market(still("A", [n for n in LONG if n != 2])))
    assert (row["entry_session"], row["entry_open"], row["last_session"], row["fate"]) == (
        DAYS[2],
        None,
        None,
        NO_ENTRY,
    )
    assert returns(row) == [None] * 4


def test_who_could_not_be_bought_is_no_part_of_the_universe():
    bars = market(still("A", [n for n in LONG if n != 2]), tape("B", {n: flat(10 if n < 6 else 20) for n in LONG}))
    row = became("B", bars, alone=False)
    assert row["universe_5"] == pytest.approx(0.5)


def test_a_halt_over_the_horizon_is_reckoned_to_the_last_close():
    bars = tape("A", {n: flat(10 if n < 4 else 13) for n in LONG if not 4 < n < 4 + SILENT_SESSIONS})
    row = became("A", market(bars))
    assert returns(row) == pytest.approx([0.0, 0.3, 0.3, 0.3])
    assert row["fate"] == COMPLETE


def test_a_ticker_whose_bars_end_for_good_is_delisted_at_its_last_close():
    row = became("A", market(tape("A", {n: flat(10 if n < 15 else 4) for n in range(16)})))
    assert returns(row) == pytest.approx([0.0, 0.0, -0.6, -0.6])
    assert (row["worst_60"], row["best_60"]) == pytest.approx((-0.6, 0.0))
    assert (row["last_session"], row["fate"]) == (DAYS[15], DELISTED)


@pytest.mark.parametrize(("silence", "fate"), [(SILENT_SESSIONS - 1, COMPLETE), (SILENT_SESSIONS, DELISTED)])
def test_silence_up_to_the_last_horizon_counts_as_delisting_from_ten_sessions_on(silence, fate):
    row = became("A", market(still("A", range(62 - silence))))
    assert row["fate"] == fate


def test_a_delisting_is_known_before_the_last_horizon_is_reached():
    bars = pl.concat([still("EVERY", range(30)), still("A", range(16))])
    row = became("A", bars)
    assert (returns(row), row["fate"]) == ([0.0, 0.0, 0.0, None], DELISTED)


@pytest.mark.parametrize("days", [0, 1])
def test_what_the_vendor_says_of_a_delisting_counts_at_once(days):
    # The vendor's day is the last day of trading or the one after it; `last_day` is the day before the vendor's.
    bars = pl.concat([still("EVERY", range(20)), still("A", range(16))])
    last_day = DAYS[15] + timedelta(days=days - 1)
    row = became("A", bars, listed=listing(("A", "BBG000000001", None, last_day)))
    assert (row["last_session"], row["fate"]) == (DAYS[15], DELISTED)
    assert returns(row) == [0.0, 0.0, None, None]


@pytest.mark.parametrize(("newest", "fate"), [(14, RUNNING), (15, DELISTED)])
def test_a_delisting_after_the_last_session_of_the_lake_is_not_counted_yet(newest, fate):
    last_day = DAYS[15] - timedelta(days=1)
    row = became("A", still("A", range(newest + 1)), listed=listing(("A", "BBG000000001", None, last_day)))
    assert row["fate"] == fate


def test_another_company_that_takes_the_ticker_is_not_joined():
    bars = market(tape("A", {n: flat(10 if n < 30 else 999) for n in LONG}))
    of_two = listing(("A", "BBG000000001", None, DAYS[29]), ("A", "BBG000000002", DAYS[30], None))
    row = became("A", bars, listed=of_two)
    assert returns(row) == [0.0] * 4
    assert (row["best_60"], row["last_session"], row["fate"]) == (0.0, DAYS[29], DELISTED)


def test_a_security_that_is_renamed_is_followed_under_its_new_ticker_splits_and_dividends_included():
    old = still("OLD", range(30), 20.0)
    new = tape("NEW", {n: flat(20.0 if n < 40 else 10.0 if n < 50 else 9.0) for n in LONG if n >= 30})
    renamed = listing(("NEW", "BBG000000001", DAYS[30], None), ("OLD", "BBG000000001", None, DAYS[30] - timedelta(1)))
    known = {"splits": split("NEW", 40, 1, 2), "dividends": dividend("NEW", 50, 1.0), "listed": renamed}
    row = became("OLD", market(old, new), **known)
    assert returns(row) == pytest.approx([0.0] * 4, abs=1e-12)
    assert (row["last_session"], row["fate"]) == (DAYS[61], COMPLETE)


def in_doubt(ticker, number):
    return pl.DataFrame([{"ticker": ticker, "execution_date": DAYS[number], "reaches_from": DAYS[number]}])


def test_there_are_no_outcomes_across_a_split_that_is_in_doubt():
    bars = tape("A", {n: flat(10 if n < 15 else 200) for n in LONG})
    row = became("A", bars, doubtful=in_doubt("A", 15))
    assert returns(row) == [0.0, 0.0, None, None]
    assert (row["worst_60"], row["best_60"], row["fate"]) == (None, None, IN_DOUBT)


@pytest.mark.parametrize(("number", "known"), [(2, 0), (3, 1), (4, 1)])
def test_a_wrong_price_is_in_doubt_for_who_bought_on_its_day_too(number, known):
    wrong = in_doubt("A", number).with_columns(reaches_from=pl.col("execution_date") + pl.duration(days=1))
    row = became("A", still("A", LONG), doubtful=wrong)
    assert returns(row)[:known] == [0.0] * known
    assert returns(row)[known:] == [None] * (4 - known)
    assert row["fate"] == IN_DOUBT


@pytest.mark.parametrize("number", [1, 2, 62])
def test_a_split_in_doubt_before_the_entry_or_after_the_last_horizon_does_not_matter(number):
    row = became("A", still("A", LONG), doubtful=in_doubt("A", number))
    assert (returns(row), row["fate"]) == ([0.0] * 4, COMPLETE)


def test_a_split_in_doubt_that_lies_beyond_the_lake_does_not_matter_yet():
    row = became("A", still("A", range(30)), doubtful=in_doubt("A", 35))
    assert (returns(row), row["fate"]) == ([0.0, 0.0, 0.0, None], RUNNING)


def test_tickers_that_differ_in_case_are_two():
    bars = pl.concat([tape(t, {n: flat(p if n > 5 else 10) for n in LONG}) for t, p in {"AAp": 20, "AAP": 5}.items()])
    scored = lists({"AAp": 2.0, "AAP": 1.0})
    rows = outcomes(ranked(scored), scored, what_followed(bars))
    assert dict(rows.select("ticker", "return_5").iter_rows()) == {"AAp": 1.0, "AAP": -0.5}


def test_no_candidates_have_no_outcomes():
    none = lists({})
    rows = outcomes(ranked(none), none, what_followed(still("A", LONG)))
    assert CANDIDATE_OUTCOMES.enforce(rows).is_empty()
    assert outcomes(ranked(none), none, what_followed(still("A", []))).is_empty()


def test_lists_of_several_sessions_each_have_their_own_afterwards():
    bars = tape("A", {n: flat(10.0 + n) for n in LONG})
    scored = pl.concat([lists({"A": 1.0}, on=n) for n in (1, 2, 70)])
    rows = outcomes(ranked(scored), scored, what_followed(bars)).sort("session")
    assert rows["return_5"].to_list() == pytest.approx([16 / 12 - 1, 17 / 13 - 1, 85 / 81 - 1])
    assert rows["return_20"].to_list() == pytest.approx([31 / 12 - 1, 32 / 13 - 1, None])


def test_the_order_of_rows_is_irrelevant_and_so_is_the_day_on_whose_basis_prices_stand():
    tickers = {"A": 1.0, "B": 0.9, "C": 0.8}
    bars = pl.concat([tape(t, {n: flat(7.3 + n * s) for n in LONG}) for t, s in tickers.items()])
    paid, halved = dividend("B", 30, 0.7), split("A", 30, 1, 3)
    scored = lists(tickers)
    later = pl.concat([halved, split("A", 75, 7, 3)]), pl.concat([paid, dividend("B", 76, 1.1)])
    expected = outcomes(ranked(scored), scored, what_followed(bars, splits=halved, dividends=paid))
    mixed = what_followed(bars.sample(fraction=1, shuffle=True, seed=3), splits=later[0], dividends=later[1])
    assert outcomes(ranked(scored), scored, mixed).equals(expected)
