"""Metadata attached to many partitions at once, against Dagster's own way of attaching them one by one."""

import pytest
from dagster import (
    AssetExecutionContext,
    AssetKey,
    BackfillPolicy,
    DagsterInstance,
    DailyPartitionsDefinition,
    MaterializeResult,
    asset,
    materialize,
)

from pipeline.orchestration.patches.partition_metadata import add_partition_metadata

DAYS = DailyPartitionsDefinition(start_date="2024-01-01", end_date="2024-01-08")
PLAIN = {"partitions_def": DAYS, "backfill_policy": BackfillPolicy.single_run()}
RANGE = {"dagster/asset_partition_range_start": "2024-01-01", "dagster/asset_partition_range_end": "2024-01-03"}


def numbers(context: AssetExecutionContext) -> dict[str, dict[str, int]]:
    return {key: {"rows": number, "of_day": int(key[-2:])} for number, key in enumerate(context.partition_keys)}


@asset(**PLAIN)
def one_by_one(context: AssetExecutionContext) -> MaterializeResult:
    for key, metadata in numbers(context).items():
        context.add_asset_metadata(metadata, partition_key=key)
    context.add_asset_metadata({"rows": 7, "newest": "yes"}, partition_key="2024-01-03")
    return MaterializeResult(metadata={"version": 4})


@asset(**PLAIN)
def at_once(context: AssetExecutionContext) -> MaterializeResult:
    add_partition_metadata(context, AssetKey("at_once"), numbers(context))
    add_partition_metadata(context, AssetKey("at_once"), {"2024-01-03": {"rows": 7, "newest": "yes"}})
    return MaterializeResult(metadata={"version": 4})


@asset(**PLAIN)
def of_another_day(context: AssetExecutionContext) -> None:
    add_partition_metadata(context, AssetKey("of_another_day"), {"2024-01-05": {"rows": 1}})


def metadata_of(result, name):
    return {
        event.partition: event.step_materialization_data.materialization.metadata
        for event in result.get_asset_materialization_events()
        if event.asset_key == AssetKey(name)
    }


def test_what_is_attached_at_once_is_what_dagster_attaches_one_by_one():
    with DagsterInstance.ephemeral() as instance:
        result = materialize([one_by_one, at_once], instance=instance, tags=RANGE)
    expected = metadata_of(result, "one_by_one")
    assert expected.keys() == {"2024-01-01", "2024-01-02", "2024-01-03"}
    assert expected["2024-01-03"]["rows"].value == 7
    assert metadata_of(result, "at_once") == expected


def test_a_partition_that_the_run_does_not_make_is_refused():
    with DagsterInstance.ephemeral() as instance, pytest.raises(ValueError, match="2024-01-05"):
        materialize([of_another_day], instance=instance, tags=RANGE)
