"""What the commands share in talking to a person: stdout for data, stderr for words, and the bar of long work."""

import os
import sys
import traceback
from collections.abc import Callable

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from pipeline.progress import Progress

out = Console(soft_wrap=False)
err = Console(stderr=True, highlight=False)


def say(words: str) -> None:
    """Tell the person something, on stderr."""
    err.print(words)


def say_error(message: str, remedy: str) -> None:
    """Tell what went wrong and what to do about it; with --debug, where."""
    if os.environ.get("CANDLELAKE_DEBUG"):
        traceback.print_exc(file=sys.stderr)
    err.print(f"[bold red]error:[/] {escape(message)} [dim]{escape(remedy)}[/]", soft_wrap=True)


class ProgressBars(Progress):
    """Draws a bar on stderr for each stage of a run; use it as a context."""

    def __init__(self) -> None:
        self._bars = Bars(
            TextColumn("{task.description:>14}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=err,
        )

    def __enter__(self) -> "ProgressBars":
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def report(self, stage: str) -> Callable[[int, int], None]:
        """Return a function to be called with the steps done and the steps in all of `stage`."""
        task = self._bars.add_task(stage, total=None, visible=False)
        return lambda done, total: self._bars.update(task, completed=done, total=total, visible=True)

    def begin(self, stage: str, total: int) -> None:
        """Draw the bar of `stage` from now on."""
        self._current = self._bars.add_task(stage, total=total)

    def advance(self, steps: int) -> None:
        """Move the current bar on."""
        self._bars.advance(self._current, steps)
