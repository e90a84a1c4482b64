import math
from datetime import datetime

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from assets_tests.examples import examples
from assets_tests.market.gate.test_clean import GOOD, MIDNIGHT, NEW_YORK, SESSION, cleaned, counts
from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.quarantine import REASONS

NUMBERS = st.sampled_from([10.0, 10.0, 10.0, 9.0, 11.0, 10.5, 0.0, -0.0, -3.0, None, math.nan, math.inf, 2.0**53])
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "malformed": st.sampled_from([False] * 9 + [True]),
            "ticker": st.sampled_from(["AAPL", "AAPL", "AAp", "NA", "TRUE", "1E5", "", " ", " NA", None, "Ü", "A\tB"]),
            "volume": NUMBERS,
            "open": NUMBERS,
            "close": NUMBERS,
            "high": st.sampled_from([12.0, 12.0, 12.0, 11.0, 8.0, None]),
            "low": st.sampled_from([9.0, 9.0, 9.0, 8.0, 12.5, 0.0]),
            "window_start": st.sampled_from([MIDNIGHT, MIDNIGHT, MIDNIGHT + 57600 * 10**9, MIDNIGHT - 1, 0, None]),
            "transactions": st.sampled_from([0, 5, 5, 6, -1, None]),
        }
    )
    | st.fixed_dictionaries(
        {
            "ticker": st.sampled_from(["AAPL", "NA"]),
            "volume": st.sampled_from([0.0, -0.0, 5.0]),
            "close": st.sampled_from([10.0, 11.0]),
            "transactions": st.sampled_from([5, 6]),
        }
    ),
    max_size=14,
)


def reasons_one_by_one(row: dict) -> list[str]:
    """Return the reasons against a row, from the words of the contract."""
    if row["malformed"]:
        return ["malformed_row"]
    floats = {name: row[name] for name in ("volume", "open", "close", "high", "low")}
    good = {name: value for name, value in floats.items() if value is not None and math.isfinite(value)}
    prices = {name: value for name, value in good.items() if name != "volume"}
    ticker, start, trades = row["ticker"] or "", row["window_start"], row["transactions"]
    stray = ticker != ticker.strip() or any(ord(character) < 32 for character in ticker)
    body = [prices[name] for name in ("open", "close") if name in prices]
    moment = MIDNIGHT if start is None else start
    found = {
        "missing_ticker": not ticker.strip(),
        "malformed_ticker": bool(ticker.strip()) and stray,
        "not_a_number": len(good) < 5 or start is None or trades is None,
        "non_positive_price": any(price <= 0 for price in prices.values()),
        "high_below_low": prices.get("high", math.inf) < prices.get("low", -math.inf),
        "open_or_close_outside_range": any(
            price < prices.get("low", price) or price > prices.get("high", price) for price in body
        ),
        "negative_volume": good.get("volume", 0) < 0,
        "volume_too_large": good.get("volume", 0) >= 2**53,
        "negative_transactions": trades is not None and trades < 0,
        "wrong_session": datetime.fromtimestamp(moment // 10**9, NEW_YORK).date() != SESSION,
    }
    return [reason for reason in REASONS if found.get(reason)]


def clean_one_by_one(rows: list[dict]) -> tuple[list[tuple], dict[int, list[str]], int]:
    """Return bars, rejected rows and the number of duplicates, one row at a time."""
    strongest: dict[str, tuple] = {}
    rejected, valid = {}, []
    for number, row in enumerate(rows, 1):
        if found := reasons_one_by_one(row):
            rejected[number] = found
            continue
        names = ("transactions", "volume", "open", "close", "high", "low", "window_start")
        strength = tuple(row[name] for name in names)
        valid.append((number, row["ticker"], strength))
        strongest[row["ticker"]] = max(strength, strongest.get(row["ticker"], strength))
    duplicates = -len(strongest)
    for number, ticker, strength in valid:
        if strength == strongest[ticker]:
            duplicates += 1
        else:
            rejected[number] = ["conflicting_duplicate"]
    return sorted((ticker, *strength) for ticker, strength in strongest.items()), rejected, duplicates


@given(ROWS)
@examples(100)
def test_cleaning_agrees_with_a_row_by_row_reading_of_the_rules(rows):
    rows = [{**GOOD, **row} for row in rows]
    result = cleaned(*rows)
    bars, rejected, duplicates = clean_one_by_one(rows)
    columns = ["ticker", "transactions", "volume", "open", "close", "high", "low", "window_start"]
    assert sorted(result.bars.select(columns).rows()) == bars
    assert dict(result.rejected.iter_rows()) == rejected
    assert result.duplicates == duplicates
    assert result.rows_read == result.kept + result.duplicates + result.quarantined == len(rows)


@given(ROWS)
@examples(60)
def test_kept_rows_keep_the_contract_of_the_bars(rows):
    bars = cleaned(*rows).bars.with_columns(session=pl.lit(SESSION))
    assert len(DAILY_BARS.enforce(bars)) == len(bars)


@given(st.data())
@examples(100)
def test_the_order_of_the_rows_decides_nothing_but_their_numbers(data):
    rows = data.draw(ROWS)
    shuffled = data.draw(st.permutations(rows))
    one, other = cleaned(*rows), cleaned(*shuffled)
    assert counts(one) == counts(other)
    # As text, so that 0 and -0 differ.
    assert one.bars.drop("row_number").write_csv() == other.bars.drop("row_number").write_csv()
    by_row = lambda result, given: sorted(  # noqa: E731
        (str({**GOOD, **given[number - 1]}), found) for number, found in result.rejected.iter_rows()
    )
    assert by_row(one, rows) == by_row(other, shuffled)
