"""A log whose beginning a Delta program has removed: no damage, and what can be known of the table is still known."""

from datetime import timedelta
from pathlib import Path

import pytest
from deltalake import DeltaTable

from assets_tests.lake.aging import log_of, removed_by_delta
from assets_tests.lake.conftest import JAN_2, JAN_3, PRICES, fill, prices, stored_closes
from assets_tests.lake.integrity.test_table import NAME, entry, flip, folder, only, verified
from pipeline.errors import VersionGone
from pipeline.lake.delta.maintenance import vacuum
from pipeline.lake.delta.past import rows_at
from pipeline.lake.integrity.damage import Kind
from pipeline.lake.integrity.mending import Mending
from pipeline.lake.lake import Lake


@pytest.fixture
def cleaned(old: Lake) -> Lake:
    """Return a lake whose expired log entries were removed by another Delta program."""
    removed_by_delta(folder(old))
    assert len(log_of(old, NAME)) < 10
    return Lake(old.root)


def forget(lake: Lake, *versions: int) -> None:
    for version in versions:
        (folder(lake) / lake.fingerprints(NAME).name(version)).unlink()


def test_expired_entries_are_no_damage_and_every_file_is_known(cleaned: Lake) -> None:
    state = verified(cleaned)
    assert (state.damages, state.unknown) == ([], [])
    assert state.rows == 3
    assert state.expired == 25 - len(log_of(cleaned, NAME))


def test_a_vacuum_of_delta_s_own_that_removes_the_log_leaves_no_damage(old: Lake) -> None:
    DeltaTable(folder(old)).vacuum(retention_hours=24, dry_run=False, enforce_retention_duration=False, full=True)
    assert len(log_of(old, NAME)) < 20
    state = verified(old)
    assert (state.damages, state.unknown, state.rows) == ([], [], 3)


def test_entries_that_were_never_recorded_are_made_up_for_by_the_checkpoint(cleaned: Lake) -> None:
    for version in cleaned.fingerprints(NAME).versions():
        forget(cleaned, version)
    state = verified(cleaned)
    assert state.damages == []
    assert state.rows == 3
    live = set(cleaned.open(PRICES).file_uris())
    assert {str(folder(cleaned) / one.name) for one in state.live_at(state.newest)} == live


def test_some_entries_that_were_never_recorded_hide_no_damaged_file(cleaned: Lake) -> None:
    forget(cleaned, 3, 4, 23)
    assert verified(cleaned).damages == []
    (newest, *_) = sorted(cleaned.open(PRICES).file_uris())
    Path(newest).write_bytes(Path(newest).read_bytes()[:-10])
    assert only(verified(cleaned)).kind == Kind.DATA


@pytest.mark.thorough
def test_a_hole_that_a_wrong_clock_left_in_the_removed_beginning_is_no_damage(lake: Lake) -> None:
    fill(lake)
    for version in (*range(5), *range(6, 18)):
        entry(lake, version).unlink()
    for path in (folder(lake) / "_delta_log").glob("*09.checkpoint.parquet"):
        path.unlink()
    state = verified(lake)
    assert (state.damages, state.rows) == ([], 3)


def test_a_lost_entry_after_the_checkpoint_is_damage_still(cleaned: Lake) -> None:
    cleaned.replace(PRICES, [JAN_2], [prices(JAN_2, A=1.0)], run_id="r")
    newest = cleaned.version(PRICES)
    entry(cleaned, newest).unlink()
    assert (only(verified(cleaned)).kind, only(verified(cleaned)).versions) == (Kind.ENTRY, (newest,))


def test_without_the_checkpoint_every_entry_is_missed_and_put_back(cleaned: Lake) -> None:
    rows = stored_closes(cleaned)
    for path in (folder(cleaned) / "_delta_log").glob("*.checkpoint.parquet"):
        path.write_bytes(path.read_bytes()[:-10])
    state = verified(cleaned)
    assert {Kind.ENTRY, Kind.CHECKPOINT} == {damage.kind for damage in state.damages}
    mending = Mending(cleaned, "moment", "r")
    mending.put_back_entries(state)
    mending.renew_checkpoint(state)
    again = Lake(cleaned.root)
    assert verified(again).damages == []
    assert stored_closes(again) == rows


