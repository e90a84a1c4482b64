"""A disk that is full at one write or another, of Python, Rust, SQLite or DuckDB: one line, no damage, then done."""

import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from assets_tests.faults.full_disk import Call, FullDisk, Moment, require_library
from assets_tests.faults.nursery import Work
from assets_tests.faults.sweeping import Sweep
from assets_tests.faults.test_machine import BACKFILL
from assets_tests.faults.two_versions import ADD, NEW, OLD, Market

FULL = Moment(Call("*", "*"), 1)
"""From the first call on that needs room."""


@pytest.fixture(scope="module")
def settings(small: Market) -> Iterator[dict[str, Any]]:
    """Return the settings of a home with the old version in its tables, and the new one published."""
    require_library()
    settings = small.bare_home("full")
    small.publish(OLD)
    small.run(settings)
    small.publish(NEW)
    yield settings
    shutil.rmtree(settings["home"])


@pytest.mark.thorough
def test_reading_needs_no_room(small: Market, settings: dict[str, Any], tmp_path: Path) -> None:
    full = FullDisk(tmp_path / "notes").environment(settings["home"], FULL)
    for command in (("status",), ("positions",), ("verify",)):
        process = small.nursery.start(Work(settings, command=command, environment=full))
        assert process.wait() == 0, process.output()


@pytest.fixture
def swept(small: Market, settings: dict[str, Any], tmp_path: Path) -> Callable[..., Sweep]:
    """Return a function that gives the sweep of some work over the home."""
    return lambda **work: Sweep(small.nursery, tmp_path, Work(settings, **work))


def require_survived(sweep: Sweep, stride: int, of_databases: int = 0) -> None:
    moments = sweep.drawn(random.Random(20240201), of_databases)[::stride]  # noqa: S311 (the same each time)
    assert moments
    for moment in moments:
        sweep.require_survived(moment)
    assert sweep.refused > len(moments) / 2, "not every write comes again in each run"


def test_a_position_is_recorded_once_whenever_the_disk_was_full(swept: Callable[..., Sweep]) -> None:
    require_survived(swept(command=ADD), stride=4)


@pytest.mark.thorough
def test_a_backfill_survives_a_disk_that_was_full(swept: Callable[..., Sweep]) -> None:
    require_survived(swept(command=BACKFILL), stride=20, of_databases=2)


@pytest.mark.thorough
def test_maintenance_survives_a_disk_that_was_full(swept: Callable[..., Sweep]) -> None:
    require_survived(swept(job="maintenance"), stride=4, of_databases=2)
