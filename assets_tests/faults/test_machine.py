"""A machine that fails: no room, nothing writable, the lake taken away, a wrong clock. One line each, no damage."""

import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from assets_tests.examples import first_quick
from assets_tests.faults.nursery import Work
from assets_tests.faults.two_versions import DAYS, NEW, OLD, Market, assert_agree, stored_tables

BACKFILL = ("backfill", "--start", str(DAYS[0]), "--end", str(DAYS[1]))


def typed(market: Market, settings: dict[str, Any], *command: str, **particulars: Any) -> str:
    """Return the one line by which a command of the command line fails."""
    process = market.nursery.start(Work(settings, command=command or BACKFILL, **particulars))
    code, output = process.wait(), process.output()
    assert code == 1, output
    errors = [line for line in output.splitlines() if line.startswith("error: ")]
    assert errors == output.splitlines()[-1:], output
    assert "Traceback" not in output
    assert "panicked" not in output, "what Rust says of a full disk"
    return errors[0]


@contextmanager
def small_disk(place: Path, megabytes: int) -> Iterator[Path]:
    """Give a file system of its own at `place`; skip the test where none may be mounted."""
    place.mkdir(exist_ok=True)
    size = f"size={megabytes}m"
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(place)], check=False)  # noqa: S603, S607
    if mounted.returncode:
        pytest.skip("NOT TESTED: no file system may be mounted here, so no disk can be filled up or made read-only.")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)  # noqa: S603, S607


@pytest.fixture
def on_a_disk(small: Market) -> Iterator[dict[str, Any]]:
    """A home on a disk of its own, with the old version in its tables and the new one published."""
    with small_disk(small.vendor.root / "disk", megabytes=64):
        settings = small.home("disk/home")
        small.publish(OLD)
        small.run(settings)
        small.publish(NEW)
        yield settings


def leave(disk: Path, kilobytes: int) -> Path:
    """Fill a disk up to so much, and return the file to delete for room."""
    ballast = disk / "ballast"
    free = shutil.disk_usage(disk).free - kilobytes * 1024
    ballast.write_bytes(b"\0" * max(0, free))
    return ballast


def assert_whole(settings: dict[str, Any]) -> None:
    """Fail unless the bars are those of one of the versions."""
    tables = stored_tables(settings)
    try:
        assert_agree(tables, OLD)
    except AssertionError:
        bars = tables["stocks.daily_bars"].select("session", "close").rows()
        assert len(bars) == 2 * 7, "the new version"


FULL = (
    (64, True, ""),
    (400, False, "The record of runs failed"),
    (0, False, "The record of runs failed"),
    (2_000, True, "The pages cannot be written"),
    (16, True, ""),
)
"""Kilobytes that are left, whether runs are recorded on another disk, and what fails."""


@pytest.mark.skipif(os.name == "nt", reason="Disks are mounted by a command of Linux.")
@pytest.mark.parametrize("tries", first_quick([1, len(FULL)]))
def test_a_full_disk_is_one_line_and_with_room_again_the_same_command_does_it(
    small: Market, on_a_disk: dict[str, Any], tmp_path: Path, tries: int
) -> None:
    for kilobytes, is_recorded_elsewhere, failed in FULL[:tries]:
        environment = {"DAGSTER_HOME": str(tmp_path)} if is_recorded_elsewhere else {}
        ballast = leave(on_a_disk["home"].parent, kilobytes)
        line = typed(small, on_a_disk, environment=environment)
        assert f"error: {failed}" in line
        assert any(words in line for words in ("No space left", "disk is full", "disk I/O error")), line
        assert_whole(on_a_disk)
        ballast.unlink()
    small.run(on_a_disk)
    assert_agree(stored_tables(on_a_disk), NEW)


@pytest.mark.thorough
def test_a_read_only_disk_is_one_line(small: Market, on_a_disk: dict[str, Any]) -> None:
    disk = str(on_a_disk["home"].parent)
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)  # noqa: S603, S607
    assert "Read-only file system" in typed(small, on_a_disk)
    assert_agree(stored_tables(on_a_disk), OLD)
    subprocess.run(["mount", "-o", "remount,rw", disk], check=True)  # noqa: S603, S607
    small.run(on_a_disk)
    assert_agree(stored_tables(on_a_disk), NEW)


@pytest.mark.thorough
def test_a_home_of_dagster_that_is_gone_or_no_folder_is_one_line_and_nothing_runs(
    small: Market, tmp_path: Path
) -> None:
    settings = small.home("no-dagster")
    (tmp_path / "file").touch()
    for place in (tmp_path / "gone", tmp_path / "file"):
        line = typed(small, settings, environment={"DAGSTER_HOME": str(place)})
        assert f"Runs cannot be recorded in {place}" in line
        assert "Check that DAGSTER_HOME exists" in line
    assert all(rows.is_empty() for rows in stored_tables(settings).values())


@pytest.mark.thorough
def test_a_lake_that_is_taken_away_under_a_run_is_made_again_by_the_next_or_reported_as_damaged(small: Market) -> None:
    settings = small.home("taken-away")
    small.publish(OLD)
    length = small.run(settings)
    small.publish(NEW)
    run = small.nursery.start(Work(settings, command=BACKFILL))
    threading.Event().wait(length / 2)
    os.kill(run.pid, signal.SIGSTOP)
    shutil.rmtree(settings["home"] / "lake")
    os.kill(run.pid, signal.SIGCONT)
    code = run.wait()
    assert code in {0, 1}
    assert "Traceback" not in run.output()
    again = small.nursery.start(Work(settings, command=BACKFILL))
    if again.wait():
        assert "move the folder away and backfill" in again.output()
        shutil.rmtree(settings["home"] / "lake")
        again = small.nursery.start(Work(settings, command=BACKFILL))
        assert again.wait() == 0, again.output()
    assert_agree(stored_tables(settings), NEW)


def test_a_clock_that_is_behind_runs_no_session_that_is_not_over_and_says_so(small: Market) -> None:
    settings = small.home("clock-behind")
    line = typed(small, settings, now=datetime(2024, 1, 31, 12, tzinfo=UTC))
    assert "No session to run" in line
    assert all(rows.is_empty() for rows in stored_tables(settings).values())


@pytest.mark.thorough
def test_a_clock_that_was_years_ahead_does_no_harm_to_the_runs_after_it(small: Market) -> None:
    settings = small.home("clock-ahead")
    small.publish(OLD)
    small.nursery.run(Work(settings, DAYS, only=small.only, now=datetime(2031, 6, 2, 12, tzinfo=UTC)))
    small.publish(NEW)
    small.run(settings)
    assert_agree(stored_tables(settings), NEW)
    small.nursery.run(Work(settings, job="maintenance"))
    assert_agree(stored_tables(settings), NEW)
