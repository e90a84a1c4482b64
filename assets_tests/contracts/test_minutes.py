from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from pipeline.contracts.minutes import INTRADAY_FEATURES, MINUTE_BARS
from pipeline.contracts.table import in_strict_order
from pipeline.errors import ContractBroken

FRI = date(2024, 1, 5)
MORNING = datetime(2024, 1, 5, 14, 30, tzinfo=UTC)
BAR = {
    "ticker": "NA",
    "session": FRI,
    "minute": MORNING,
    "open": 10.0,
    "high": 12.0,
    "low": 9.0,
    "close": 11.0,
    "volume": 0.5,
    "transactions": 1,
}


def bars(*changes: dict) -> pl.DataFrame:
    return pl.DataFrame([BAR | change for change in changes], schema=MINUTE_BARS.columns)


def test_minutes_of_one_ticker_are_accepted_in_any_order():
    assert MINUTE_BARS.enforce(bars({}, {"minute": MORNING - timedelta(minutes=1)})).height == 2


@pytest.mark.parametrize(
    "minute",
    [
        MORNING + timedelta(seconds=30),
        datetime(2024, 1, 5, 8, 59, tzinfo=UTC),
        datetime(2024, 1, 6, 1, 1, tzinfo=UTC),
        datetime(2024, 1, 6, 14, 30, tzinfo=UTC),
    ],
    ids=["half a minute", "before four", "after eight", "another session"],
)
def test_what_is_no_minute_of_its_session_breaks_the_contract(minute):
    with pytest.raises(ContractBroken, match="minute_is_one_of_its_session"):
        MINUTE_BARS.enforce(bars({"minute": minute}))


def test_the_rules_of_daily_bars_hold_for_minutes_too():
    with pytest.raises(ContractBroken, match="prices_in_order"):
        MINUTE_BARS.enforce(bars({"high": 10.5}))


@pytest.mark.parametrize("between", [[], [{"minute": MORNING - timedelta(minutes=1)}]])
def test_a_minute_comes_once_wherever_its_repeat_stands(between):
    with pytest.raises(ContractBroken, match="2 rows repeat a key"):
        MINUTE_BARS.enforce(bars({}, *between, {}))


def test_every_feature_says_its_formula():
    assert all(len(text) > 20 for text in INTRADAY_FEATURES.descriptions.values())


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], True),
        ([("A", 1)], True),
        ([("A", 1), ("A", 2), ("B", 1)], True),
        ([("A", 1), ("A", 1)], False),
        ([("A", 2), ("A", 1)], False),
        ([("B", 1), ("A", 2)], False),
        ([("A", 1), (None, 2)], False),
        ([("A", None), ("A", 2)], False),
    ],
)
def test_rows_are_in_strict_order_when_each_key_is_above_the_one_before(rows, expected):
    frame = pl.DataFrame(rows, schema={"ticker": pl.String, "minute": pl.Int64}, orient="row")
    assert in_strict_order(frame, ["ticker", "minute"]) is expected
