"""Tables whose files lie by session instead of by month: the same promises, another layout."""

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from assets_tests.lake.conftest import FEB_1, JAN_2, JAN_3, JAN_31, PRICES, prices
from pipeline.contracts.table import BY_MONTH, BY_SESSION, Layout
from pipeline.errors import ContractBroken
from pipeline.lake.delta.layout import rows_of, stretches
from pipeline.lake.delta.maintenance import CompactedPartition, compact
from pipeline.lake.lake import Lake
from pipeline.lake.sql import connect

BY_DAY = replace(PRICES, layout=BY_SESSION)
DAYS = [JAN_2, JAN_3, JAN_31, FEB_1]


@pytest.fixture
def by_day(lake: Lake) -> Lake:
    lake.replace(BY_DAY, DAYS, [prices(day, B=2.0, A=1.0) for day in DAYS], run_id="r")
    return lake


def stored_closes(lake: Lake) -> dict:
    rows = lake.scan(BY_DAY).collect()
    return {(str(row["session"]), row["ticker"]): row["close"] for row in rows.iter_rows(named=True)}


def folders(lake: Lake) -> list[str]:
    return sorted(uri.split("/")[-2] for uri in lake.open(BY_DAY).file_uris())


def test_each_session_lies_in_a_folder_of_its_own_after_one_commit(by_day: Lake) -> None:
    assert folders(by_day) == [f"day={day}" for day in DAYS]
    assert by_day.version(BY_DAY) == 1


def test_a_session_is_replaced_and_its_neighbours_stay(by_day: Lake) -> None:
    by_day.replace(BY_DAY, [JAN_3], [prices(JAN_3, C=3.0)], run_id="r")
    days = [f"{day}" for day in DAYS if day != JAN_3]
    expected = {(day, ticker): close for day in days for ticker, close in (("A", 1.0), ("B", 2.0))}
    assert stored_closes(by_day) == expected | {("2024-01-03", "C"): 3.0}


def test_only_the_files_of_the_requested_sessions_are_read(by_day: Lake) -> None:
    for uri in by_day.open(BY_DAY).file_uris():
        if f"day={JAN_3}" not in uri:
            Path(uri).unlink()
    assert by_day.scan(BY_DAY, JAN_3, JAN_3).collect().height == 2


def test_rows_are_stored_in_the_order_of_the_key(by_day: Lake) -> None:
    for uri in by_day.open(BY_DAY).file_uris():
        assert pl.read_parquet(uri, columns=["ticker"])["ticker"].to_list() == ["A", "B"]


def test_a_session_that_is_missing_leaves_the_table_as_it_was(by_day: Lake) -> None:
    with pytest.raises(ContractBroken, match="1 of 2 sessions brought no row"):
        by_day.replace(BY_DAY, [JAN_2, JAN_3], [prices(JAN_2, C=3.0)], run_id="r")
    assert by_day.version(BY_DAY) == 1


def test_compaction_rewrites_the_session_that_lies_in_two_files_and_no_other(by_day: Lake) -> None:
    before = stored_closes(by_day)
    table = by_day.open(BY_DAY)
    half = by_day.scan(BY_DAY, JAN_3, JAN_3).collect().with_columns(day=pl.lit(str(JAN_3)))
    for mode, ticker in (("overwrite", "A"), ("append", "B")):
        given = {"predicate": f"day = '{JAN_3}'"} if mode == "overwrite" else {}
        half.filter(ticker=ticker).write_delta(table.table_uri, mode=mode, delta_write_options=given)
    done = compact(by_day, BY_DAY, run_id="r")
    assert done == [CompactedPartition(month=str(JAN_3), rows=2, files_before=2, files_after=1)]
    assert stored_closes(by_day) == before
    assert compact(by_day, BY_DAY, run_id="r") == []


def test_sql_shows_the_columns_of_the_contract_and_no_other(by_day: Lake) -> None:
    assert connect(by_day.root).sql("SELECT * FROM stocks.prices").columns == list(PRICES.columns)


@pytest.mark.parametrize("layout", [BY_MONTH, BY_SESSION])
def test_partitions_are_named_in_the_order_of_their_sessions(layout: Layout) -> None:
    names = [day.strftime(layout.pattern) for day in DAYS]
    assert names == sorted(names)
    assert all(str(day).startswith(name) for day, name in zip(DAYS, names, strict=True))


@pytest.mark.parametrize("text", ["2024-01-01' OR '1'='1", "2024-01-01", "1 OR 1=1"])
def test_a_predicate_is_made_of_dates_and_never_of_text(text: str) -> None:
    with pytest.raises((ValueError, TypeError, AttributeError)):
        rows_of(PRICES, [text])  # type: ignore[list-item]
    with pytest.raises((ValueError, TypeError, AttributeError)):
        rows_of(PRICES, [JAN_2, text])  # type: ignore[list-item]


def test_sessions_are_cut_between_months_into_stretches_of_at_most_so_many() -> None:
    assert stretches(PRICES, DAYS, 4) == [DAYS]
    assert stretches(PRICES, DAYS, 3) == [[JAN_2, JAN_3, JAN_31], [FEB_1]]
    assert stretches(BY_DAY, DAYS, 3) == [[JAN_2, JAN_3, JAN_31], [FEB_1]]
    assert stretches(BY_DAY, DAYS, 2) == [[JAN_2, JAN_3], [JAN_31, FEB_1]]


def test_a_month_longer_than_that_stays_whole() -> None:
    assert stretches(PRICES, DAYS, 1) == [[JAN_2, JAN_3, JAN_31], [FEB_1]]
    assert stretches(PRICES, [], 1) == []
