"""A split that the vendor does not tell, and a fall that no split explains."""

import math
from itertools import pairwise

import pytest

from assets_tests.market.prices.doubts.walks import DAY, EVENT, SESSIONS, doubts, only, told, value, walk


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (1, 2, "2:1 split"),
        (1, 4, "4:1 split"),
        (1, 20, "20:1 split"),
        (2, 3, "3:2 split"),
        (2, 1, "1:2 reverse split"),
        (10, 1, "1:10 reverse split"),
        (25, 1, "1:25 reverse split"),
    ],
)
def test_a_split_that_is_not_told_is_named_with_its_ratio_on_its_day(old, new, words):
    bars = walk(jumps={EVENT: (old / new, new / old)}, volatility=0.006)

    found = only(doubts(bars))

    assert (found["ticker"], found["session"], found["event_date"]) == ("X", DAY, DAY)
    assert (found["kind"], found["split_from"], found["split_to"]) == ("split_missing", old, new)
    assert found["reading"] == f"{words} on {DAY}, not told by the vendor"
    assert found["leaves_out"]


def test_the_evidence_has_the_numbers_of_the_day():
    bars = walk(jumps={EVENT: (10, 0.1)})

    found = only(doubts(bars))

    before, opened, closed = value(bars, EVENT - 1, "close"), value(bars, EVENT, "open"), value(bars, EVENT, "close")
    usual = sorted(value(bars, number, "volume") for number in range(EVENT - 20, EVENT))
    assert (found["previous_close"], found["open"], found["close"]) == (before, opened, closed)
    assert found["price_ratio"] == opened / before
    assert found["volume_ratio"] == pytest.approx(value(bars, EVENT, "volume") / ((usual[9] + usual[10]) / 2))
    closes = bars["close"].to_list()[EVENT - 126 : EVENT]
    moves = sorted(abs(math.log(later / earlier)) for earlier, later in pairwise(closes))
    assert found["usual_move"] == pytest.approx(1.4826 * moves[62])
    assert f"Close {before:g} on {SESSIONS[EVENT - 1]}; open {opened:g} (× {opened / before:.3f})" in found["evidence"]


def test_the_split_is_no_doubt_when_the_vendor_tells_it():
    bars = walk(jumps={EVENT: (10, 0.1)})
    assert doubts(bars, told((EVENT, 10, 1))).is_empty()


def test_a_fall_without_news_and_by_no_common_ratio_is_a_spin_off_or_a_special_dividend():
    bars = walk(jumps={EVENT: (0.78, 1.0)})

    found = only(doubts(bars))

    assert (found["kind"], found["event_date"], found["leaves_out"]) == ("jump_unexplained", DAY, True)
    share = 1 - value(bars, EVENT, "open") / value(bars, EVENT - 1, "close")
    assert found["reading"].startswith(f"{100 * share:.1f} % of the price left on {DAY} without news: a spin-off or")
    assert found["split_from"] is None


def test_a_split_of_a_ticker_that_always_jumps_as_far_is_not_found():
    # A usual move of 15 %: 8 times that is beyond a 3:1 split. docs/price-doubts.md says so.
    bars = walk(jumps={EVENT: (1 / 3, 3)}, volatility=0.15)
    assert doubts(bars).filter(kind="split_missing").is_empty()
