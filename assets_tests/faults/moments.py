"""Moments at which runs are killed or stopped: one a try, decided by a seed alone, whatever became of those before."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

LET_THROUGH = 0.3
"""Share of kills after which the next run is not killed."""


@dataclass(frozen=True)
class Moment:
    """When a try ends its run, and what follows if it did."""

    number: int
    share: float
    """Of the time that a run takes undisturbed."""
    is_followed_by_whole_run: bool

    def __str__(self) -> str:
        return f"try {self.number}, at {self.share:.4f} of a run"


def moments(seed: int, of: str) -> Iterator[Moment]:
    """Give the moments of the tries of a kind: the same ones for a seed, however many of the other kinds there were."""
    chance = random.Random(f"{seed} {of}")  # noqa: S311 (a seed, to be replayed)
    number = 0
    while True:
        number += 1
        yield Moment(number, chance.random(), chance.random() < LET_THROUGH)
