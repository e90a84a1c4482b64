"""The user's rulings on splits, and what they make of the vendor's history: by hand."""

from datetime import date, datetime

import polars as pl
import pytest

from assets_tests.market.histories import DAY, FIRST, evening, split, splits
from pipeline.contracts.reference import SPLITS
from pipeline.contracts.split_rulings import SPLIT_RULINGS
from pipeline.market.prices.point_in_time import splits_in_doubt
from pipeline.market.securities.reference import (
    applicable_splits,
    doubted_splits,
    merged,
    with_split_doubts,
    withdrawn_last,
)
from pipeline.market.securities.rulings import (
    Ruling,
    faults,
    in_force,
    ratios_told,
    ruled,
    with_ruling,
    with_rulings_of,
)

TEN_TO_ONE, FIFTEEN_TO_ONE = (10.0, 1.0), (15.0, 1.0)
OTHER_DAY = date(2024, 1, 9)


def rulings(*said: Ruling, since: datetime = FIRST) -> pl.DataFrame:
    """Return the rulings, recorded one after the other."""
    known = SPLIT_RULINGS.empty()
    for number, ruling in enumerate(said):
        known = with_ruling(known, ruling, ruled_by="me", ruled_at=since.replace(microsecond=number))
    return SPLIT_RULINGS.enforce(known)


def confirm(*ratio: float, ticker="X", day=DAY) -> Ruling:
    return Ruling(ticker, day, "confirm", *ratio)


def add(*ratio: float, ticker="X", day=DAY) -> Ruling:
    return Ruling(ticker, day, "add", *ratio)


def reject(ticker="X", day=DAY) -> Ruling:
    return Ruling(ticker, day, "reject")


def withdraw(ticker="X", day=DAY) -> Ruling:
    return Ruling(ticker, day, "withdraw")


def told(*rows: dict) -> pl.DataFrame:
    """Return the history of a vendor that tells these splits on the first evening."""
    return SPLITS.enforce(with_split_doubts(merged(SPLITS.empty(), splits(*rows), evening(0))))


def after(history: pl.DataFrame, said: pl.DataFrame, number: int = 1) -> pl.DataFrame:
    """Return the history with the rulings applied on an evening, kept to its contract."""
    return SPLITS.enforce(with_split_doubts(ruled(history, said, evening(number))))


def refreshed(history: pl.DataFrame, said: pl.DataFrame, number: int, *rows: dict) -> pl.DataFrame:
    """Return the history after a refresh in which the vendor tells `rows`, as the asset makes it."""
    at = evening(number)
    return SPLITS.enforce(with_split_doubts(ruled(merged(history, splits(*rows), at), said, at)))


def applied(history: pl.DataFrame, known_at: datetime | None = None) -> list[tuple]:
    return applicable_splits(history, known_at).select("ticker", "split_from", "split_to").rows()


def two_ratios() -> pl.DataFrame:
    return told(split(old=10.0, new=1.0, id="a"), split(old=15.0, new=1.0, id="b"))


def test_without_rulings_a_history_stays_as_it_is():
    history = two_ratios()
    assert ruled(history, SPLIT_RULINGS.empty(), evening(1)).equals(history)


def test_the_confirmed_one_of_two_ratios_is_applied():
    history = two_ratios()
    assert applied(history) == []
    after_ruling = after(history, rulings(confirm(*FIFTEEN_TO_ONE)))
    assert applied(after_ruling) == [("X", *FIFTEEN_TO_ONE)]
    holding = after_ruling.filter(pl.col("withdrawn_at").is_null()).sort("id")
    assert holding.select("ruling", "doubt").rows() == [("rejected", "rejected"), ("confirmed", None)]
    assert applied(after_ruling, evening(0)) == [], "nobody had ruled then"
    assert doubted_splits(after_ruling).is_empty()
    assert splits_in_doubt(after_ruling).is_empty()


def test_a_split_that_the_vendor_does_not_tell_is_added_from_the_ruling_on():
    history = after(told(split("Y")), rulings(add(*TEN_TO_ONE)))
    assert applied(history) == [("X", *TEN_TO_ONE), ("Y", 1.0, 2.0)]
    assert applied(history, evening(0)) == [("Y", 1.0, 2.0)]


def test_an_added_ratio_takes_the_place_of_the_vendor_s_wrong_one():
    assert applied(after(told(split(old=1.0, new=10.0)), rulings(add(*TEN_TO_ONE)))) == [("X", *TEN_TO_ONE)]


def test_a_rejected_split_is_not_applied_and_no_longer_in_doubt():
    history = after(told(split(), split(execution_date=OTHER_DAY, id="2")), rulings(reject()))
    assert applicable_splits(history)["execution_date"].to_list() == [OTHER_DAY]
    assert splits_in_doubt(history).is_empty()


def test_a_day_without_a_split_is_a_row_that_changes_no_price():
    history = after(told(), rulings(reject()))
    (row,) = history.to_dicts()
    assert (row["ruling"], row["doubt"], row["split_from"], row["execution_date"]) == (
        "rejected",
        "rejected",
        None,
        DAY,
    )
    assert applied(history) == []
    assert splits_in_doubt(history).is_empty()


def test_an_enormous_split_is_applied_once_it_is_confirmed():
    history = told(split(old=20_000.0, new=1.0))
    assert applied(history) == []
    assert applied(after(history, rulings(confirm(20_000.0, 1.0)))) == [("X", 20_000.0, 1.0)]


