"""What the user has ruled on is not doubted."""

import polars as pl
import pytest

from assets_tests.market.prices.doubts.walks import EVENT, SESSIONS, changed, doubts, told, value, walk


def ruled(*splits: tuple[int, float, float], ruling: str, **others: object) -> pl.DataFrame:
    rows = told(*splits, **others)
    return rows.with_columns(pl.lit(ruling).alias("ruling"))


@pytest.mark.parametrize("ruling", ["confirmed", "added"])
def test_a_split_that_the_user_confirms_or_adds_is_never_doubted(ruling):
    assert doubts(walk(), ruled((EVENT, 1, 2), ruling=ruling)).is_empty()
    assert doubts(walk(jumps={EVENT: (10, 0.1)}), ruled((EVENT, 10, 1), ruling=ruling)).is_empty()


def test_a_day_for_which_the_user_rejects_a_split_has_right_prices():
    bars = walk(jumps={EVENT: (10, 0.1)})
    assert len(doubts(bars)) == 1
    assert doubts(bars, ruled((EVENT, 10, 1), ruling="rejected", doubt="rejected")).is_empty()


def test_a_bad_print_is_silenced_in_the_same_way():
    bars = walk()
    for name in ("high", "close"):
        odd = changed(bars, EVENT, **{name: value(bars, EVENT, name) * 1.5})
        assert len(doubts(odd)) == 1
        assert doubts(odd, ruled((EVENT, 1, 1), ruling="rejected", doubt="rejected")).is_empty()


def test_a_ruling_on_one_day_leaves_the_doubts_of_others():
    bars = walk(jumps={EVENT: (10, 0.1), EVENT + 30: (0.5, 2.0)})
    found = doubts(bars, ruled((EVENT, 10, 1), ruling="added"))
    assert found.select("kind", "split_from", "split_to").rows() == [("split_missing", 1.0, 2.0)]


def test_rejecting_the_split_that_is_told_twice_leaves_the_other_in_force():
    bars = walk(jumps={EVENT: (0.5, 2.0)})
    rejected = ruled((EVENT - 1, 1, 2), ruling="rejected", doubt="rejected")
    kept = told((EVENT, 1, 2)).with_columns(ruling=pl.lit(None, pl.String))
    assert doubts(bars, pl.concat([rejected.select(kept.columns), kept])).is_empty()


def test_a_ruling_on_one_of_two_splits_between_two_bars_leaves_the_other_judged():
    bars = walk(jumps={EVENT: (0.5, 2.0)}, without=range(EVENT - 1, EVENT))
    confirmed = ruled((EVENT, 1, 2), ruling="confirmed")
    other = told((EVENT - 1, 1, 2)).with_columns(ruling=pl.lit(None, pl.String))
    found = doubts(bars, pl.concat([confirmed, other.select(confirmed.columns)]))
    assert found.select("kind", "told_date").rows() == [("split_without_jump", SESSIONS[EVENT - 1])]
    rejected = ruled((EVENT - 1, 1, 2), ruling="rejected", doubt="rejected")
    assert doubts(bars, pl.concat([confirmed, rejected.select(confirmed.columns)])).is_empty()
