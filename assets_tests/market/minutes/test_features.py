"""Features of a session's minutes: by hand, and against a second implementation that loops over rows."""

import math
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest

from pipeline.contracts.minutes import INTRADAY_FEATURES, MINUTE_BARS
from pipeline.market.minutes.features import close_before, intraday_features
from pipeline.venues.us_stocks import US_STOCKS

NEW_YORK = ZoneInfo("America/New_York")
WINTER, SUMMER = date(2024, 1, 5), date(2024, 7, 5)
BEFORE_CLOCKS_CHANGE, AFTER_CLOCKS_CHANGE = date(2024, 3, 8), date(2024, 3, 11)
SHORT = date(2024, 11, 29)
NO_CLOSES = pl.DataFrame(schema={"ticker": pl.String, "previous_close": pl.Float64})
NO_SPLITS = {"ticker": pl.String, "execution_date": pl.Date, "split_from": pl.Float64, "split_to": pl.Float64}


def bar(session: date, at: str, close: float = 10.0, ticker: str = "A", **columns: float) -> dict:
    start = datetime.combine(session, time.fromisoformat(at), NEW_YORK).astimezone(UTC)
    prices = {"open": close, "high": close, "low": close, "close": close, "volume": 100.0, "transactions": 1}
    return {"ticker": ticker, "session": session, "minute": start} | prices | columns


def minutes(*bars: dict) -> pl.DataFrame:
    return MINUTE_BARS.enforce(pl.DataFrame(bars, schema=MINUTE_BARS.columns))


def features(*bars: dict, closes: pl.DataFrame = NO_CLOSES) -> dict:
    (row,) = INTRADAY_FEATURES.enforce(
        intraday_features(minutes(*bars), closes, bars[0]["session"], US_STOCKS)
    ).to_dicts()
    return row


def test_vwap_weighs_the_typical_price_of_regular_minutes_by_their_volume():
    row = features(
        bar(WINTER, "09:29", 99.0),
        bar(WINTER, "09:30", 10.0, high=12.0, low=8.0, volume=100.0),
        bar(WINTER, "15:59", 20.0, open=20.0, high=26.0, low=20.0, volume=300.0),
        bar(WINTER, "16:00", 99.0),
    )
    assert row["vwap"] == pytest.approx((10 * 100 + 22 * 300) / 400)


def test_the_opening_range_ends_after_thirty_minutes_and_is_relative_to_its_first_open():
    row = features(
        bar(WINTER, "09:29", 50.0),
        bar(WINTER, "09:31", 10.0, high=11.0, low=9.5),
        bar(WINTER, "09:59", 10.0, low=9.0),
        bar(WINTER, "10:00", 50.0),
    )
    assert (row["opening_range_high"], row["opening_range_low"]) == (pytest.approx(0.1), pytest.approx(-0.1))


def test_a_ticker_that_first_trades_at_ten_has_no_opening_range():
    row = features(bar(WINTER, "10:00"))
    assert (row["opening_range_high"], row["opening_range_low"]) == (None, None)


def test_the_gap_is_from_the_close_before_to_the_last_price_before_the_open():
    closes = pl.DataFrame({"ticker": ["A"], "previous_close": [8.0]})
    row = features(bar(WINTER, "04:00", 9.0), bar(WINTER, "09:29", 10.0), bar(WINTER, "09:30", 99.0), closes=closes)
    assert row["premarket_gap"] == pytest.approx(0.25)
    assert row["premarket_volume"] == 200


def test_the_close_before_is_put_on_the_basis_of_the_session_by_splits_executed_up_to_it():
    bars = pl.DataFrame({"ticker": ["A", "A", "B"], "session": [date(2024, 1, 3), date(2024, 1, 4), date(2024, 1, 4)]})
    bars = bars.with_columns(close=pl.Series([400.0, 100.0, 100.0]))
    splits = pl.DataFrame(
        [("A", WINTER, 1.0, 4.0), ("A", date(2024, 1, 4), 1.0, 3.0), ("B", date(2024, 1, 8), 1.0, 2.0)],
        schema=NO_SPLITS,
        orient="row",
    )
    closes = close_before(bars, splits, date(2024, 1, 4), WINTER)
    assert dict(closes.iter_rows()) == {"A": 25.0, "B": 100.0}


def test_realised_volatility_is_that_of_five_minute_closes_from_the_first_open_on():
    row = features(
        bar(WINTER, "09:30", 10.0),
        bar(WINTER, "09:34", 11.0, open=10.0, low=10.0),
        bar(WINTER, "09:35", 12.0),
        bar(WINTER, "15:59", 11.0),
        bar(WINTER, "16:00", 99.0),
    )
    expected = math.sqrt(math.log(1.1) ** 2 + math.log(12 / 11) ** 2 + math.log(11 / 12) ** 2)
    assert row["realised_volatility"] == pytest.approx(expected)


