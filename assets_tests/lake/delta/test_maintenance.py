"""Compaction and vacuum: the same rows in fewer files, and nothing lost to a writer beside them."""

import json
import os
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from assets_tests.lake.conftest import FEB_1, FEB_2, JAN_2, JAN_3, JAN_4, PRICES, prices, stored_closes
from pipeline.errors import SettingsError, TableDamaged, TableMissing, WriteConflict
from pipeline.lake.delta import maintenance
from pipeline.lake.delta.maintenance import CompactedPartition, compact, vacuum
from pipeline.lake.lake import Lake

DAYS = [JAN_2, JAN_3, JAN_4, FEB_1, FEB_2]


@pytest.fixture
def scattered(lake: Lake) -> Lake:
    """Return a lake whose table has a file a day."""
    for number, day in enumerate(DAYS):
        lake.replace(PRICES, [day], [prices(day, B=number + 1.0, A=number + 2.0)], run_id="r")
    return lake


def month_file(lake: Lake, month: str) -> Path:
    (file,) = [file for file in lake.open(PRICES).file_uris() if f"month={month}" in file]
    return Path(file)


def test_each_month_becomes_one_file_in_the_order_of_the_key_with_the_same_rows(scattered: Lake) -> None:
    before = stored_closes(scattered)
    assert compact(scattered, PRICES, run_id="r") == [
        CompactedPartition(month="2024-01", rows=6, files_before=3, files_after=1),
        CompactedPartition(month="2024-02", rows=4, files_before=2, files_after=1),
    ]
    assert stored_closes(scattered) == before
    keys = pl.read_parquet(month_file(scattered, "2024-01"), columns=["ticker", "session"]).rows()
    assert keys == [(ticker, day) for ticker in ("A", "B") for day in DAYS[:3]]


def test_a_table_in_order_is_left_alone(scattered: Lake) -> None:
    compact(scattered, PRICES, run_id="r")
    version = scattered.version(PRICES)
    assert compact(scattered, PRICES, run_id="r") == []
    assert scattered.version(PRICES) == version


def test_a_single_file_out_of_order_is_put_in_order(scattered: Lake) -> None:
    compact(scattered, PRICES, run_id="r")
    scattered.replace(PRICES, [JAN_3], [prices(JAN_3, C=1.0, A=1.0)], run_id="r")
    expected = stored_closes(scattered)
    compact(scattered, PRICES, run_id="r")
    keys = pl.read_parquet(month_file(scattered, "2024-01"), columns=["ticker", "session"]).rows()
    assert keys == sorted(keys)
    assert stored_closes(scattered) == expected


def test_the_current_month_can_be_left_alone(scattered: Lake) -> None:
    done = compact(scattered, PRICES, run_id="r", before=FEB_2)
    assert [one.month for one in done] == ["2024-01"]


def test_a_day_written_after_compaction_still_adds_a_file_only(scattered: Lake) -> None:
    compact(scattered, PRICES, run_id="r")
    scattered.replace(PRICES, [date(2024, 2, 5)], [prices(date(2024, 2, 5), A=1.0)], run_id="r")
    assert len(scattered.open(PRICES).file_uris()) == 3


