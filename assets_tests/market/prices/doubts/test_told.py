"""Splits that are told, and that the price contradicts."""

import pytest

from assets_tests.examples import first_quick
from assets_tests.market.prices.doubts.walks import DAY, EVENT, SESSIONS, doubts, only, told, walk

SPLIT = {EVENT: (0.5, 2.0)}
REVERSE = {EVENT: (10.0, 0.1)}


@pytest.mark.parametrize("apart", first_quick([1, 2, 6]))
def test_a_split_told_again_some_days_later_is_told_twice_on_the_day_without_a_jump(apart):
    found = only(doubts(walk(jumps=SPLIT), told((EVENT, 1, 2), (EVENT + apart, 1, 2))))

    later = SESSIONS[EVENT + apart]
    assert (found["kind"], found["session"], found["event_date"]) == ("split_told_twice", later, later)
    assert (found["told_date"], found["told_from"], found["told_to"]) == (later, 1, 2)
    assert found["reading"] == f"one 2:1 split, on {DAY}; the vendor tells it for {later} too"


def test_a_split_told_for_the_day_before_as_well_is_known_to_be_told_twice_on_the_day_of_the_jump():
    found = doubts(walk(jumps=SPLIT), told((EVENT - 1, 1, 2), (EVENT, 1, 2)))

    early = SESSIONS[EVENT - 1]
    assert found.select("session", "kind", "event_date").rows() == [
        (early, "split_without_jump", early),
        (DAY, "split_told_twice", early),
    ]
    assert found["reading"][1] == f"one 2:1 split, on {DAY}; the vendor tells it for {early} too"


@pytest.mark.parametrize("apart", first_quick([1, 4]))
def test_a_split_told_too_early_is_shifted_as_soon_as_the_price_jumps(apart):
    early = SESSIONS[EVENT - apart]
    found = doubts(walk(jumps=REVERSE), told((EVENT - apart, 10, 1)))

    assert found.select("session", "kind").rows() == [(early, "split_without_jump"), (DAY, "split_shifted")]
    last = found.row(1, named=True)
    assert (last["event_date"], last["told_date"], last["split_from"], last["split_to"]) == (DAY, early, 10, 1)
    assert last["reading"] == f"1:10 reverse split on {DAY}; the vendor tells it for {early}"


@pytest.mark.parametrize("apart", first_quick([1, 4]))
def test_a_split_told_too_late_is_missing_first_and_shifted_once_it_is_told(apart):
    late = SESSIONS[EVENT + apart]
    found = doubts(walk(jumps=REVERSE), told((EVENT + apart, 10, 1)))

    assert found.select("session", "kind", "event_date").rows() == [
        (DAY, "split_missing", DAY),
        (late, "split_shifted", DAY),
    ]


@pytest.mark.parametrize(
    ("true", "wrong", "reading"),
    [
        ((15, 1), (10, 1), "1:15 reverse split on {}; the vendor tells 1:10 reverse split"),
        ((20, 1), (12, 1), "1:20 reverse split on {}; the vendor tells 1:12 reverse split"),
        ((1, 2), (1, 3), "2:1 split on {}; the vendor tells 3:1 split"),
        ((1, 2), (1, 1), "2:1 split on {}; the vendor tells 1:1 split"),
    ],
)
def test_a_jump_by_another_ratio_than_told_is_read_by_the_jump(true, wrong, reading):
    bars = walk(jumps={EVENT: (true[0] / true[1], true[1] / true[0])})

    found = only(doubts(bars, told((EVENT, *wrong))))

    assert (found["kind"], found["split_from"], found["split_to"]) == ("split_wrong_ratio", *true)
    assert (found["told_from"], found["told_to"]) == wrong
    assert found["reading"] == reading.format(DAY)


def test_a_ratio_told_upside_down_is_reversed():
    found = only(doubts(walk(jumps=REVERSE), told((EVENT, 1, 10))))
    assert (found["kind"], found["split_from"], found["split_to"]) == ("split_reversed", 10, 1)
    assert found["reading"] == f"1:10 reverse split on {DAY}; the vendor tells 10:1 split, which is the inverse"


def test_a_split_without_any_jump_is_no_split():
    found = only(doubts(walk(), told((EVENT, 1, 3))))
    assert (found["kind"], found["event_date"], found["split_from"]) == ("split_without_jump", DAY, None)
    assert found["reading"].startswith(f"no 3:1 split on {DAY}: the price moved by ")


@pytest.mark.parametrize(("old", "new"), [(100, 105), (20, 21)])
def test_a_small_stock_dividend_is_not_judged_since_every_day_moves_the_price_as_much(old, new):
    assert doubts(walk(), told((EVENT, old, new))).is_empty()
    assert doubts(walk(jumps={EVENT: (old / new, new / old)}), told((EVENT, old, new))).is_empty()


def test_a_split_in_shares_that_have_not_traded_since_is_not_judged_yet():
    bars = walk(without=range(EVENT, len(SESSIONS)))
    assert doubts(bars, told((EVENT, 1, 2))).is_empty()


def test_a_split_told_for_a_saturday_is_judged_by_the_bar_of_monday():
    monday = next(number for number in range(EVENT, EVENT + 9) if SESSIONS[number].weekday() == 0)
    bars = walk(jumps={monday: (0.5, 2.0)})
    splits = told((monday, 1, 2)).with_columns(execution_date=SESSIONS[monday].replace(day=SESSIONS[monday].day - 2))
    assert doubts(bars, splits).is_empty()


def test_of_two_ratios_for_a_day_the_one_of_the_jump_is_named():
    bars = walk(jumps={EVENT: (15.0, 1 / 15)})

    found = only(doubts(bars, told((EVENT, 15, 1), (EVENT, 10, 1), doubt="conflicting")))

    assert (found["kind"], found["split_from"], found["split_to"]) == ("split_conflicting", 15, 1)
    assert found["reading"] == (
        f"1:15 reverse split on {DAY}; the vendor tells 1:10 reverse split and 1:15 reverse split"
    )
    assert not found["leaves_out"], "a split in doubt keeps its ticker out already"


def test_a_split_there_and_back_on_one_day_does_not_move_the_price():
    found = only(doubts(walk(), told((EVENT, 1000, 1), (EVENT, 1, 1000), doubt="conflicting")))
    assert (found["kind"], found["split_from"], found["split_to"]) == ("split_conflicting", 1, 1)
    assert found["reading"].startswith(f"no change of price on {DAY}")


def test_repetitions_and_events_that_cannot_be_read_are_not_held_against_the_price():
    for doubt in ("repeated", "unreadable", "not_positive", "implausible"):
        assert doubts(walk(), told((EVENT, 1, 2), doubt=doubt)).is_empty()
