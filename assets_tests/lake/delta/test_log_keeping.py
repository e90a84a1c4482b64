"""A table's log is kept for good, whatever Delta program writes to it: on new tables, and on those made before."""

import os
import time
from datetime import timedelta
from pathlib import Path

import pytest
from deltalake import DeltaTable, PostCommitHookProperties

from assets_tests.lake.aging import aged, log_of, removed_by_delta
from assets_tests.lake.conftest import FEB_1, JAN_2, PRICES, fill, prices, stored_closes
from pipeline.errors import QueryError, WriteConflict
from pipeline.lake.delta import log_keeping
from pipeline.lake.delta.layout import LOG_KEPT
from pipeline.lake.delta.log_keeping import is_log_kept
from pipeline.lake.delta.maintenance import compact, vacuum
from pipeline.lake.lake import Lake
from pipeline.lake.sql import connect

NAME = "stocks/prices"


def test_a_new_table_makes_every_delta_program_keep_its_log(lake: Lake) -> None:
    fill(lake, 1)
    assert LOG_KEPT.items() <= lake.open(PRICES).metadata().configuration.items()


def test_deltalake_still_removes_the_log_of_a_table_that_does_not_say_so(old: Lake) -> None:
    """A test of Delta, not of this package: as long as it passes, the property is needed."""
    table = DeltaTable(old.uri(PRICES))
    table.vacuum(
        retention_hours=24,
        dry_run=False,
        enforce_retention_duration=False,
        post_commithook_properties=PostCommitHookProperties(cleanup_expired_logs=False),
    )
    assert len(log_of(old, NAME)) < 20


def test_the_first_maintenance_of_an_old_lake_keeps_every_log_entry(old: Lake) -> None:
    before, rows = log_of(old, NAME), stored_closes(old)
    compact(old, PRICES, run_id="maintenance")
    assert vacuum(old, PRICES, keep=timedelta(days=30), run_id="maintenance")
    assert log_of(old, NAME)[: len(before)] == before
    assert stored_closes(old) == rows
    assert old.fingerprints(NAME).versions() == list(range(old.version(PRICES) + 1))


def test_a_vacuum_alone_keeps_them_too(old: Lake) -> None:
    before = log_of(old, NAME)
    assert vacuum(old, PRICES, keep=timedelta(days=30), run_id="maintenance")
    assert log_of(old, NAME)[: len(before)] == before
    upgrade = old.history(NAME).filter(changes="nothing", run_id="maintenance").sort("version")
    assert upgrade["version"][0] == len(before), "the property is set before anything is removed"


@pytest.mark.thorough
def test_sql_says_that_a_version_is_gone(old: Lake) -> None:
    vacuum(old, PRICES, keep=timedelta(days=30), run_id="maintenance")
    with pytest.raises(QueryError, match=r"Version 2 of stocks\.prices can no longer be read: a vacuum"):
        connect(old).sql("FROM stocks.prices AT (VERSION => 2)")
    assert connect(old).sql("FROM stocks.prices AT (VERSION => 24)").height == 3


def test_the_next_commit_to_an_old_table_sets_the_properties_once(old: Lake) -> None:
    newest = old.version(PRICES)
    old.replace(PRICES, [FEB_1], [prices(FEB_1, A=1.0)], run_id="next")
    old.replace(PRICES, [FEB_1], [prices(FEB_1, A=2.0)], run_id="again")
    assert is_log_kept(old.open(PRICES))
    assert old.version(PRICES) == newest + 3
    assert old.history(NAME)["run_id"].to_list()[:3] == ["again", "next", "next"]
    assert old.history(NAME)["first_session"].to_list()[:3] == [FEB_1, FEB_1, None]


def test_who_only_reads_changes_nothing(old: Lake) -> None:
    newest = old.version(PRICES)
    stored_closes(old), old.history(NAME), old.trail(PRICES).commits()
    assert (old.version(PRICES), is_log_kept(old.open(PRICES))) == (newest, False)


def test_a_run_that_may_not_write_any_more_sets_no_properties(old: Lake) -> None:
    def refuse(run_id: str) -> None:
        raise WriteConflict(f"{run_id} was given up.", remedy="")

    given_up = Lake(old.root, may_write=refuse)
    with pytest.raises(WriteConflict, match="given up"):
        given_up.replace(PRICES, [JAN_2], [prices(JAN_2, A=1.0)], run_id="zombie")
    assert not is_log_kept(old.open(PRICES))


def test_two_that_set_the_properties_at_once_both_go_on(old: Lake) -> None:
    first, second = old.open_to_write(NAME), old.open_to_write(NAME)
    assert log_keeping.keep_log(old.store, first, "first")
    assert not log_keeping.keep_log(old.store, second, "second")
    assert second.version() == first.version()


@pytest.mark.parametrize("how", ["checkpoint", "clean", "write"])
def test_no_other_way_of_delta_removes_an_entry(old: Lake, how: str) -> None:
    old.replace(PRICES, [FEB_1], [prices(FEB_1, A=1.0)], run_id="next")
    before = log_of(old, NAME)
    removed_by_delta(Path(old.uri(PRICES)), how)
    assert log_of(old, NAME)[: len(before)] == before


def test_a_version_within_the_retention_stays_readable_although_the_clock_went_back(lake: Lake) -> None:
    fill(lake, 6)
    compact(lake, PRICES, run_id="r")
    aged(Path(lake.root, NAME), days=20)
    wrong = lake.open(PRICES).version()
    lake.replace(PRICES, [FEB_1], [prices(FEB_1, A=1.0)], run_id="behind")
    aged(Path(lake.root, NAME), days=20_000, versions=[wrong + 1])
    expected = stored_closes(lake, 3)
    then = time.time() - 90 * 86_400
    for file in Path(lake.uri(PRICES)).rglob("*.parquet"):
        os.utime(file, (then, then))
    vacuum(Lake(lake.root), PRICES, keep=timedelta(days=30), run_id="r")
    assert stored_closes(Lake(lake.root), 3) == expected
