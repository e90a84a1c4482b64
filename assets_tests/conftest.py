"""Every test runs with the settings that candlelake ships, whatever this machine sets, in a folder with no `.env`."""

import gc
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from assets_tests.dealing import Dealing, turn
from assets_tests.examples import register_profiles
from assets_tests.memory_disk import use_memory

pytest_plugins = ["assets_tests.s3_server", "assets_tests.faulty_proxy"]

register_profiles()
use_memory()

for name in [name for name in os.environ if name.startswith(("CANDLELAKE_", "DAGSTER_", "AWS_"))]:
    del os.environ[name]

ELSEWHERE = tempfile.TemporaryDirectory(prefix="candlelake-tests-")
os.environ["CANDLELAKE_HOME"] = str(Path(ELSEWHERE.name, "home"))
os.environ["XDG_CONFIG_HOME"] = str(Path(ELSEWHERE.name, "config"))


OBJECTS_BEFORE_COLLECTION = 50_000
"""Python looks for garbage after this many new objects, not after 700: tests make many, and few of them in circles."""


def pytest_sessionstart(session: pytest.Session) -> None:
    """Leave the folder: settings are read from its `.env` when modules are imported, before any fixture could act.

    A shell that starts programs in the background has them ignore Ctrl-C, and the commands that they start as well.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    gc.set_threshold(OBJECTS_BEFORE_COLLECTION, 20, 20)
    only_hands_out_tests = session.config.getoption("numprocesses", None) and not hasattr(session.config, "workerinput")
    if not only_hands_out_tests:
        os.chdir(ELSEWHERE.name)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Dealing | None:
    """Deal tests by `dealing`, in the order that `pytest_collection_modifyitems` gave them."""
    if config.getoption("dist") != "loadfile":
        return None
    config.option.loadscopereorder = False
    return Dealing(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: turn(item.nodeid))


def pytest_collection_finish() -> None:
    """Keep what is loaded by now out of all garbage collections to come."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="module")
def module_server() -> Iterator[HTTPServer]:
    """A server of this module's own: `httpserver` is one for all tests, and its first handler answers."""
    with HTTPServer() as server:
        yield server
