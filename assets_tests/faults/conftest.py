"""The small market, made once for all tests of this package in a process. Its runs make all tables, and no pages."""

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from assets_tests.dagster_runs import SIGNALS, TO_BARS
from assets_tests.faults.two_versions import Market, market


@pytest.fixture(scope="session")
def small() -> Iterator[Market]:
    if not hasattr(os, "fork"):
        pytest.skip("Runs are forked from a process that is ready.")
    with TemporaryDirectory() as folder, market(Path(folder), only=[*TO_BARS, *SIGNALS]) as ready:
        yield ready
