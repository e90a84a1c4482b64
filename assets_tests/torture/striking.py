"""Commands that are killed at random moments, and what must be true of the lake after each."""

import os
import signal
import threading
import time
from collections.abc import Sequence
from typing import Any

import polars as pl

from assets_tests.faults.nursery import Work
from assets_tests.faults.two_versions import Market, lake_of
from assets_tests.stocks import EVERY_TABLE
from pipeline.lake.sql import connect
from pipeline.progress import Progress
from pipeline.queries.integrity import Found, verify


def killed(market: Market, work: Work, after: float) -> bool:
    """Start some work, kill it after that many seconds, and return whether that was in time."""
    process = market.nursery.start(work)
    threading.Event().wait(after)
    os.kill(process.pid, signal.SIGKILL)
    return process.wait() != 0


def length(market: Market, work: Work) -> float:
    """Return how many seconds some work takes undisturbed."""
    begun = time.monotonic()
    market.nursery.run(work)
    return time.monotonic() - begun


def result_of(market: Market, settings: dict[str, Any], *command: str, **particulars: Any) -> tuple[int, str]:
    """Return the exit code and output of a command."""
    process = market.nursery.start(Work(settings, command=command, **particulars))
    return process.wait(), process.output()


def require_well(market: Market, settings: dict[str, Any], *commands: Sequence[str]) -> None:
    """Fail unless each command ends well."""
    for command in commands:
        code, output = result_of(market, settings, *command)
        assert code == 0, f"{command}: {output}"


def checked(settings: dict[str, Any]) -> Found:
    """Return what a check of the whole lake finds, after every table was read by SQL and by a scan."""
    lake = lake_of(settings)
    sql = connect(lake)
    for name in lake.tables():
        sql.sql(f"SELECT count(*) FROM {name.replace('/', '.')}")  # noqa: S608 (our own names)
    return verify(lake, Progress())


def rows(settings: dict[str, Any]) -> dict[str, pl.DataFrame]:
    """Return the rows of every table, by its name."""
    lake = lake_of(settings)
    return {table.sql_name: lake.scan(table).sort(table.key).collect() for table in EVERY_TABLE if lake.exists(table)}