def test_compaction_gives_way_to_a_run_that_wrote_meanwhile(scattered: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    scan = maintenance.scan_files

    def overtaken(*args: object, **options: object) -> pl.LazyFrame:
        scattered.replace(PRICES, [JAN_3], [prices(JAN_3, NEW=9.0)], run_id="faster")
        return scan(*args, **options)  # type: ignore[arg-type]

    expected = {key: close for key, close in stored_closes(scattered).items() if key[0] != JAN_3} | {
        (JAN_3, "NEW"): 9.0
    }
    with monkeypatch.context() as patched:
        patched.setattr(maintenance, "scan_files", overtaken)
        with pytest.raises(WriteConflict, match="2024-01"):
            compact(scattered, PRICES, run_id="r")
    assert stored_closes(scattered) == expected


def test_a_run_that_compaction_overtook_has_a_conflict_and_nothing_is_lost(scattered: Lake) -> None:
    before = stored_closes(scattered)

    def overtaken():
        compact(scattered, PRICES, run_id="r")
        yield prices(JAN_3, NEW=9.0)

    with pytest.raises(WriteConflict):
        scattered.replace(PRICES, [JAN_3], overtaken(), run_id="r")
    assert stored_closes(scattered) == before


def test_vacuum_removes_replaced_files_orphans_and_staging_but_nothing_that_is_needed(scattered: Lake) -> None:
    folder = Path(scattered.uri(PRICES))
    before = stored_closes(scattered)
    compact(scattered, PRICES, run_id="r")
    for commit in (folder / "_delta_log").glob("*.json"):
        commit.write_text(replaced_earlier(commit.read_text(), days=3))
    orphan = folder / "month=2024-01" / "part-00000-killed-c000.zstd.parquet"
    orphan.write_bytes(b"PAR1")
    staging = folder / "month=2024-01" / "part-00000-killed-c000.zstd.parquet#1"
    staging.write_bytes(b"PA")
    fresh = folder / "month=2024-01" / "part-00000-running-c000.zstd.parquet#1"
    fresh.write_bytes(b"PA")
    needed = {Path(file) for file in scattered.open(PRICES).file_uris()}
    for path in folder.rglob("*.parquet*"):
        if path != fresh:
            age(path, days=3)
    removed = vacuum(scattered, PRICES, keep=timedelta(days=2), run_id="r")
    assert orphan.name in {Path(name).name for name in removed}
    assert set(folder.glob("month=*/*.parquet*")) == needed | {fresh}
    assert stored_closes(scattered) == before


def test_vacuum_keeps_what_every_version_of_the_retention_needs_however_old_its_files_are(scattered: Lake) -> None:
    folder = Path(scattered.uri(PRICES))
    read_by_a_list = scattered.version(PRICES)
    before = stored_closes(scattered)
    compact(scattered, PRICES, run_id="r")
    for commit in (folder / "_delta_log").glob("*.json"):
        commit.write_text(replaced_earlier(commit.read_text(), days=10))
    for path in folder.rglob("*.parquet"):
        age(path, days=90)
    # A checkpoint forgets after a week that a file was ever replaced.
    scattered.open(PRICES).create_checkpoint()
    vacuum(scattered, PRICES, keep=timedelta(days=30), run_id="r")
    assert stored_closes(scattered, read_by_a_list) == before


def replaced_earlier(commit: str, *, days: int) -> str:
    """Return a commit's text as if it had been made days before."""
    actions = [json.loads(line) for line in commit.splitlines()]
    for action in actions:
        if "remove" in action:
            action["remove"]["deletionTimestamp"] -= days * 86_400_000
        if "commitInfo" in action:
            action["commitInfo"]["timestamp"] -= days * 86_400_000
    return "\n".join(json.dumps(action) for action in actions) + "\n"


def age(path: Path, *, days: int) -> None:
    then = path.stat().st_mtime - days * 86_400
    os.utime(path, (then, then))


def test_maintenance_buries_no_lost_commit(scattered: Lake) -> None:
    newest = scattered.version(PRICES)
    Path(scattered.uri(PRICES), f"_delta_log/{newest:020}.json").unlink()
    damaged = Lake(scattered.root)
    with pytest.raises(TableDamaged, match=f"version {newest} of"):
        compact(damaged, PRICES, run_id="r")
    with pytest.raises(TableDamaged, match=f"version {newest} of"):
        vacuum(damaged, PRICES, keep=timedelta(days=30), run_id="r")
    assert damaged.open_to_write("stocks/prices").version() == newest - 1


def test_vacuum_refuses_to_endanger_a_write_under_way(scattered: Lake) -> None:
    with pytest.raises(SettingsError, match="1 day"):
        vacuum(scattered, PRICES, keep=timedelta(hours=1), run_id="r")


def test_there_is_nothing_to_maintain_in_a_missing_table(lake: Lake) -> None:
    with pytest.raises(TableMissing):
        compact(lake, PRICES, run_id="r")
