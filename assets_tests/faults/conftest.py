"""The small market, made once for all tests of this package in a process. Its runs make all tables, and no pages."""

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from assets_tests.dagster_runs import SIGNALS, TO_BARS
from assets_tests.faults.two_versions import Market, market

MEMORY = "/dev/shm"  # noqa: S108 (a folder of a random name is made in it)


@pytest.fixture(scope="session")
def small() -> Iterator[Market]:
    if not hasattr(os, "fork"):
        pytest.skip("Runs are forked from a process that is ready.")
    # Memory, where there is a disk in it: a run then takes a fraction of the time, most of which is flushing files.
    memory = MEMORY if os.access(MEMORY, os.W_OK) else None
    with TemporaryDirectory(dir=memory) as folder, market(Path(folder), only=[*TO_BARS, *SIGNALS]) as ready:
        yield ready
