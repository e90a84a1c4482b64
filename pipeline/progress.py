"""How long work tells whoever waits for it how far it is. Silent unless somebody listens."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

Item = TypeVar("Item")


class Progress:
    """Told of every step of a stage of a run. This one shows nothing; the command line's draws a bar."""

    def __init__(self) -> None:
        self.warnings: list[str] = []
        """What the person should hear of when the run is over."""
        self.changes: list[str] = []
        """What sessions written again say otherwise than before, in words."""

    def begin(self, stage: str, total: int) -> None:
        """Take note that `stage` starts and has `total` steps to go."""

    def advance(self, steps: int) -> None:
        """Take note that `steps` of the current stage are done."""

    def track(self, stage: str, items: Sequence[Item]) -> Iterator[Item]:
        """Yield `items` one by one, each counted as done when the next is asked for."""
        for chunk in self.chunks(stage, items, 1):
            yield chunk[0]

    def chunks(self, stage: str, items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
        """Yield `items` in runs of `size`, the last one shorter."""
        self.begin(stage, len(items))
        for first in range(0, len(items), size):
            chunk = items[first : first + size]
            yield chunk
            self.advance(len(chunk))
