"""A process that has loaded the libraries, and none of our modules, and forks a child for each command that is typed.

Loading them takes longer than most commands do. What is ours is loaded by the child, under its own settings; what else
a child had to load, its successors find loaded.
"""

import atexit
import gc
import json
import os
import runpy
import subprocess
import sys
import traceback
from collections.abc import Iterable
from contextlib import suppress
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
    "typer",
    "jinja2",
    "apprise",
    "hypothesis",
    "scipy.linalg",
    "requests_ratelimiter",
    "dagster._core.instance.factory",
    "dagster._core.execution.execute_in_process",
    "dagster._core.storage.sqlite_storage",
    "dagster._core.workspace.context",
)
OURS = {"pipeline", "assets_tests", "__main__"}


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
        """Return the exit code and output of `python -m MODULE ARGUMENTS`."""
        with TemporaryDirectory() as folder, self._lock:
            outputs = Path(folder, "stdout"), Path(folder, "stderr")
            request = {
                "module": module,
                "arguments": arguments,
                "cwd": cwd,
                "environment": environment,
                "outputs": outputs,
            }
            request["loaded"] = Path(folder, "loaded")
            code = self._ask(request)
            return subprocess.CompletedProcess([module, *arguments], code, *(path.read_text() for path in outputs))

    def _ask(self, request: dict[str, Any]) -> int:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(request, default=str) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def _end(self) -> None:
        self._process.communicate()


@cache
def ready_process() -> ReadyProcess:
    """Return the one of this process of tests, started at the first use."""
    return ReadyProcess()


def _serve() -> None:
    _load(LIBRARIES)
    fill_numba_s_registries()
    for line in sys.stdin:
        request = json.loads(line)
        child = os.fork()
        if not child:
            _become(request)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        _load(_loaded_by(request))
        print(code, flush=True)  # noqa: T201 (the answer)


def _load(modules: Iterable[str]) -> None:
    missing = [name for name in modules if name not in sys.modules]
    for name in missing:
        with suppress(ImportError):  # what a module puts there under a name of its own
            import_module(name)
    if missing:
        gc.collect()
        gc.freeze()


def _loaded_by(request: dict[str, Any]) -> list[str]:
    """Return the libraries that a command had loaded when it ended; none if it was killed."""
    loaded = Path(request["loaded"])
    return loaded.read_text().split() if loaded.exists() else []


def fill_numba_s_registries() -> None:
    """Do here what Numba does before the first kernel, again in each process: a quarter of a run's time."""
    from numba.core.registry import cpu_target  # noqa: PLC0415 (the tests' own process need not import it)

    cpu_target.typing_context.refresh()
    cpu_target.target_context.refresh()


def _become(request: dict[str, Any]) -> NoReturn:
    for stream, path in enumerate((os.devnull, *request["outputs"])):
        os.dup2(os.open(path, os.O_RDWR | os.O_CREAT), stream)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv = ["", *request["arguments"]]
    code = _exit_code(request["module"])
    libraries = [name for name in sys.modules if name.partition(".")[0] not in OURS]
    Path(request["loaded"]).write_text("\n".join(libraries))
    os._exit(code)


def _exit_code(module: str) -> int:
    """Run a module, and return how it ended. Its libraries cannot be taken down in order: they began elsewhere."""
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as stop:
        return int(stop.code or 0)
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    return 0


if __name__ == "__main__":
    _serve()
