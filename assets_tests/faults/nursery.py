"""Real runs of the daily job in processes of their own that start in no time and may be killed at any moment.

A process that has imported everything and started nothing forks one child a run: importing Dagster takes seconds, a
fork a few milliseconds. It imports under the settings it was started with, which decide the partitions there are.
"""

import gc
import json
import logging
import os
import runpy
import subprocess
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import time_machine

from assets_tests.commands import environment
from assets_tests.ready_process import fill_numba_s_registries

PRELOADED = (
    "pipeline.orchestration.runs",
    "pipeline.reports.html",
    "pandera.polars",
    "numba",
    "bokeh.plotting",
    "alembic.config",
)
"""What a run imports, some of it only when it gets there."""


@dataclass(frozen=True)
class Work:
    """What a run has to do."""

    settings: Mapping[str, Any]
    sessions: Sequence[date] = ()
    job: str = "stocks_by_day"
    only: Sequence[str] = ()
    """Assets of `stocks/` that the run is confined to, without their checks; none for the whole job."""
    command: Sequence[str] = ()
    """A command to type instead, without the name of the program."""
    module: str = "pipeline.cli"
    """What the command is typed to."""
    environment: Mapping[str, str] = field(default_factory=dict)
    now: datetime | None = None
    """The time on the clock, if not the true one."""


@dataclass(frozen=True)
class Process:
    """A run in a process of its own."""

    pid: int
    words: Path
    """File of its output."""
    _nursery: "Nursery"

    def wait(self) -> int:
        """Return how it ended, once it has: 0 well, 1 failed, -N killed by signal N."""
        return self._nursery.ask({"wait": self.pid})

    def output(self) -> str:
        """Return its output so far: the error, if it failed."""
        return self.words.read_text()


class Nursery:
    """Starts runs. Made by `nursery`."""

    def __init__(self, parent: "subprocess.Popen[str]", folder: Path) -> None:
        self._parent = parent
        self._folder = folder
        self._started = 0

    def start(self, work: Work) -> Process:
        """Start a run, and return it at once."""
        self._started += 1
        words = self._folder / f"run-{self._started}.txt"
        return Process(self.ask(asdict(work) | {"words": words}), words, self)

    def run(self, work: Work) -> None:
        """Run it to its end. Raises AssertionError, with its output, if it fails."""
        process = self.start(work)
        assert process.wait() == 0, process.output()

    def rehearse(self, work: Work) -> None:
        """Run it once, and import for later runs what it imported on the way."""
        self.run(work)
        self.ask({"import": str(self._folder / "imported.txt")})

    def ask(self, question: Mapping[str, Any]) -> int:
        assert self._parent.stdin
        assert self._parent.stdout
        self._parent.stdin.write(json.dumps(question, default=str) + "\n")
        self._parent.stdin.flush()
        return int(self._parent.stdout.readline())


@contextmanager
def nursery(folder: Path, **settings: str) -> Iterator[Nursery]:
    """Give a nursery whose process was started with `settings`; runs and their output are in `folder`."""
    (folder / "temporary").mkdir(parents=True)
    command = [sys.executable, "-W", "ignore", "-m", "assets_tests.faults.nursery"]
    here = {"TMPDIR": str(folder / "temporary"), "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(  # noqa: S603 (our own module)
        command,
        cwd=folder,
        env=environment(**settings) | here,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        yield Nursery(parent, folder)
        assert parent.stdin
        parent.stdin.close()


def _serve() -> None:
    for name in PRELOADED:
        import_module(name)
    fill_numba_s_registries()
    gc.freeze()
    for line in sys.stdin:
        request = json.loads(line)
        print(_answer(request), flush=True)  # noqa: T201 (the answer)


def _answer(request: dict[str, Any]) -> int:
    if "wait" in request:
        return _exit_code(request["wait"])
    if "import" in request:
        return _imported(Path(request["import"]).read_text().split())
    return _started(request)


def _imported(names: Sequence[str]) -> int:
    for name in names:
        with suppress(ImportError):  # what a module puts there under a name of its own
            import_module(name)
    gc.freeze()
    return len(names)


def _exit_code(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _started(request: dict[str, Any]) -> int:
    pid = os.fork()
    if not pid:
        os._exit(_run(request))
    return pid


def _run(request: dict[str, Any]) -> int:
    words = os.open(request["words"], os.O_WRONLY | os.O_CREAT)
    for stream in (1, 2):
        os.dup2(words, stream)
    os.environ.update(request["environment"])
    try:
        if request["now"]:
            time_machine.travel(datetime.fromisoformat(request["now"]), tick=True).start()
        if request["command"]:
            return _typed(request)
        _job(request)
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        return 1
    return 0


def _typed(request: dict[str, Any]) -> int:
    # The place of a lake on S3 is named as in the environment already.
    settings = {name.upper().removeprefix("CANDLELAKE_"): value for name, value in request["settings"].items()}
    os.environ.update({f"CANDLELAKE_{name}": str(value) for name, value in settings.items()})
    sys.argv = ["candlelake", *request["command"]]
    try:
        runpy.run_module(request["module"], run_name="__main__", alter_sys=True)
    except SystemExit as stop:
        return int(stop.code or 0)
    finally:
        sys.stderr.flush()
    return 0


def _job(request: dict[str, Any]) -> None:
    # The tests' own process imports this module too, and must not read settings for it.
    from assets_tests.dagster_runs import run  # noqa: PLC0415
    from pipeline.orchestration.instance import open_instance  # noqa: PLC0415
    from pipeline.orchestration.runs import run_sessions  # noqa: PLC0415
    from pipeline.progress import Progress  # noqa: PLC0415
    from pipeline.settings import Settings  # noqa: PLC0415

    logging.getLogger("dagster").setLevel(logging.CRITICAL)
    settings = Settings(**request["settings"])
    sessions = [date.fromisoformat(session) for session in request["sessions"]]
    if request["only"]:
        confined = {"only": request["only"], "job_name": request["job"]}
        run(settings, sessions, instance=open_instance(settings.home), **confined)
    else:
        report = run_sessions(settings, sessions, Progress(), job_name=request["job"])
        assert not report.failed_checks, report.failed_checks
    Path(request["words"]).with_name("imported.txt").write_text("\n".join(sorted(sys.modules)))


if __name__ == "__main__":
    _serve()
