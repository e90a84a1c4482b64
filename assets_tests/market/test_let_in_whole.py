"""Files judged together: only one whose every row `clean` would let in as it stands is let in whole."""

from datetime import date
from math import copysign, nan

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets_tests.market.test_clean import GOOD, MIDNIGHT, SESSION, frame, new_york
from assets_tests.market.test_clean_properties import ROWS
from pipeline.market.clean import clean, let_in_whole

NEXT = date(2024, 1, 8)
OF_NEXT = {"window_start": new_york(2024, 1, 8)}
LAST = MIDNIGHT + 24 * 3600 * 10**9 - 1
"""The last nanosecond of the session."""


def judged(*files: list[dict], sessions: tuple[date, ...] = (SESSION, SESSION, SESSION)) -> tuple[pl.DataFrame, list]:
    rows = pl.concat([frame(*file) for file in files]).drop("row_number", "malformed")
    return let_in_whole(rows, [len(file) for file in files], sessions[: len(files)])


def test_files_without_fault_are_let_in_whole_with_their_sessions():
    rows, whole = judged([{"ticker": "A"}, {"ticker": "B"}], [{"ticker": "A"} | OF_NEXT], sessions=(SESSION, NEXT))
    assert whole == [True, True]
    assert rows["session"].to_list() == [SESSION, SESSION, NEXT]
    as_it_stands = {name: value for name, value in GOOD.items() if name != "malformed"}
    assert rows.drop("session").row(0, named=True) == as_it_stands | {"ticker": "A"}


@pytest.mark.parametrize(
    "row",
    [
        {"ticker": "A"},
        {"ticker": "AA"},
        {"ticker": None},
        {"ticker": "Ü"},
        {"ticker": "Z Z"},
        {"ticker": "Z", "low": 0.0},
        {"ticker": "Z", "open": nan},
        {"ticker": "Z", "high": 10.5},
        {"ticker": "Z", "volume": -1.0},
        {"ticker": "Z", "volume": 2.0**53},
        {"ticker": "Z", "transactions": None},
        {"ticker": "Z", "window_start": MIDNIGHT - 1},
        {"ticker": "Z", "window_start": LAST + 1},
    ],
)
def test_one_row_that_is_not_plainly_right_leaves_its_file_out_and_no_other(row: dict):
    good = [{"ticker": "A"}, {"ticker": "B"}]
    assert judged(good, [*good, row], good)[1] == [True, False, True]


def test_the_last_moment_of_a_session_is_its_own():
    assert judged([{"ticker": "A", "window_start": LAST}])[1] == [True]


def test_a_volume_of_minus_zero_is_let_in_as_zero():
    rows, whole = judged([{"volume": -0.0}])
    assert whole == [True]
    assert copysign(1, rows["volume"].item()) == 1


@given(st.lists(ROWS.filter(bool), min_size=1, max_size=4))
def test_what_is_let_in_whole_is_what_clean_lets_in(files: list[list[dict]]):
    rows, whole = judged(*files, sessions=(SESSION,) * 4)
    begin = 0
    for file, is_whole in zip(files, whole, strict=True):
        if is_whole:
            alone = clean(frame(*file).with_columns(malformed=pl.lit(value=False)), SESSION)
            assert alone.kept == len(file)
            assert rows.slice(begin, len(file)).drop("session").equals(alone.bars.drop("row_number"))
        begin += len(file)
