"""Replacing sessions of a table and reading them back, on real Delta tables."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets_tests.examples import examples
from assets_tests.lake.conftest import (
    FEB_1,
    FEB_2,
    JAN_2,
    JAN_3,
    JAN_4,
    JAN_31,
    PRICES,
    REJECTS,
    prices,
    rejects,
    stored_closes,
)
from pipeline.errors import ContractBroken, WriteConflict
from pipeline.lake.lake import Lake


def actions(lake: Lake, version: int) -> dict[str, list[dict]]:
    log = Path(lake.uri(PRICES)) / "_delta_log" / f"{version:020}.json"
    found: dict[str, list[dict]] = {"add": [], "remove": [], "commitInfo": []}
    for line in log.read_text().splitlines():
        for kind, action in json.loads(line).items():
            found.setdefault(kind, []).append(action)
    return found


def test_a_replaced_session_holds_exactly_the_new_rows_and_leaves_the_others(lake: Lake) -> None:
    lake.replace(PRICES, [JAN_2], [prices(JAN_2, A=1.0, B=2.0)], run_id="first")
    lake.replace(PRICES, [JAN_3], [prices(JAN_3, A=3.0)], run_id="second")
    lake.replace(PRICES, [JAN_2], [prices(JAN_2, A=9.0)], run_id="third")
    assert stored_closes(lake) == {(JAN_2, "A"): 9.0, (JAN_3, "A"): 3.0}


def test_a_range_over_two_months_is_one_commit_with_the_id_of_its_run(lake: Lake) -> None:
    written = lake.replace(PRICES, [JAN_31, FEB_1], [prices(JAN_31, A=1.0), prices(FEB_1, A=2.0, B=3.0)], run_id="r-7")
    assert (written.version, written.rows) == (1, 3)
    assert written.rows_per_session == {JAN_31: 1, FEB_1: 2}
    added = actions(lake, 1)["add"]
    assert (written.files_added, written.bytes_added) == (2, sum(file["size"] for file in added))
    assert {file["partitionValues"]["month"] for file in added} == {"2024-01", "2024-02"}
    assert actions(lake, 1)["commitInfo"][0]["run_id"] == "r-7"


def test_a_new_day_adds_a_file_and_touches_no_other(lake: Lake) -> None:
    lake.replace(PRICES, [JAN_2, JAN_3], [prices(JAN_2, A=1.0), prices(JAN_3, A=2.0)], run_id="r")
    written = lake.replace(PRICES, [JAN_4], [prices(JAN_4, A=3.0)], run_id="r")
    assert (written.rows, written.rows_in_table) == (1, 3)
    version = written.version
    assert len(actions(lake, version)["add"]) == 1
    assert actions(lake, version)["remove"] == []


def test_redoing_an_old_session_rewrites_only_the_file_that_holds_it(lake: Lake) -> None:
    lake.replace(PRICES, [JAN_2, JAN_3], [prices(JAN_2, A=1.0), prices(JAN_3, A=2.0)], run_id="r")
    lake.replace(PRICES, [JAN_4], [prices(JAN_4, A=3.0)], run_id="r")
    lake.replace(PRICES, [FEB_1], [prices(FEB_1, A=4.0)], run_id="r")
    (first_file,) = actions(lake, 1)["add"]
    version = lake.replace(PRICES, [JAN_3], [prices(JAN_3, A=5.0)], run_id="r").version
    assert [file["path"] for file in actions(lake, version)["remove"]] == [first_file["path"]]
    assert stored_closes(lake) == {(JAN_2, "A"): 1.0, (JAN_3, "A"): 5.0, (JAN_4, "A"): 3.0, (FEB_1, "A"): 4.0}


def test_a_session_between_the_replaced_ones_is_left_alone(lake: Lake) -> None:
    lake.replace(PRICES, [JAN_2, JAN_3, JAN_4], [prices(day, A=1.0) for day in (JAN_2, JAN_3, JAN_4)], run_id="r")
    lake.replace(PRICES, [JAN_2, JAN_4], [prices(JAN_2, A=2.0), prices(JAN_4, A=2.0)], run_id="r")
    assert stored_closes(lake) == {(JAN_2, "A"): 2.0, (JAN_3, "A"): 1.0, (JAN_4, "A"): 2.0}


DAYS = [JAN_31 - timedelta(days=2) + timedelta(days=i) for i in range(5)]
"""Five days around the end of a month."""

replacements = st.lists(
    st.tuples(
        st.integers(0, 4),
        st.integers(1, 5),
        st.dictionaries(st.sampled_from(["NA", "TRUE", "1E5", "AAp", "AAP"]), st.integers(1, 9), min_size=1),
        st.booleans(),
    ),
    min_size=1,
    max_size=5,
)


@examples(25)
@given(replacements)
def test_any_sequence_of_days_and_overlapping_ranges_leaves_what_a_dictionary_would_hold(
    sequence: list[tuple[int, int, dict[str, int], bool]],
) -> None:
    with TemporaryDirectory() as folder:
        lake, model = Lake(folder), {}
        for step, (first, length, closes, in_one_piece) in enumerate(sequence):
            days = DAYS[first : first + length]
            pieces = [prices(day, **{ticker: close + step for ticker, close in closes.items()}) for day in days]
            lake.replace(PRICES, days, [pl.concat(pieces)] if in_one_piece else pieces, run_id="r")
            model = {key: close for key, close in model.items() if key[0] not in days}
            model |= {(day, ticker): float(close + step) for day in days for ticker, close in closes.items()}
        assert stored_closes(lake) == model
        assert lake.sessions(PRICES) == sorted({day for day, _ in model})


def test_pieces_are_read_one_after_the_other_as_they_are_written(lake: Lake) -> None:
    days = [date(2024, month, 2) for month in range(1, 13)]
    alive: list[int] = []

    class Piece(pl.DataFrame):
        def __del__(self) -> None:
            alive.remove(0)

    most = 0

    def pieces() -> Iterator[pl.DataFrame]:
        nonlocal most
        for day in days:
            piece = Piece(prices(day, A=1.0))
            alive.append(0)
            most = max(most, len(alive))
            yield piece
            del piece

    lake.replace(PRICES, days, pieces(), run_id="r")
    assert most <= 3


def test_an_error_between_two_pieces_reaches_the_caller_and_leaves_the_table_as_it_was(lake: Lake) -> None:
    lake.replace(PRICES, [JAN_2], [prices(JAN_2, A=1.0)], run_id="r")

    def pieces() -> Iterator[pl.DataFrame]:
        yield prices(JAN_2, A=2.0)
        yield prices(FEB_1, A=2.0)
        raise FileNotFoundError("the third file")

    with pytest.raises(FileNotFoundError, match="the third file"):
        lake.replace(PRICES, [JAN_2, FEB_1, FEB_2], pieces(), run_id="r")
    assert lake.version(PRICES) == 1
    assert stored_closes(lake) == {(JAN_2, "A"): 1.0}


@pytest.mark.parametrize(
    ("pieces", "message"),
    [
        ([], "brought no row"),
        ([PRICES.empty()], "brought no row"),
        ([prices(JAN_2, A=1.0)], "brought no row"),
        ([prices(JAN_2, A=1.0), prices(JAN_3, A=1.0), prices(JAN_4, A=1.0)], "2024-01-04"),
        ([prices(JAN_2, A=1.0), prices(JAN_3, A=1.0), prices(JAN_2, B=1.0)], "came twice"),
        ([prices(JAN_2, A=1.0), prices(JAN_3, A=-1.0)], "break its contract"),
        ([prices(JAN_2, A=1.0), prices(JAN_3, A=1.0).drop("close")], "break its contract"),
    ],
    ids=["nothing", "an empty piece", "a missing session", "a stray session", "a session twice", "a bad row", "a hole"],
)
def test_rows_that_do_not_fill_the_sessions_as_promised_are_refused_whole(
    lake: Lake, pieces: list[pl.DataFrame], message: str
) -> None:
    lake.replace(PRICES, [JAN_2, JAN_3], [prices(JAN_2, OLD=1.0), prices(JAN_3, OLD=1.0)], run_id="r")
    with pytest.raises(ContractBroken, match=message):
        lake.replace(PRICES, [JAN_2, JAN_3], pieces, run_id="r")
    assert lake.version(PRICES) == 1
    assert stored_closes(lake) == {(JAN_2, "OLD"): 1.0, (JAN_3, "OLD"): 1.0}


def test_no_session_at_all_is_refused(lake: Lake) -> None:
    with pytest.raises(ContractBroken, match="no session to replace"):
        lake.replace(PRICES, [], [], run_id="r")


def test_nothing_replaces_something_where_a_session_may_be_empty(lake: Lake) -> None:
    lake.replace(REJECTS, [JAN_2, JAN_3], [rejects(JAN_2, 1, 2), rejects(JAN_3, 7)], run_id="r")
    written = lake.replace(REJECTS, [JAN_2], [], run_id="r")
    assert written.rows_per_session == {JAN_2: 0}
    assert lake.scan(REJECTS).collect().rows() == [(JAN_3, 7)]
    assert lake.sessions(REJECTS) == [JAN_3]


def test_the_later_of_two_writers_of_one_session_learns_that_it_lost(lake: Lake) -> None:
    lake.replace(PRICES, [JAN_2], [prices(JAN_2, A=1.0)], run_id="r")

    def overtaken() -> Iterator[pl.DataFrame]:
        lake.replace(PRICES, [JAN_2], [prices(JAN_2, A=2.0)], run_id="faster")
        yield prices(JAN_2, A=3.0)

    with pytest.raises(WriteConflict, match=r"stocks\.prices"):
        lake.replace(PRICES, [JAN_2], overtaken(), run_id="slower")
    assert stored_closes(lake) == {(JAN_2, "A"): 2.0}


def test_the_later_of_two_first_writers_of_one_session_learns_that_it_lost(lake: Lake) -> None:
    def overtaken() -> Iterator[pl.DataFrame]:
        lake.replace(PRICES, [JAN_2], [prices(JAN_2, A=2.0)], run_id="faster")
        yield prices(JAN_2, A=3.0)

    with pytest.raises(WriteConflict):
        lake.replace(PRICES, [JAN_2], overtaken(), run_id="slower")
    assert stored_closes(lake) == {(JAN_2, "A"): 2.0}


def test_two_writers_of_two_days_of_one_month_both_succeed(lake: Lake) -> None:
    lake.replace(PRICES, [JAN_2], [prices(JAN_2, A=1.0)], run_id="r")

    def beside() -> Iterator[pl.DataFrame]:
        lake.replace(PRICES, [JAN_3], [prices(JAN_3, A=2.0)], run_id="beside")
        yield prices(JAN_4, A=3.0)

    lake.replace(PRICES, [JAN_4], beside(), run_id="r")
    assert stored_closes(lake) == {(JAN_2, "A"): 1.0, (JAN_3, "A"): 2.0, (JAN_4, "A"): 3.0}


def write_at_once(lake: Lake, days: list[date]) -> list[date]:
    """Write each day from a thread of its own; return those that met a conflict."""
    conflicts: list[date] = []

    def write(day: date) -> None:
        try:
            lake.replace(PRICES, [day], [prices(day, A=1.0)], run_id="r")
        except WriteConflict:
            conflicts.append(day)

    threads = [Thread(target=write, args=(day,)) for day in days]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return conflicts


def test_writers_of_several_months_at_once_all_succeed(lake: Lake) -> None:
    lake.replace(PRICES, [JAN_2], [prices(JAN_2, A=1.0)], run_id="r")
    days = [date(2024, month, 2) for month in range(2, 8)]
    assert write_at_once(lake, days) == []
    assert lake.sessions(PRICES) == [JAN_2, *days]


def test_racing_first_writers_either_succeed_or_are_told_to_try_again(lake: Lake) -> None:
    days = [date(2024, month, 2) for month in range(1, 7)]
    refused = write_at_once(lake, days)
    # The race for the first commit may leave no table yet, if every writer lost it.
    there = lake.sessions(PRICES) if lake.exists(PRICES) else []
    assert sorted([*there, *refused]) == days
    assert write_at_once(lake, refused) == []
    assert lake.sessions(PRICES) == days


def test_pieces_may_themselves_be_read_from_the_lake(lake: Lake) -> None:
    lake.replace(PRICES, [JAN_2], [prices(JAN_2, A=1.0)], run_id="r")

    def from_the_day_before() -> Iterator[pl.DataFrame]:
        before = lake.scan(PRICES, JAN_2, JAN_2).collect()
        yield before.with_columns(session=pl.lit(JAN_3), close=pl.col("close") + 1)

    lake.replace(PRICES, [JAN_3], from_the_day_before(), run_id="r")
    assert stored_closes(lake) == {(JAN_2, "A"): 1.0, (JAN_3, "A"): 2.0}


def test_a_reader_that_began_before_a_commit_sees_the_version_before_it_whole(lake):
    lake.replace(PRICES, [JAN_2, JAN_3], [prices(JAN_2, A=1.0), prices(JAN_3, A=1.0)], run_id="before")
    begun = lake.scan(PRICES)
    lake.replace(PRICES, [JAN_2, JAN_3], [prices(JAN_2, A=2.0), prices(JAN_3, A=2.0)], run_id="after")
    assert set(begun.collect()["close"]) == {1.0}
    assert set(lake.scan(PRICES).collect()["close"]) == {2.0}
