from datetime import date

import polars as pl

from pipeline.assets.signals import lists_in_numbers
from pipeline.contracts.candidates import CANDIDATES

THU, FRI = date(2024, 1, 4), date(2024, 1, 5)


def candidate(model: str, session: date, rank: int, score: float) -> dict:
    return {
        "model": model,
        "model_version": 1,
        "session": session,
        "rank": rank,
        "ticker": f"T{rank}",
        "score": score,
        "close": 10.0,
        "contributions": [],
        "reasons": ["Rises.", "Calm."],
        "scanned": 9,
        "passed": 8,
    }


def listed(*rows: dict) -> pl.LazyFrame:
    return pl.LazyFrame(list(rows), schema=CANDIDATES.columns)


def test_each_session_gets_the_numbers_of_each_of_its_lists():
    rows = listed(candidate("trend", THU, 1, 2.5), candidate("trend", THU, 2, 2.0), candidate("pullback", FRI, 1, -0.5))
    numbers = lists_in_numbers(rows, newest=FRI)
    assert numbers[THU] == {"scanned": 9, "passed_trend": 8, "candidates_trend": 2, "best_score_trend": 2.5}
    assert {name for name in numbers[FRI] if name.endswith("pullback")} == {
        "passed_pullback",
        "candidates_pullback",
        "best_score_pullback",
    }
    assert numbers[FRI]["best_score_pullback"] == -0.5


def test_the_newest_session_alone_shows_its_list_five_of_each_model_with_the_strongest_reason():
    numbers = lists_in_numbers(listed(*(candidate("trend", FRI, rank, -rank) for rank in range(1, 9))), newest=FRI)
    records = [dict(record.data) for record in numbers[FRI]["candidates"].records]
    assert [record["rank"] for record in records] == [1, 2, 3, 4, 5]
    assert records[0]["reason"] == "Rises."
    assert "candidates" not in lists_in_numbers(listed(candidate("trend", THU, 1, 1.0)), newest=FRI)[THU]


def test_sessions_without_candidates_show_nothing():
    assert lists_in_numbers(listed(), newest=FRI) == {}
