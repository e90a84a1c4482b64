"""A process that has loaded the libraries, and nothing of ours, and forks a child for each command that is typed.

Loading them takes longer than most commands do. What is ours is loaded by the child, under its own settings.
"""

import atexit
import gc
import json
import os
import runpy
import subprocess
import sys
import traceback
from functools import cache
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any, NoReturn

LIBRARIES = (
    "dagster",
    "dagster_duckdb",
    "alembic.config",
    "polars",
    "deltalake",
    "pandera.polars",
    "numba",
    "duckdb",
    "boto3",
    "pydantic_settings",
    "rich.progress",
)


class ReadyProcess:
    """Runs modules of Python in forks of a process that was started once."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "assets_tests.ready_process"],
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        atexit.register(self._end)

    def run(
        self, module: str, *arguments: str, cwd: Path, environment: dict[str, str]
    ) -> subprocess.CompletedProcess[str]:
        """Return how `python -m MODULE ARGUMENTS` ended, and what it said."""
        with TemporaryDirectory() as folder, self._lock:
            said = Path(folder, "stdout"), Path(folder, "stderr")
            asked = {"module": module, "arguments": arguments, "cwd": cwd, "environment": environment, "said": said}
            code = self._ask(asked)
            return subprocess.CompletedProcess([module, *arguments], code, *(path.read_text() for path in said))

    def _ask(self, asked: dict[str, Any]) -> int:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(asked, default=str) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def _end(self) -> None:
        self._process.communicate()


@cache
def ready_process() -> ReadyProcess:
    """Return the one of this process of tests, started when it is first wanted."""
    return ReadyProcess()


def _serve() -> None:
    for library in LIBRARIES:
        import_module(library)
    gc.freeze()
    for line in sys.stdin:
        child = os.fork()
        if not child:
            _become(json.loads(line))
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)  # noqa: T201 (the answer)


def _become(asked: dict[str, Any]) -> NoReturn:
    for stream, path in enumerate((os.devnull, *asked["said"])):
        os.dup2(os.open(path, os.O_RDWR | os.O_CREAT), stream)
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    sys.argv = ["", *asked["arguments"]]
    os._exit(_ended(asked["module"]))


def _ended(module: str) -> int:
    """Run a module, and return how it ended. Its libraries cannot be taken down in order: they began elsewhere."""
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        return int(ended.code or 0)
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    return 0


if __name__ == "__main__":
    _serve()
