"""A home whose very first run is killed while its records are made is opened by the next as if nothing had been."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from assets_tests.commands import environment
from assets_tests.examples import first_quick

ROOT = Path(__file__).parents[2]

KILLED_EVERYWHERE = """
import json, os, sys
from pathlib import Path
from alembic import config
from dagster import AssetKey, AssetMaterialization, DagsterRun
from sqlalchemy import Engine, event
from pipeline.orchestration.instance import open_instance

homes, stride = Path(sys.argv[1]), int(sys.argv[2])

def in_a_child(act):
    pid = os.fork()
    if not pid:
        os._exit(act())
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

def open_and_die(home, number):
    left = iter(range(number))
    @event.listens_for(Engine, "before_cursor_execute")
    def count(*_):
        if next(left, None) is None:
            os.kill(os.getpid(), 9)
    with open_instance(home):
        return 0

def record(home):
    with open_instance(home) as instance:
        instance.add_run(DagsterRun(job_name="stocks_by_day", run_id="a-run"))
        instance.report_runless_asset_event(AssetMaterialization("something"))
        event = instance.get_latest_materialization_event(AssetKey("something"))
        return not (event and instance.get_run_by_id("a-run"))

def outcome(number):
    home = homes / str(number)
    died = in_a_child(lambda: open_and_die(home, number))
    return died, in_a_child(lambda: record(home)), [path.name for path in (home / "dagster").glob(".making-*")]

number, outcomes = 0, []
while not outcomes or outcomes[-1][0]:
    outcomes.append(outcome(number))
    number += stride
print(json.dumps(outcomes))
"""
"""Prints of openings killed at one statement of SQL or another: how they ended, if the next recorded, what was left."""


STRIDES = first_quick([97, 23])
"""Statements from one kill to the next."""


@pytest.mark.skipif(sys.platform == "win32", reason="Processes are forked.")
@pytest.mark.parametrize("stride", STRIDES)
def test_a_first_opening_killed_at_any_statement_is_made_good_by_the_next(tmp_path: Path, stride: int) -> None:
    require_made_good(tmp_path, stride)


def require_made_good(homes: Path, stride: int) -> None:
    """Fail unless the next makes good what openings left that were killed at every `stride`th statement."""
    done = subprocess.run(  # noqa: S603 (our own words)
        [sys.executable, "-W", "ignore", "-c", KILLED_EVERYWHERE, str(homes), str(stride)],
        env=environment(PYTHONPATH=str(ROOT)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    outcomes = json.loads(done.stdout.splitlines()[-1])
    assert [died for died, *_ in outcomes[:-1]] == [-9] * (len(outcomes) - 1)
    assert len(outcomes) > 150 / stride, "there is much to be made"
    assert {(recorded, *left) for _, recorded, left in outcomes} == {(0,)}, done.stderr
