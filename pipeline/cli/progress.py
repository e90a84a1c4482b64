"""The progress of long work, on stderr: bars on a terminal, else one line when a stage begins."""

from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from pipeline.cli.terminal import err, say
from pipeline.progress import Progress

Steps = Callable[[int, int], None]
"""Called with the steps done and the steps in all."""


class ShownProgress(Progress):
    """Progress that a person can follow; use it as a context."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the terminal as it was."""

    def counting(self, stage: str) -> Steps:
        """Return a function for work that counts its own steps; `stage` begins with the first call."""
        done_before: int | None = None

        def update(done: int, total: int) -> None:
            nonlocal done_before
            if done_before is None:
                self.begin(stage, total)
                done_before = 0
            self.advance(done - done_before)
            done_before = done

        return update


class ProgressLines(ShownProgress):
    """Writes a plain line for a log when a stage begins."""

    def begin(self, stage: str, total: int) -> None:
        """Write the line."""
        say(f"{stage}: {total:,}")


class ProgressBars(ShownProgress):
    """Draws a bar for each stage while the work goes on; none is left afterwards."""

    def __init__(self) -> None:
        super().__init__()
        self._bars = Bars(
            TextColumn("{task.description:>12}", markup=False),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=err(),
            transient=True,
            expand=True,
        )

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def begin(self, stage: str, total: int) -> None:
        """Start the bar of `stage`."""
        self._current = self._bars.add_task(stage, total=total)

    def advance(self, steps: int) -> None:
        """Advance the current bar."""
        self._bars.advance(self._current, steps)


def shown_progress() -> ShownProgress:
    """Return the progress for stderr: bars on a terminal, lines elsewhere."""
    return ProgressBars() if err().is_terminal else ProgressLines()
