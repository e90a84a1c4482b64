"""The answers of the REST API that are requested again."""

from datetime import UTC, date, datetime

import pytest

from pipeline.ingest.answers import is_settled

SESSION = date(2024, 1, 5)
NOW = datetime(2024, 3, 4, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("fetched_at", "settled"),
    [
        (datetime(2024, 1, 6, 15, tzinfo=UTC), False),
        (datetime(2024, 1, 12, 15, tzinfo=UTC), True),
        (NOW, True),
        (datetime(2025, 1, 6, 15, tzinfo=UTC), False),
    ],
)
def test_an_answer_is_settled_a_week_after_its_session_unless_a_clock_ahead_of_time_fetched_it(fetched_at, settled):
    assert is_settled(fetched_at, SESSION, NOW) is settled
