from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.candidates import CANDIDATES
from pipeline.contracts.deliveries import DELIVERIES
from pipeline.contracts.quarantine import QUARANTINE
from pipeline.errors import ContractBroken

TABLES = [DAILY_BARS, QUARANTINE, DELIVERIES, CANDIDATES]
BARS = pl.DataFrame(
    {
        "ticker": ["AAPL", "IBM", "NA"],
        "session": [date(2024, 1, 5)] * 3,
        "open": [10.0, 20.0, 30.0],
        "high": [12.0, 22.0, 32.0],
        "low": [9.0, 19.0, 29.0],
        "close": [11.0, 21.0, 31.0],
        "volume": [1.5, 0.0, 3.0],
        "transactions": [1, 0, 3],
    }
)


def broken(rows: pl.DataFrame) -> str:
    with pytest.raises(ContractBroken) as refused:
        DAILY_BARS.enforce(rows)
    assert "stocks.daily_bars" in refused.value.message
    assert "report it" in refused.value.remedy
    return refused.value.message


def test_rows_that_keep_the_contract_come_back_unchanged():
    assert DAILY_BARS.enforce(BARS).equals(BARS)


def test_columns_are_put_in_order_and_others_left_out():
    shuffled = BARS.select(reversed(BARS.columns)).with_columns(window_start=1)
    assert DAILY_BARS.enforce(shuffled).equals(BARS)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_an_empty_table_keeps_its_contract_and_has_its_columns(table):
    assert dict(table.enforce(table.empty()).schema) == table.columns


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_table_and_column_says_what_it_holds(table):
    assert table.description
    assert [name for name, description in table.descriptions.items() if not description] == []


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_the_key_is_made_of_the_tables_columns(table):
    assert set(table.key) <= set(table.columns)


def test_the_name_in_sql_is_market_and_name():
    assert DAILY_BARS.sql_name == "stocks.daily_bars"


def test_missing_columns_are_named():
    assert "missing columns open, close." in broken(BARS.drop("open", "close"))


def test_a_column_of_another_type_is_named_with_both_types():
    message = broken(BARS.with_columns(pl.col("transactions").cast(pl.Float64)))
    assert "transactions" in message
    assert "Int64" in message
    assert "Float64" in message


def test_a_broken_check_is_named_with_the_number_of_rows_and_three_examples():
    many = pl.concat([BARS.with_columns(pl.lit(f"T{n}-").add(pl.col("ticker")).alias("ticker")) for n in range(20)])
    message = broken(many.with_columns(volume=pl.lit(-7.0)))
    assert "volume fails greater_than_or_equal_to(0) in 60 rows" in message
    assert message.count("-7.0") == 3
    assert len(message) < 300


def test_a_null_is_named():
    assert "close fails not_nullable in 3 rows" in broken(BARS.with_columns(close=pl.lit(None, pl.Float64)))


def test_a_check_across_columns_is_named_and_its_examples_kept_short():
    message = broken(BARS.with_columns(close=pl.lit(32.0), ticker=pl.col("ticker") + "x" * 5000))
    assert "low_open_close_high_in_order in 2 rows" in message
    assert len(message) < 1200


@given(
    st.lists(st.tuples(st.sampled_from(["A", "AA", "B", "ZZZ"]), st.integers(0, 3)), min_size=1, unique=True),
    st.sampled_from([["session", "ticker"], ["ticker", "session"], None]),
)
def test_rows_are_put_in_order_of_the_key_however_they_come(places, come_by):
    keys = [{"ticker": ticker, "session": date(2024, 1, 2) + timedelta(days=day)} for ticker, day in places]
    rows = pl.DataFrame(keys).with_columns(number=pl.int_range(pl.len()))
    rows = rows if come_by is None else rows.sort(come_by)
    assert DAILY_BARS.in_order(rows).rows() == sorted(rows.rows())


def test_a_ticker_that_comes_twice_in_one_of_several_day_files_is_named():
    day = BARS.with_columns(session=pl.col("session") + pl.duration(days=1))
    message = broken(pl.concat([BARS, day, day.tail(1)]).sort("session", "ticker"))
    assert "2 rows repeat a key (ticker, session), such as NA, 2024-01-06." in message


def test_a_repeated_key_is_named_with_examples():
    message = broken(pl.concat([BARS, BARS.head(1)]))
    assert "2 rows repeat a key (ticker, session), such as AAPL, 2024-01-05." in message