@pytest.mark.parametrize("said", [confirm(*FIFTEEN_TO_ONE), add(7.0, 1.0), reject()])
def test_to_withdraw_a_ruling_gives_the_vendor_its_word_back(said):
    history = after(two_ratios(), rulings(said))
    back = after(history, rulings(said, withdraw()), number=2)
    assert applied(back) == []
    holding = back.filter(pl.col("withdrawn_at").is_null())
    assert set(holding["ruling"]) == {None}
    assert set(holding["doubt"]) == {"conflicting"}
    assert applied(back, evening(1)) == applied(history), "what held between stays known"


@pytest.mark.parametrize("said", [confirm(*FIFTEEN_TO_ONE), add(7.0, 1.0), reject(), reject(day=OTHER_DAY)])
def test_applying_again_changes_nothing(said):
    history = after(two_ratios(), rulings(said))
    assert ruled(history, rulings(said), evening(2)).sort(SPLITS.key).equals(history.sort(SPLITS.key))


@pytest.mark.parametrize("said", [confirm(*FIFTEEN_TO_ONE), add(7.0, 1.0), reject(), add(2.0, 1.0, day=OTHER_DAY)])
def test_a_refresh_keeps_the_rulings(said):
    rows = (split(old=10.0, new=1.0, id="a"), split(old=15.0, new=1.0, id="b"))
    history = after(told(*rows), rulings(said))
    again = refreshed(history, rulings(said), 2, *rows)
    assert applied(again) == applied(history)
    assert withdrawn_last(again).is_empty()
    assert withdrawn_last(history).is_empty(), "the vendor withdrew nothing when the user ruled"


def test_an_added_split_that_the_vendor_tells_later_becomes_a_confirmed_one():
    said = rulings(add(*TEN_TO_ONE))
    history = refreshed(after(told(), said), said, 2, split(old=10.0, new=1.0))
    holding = history.filter(pl.col("withdrawn_at").is_null())
    assert holding.select("id", "ruling").rows() == [("X1", "confirmed")]
    assert [applied(history, moment) for moment in (evening(1), None)] == [[("X", *TEN_TO_ONE)]] * 2


def test_a_confirmed_split_that_the_vendor_takes_back_still_holds():
    said = rulings(confirm(*TEN_TO_ONE))
    history = after(told(split(old=10.0, new=1.0)), said)
    gone = refreshed(history, said, 2)
    assert applied(gone) == [("X", *TEN_TO_ONE)]
    assert gone.filter(pl.col("withdrawn_at").is_null())["ruling"].to_list() == ["added"]


def test_a_rejected_day_holds_for_what_the_vendor_tells_later():
    said = rulings(reject())
    history = refreshed(after(told(), said), said, 2, split())
    assert applied(history) == []
    assert doubted_splits(history).is_empty()


def test_the_newest_ruling_of_a_day_is_in_force():
    said = rulings(reject(), add(*TEN_TO_ONE), reject("Y"), withdraw("Y"))
    assert in_force(said).select("ticker", "verdict").rows() == [("X", "add")]


def test_rulings_of_another_lake_are_taken_in_once():
    mine, theirs = rulings(reject()), rulings(reject(), add(*TEN_TO_ONE, ticker="Y"))
    together = SPLIT_RULINGS.enforce(with_rulings_of(mine, theirs.drop("number")))
    assert together.select("number", "ticker", "verdict").rows() == [(1, "X", "reject"), (2, "Y", "add")]
    assert with_rulings_of(together, theirs.drop("number")).equals(together)


def test_an_older_ruling_taken_in_later_does_not_win():
    older = rulings(reject())
    newer = rulings(confirm(*TEN_TO_ONE), since=evening(3))
    assert in_force(with_rulings_of(newer, older.drop("number")))["verdict"].to_list() == ["confirm"]


def test_the_ratios_told_are_those_that_hold_each_once():
    rows = [split(old=1.0, new=2.0, id="a"), split(old=2.0, new=4.0, id="b"), split(old=3.0, new=1.0, id="c")]
    history = after(told(*rows, split("Y"), split(old=None, id="d")), rulings(add(9.0, 1.0)))
    assert ratios_told(history, "X", DAY) == [(1.0, 2.0), (3.0, 1.0)]


@pytest.mark.parametrize(
    ("said", "ratios", "words"),
    [
        (confirm(), [], "tells no split"),
        (confirm(), [TEN_TO_ONE, FIFTEEN_TO_ONE], "10 1 or 15 1"),
        (confirm(7.0, 1.0), [TEN_TO_ONE], "splits add"),
        (add(20.0, 2.0), [TEN_TO_ONE], "splits confirm"),
        (add(0.0, 1.0), [], "above 0"),
        (add(3.0, 3.0), [], "no split"),
        (withdraw(), [], "no ruling"),
    ],
)
def test_a_ruling_that_makes_no_sense_is_refused(said, ratios, words):
    (fault,) = faults(said, ratios, SPLIT_RULINGS.empty())
    assert words in fault


def test_a_confirmation_takes_the_only_ratio_there_is():
    assert confirm().with_ratio_of([TEN_TO_ONE]) == confirm(*TEN_TO_ONE)
    assert faults(confirm().with_ratio_of([TEN_TO_ONE]), [TEN_TO_ONE], SPLIT_RULINGS.empty()) == []
    assert faults(reject(), [], SPLIT_RULINGS.empty()) == []