@pytest.mark.thorough
def test_a_lost_entry_that_a_checkpoint_makes_up_for_costs_nothing_but_itself(lake: Lake) -> None:
    fill(lake)
    rows, before = stored_closes(lake), log_of(lake, NAME)
    forget(lake, 3)
    entry(lake, 3).write_bytes(b"")
    state = verified(lake)
    assert (only(state).kind, only(state).versions, state.rows) == (Kind.OLD_ENTRY, (3,), 3)
    assert Mending(lake, "moment", "r").give_up_entries(state) == [3]
    again = verified(lake)
    assert (again.damages, again.rows) == ([], 3)
    assert len(again.unknown) == 1, "what only that version brought"
    assert log_of(lake, NAME) == [name for name in before if name != entry(lake, 3).name]
    assert stored_closes(Lake(lake.root)) == rows
    after = Lake(lake.root)
    assert after.trail(PRICES).unknown() == [3]
    assert after.history(NAME).filter(version=2)["run_id"].item() == "r1", "Delta would call it another version"


@pytest.mark.thorough
def test_a_lost_newest_entry_that_is_in_a_checkpoint_blocks_no_write(lake: Lake) -> None:
    fill(lake, 20)
    lake.open(PRICES).create_checkpoint()
    rows, newest = stored_closes(lake), lake.version(PRICES)
    forget(lake, newest)
    entry(lake, newest).unlink()
    state = verified(lake)
    assert (only(state).kind, only(state).versions) == (Kind.OLD_ENTRY, (newest,))
    Mending(lake, "moment", "r").give_up_entries(state)
    again = Lake(lake.root)
    assert (verified(again).damages, verified(again).rows) == ([], 3)
    assert stored_closes(again) == rows
    again.replace(PRICES, [JAN_2], [prices(JAN_2, A=7.0)], run_id="next")
    assert stored_closes(again) == rows | {(JAN_2, "A"): 7.0}
    assert (verified(again).damages, verified(again).rows) == ([], 3)
    assert again.trail(PRICES).unknown() == [newest]


@pytest.mark.thorough
def test_a_given_up_entry_is_damage_again_once_the_checkpoint_is_lost(lake: Lake) -> None:
    fill(lake)
    forget(lake, 3)
    entry(lake, 3).unlink()
    Mending(lake, "moment", "r").give_up_entries(verified(lake))
    for path in (folder(lake) / "_delta_log").glob("*.checkpoint.parquet"):
        path.unlink()
    assert Kind.LOST_ENTRY in {damage.kind for damage in verified(lake).damages}


@pytest.mark.thorough
def test_a_damaged_record_of_an_expired_entry_is_set_aside(cleaned: Lake) -> None:
    path = folder(cleaned) / cleaned.fingerprints(NAME).name(2)
    flip(path, 100)
    state = verified(cleaned)
    assert (only(state).kind, only(state).versions) == (Kind.RECORD, (2,))
    assert Mending(cleaned, "moment", "r").record(state, [2]) == []
    assert not path.exists()
    assert verified(cleaned).damages == []


def test_the_trail_goes_on_where_the_log_was_removed(old: Lake) -> None:
    before = Lake(old.root).trail(PRICES).commits()
    removed_by_delta(folder(old))
    after = Lake(old.root)
    assert after.history(NAME)["version"].min() > 0
    assert after.trail(PRICES).commits().equals(before)
    assert after.trail(PRICES).unknown() == []
    for version in after.history(NAME)["version"]:
        assert after.open(PRICES, version).version() == version


@pytest.mark.thorough
def test_rows_of_a_version_that_the_log_no_longer_knows_are_read_as_long_as_the_files_are_there(old: Lake) -> None:
    versions = range(1, 25)
    expected = {version: stored_closes(old, version) for version in versions}
    removed_by_delta(folder(old))
    after = Lake(old.root)
    for version in versions:
        rows = rows_at(after, PRICES, version)
        assert {(row["session"], row["ticker"]): row["close"] for row in rows.to_dicts()} == expected[version]


def test_rows_that_nothing_has_changed_since_are_read_although_their_version_was_vacuumed(cleaned: Lake) -> None:
    cleaned.replace(PRICES, [JAN_3], [prices(JAN_3, A=99.0)], run_id="r")
    newest = cleaned.version(PRICES)
    vacuum(cleaned, PRICES, keep=timedelta(days=30), run_id="r")
    lake = Lake(cleaned.root)
    assert rows_at(lake, PRICES, 22, JAN_2, JAN_2).equals(rows_at(lake, PRICES, newest, JAN_2, JAN_2))
    with pytest.raises(VersionGone, match="can no longer be read"):
        rows_at(lake, PRICES, 2, JAN_3, JAN_3)


@pytest.mark.thorough
def test_maintenance_of_a_lake_whose_log_was_removed_goes_on(cleaned: Lake) -> None:
    rows = stored_closes(cleaned)
    vacuum(cleaned, PRICES, keep=timedelta(days=30), run_id="r")
    assert stored_closes(Lake(cleaned.root)) == rows
    assert verified(Lake(cleaned.root)).damages == []
