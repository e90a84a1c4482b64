"""`candlelake run` for one session as a whole process, against importing what it is made of.

Beside it a floor, a process of its own too: it imports the same and makes the session's rows and pages by the leanest
script; and what Dagster's storage on a disk takes to load, which the floor does without.
"""

import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks.market import environment
from benchmarks.measuring import ROOT, Comparison, Figures, Goal, taking_turns, whole_process
from benchmarks.options import Options
from benchmarks.sessions import files_of, lakes, new_days

IMPORTS = "import dagster, polars, deltalake"
STORAGE = f"{IMPORTS}; import dagster._core.storage.sqlite_storage"
"""The same with what Dagster loads to keep its record in a file."""

NOTHING, RECORD, FLOOR, COMMAND = "import of its parts", "with Dagster's storage", "floor", "candlelake run"


def command(options: Options) -> list[Comparison]:
    """Measure the command on a lake with a history, a new session in every round, from its start to its end."""
    with tempfile.TemporaryDirectory(dir=options.data) as room:
        _, home = lakes(Path(room), options, [options.sessions // 5, options.sessions])
        own = environment(home, files_of(options))
        # The first of each fills the caches of the disk.
        first, *days = new_days(options)
        taking_turns(_ways([first], own), 1)
        rounds = taking_turns(_ways(days, own), options.rounds)
    facts = {"tickers": options.tickers, "sessions": options.sessions}
    goals = [Goal(COMMAND, 3.0, beyond=NOTHING)]
    return [Comparison("One session by the command line, whole process", NOTHING, rounds, goals, facts)]


def _ways(days: Sequence[str], own: Mapping[str, str]) -> dict[str, Callable[[], Figures]]:
    """Return the ways, which take the days one after another; the floor makes what the command has just made."""
    coming, made = iter(days), iter(days)
    return {
        NOTHING: lambda: _import(IMPORTS, own),
        RECORD: lambda: _import(STORAGE, own),
        COMMAND: lambda: _run(next(coming), own),
        FLOOR: lambda: _lean(next(made), own),
    }


def _import(imports: str, own: Mapping[str, str]) -> Figures:
    return whole_process([sys.executable, "-c", imports], own)


def _run(session: str, own: Mapping[str, str]) -> Figures:
    return whole_process([sys.executable, "-m", "pipeline.cli", "run", "--date", session], own)


def _lean(session: str, own: Mapping[str, str]) -> Figures:
    script = f"{IMPORTS}; from benchmarks.floor_session import by_itself; by_itself({session!r})"
    return whole_process([sys.executable, "-c", script], {**own, "PYTHONPATH": str(ROOT)})
