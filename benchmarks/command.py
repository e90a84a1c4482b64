"""`candlelake run` for one session as a whole process, against importing what it is made of."""

import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from benchmarks.market import environment
from benchmarks.measuring import Comparison, Figures, Goal, taking_turns, whole_process
from benchmarks.options import Options
from benchmarks.sessions import files_of, lakes, new_days

IMPORTS = "import dagster, polars, deltalake"
NOTHING, COMMAND = "import of its parts", "candlelake run"


def command(options: Options) -> list[Comparison]:
    """Measure the command on a lake with a history, a new session in every round, from its start to its end."""
    with tempfile.TemporaryDirectory(dir=options.data) as room:
        _, home = lakes(Path(room), options, [options.sessions // 5, options.sessions])
        own = environment(home, files_of(options))
        days = new_days(options)
        # The first of each fills the caches of the disk.
        _run(days.pop(0), own)
        _import(own)
        ways = {NOTHING: lambda: _import(own), COMMAND: lambda: _run(days.pop(0), own)}
        rounds = taking_turns(ways, options.rounds)
    facts = {"tickers": options.tickers, "sessions": options.sessions}
    goals = [Goal(COMMAND, 3.0, beyond=NOTHING)]
    return [Comparison("One session by the command line, whole process", NOTHING, rounds, goals, facts)]


def _import(own: Mapping[str, str]) -> Figures:
    return whole_process([sys.executable, "-c", IMPORTS], own)


def _run(session: str, own: Mapping[str, str]) -> Figures:
    return whole_process([sys.executable, "-m", "pipeline.cli", "run", "--date", session], own)
