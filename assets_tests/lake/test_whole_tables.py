"""Tables that are refreshed whole, such as the reference data."""

from datetime import date

import pandera.polars as pa
import polars as pl
import pytest
from arro3.core import RecordBatchReader

from assets_tests.lake.conftest import JAN_2, PRICES, prices
from pipeline.contracts.table import Table
from pipeline.errors import ContractBroken, TableMissing, WriteConflict
from pipeline.lake.delta.maintenance import compact
from pipeline.lake.delta.overwrite import Overwrite, commit
from pipeline.lake.sql import connect
from pipeline.lake.sql.catalog import write_catalog
from pipeline.venues.us_stocks import US_STOCKS

SPLITS = Table(
    venue=US_STOCKS,
    area="reference",
    name="splits",
    schema=pa.DataFrameSchema(
        {
            "ticker": pa.Column(str, description="Ticker."),
            "day": pa.Column(pl.Date, nullable=True, description="First day in new shares."),
            "month": pa.Column(str, description="A column of its own that is named like the layout's."),
        }
    ),
    key=("ticker", "day"),
    description="Splits.",
    may_be_empty=True,
    session=None,
)


def splits(*tickers):
    rows = [{"ticker": ticker, "day": date(2024, 6, 10), "month": "June"} for ticker in tickers]
    return pl.DataFrame(rows, schema=SPLITS.columns)


def tickers(lake, version=None):
    return sorted(lake.scan(SPLITS, version=version).collect()["ticker"])


def test_a_refresh_replaces_every_row_and_the_version_before_stays_readable(lake):
    first = lake.refresh(SPLITS, splits("A", "B"), run_id="r1")
    second = lake.refresh(SPLITS, splits("B", "C", "D"), run_id="r2")
    assert tickers(lake) == ["B", "C", "D"]
    assert tickers(lake, first.version) == ["A", "B"]
    assert (second.rows, second.rows_in_table, second.rows_per_session) == (3, 3, {})


def test_a_refresh_is_one_commit_with_the_run_s_id(lake):
    lake.refresh(SPLITS, splits("A"), run_id="r1")
    lake.refresh(SPLITS, splits("B"), run_id="r2")
    assert lake.history("reference/splits")["run_id"].to_list() == ["r2", "r1", None]


def test_a_refresh_by_no_row_empties_a_table_that_may_be_empty(lake):
    lake.refresh(SPLITS, splits("A"), run_id="r1")
    assert lake.refresh(SPLITS, SPLITS.empty(), run_id="r2").rows_in_table == 0
    assert tickers(lake) == []


def test_a_refresh_by_no_row_of_a_table_that_may_not_be_empty_is_refused(lake):
    never_empty = Table(US_STOCKS, "splits", SPLITS.schema, SPLITS.key, "Splits.", session=None, area="reference")
    lake.refresh(never_empty, splits("A"), run_id="r1")
    with pytest.raises(ContractBroken, match="may not be empty"):
        lake.refresh(never_empty, SPLITS.empty(), run_id="r2")
    assert tickers(lake) == ["A"]


def test_rows_that_break_the_contract_leave_the_table_as_it_was(lake):
    lake.refresh(SPLITS, splits("A"), run_id="r1")
    with pytest.raises(ContractBroken, match="repeat a key"):
        lake.refresh(SPLITS, splits("B", "B"), run_id="r2")
    assert tickers(lake) == ["A"]


def test_a_refresh_made_from_rows_that_another_has_replaced_meanwhile_is_a_conflict(lake):
    never_written = lake.read(SPLITS)
    lake.refresh(SPLITS, splits("A"), run_id="r1", read=[never_written])
    known = lake.read(SPLITS)
    with pytest.raises(WriteConflict):
        lake.refresh(SPLITS, splits("B"), run_id="r2", read=[never_written])
    lake.refresh(SPLITS, splits("A", "C"), run_id="r3", read=[known])
    with pytest.raises(WriteConflict):
        lake.refresh(SPLITS, splits("A", "D"), run_id="r4", read=[known])
    assert tickers(lake) == ["A", "C"]


@pytest.mark.parametrize("stored", [(), ("A",)])
def test_one_of_two_refreshes_at_one_moment_is_a_conflict(lake, stored):
    lake.refresh(SPLITS, splits(*stored), run_id="r1")
    opened, _ = lake._ready(SPLITS)
    lake.refresh(SPLITS, splits("B"), run_id="r2")
    batches = RecordBatchReader.from_stream(splits("C").rechunk())
    with pytest.raises(WriteConflict):
        commit(lake.store, opened, Overwrite(SPLITS, (), {}), lambda: None, iter(batches))
    assert tickers(lake) == ["B"]


def test_a_table_that_was_never_refreshed_is_missing(lake):
    with pytest.raises(TableMissing):
        lake.scan(SPLITS)


def test_sql_shows_every_column_of_a_whole_table_and_hides_the_layout_of_the_others(lake, tmp_path):
    lake.refresh(SPLITS, splits("A"), run_id="r1")
    lake.replace(PRICES, [JAN_2], [prices(JAN_2, AAPL=1.0)], run_id="r2")
    assert connect(lake).sql("SELECT * FROM reference.splits").columns == ["ticker", "day", "month"]
    assert connect(lake).sql("SELECT * FROM stocks.prices").columns == ["ticker", "session", "close", "seen"]
    assert write_catalog(lake, tmp_path / "c.duckdb") == ["reference.splits", "stocks.prices"]


@pytest.mark.thorough
def test_sql_reads_a_past_version_of_a_whole_table(lake):
    first = lake.refresh(SPLITS, splits("A"), run_id="r1")
    lake.refresh(SPLITS, splits("B"), run_id="r2")
    query = f"SELECT ticker FROM reference.splits AT (VERSION => {first.version})"  # noqa: S608 (a number)
    assert connect(lake).sql(query)["ticker"].to_list() == ["A"]


def test_compaction_has_nothing_to_do_for_a_whole_table(lake):
    lake.refresh(SPLITS, splits("A"), run_id="r1")
    assert compact(lake, SPLITS, run_id="r2") == []
