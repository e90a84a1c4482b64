from datetime import date

import polars as pl
import pytest

from pipeline.contracts.bars import DAILY_BARS
from pipeline.lake.lake import Lake
from pipeline.orchestration.comparison import Comparison

THU, FRI, MON = (date(2024, 1, day) for day in (4, 5, 8))


def bars(session, **closes):
    """Return good bars of one session."""
    rows = [
        {"ticker": ticker, "session": session, "open": 5, "high": 9, "low": 1, "close": close, "volume": 1}
        | {"transactions": 1}
        for ticker, close in closes.items()
    ]
    return pl.DataFrame(rows, schema=DAILY_BARS.columns)


@pytest.fixture
def lake(tmp_path):
    return Lake(tmp_path)


def written(lake, *pieces):
    """Replace the sessions of the pieces, and return the comparison that watched."""
    comparison = Comparison(lake, DAILY_BARS)
    sessions = sorted({session for piece in pieces for session in piece["session"]})
    lake.replace(DAILY_BARS, sessions, comparison.compared(pieces), run_id="run")
    return comparison


def test_a_first_backfill_compares_nothing(lake):
    comparison = written(lake, bars(THU, A=5), bars(FRI, A=5))
    assert comparison.with_changes({THU: {"kept": 1}}) == {THU: {"kept": 1}}
    assert comparison.in_words("bar") == ""


def test_sessions_written_again_are_compared_piece_by_piece_with_what_was_there(lake):
    written(lake, bars(THU, A=5, B=5), bars(FRI, A=5, B=5))
    comparison = written(lake, bars(THU, A=6, B=5), bars(FRI, A=5, C=5), bars(MON, A=5))
    changes = comparison.with_changes({session: {} for session in (THU, FRI, MON)})
    counts = {name: [changes[session].get(name) for session in changes] for name in ("rows_added", "rows_removed")}
    assert counts == {"rows_added": [0, 1, None], "rows_removed": [0, 1, None]}
    assert [dict(record.data)["ticker"] for record in changes[FRI]["changed_rows"].records] == ["B", "C"]
    assert comparison.in_words("bar") == "1 bar altered, 1 added, 1 removed"


def test_sessions_around_are_not_read(lake):
    written(lake, bars(THU, A=5), bars(FRI, A=5), bars(MON, A=5))
    changes = written(lake, bars(FRI, A=5)).with_changes({FRI: {}})
    assert changes == {FRI: {"rows_added": 0, "rows_removed": 0, "rows_altered": 0}}


def test_what_was_compared_is_written_as_it_came(lake):
    written(lake, bars(THU, A=5, B=5))
    written(lake, bars(THU, A=6))
    assert lake.scan(DAILY_BARS).select("ticker", "close").collect().rows() == [("A", 6.0)]


@pytest.mark.parametrize(
    ("now", "words"),
    [
        ({"A": 6, "B": 6, "C": 5}, "2 bars altered"),
        ({"A": 5, "B": 5, "C": 5, "D": 5}, "1 bar added"),
        ({"A": 5}, "2 bars removed"),
        ({"A": 5, "B": 5, "C": 5}, ""),
    ],
)
def test_words_count_what_changed(lake, now, words):
    written(lake, bars(THU, A=5, B=5, C=5))
    assert written(lake, bars(THU, **now)).in_words("bar") == words
