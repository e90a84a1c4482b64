"""The batched event log against Dagster's own SQLite event log: the same runs leave the same rows and answers."""

import sqlite3
from contextlib import ExitStack, closing
from itertools import chain, zip_longest

import pytest
import yaml
from dagster import (
    AssetCheckKey,
    AssetCheckResult,
    AssetExecutionContext,
    AssetKey,
    AssetRecordsFilter,
    BackfillPolicy,
    DagsterEventType,
    DagsterInstance,
    DailyPartitionsDefinition,
    Definitions,
    EventRecordsFilter,
    MaterializeResult,
    asset,
    asset_check,
    define_asset_job,
    in_process_executor,
)

from assets_tests.dagster_runs import QUIET
from pipeline.orchestration.instance_file import instance_config
from pipeline.orchestration.patches.event_log import BatchedSqliteEventLog

DAYS = DailyPartitionsDefinition(start_date="2024-01-01", end_date="2024-01-08")
KEYS = DAYS.get_partition_keys()
FIRST, SECOND = AssetKey("first"), AssetKey("second")
CHECK = AssetCheckKey(SECOND, "is_fine")
RANGE_RUN, DAY_RUN, FAILED_RUN = (f"00000000-0000-0000-0000-00000000000{number}" for number in (1, 2, 3))


@asset(partitions_def=DAYS, backfill_policy=BackfillPolicy.single_run(), tags={"colour": "blue"})
def first(context: AssetExecutionContext) -> MaterializeResult:
    for key in context.partition_keys:
        context.add_asset_metadata({"day": key}, partition_key=key)
    return MaterializeResult(metadata={"keys": len(context.partition_keys)}, tags={"size": "small"})


@asset(partitions_def=DAYS, backfill_policy=BackfillPolicy.single_run(), deps=[first])
def second(context: AssetExecutionContext) -> None:
    context.log.info("Nothing is stored of this but events.")
    if context.run.tags.get("fail"):
        raise ValueError("asked to fail")


@asset_check(asset=second)
def is_fine() -> AssetCheckResult:
    return AssetCheckResult(passed=True, metadata={"why": "because"})


DEFINITIONS = Definitions(
    [first, second], jobs=[define_asset_job("both", executor_def=in_process_executor)], asset_checks=[is_fine]
)


def opened(folder, storage):
    (folder / "dagster.yaml").write_text(yaml.safe_dump(instance_config() | {"storage": storage}))
    return DagsterInstance.from_config(str(folder))


def play(instance):
    """Run a range, a day and a failure."""
    job = DEFINITIONS.resolve_job_def("both")
    span = {"dagster/asset_partition_range_start": KEYS[0], "dagster/asset_partition_range_end": KEYS[4]}
    options = {"instance": instance, "run_config": QUIET, "raise_on_error": False}
    assert job.execute_in_process(**options, run_id=RANGE_RUN, tags=span).success
    assert job.execute_in_process(**options, run_id=DAY_RUN, partition_key=KEYS[2]).success
    assert not job.execute_in_process(**options, run_id=FAILED_RUN, partition_key=KEYS[6], tags={"fail": "1"}).success


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return tmp_path_factory.mktemp("ours"), tmp_path_factory.mktemp("dagsters")


@pytest.fixture(scope="module")
def both(folders):
    """Our instance and one that stores as Dagster does, after the same runs."""
    ours, dagsters = folders
    with ExitStack() as stack:
        instances = (
            stack.enter_context(opened(ours, instance_config()["storage"])),
            stack.enter_context(opened(dagsters, {"sqlite": {"base_dir": str(dagsters)}})),
        )
        for instance in instances:
            play(instance)
        yield instances


def rows(file, query):
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute(query).fetchall()


def alike(both, ask):
    """Return what both instances answer, which must be the same and something."""
    ours, dagsters = (ask(instance) for instance in both)
    assert ours == dagsters
    assert ours
    return ours


def described(record):
    event = record.asset_materialization
    metadata = {name: value.value for name, value in event.metadata.items()}
    return record.storage_id, record.run_id, event.partition, metadata, dict(event.tags or {})


def test_our_instance_stores_in_batches(both):
    ours, dagsters = both
    assert isinstance(ours.event_log_storage, BatchedSqliteEventLog)
    assert not isinstance(dagsters.event_log_storage, BatchedSqliteEventLog)


@pytest.mark.parametrize("run_id", [RANGE_RUN, DAY_RUN, FAILED_RUN])
def test_each_run_s_file_holds_the_same_events_in_the_same_order(both, folders, run_id):
    query = "SELECT id, run_id, dagster_event_type, step_key, asset_key, partition FROM event_logs ORDER BY id"
    ours, dagsters = (rows(folder / "history" / "runs" / f"{run_id}.db", query) for folder in folders)
    assert ours == dagsters
    assert len(ours) > 10


@pytest.mark.parametrize(
    "query",
    [
        "SELECT id, run_id, dagster_event_type, step_key, asset_key, partition FROM event_logs ORDER BY id",
        "SELECT event_id, asset_key, key, value FROM asset_event_tags ORDER BY event_id, key",
        "SELECT asset_key, last_run_id, wipe_timestamp, tags FROM asset_keys ORDER BY asset_key",
    ],
    ids=["events", "tags", "assets"],
)
def test_the_shared_file_holds_the_same_rows(both, folders, query):
    ours, dagsters = (rows(folder / "history" / "runs" / "index.db", query) for folder in folders)
    assert ours == dagsters
    assert ours


