"""One seed for all of it, printed for replay; every test here is marked as torture."""

import os
import secrets
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from assets_tests.faults.two_versions import Market, market

SCALE = float(os.environ.get("TORTURE_SCALE") or 1)
"""How many times as often as by default the newer tests do what they do: 10 is hundreds of kills, and half an hour."""


SEED = int(os.environ.get("TORTURE_SEED") or secrets.randbelow(2**32))
os.environ["TORTURE_SEED"] = str(SEED)  # for the workers that this process starts


def scaled(count: int) -> int:
    """Return how often a test does what it does `count` times by default: at least once, however small the scale."""
    return max(1, round(count * SCALE))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("torture")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Print the seed before the first test and after the last: whoever stops the torture half-way needs it too."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter and session.config.option.markexpr == "torture":
        tell = partial(
            reporter.write_line, f"Seed: TORTURE_SEED={SEED} make torture kills at the same shares of a run."
        )
        tell()
        session.config.add_cleanup(tell)


@pytest.fixture(scope="session")
def seed() -> int:
    return SEED


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    """The small market; its runs are the whole daily job, pages and checks included."""
    with market(tmp_path_factory.mktemp("torture")) as ready:
        yield ready
