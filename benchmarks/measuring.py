"""How everything here is measured: ways of doing the same work take turns, and what counts are their ratios.

Machines are noisy, and two runs an hour apart cannot be compared. So the ways run in rounds, A B A B …, and a
ratio is always between two runs of the same round. A way whose memory is measured runs in a process of its own.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Any, Self

ROOT = Path(__file__).parent.parent

SAMPLED_EVERY = 0.05
"""Seconds between two looks at the memory of a process tree."""

GIB = 2**30

Figures = dict[str, Any]
"""The figures of one run of a way, by name: `seconds`, `cpu`, and where it ran in a process of its own `peak_gib`.

Other work on the machine stretches the seconds of a run, and hardly those of CPU: where the two ratios disagree, the
round was disturbed.
"""


@dataclass(frozen=True)
class Goal:
    """What a way is to reach: its `figure`, over the same figure of the way `against`, is at most `most`.

    Without `against` the figure itself counts, and with `beyond` what it has more than that of the way `beyond`.
    """

    way: str
    most: float
    against: str | None = None
    beyond: str | None = None
    figure: str = "seconds"

    def of_rounds(self, rounds: Mapping[str, Sequence[Figures]]) -> list[float]:
        """Return what counts of each round."""
        own = [taken[self.figure] for taken in rounds[self.way]]
        if self.against is not None:
            return [mine / theirs[self.figure] for mine, theirs in zip(own, rounds[self.against], strict=True)]
        if self.beyond is not None:
            return [mine - theirs[self.figure] for mine, theirs in zip(own, rounds[self.beyond], strict=True)]
        return own

    def in_words(self) -> str:
        """Return the goal as a short sentence."""
        other = f" × {self.against}" if self.against else ""
        more = f"{self.beyond} + " if self.beyond else ""
        return f"{self.figure} of {self.way} ≤ {more}{self.most:.3g}{other}"


@dataclass
class Comparison:
    """What was measured of several ways of doing the same work, round by round."""

    title: str
    base: str
    """The way that the others are compared with."""
    rounds: dict[str, list[Figures]]
    """The figures of each run of each way, in the order of the rounds."""
    goals: Sequence[Goal] = ()
    facts: dict[str, Any] = field(default_factory=dict)
    """How large the work was, and other facts about it."""
    figure: str = "seconds"
    """The figure that the ways are compared by."""

    def ratios(self, way: str, figure: str | None = None) -> list[float]:
        """Return the figure of `way` over that of the base, round by round."""
        return Goal(way, 0, against=self.base, figure=figure or self.figure).of_rounds(self.rounds)


def spread(values: Sequence[float]) -> dict[str, float]:
    """Return the median, the least and the most of `values`."""
    return {"median": statistics.median(values), "least": min(values), "most": max(values)}


def timed(work: Callable[[], object]) -> Figures:
    """Return how long `work` takes: `seconds` by the clock, `cpu` of this process with all its threads."""
    begin, cpu = time.perf_counter(), time.process_time()
    work()
    return {"seconds": time.perf_counter() - begin, "cpu": time.process_time() - cpu}


def taking_turns(ways: Mapping[str, Callable[[], Figures]], rounds: int) -> dict[str, list[Figures]]:
    """Return the figures of each way, one after another in every round."""
    taken: dict[str, list[Figures]] = {name: [] for name in ways}
    for number in range(rounds):
        for name, way in ways.items():
            print(f"  round {number + 1} of {rounds}: {name}", file=sys.stderr, flush=True)
            taken[name].append(way())
    return taken


def in_its_own_process(work: Callable[..., Figures], *, python: str = sys.executable, **arguments: Any) -> Figures:
    """Return the figures of `work`, a function of a module, in a process of its own; `peak_gib` is that process's tree.

    The arguments and the figures are JSON. `python` may belong to another environment. Raises CalledProcessError when
    the process fails; its stderr is shown.
    """
    command = [python, "-m", "benchmarks.child", f"{work.__module__}:{work.__name__}", json.dumps(arguments)]
    paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": paths})
    with TreeMemory(process.pid) as memory:
        output, _ = process.communicate()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    figures: Figures = json.loads(output.splitlines()[-1])
    return figures | {"peak_gib": max(memory.peak, figures.pop("own_peak")) / GIB}


def whole_process(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Figures:
    """Return the seconds of a command from its start to its end, of the clock and of CPU, and the peak of its tree.

    Raises CalledProcessError when it fails.
    """
    begin, cpu = time.perf_counter(), _cpu_of_children()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment)
    with TreeMemory(process.pid) as memory:
        _, errors = process.communicate()
    taken = time.perf_counter() - begin
    if process.returncode:
        print(errors, file=sys.stderr)
        raise subprocess.CalledProcessError(process.returncode, command)
    return {"seconds": taken, "cpu": _cpu_of_children() - cpu, "peak_gib": memory.peak / GIB}


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class TreeMemory:
    """The peak memory of a process and its children while used as a context; needs Linux, else it stays 0.

    Sampled: the sum of the resident sizes in /proc/PID/statm. What two processes of the tree share counts twice, so
    that it errs upwards; the page cache, which a cgroup's count would have, is not in it.
    """

    def __init__(self, pid: int) -> None:
        self.peak = 0
        self.looks = 0
        self._pid = pid
        self._done = Event()
        self._watch = Thread(target=self._sample, daemon=True)

    def __enter__(self) -> Self:
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._watch.join()

    def _sample(self) -> None:
        while not self._done.wait(SAMPLED_EVERY):
            self.peak = max(self.peak, sum(resident_size(pid) for pid in tree(self._pid)))
            self.looks += 1


def tree(pid: int) -> list[int]:
    """Return `pid` and the processes that descend from it."""
    found = [pid]
    for parent in found:
        for listed in Path(f"/proc/{parent}/task").glob("*/children"):
            found += [int(child) for child in _text(listed).split()]
    return found


def resident_size(pid: int) -> int:
    """Return the bytes of memory that a process has; 0 once it is gone."""
    pages = _text(Path(f"/proc/{pid}/statm")).split()
    return int(pages[1]) * resource.getpagesize() if pages else 0


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # the process has ended
        return ""
