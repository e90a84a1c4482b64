"""Single prices far off: one trade, or one day."""

import pytest

from assets_tests.market.prices.doubts.walks import DAY, EVENT, SESSIONS, changed, doubts, only, value, walk


@pytest.mark.parametrize(
    ("name", "factor", "reach"), [("high", 1.4, "above"), ("low", 0.6, "below"), ("low", 0.01, "below")]
)
def test_a_high_or_low_far_from_both_closes_around_it_is_a_bad_print(name, factor, reach):
    bars = walk()
    price = round(value(bars, EVENT, name) * factor, 2)

    found = only(doubts(changed(bars, EVENT, **{name: price})))

    closes = [value(bars, EVENT - 1, "close"), value(bars, EVENT, "close")]
    nearer = max(closes) if name == "high" else min(closes)
    assert (found["kind"], found["session"], found["event_date"]) == ("bad_print", DAY, DAY)
    assert found["price_ratio"] == price / nearer
    assert found["leaves_out"]
    share = 100 * abs(price / nearer - 1)
    assert found["reading"] == (
        f"a wrong {name} of {price:g} on {DAY}: it lies {share:.1f} % {reach} the closes of that day and the day before"
    )


def test_an_open_far_from_both_closes_is_a_bad_print_by_its_high():
    bars = walk()
    found = only(doubts(changed(bars, EVENT, open=value(bars, EVENT, "open") * 1.5)))
    assert (found["kind"], found["event_date"]) == ("bad_print", DAY)


def test_a_close_far_off_is_known_when_the_price_is_back_the_next_day():
    bars = walk()
    found = only(doubts(changed(bars, EVENT, close=value(bars, EVENT, "close") * 1.6)))
    assert (found["kind"], found["session"], found["event_date"]) == ("bad_print", SESSIONS[EVENT + 1], DAY)
    assert found["reading"].startswith(f"a wrong price on {DAY}: ")


def test_a_day_of_wrong_prices_looks_like_a_split_until_the_next():
    bars = walk()
    off = {name: value(bars, EVENT, name) * 10 for name in ("open", "high", "low", "close")}
    found = doubts(changed(bars, EVENT, **off))
    assert found.select("session", "kind", "event_date").rows() == [
        (DAY, "split_missing", DAY),
        (SESSIONS[EVENT + 1], "bad_print", DAY),
    ]


def test_a_wide_day_with_far_more_trading_is_honest():
    bars = walk(busy={EVENT: 6.0})
    assert doubts(changed(bars, EVENT, low=round(value(bars, EVENT, "low") * 0.7, 2))).is_empty()


def test_a_ticker_whose_days_are_always_wide_has_no_bad_prints():
    bars = walk(volatility=0.08)
    assert doubts(changed(bars, EVENT, high=round(value(bars, EVENT, "high") * 1.3, 2))).is_empty()
