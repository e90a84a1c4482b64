"""The S3 server of the lake killed under a run and started again: one line, nothing damaged, the next run finishes."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from assets_tests.faults.killing import Tables
from assets_tests.faults.nursery import Work
from assets_tests.faults.two_versions import DAYS, NEW, OLD, Market, assert_agree, lake_of, stored_tables
from assets_tests.s3_outage import OwnServer, own_server
from pipeline.lake.integrity.damage import Damage, Kind
from pipeline.progress import Progress
from pipeline.queries.integrity import verify

pytestmark = pytest.mark.thorough

MOMENT = "stocks/quarantine/"
"""The server is killed as soon as a run has put something there: bars are written, and all else is to come."""
BACKFILL = ("backfill", "--start", str(DAYS[0]), "--end", str(DAYS[1]))


@pytest.fixture(scope="module")
def own() -> Iterator[OwnServer]:
    with own_server() as server:
        yield server


def test_a_server_killed_under_a_run_is_one_line_damages_nothing_and_the_next_run_finishes(
    small: Market, own: OwnServer
) -> None:
    require_survived(small, own, [MOMENT])


def require_survived(market: Market, own: OwnServer, moments: Sequence[str]) -> None:
    """Fail unless a lake survives its server, killed as soon as runs have put something below each name in turn."""
    on_s3 = replace(market, new_lake=own.server.lake_settings)
    settings = on_s3.home("server-killed")
    lake = {"CANDLELAKE_LAKE": settings["CANDLELAKE_LAKE"]}
    on_s3.publish(OLD)
    on_s3.run(settings)
    before, (old, new) = stored_tables(settings), (OLD, NEW)
    for moment in moments:
        on_s3.publish(new)
        there = names(settings, moment)
        run = on_s3.nursery.start(Work(settings, command=BACKFILL, environment=lake))
        with ThreadPoolExecutor() as waiting:
            end = waiting.submit(run.wait)
            while names(settings, moment) == there:
                assert not end.done(), f"nothing was put into {moment}: {run.output()}"
                threading.Event().wait(0.05)
            own.kill()
        code, output = end.result(), run.output()
        own.restart()
        assert code == 1, output
        require_one_line(output, own)
        left = stored_tables(settings)
        # The history before was put there without an audit trail.
        assert {damage.kind for damage in damages(settings)} <= {Kind.ROWS}
        on_s3.run(settings)
        after = stored_tables(settings)
        assert_agree(after, new)
        require_whole(left, before, after)
        assert [damage for damage in damages(settings) if damage.first in DAYS] == []
        before, (old, new) = after, (new, old)


def names(settings: dict[str, Any], beginning: str) -> set[str]:
    return set(lake_of(settings).objects.names(beginning))


def damages(settings: dict[str, Any]) -> list[Damage]:
    return verify(lake_of(settings), Progress()).damages


def require_one_line(output: str, own: OwnServer) -> None:
    """Fail unless the last line of a command, and no other, is that the server is gone, with a remedy."""
    errors = [line for line in output.splitlines() if line.startswith("error: ")]
    assert errors == output.splitlines()[-1:], output
    assert "Traceback" not in output
    assert f"error: {own.server.endpoint}, the server of the lake" in errors[0], output
    assert errors[0].endswith("then try again."), output


def require_whole(tables: Tables, before: Tables, after: Tables) -> None:
    """Fail unless each table is what it was or what it is to be."""
    for name, rows in tables.items():
        assert rows.equals(before[name]) or rows.equals(after[name]), f"{name} is neither:\n{rows}"
