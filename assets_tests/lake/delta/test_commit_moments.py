"""When versions were committed, by a clock that jumped both ways."""

from datetime import UTC, datetime, timedelta

import polars as pl

from pipeline.lake.delta.commit_moments import no_earlier_than_predecessors, no_later_than_successors

NOW = datetime(2024, 3, 4, 15, tzinfo=UTC)


def commits(*days_ago: float) -> pl.DataFrame:
    """Return commits of versions 0, 1 …, stamped that many days ago, the newest first as in a history."""
    stamps = [NOW - timedelta(days=days) for days in days_ago]
    rows = {"version": list(range(len(stamps))), "committed_at": stamps}
    return pl.DataFrame(rows, schema_overrides={"committed_at": pl.Datetime("us", "UTC")}).reverse()


def days_ago(moments: pl.DataFrame) -> list[float]:
    return [(NOW - moment) / timedelta(days=1) for moment in moments.sort("version")["committed_at"]]


def test_without_a_jump_every_moment_stays():
    for moments in (no_later_than_successors(commits(9, 5, 1)), no_earlier_than_predecessors(commits(9, 5, 1), NOW)):
        assert days_ago(moments) == [9, 5, 1]


def test_a_version_stamped_ahead_of_time_came_before_the_next():
    assert days_ago(no_later_than_successors(commits(9, -400, 1, 0))) == [9, 1, 1, 0]
    assert days_ago(no_earlier_than_predecessors(commits(9, -400, 1, 0), NOW)) == [9, 1, 1, 0]


def test_the_newest_version_stamped_ahead_of_time_counts_as_of_now():
    assert days_ago(no_earlier_than_predecessors(commits(9, 1, -400), NOW)) == [9, 1, 0]


def test_a_version_stamped_by_a_clock_behind_does_not_age_its_predecessors():
    assert days_ago(no_earlier_than_predecessors(commits(40, 2, 3000, 0), NOW)) == [40, 2, 2, 0]
