"""A signal ends a command wherever it comes, also where Python ignores what its handler raises."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import dagster
import pytest

from assets_tests.examples import first_quick
from assets_tests.stocks import STOCKS
from pipeline.cli.terminal import shortened
from pipeline.lake.lake import Lake
from pipeline.orchestration.lake_resource import lake_of_run
from pipeline.orchestration.signals import no_signal_lost

SWALLOWED = """
import os, signal, sys, time, weakref
from pipeline.orchestration.signals import insist_on_signals
from {module} import {error} as Error
insist_on_signals()
def handler(*_):
    raise Error
signal.signal(signal.SIGTERM, handler)
signal.signal(signal.SIGINT, handler)
class Thing: pass
thing = Thing()
weakref.finalize(thing, os.kill, os.getpid(), signal.SIGTERM)
kept = weakref.ref(thing, lambda _: [os.kill(os.getpid(), signal.SIGTERM), sum(range(1000))])
try:
    del thing
    for _ in range(600):
        time.sleep(0.05)
except BaseException as error:
    sys.exit(7 if isinstance(error, Error) else 8)
"""


@pytest.mark.skipif(os.name == "nt", reason="Signals are sent on POSIX only")
@pytest.mark.parametrize(
    ("module", "error"),
    first_quick([("builtins", "KeyboardInterrupt"), ("dagster", "DagsterExecutionInterruptedError")]),
)
def test_a_signal_inside_a_weakref_callback_ends_the_command_all_the_same(module, error):
    program = SWALLOWED.format(module=module, error=error)
    command = [sys.executable, "-W", "ignore", "-c", program]
    result = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603
    assert result.returncode == 7, result.stderr
    assert "Exception ignored" not in result.stderr


def test_a_signal_that_a_handler_only_noted_is_not_forgotten():
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        with pytest.raises(KeyboardInterrupt), no_signal_lost():
            os.kill(os.getpid(), signal.SIGTERM)
        with no_signal_lost():
            pass
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_long_name_is_cut_in_a_list():
    assert shortened("BRK.A") == "BRK.A"
    assert shortened("X" * 120) == "X" * 15 + "…"
    assert Path(shortened("a\nb")).name == "a b"


def test_a_run_that_dagster_itself_starts_insists_on_signals_too(tmp_path, monkeypatch):
    before = []
    monkeypatch.setattr("sys.unraisablehook", before.append)

    @dagster.op(required_resource_keys={"lake"})
    def writes():
        assert sys.unraisablehook != before.append

    @dagster.job(resource_defs={"lake": lake_of_run(tmp_path, STOCKS, Lake(tmp_path).opened)})
    def run():
        writes()

    assert run.execute_in_process().success
