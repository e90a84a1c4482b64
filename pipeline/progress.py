"""Progress of long work, for whoever waits for it. Silent unless a subclass shows it."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

Item = TypeVar("Item")


class Progress:
    """Receives every step of a run's stages. This class shows nothing; the command line's draws a bar."""

    def __init__(self) -> None:
        self.warnings: list[str] = []
        """Warnings to show when the run is over."""
        self.changes: list[str] = []
        """Changes of sessions that were written again, in words."""

    def begin(self, stage: str, total: int) -> None:
        """Record that `stage` starts, with `total` steps."""

    def advance(self, steps: int) -> None:
        """Record that `steps` of the current stage are done."""

    def track(self, stage: str, items: Sequence[Item]) -> Iterator[Item]:
        """Yield `items` one by one; each counts as done when the next is requested."""
        for chunk in self.chunks(stage, items, 1):
            yield chunk[0]

    def chunks(self, stage: str, items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
        """Yield `items` in runs of `size`, the last one shorter."""
        self.begin(stage, len(items))
        for first in range(0, len(items), size):
            chunk = items[first : first + size]
            yield chunk
            self.advance(len(chunk))