def test_one_interval_makes_no_volatility():
    assert features(bar(WINTER, "09:30"), bar(WINTER, "09:34", 11.0))["realised_volatility"] is None


@pytest.mark.parametrize(("session", "last", "close"), [(WINTER, "15:59", "16:00"), (SHORT, "12:59", "13:00")])
def test_the_auction_falls_into_the_minute_at_the_close_early_ones_too(session, last, close):
    row = features(
        bar(session, "04:00", volume=9_000.0),
        bar(session, "09:30", volume=50.0),
        bar(session, last, volume=20.0),
        bar(session, close, volume=30.0),
        bar(session, "16:30", volume=9_000.0),
    )
    assert (row["close_auction_share"], row["last_minute_share"]) == (0.3, 0.2)


@pytest.mark.parametrize("session", [WINTER, SUMMER, BEFORE_CLOCKS_CHANGE, AFTER_CLOCKS_CHANGE])
def test_regular_hours_are_those_of_new_york_on_either_clock(session):
    row = features(bar(session, "09:29", 1.0), bar(session, "09:30", 10.0), bar(session, "16:00", 1.0))
    assert row["vwap"] == 10.0
    assert row["premarket_volume"] == 100.0


def test_outside_regular_hours_alone_there_are_no_shares_and_no_price():
    row = features(bar(WINTER, "04:00"), bar(WINTER, "19:59"))
    nothing = set(INTRADAY_FEATURES.columns) - {"ticker", "session", "premarket_volume"}
    assert {name: row[name] for name in nothing} == dict.fromkeys(nothing)


def test_the_features_agree_with_a_loop_over_rows_whatever_the_order_of_the_rows():
    rng = np.random.default_rng(5)
    day = [time(hour, minute) for hour in range(4, 20) for minute in range(60)]
    bars = []
    for ticker in ("A", "AA", "a", "NA", "thin"):
        for number in sorted(rng.choice(len(day), 2 if ticker == "thin" else 250, replace=False)):
            low, high = sorted(rng.uniform(5, 20) for _ in range(2))
            prices = {"open": rng.uniform(low, high), "high": high, "low": low, "volume": rng.uniform(0, 1000)}
            bars.append(bar(SHORT, f"{day[number]}", rng.uniform(low, high), ticker, **prices))
    rng.shuffle(bars)
    closes = {"A": 10.0, "NA": 7.0}
    known = pl.DataFrame({"ticker": list(closes), "previous_close": list(closes.values())})
    for row in intraday_features(minutes(*bars), known, SHORT, US_STOCKS).iter_rows(named=True):
        own = sorted((one for one in bars if one["ticker"] == row["ticker"]), key=lambda one: one["minute"])
        expected = looped(own, closes.get(row["ticker"]), time(13))
        assert {name: row[name] for name in expected} == pytest.approx(expected, nan_ok=False)


def looped(bars: list[dict], previous: float | None, close: time) -> dict:
    """Return the features of one ticker the slow way: each number from its definition."""
    clock = {id(one): one["minute"].astimezone(NEW_YORK).time() for one in bars}
    regular = [one for one in bars if time(9, 30) <= clock[id(one)] < close]
    opening = [one for one in regular if clock[id(one)] < time(10)]
    early = [one for one in bars if clock[id(one)] < time(9, 30)]
    auction = sum(one["volume"] for one in bars if clock[id(one)] == close)
    last_minute = (datetime.combine(SHORT, close) - timedelta(minutes=1)).time()
    volume = sum(one["volume"] for one in regular)
    typical = sum(one["volume"] * (one["high"] + one["low"] + one["close"]) / 3 for one in regular)
    return {
        "vwap": typical / volume if volume else None,
        "opening_range_high": max(one["high"] for one in opening) / opening[0]["open"] - 1 if opening else None,
        "opening_range_low": min(one["low"] for one in opening) / opening[0]["open"] - 1 if opening else None,
        "premarket_gap": early[-1]["close"] / previous - 1 if early and previous else None,
        "premarket_volume": sum(one["volume"] for one in early),
        "realised_volatility": looped_volatility(regular),
        "close_auction_share": auction / (volume + auction) if volume + auction else None,
        "last_minute_share": sum(one["volume"] for one in regular if clock[id(one)] == last_minute) / (volume + auction)
        if volume + auction
        else None,
    }


def looped_volatility(regular: list[dict]) -> float | None:
    if not regular:
        return None
    begin = regular[0]["minute"].astimezone(NEW_YORK).replace(hour=9, minute=30)
    price, squares, traded = regular[0]["open"], 0.0, 0
    for number in range(78):
        first, end = begin + timedelta(minutes=5 * number), begin + timedelta(minutes=5 * (number + 1))
        inside = [one for one in regular if first <= one["minute"] < end]
        if inside:
            squares += math.log(inside[-1]["close"] / price) ** 2
            price, traded = inside[-1]["close"], traded + 1
    return math.sqrt(squares) if traded >= 2 else None