def test_the_materialized_partitions_are_the_same(both):
    assert alike(both, lambda one: one.get_materialized_partitions(FIRST)) == {*KEYS[:5], KEYS[6]}
    assert alike(both, lambda one: one.get_materialized_partitions(SECOND)) == set(KEYS[:5])


@pytest.mark.parametrize("key", [FIRST, SECOND], ids=str)
def test_the_materializations_and_their_metadata_are_the_same(both, key):
    found = alike(both, lambda one: [described(record) for record in one.fetch_materializations(key, 99).records])
    assert len(found) > 5


def test_the_latest_materialization_and_that_of_a_partition_are_the_same(both):
    latest = alike(both, lambda one: one.get_latest_materialization_event(SECOND).asset_materialization.partition)
    assert latest == KEYS[2]
    of_partition = AssetRecordsFilter(FIRST, asset_partitions=[KEYS[2]])
    found = alike(
        both, lambda one: [described(record) for record in one.fetch_materializations(of_partition, 9).records]
    )
    assert [run_id for _, run_id, _, _, _ in found] == [DAY_RUN, RANGE_RUN]


def test_the_newest_event_of_each_partition_is_the_same(both):
    for kind in (DagsterEventType.ASSET_MATERIALIZATION, DagsterEventType.ASSET_MATERIALIZATION_PLANNED):
        alike(both, lambda one, kind=kind: one.event_log_storage.get_latest_storage_id_by_partition(FIRST, kind))


def test_the_records_of_assets_are_the_same(both):
    def entries(one):
        return {
            record.asset_entry.asset_key: (
                record.asset_entry.last_run_id,
                record.asset_entry.last_materialization_storage_id,
                record.asset_entry.last_planned_materialization_storage_id,
            )
            for record in one.get_asset_records([FIRST, SECOND])
        }

    assert set(alike(both, entries)) == {FIRST, SECOND}


def test_the_failed_partition_is_known_to_have_been_planned(both):
    planned = EventRecordsFilter(DagsterEventType.ASSET_MATERIALIZATION_PLANNED, asset_key=SECOND)
    found = alike(
        both,
        lambda one: [
            (record.run_id, record.partition_key) for record in one.event_log_storage.get_event_records(planned)
        ],
    )
    assert (FAILED_RUN, KEYS[6]) in found


def test_the_result_of_a_check_is_the_same(both):
    def evaluations(one):
        history = one.event_log_storage.get_asset_check_execution_history(CHECK, limit=99)
        return [
            (record.run_id, record.status.value, record.event.dagster_event.asset_check_evaluation_data.passed)
            for record in history
            if record.event and record.event.dagster_event_type == DagsterEventType.ASSET_CHECK_EVALUATION
        ]

    assert alike(both, evaluations) == [(DAY_RUN, "SUCCEEDED", True), (RANGE_RUN, "SUCCEEDED", True)]


def test_a_check_of_a_range_leaves_no_plan_of_its_own_open(both):
    ours, _ = both
    history = ours.event_log_storage.get_asset_check_execution_history(CHECK, limit=99)
    assert [record.status.value for record in history if record.run_id == RANGE_RUN] == ["SUCCEEDED"]


def test_the_plan_of_a_check_does_not_list_every_holiday(both, folders):
    query = "SELECT event FROM event_logs WHERE dagster_event_type = 'ASSET_CHECK_EVALUATION_PLANNED'"
    for run_id in (RANGE_RUN, DAY_RUN):
        ours, dagsters = (rows(folder / "history" / "runs" / f"{run_id}.db", query) for folder in folders)
        assert len(ours) == len(dagsters) > 0
        assert not any("exclusions" in plan for (plan,) in ours)
        assert all("exclusions" in plan for (plan,) in dagsters)


@pytest.mark.thorough
def test_events_of_several_runs_and_kinds_in_one_batch_are_stored_as_if_one_by_one(both, tmp_path_factory):
    logs = [both[1].all_logs(run_id) for run_id in (RANGE_RUN, DAY_RUN)]
    mixed = [entry for entry in chain.from_iterable(zip_longest(*logs)) if entry is not None]
    found = []
    for together in (True, False):
        folder = tmp_path_factory.mktemp("replayed")
        with opened(folder, instance_config()["storage"]) as instance:
            storage = instance.event_log_storage
            if together:
                storage.store_event_batch(mixed)
            else:
                for entry in mixed:
                    storage.store_event(entry)
        files = [folder / "history/runs" / f"{name}.db" for name in (RANGE_RUN, DAY_RUN, "index")]
        found.append([rows(file, "SELECT run_id, event, partition FROM event_logs ORDER BY id") for file in files])
    assert found[0] == found[1]
    assert len(found[0][0]) == len(logs[0])


def test_a_wiped_asset_is_forgotten(both):
    for one in both:
        one.wipe_assets([SECOND])
        assert one.get_materialized_partitions(SECOND) == set()
        assert not one.has_asset_key(SECOND)
        assert one.get_materialized_partitions(FIRST)
