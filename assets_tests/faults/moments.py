"""Moments at which runs are killed or stopped: one a try, decided by a seed alone, independent of the tries before.

They are spread evenly: as many tries as a run has parts fall into each part once, in an order of chance, and anywhere
in it. So a few tries already see a run in many states.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

PARTS = 8
"""Of a run, equally long: each is tried once before any is tried again."""

LET_THROUGH = 0.2
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
    for number in count(step=PARTS):
        for place, part in enumerate(chance.sample(range(PARTS), PARTS), start=1):
            share = (part + chance.random()) / PARTS
            yield Moment(number + place, share, chance.random() < LET_THROUGH)
