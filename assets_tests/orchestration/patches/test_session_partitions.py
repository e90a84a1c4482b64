"""The windows found in the calendar are the ones that Dagster reaches step by step."""

from datetime import date, datetime
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from dagster import DailyPartitionsDefinition, partition_loading_context

from pipeline.orchestration.partitions import look_back, session_partitions
from pipeline.orchestration.patches.session_partitions import SessionPartitions
from pipeline.venues.us_stocks import US_STOCKS

NEW_YORK = ZoneInfo("America/New_York")

SPANS = [
    (date(2024, 1, 2), None),
    (date(2024, 1, 2), date(2024, 3, 28)),
    (date(2024, 1, 2), date(2024, 3, 31)),  # ends on a Sunday
    (date(2024, 1, 16), date(2024, 1, 16)),
]

MOMENTS = [
    datetime(1999, 7, 5, tzinfo=NEW_YORK),  # before the calendar begins
    datetime(2023, 12, 20, tzinfo=NEW_YORK),
    datetime(2024, 1, 2, tzinfo=NEW_YORK),
    datetime(2024, 1, 16, tzinfo=NEW_YORK),
    datetime(2024, 1, 16, 0, 0, 1, tzinfo=NEW_YORK),
    datetime(2024, 3, 10, tzinfo=NEW_YORK),  # the clocks go forward
    datetime(2024, 3, 11, 12, tzinfo=NEW_YORK),
    datetime(2024, 3, 28, 23, 59, tzinfo=NEW_YORK),
    datetime(2024, 3, 29, tzinfo=NEW_YORK),
    datetime(2024, 4, 1, tzinfo=NEW_YORK),
    datetime(2024, 4, 3, tzinfo=NEW_YORK),
    datetime(2041, 2, 1, tzinfo=NEW_YORK),  # after it ends
]


def of_dagster(ours: SessionPartitions) -> DailyPartitionsDefinition:
    return DailyPartitionsDefinition(
        start_date=ours.start, end_date=ours.end, timezone=ours.timezone, exclusions=ours.exclusions
    )


@pytest.mark.parametrize("ignore_exclusions", [False, True])
@pytest.mark.parametrize("moment", MOMENTS, ids=str)
@pytest.mark.parametrize("span", SPANS, ids=str)
def test_windows_from_a_moment_on_and_back_from_it_are_dagster_s(span, moment, ignore_exclusions):
    ours = session_partitions(US_STOCKS, *span)
    theirs = of_dagster(ours)
    for walk in ("_iterate_time_windows", "_reverse_iterate_time_windows"):
        found, wanted = (
            list(islice(getattr(one, walk)(moment.timestamp(), ignore_exclusions=ignore_exclusions), 80))
            for one in (ours, theirs)
        )
        assert found == wanted, walk


@pytest.mark.parametrize("moment", MOMENTS, ids=str)
@pytest.mark.parametrize("span", SPANS, ids=str)
def test_the_keys_that_there_are_at_a_moment_are_dagster_s(span, moment):
    ours = session_partitions(US_STOCKS, *span)
    assert ours.get_partition_keys(moment) == of_dagster(ours).get_partition_keys(moment)
    with partition_loading_context(moment):
        assert ours.get_partition_keys() == of_dagster(ours).get_partition_keys()


def test_partitions_keep_the_identity_of_dagster_s_own():
    ours = session_partitions(US_STOCKS, date(2024, 1, 2))
    assert ours.get_serializable_unique_identifier() == of_dagster(ours).get_serializable_unique_identifier()


@pytest.mark.parametrize("start", [date(2021, 3, 25), date(2026, 3, 2)], ids=["within_the_lake", "out_of_the_lake"])
def test_a_look_back_of_years_is_no_long_walk(monkeypatch, start):
    ours = session_partitions(US_STOCKS, start, date(2026, 3, 31))
    walked = []
    walk = DailyPartitionsDefinition._reverse_iterate_time_windows
    monkeypatch.setattr(
        DailyPartitionsDefinition,
        "_reverse_iterate_time_windows",
        lambda self, end, ignore_exclusions=False: walked.append(end) or walk(self, end, ignore_exclusions),
    )
    newest = ours.empty_subset().with_partition_keys(["2026-03-31"])
    needed = look_back(452).get_upstream_mapped_partitions_result_for_partitions(newest, ours, ours)
    keys = list(needed.partitions_subset.get_partition_keys())
    assert keys == [str(day) for day in US_STOCKS.calendar.between(max(start, date(2024, 6, 11)), date(2026, 3, 31))]
    assert walked == []


def test_equal_partitions_have_one_hash_and_others_another():
    ours, again, longer = (
        session_partitions(US_STOCKS, date(2024, 1, 2), end) for end in (None, None, date(2024, 3, 28))
    )
    assert ours == again
    assert hash(ours) == hash(again)
    assert ours != longer
    assert hash(ours) != hash(longer)
