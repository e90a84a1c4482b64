"""Patience: how often, how long and at what intervals a transfer is tried again."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from pipeline.errors import TransferFailed
from pipeline.sources.landing import Interrupted

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Patience:
    """Bounds on trying again. Waits double from `first_wait`, each drawn between half of it and all of it."""

    attempts: int = 5
    seconds: float = 300.0
    """Time for one request and its repetitions, before the allowance for size."""
    slowest: float = 500_000.0
    """Bytes a second a download must reach on average; the time allowed grows with the size by it."""
    first_wait: float = 0.5
    longest_wait: float = 20.0
    connect_timeout: float = 10.0
    read_timeout: float = 60.0
    """Seconds of silence after which a connection counts as lost. A silent server can exceed the deadline by it."""
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random

    def deadline(self, size: int = 0) -> float:
        """Return the moment, on `clock`, by which a transfer of `size` bytes must be complete."""
        return self.clock() + self.seconds + size / self.slowest

    def insist(self, attempt: Callable[[], Answer], deadline: float) -> Answer:
        """Return what `attempt` returns, trying again after each Interrupted.

        Raises TransferFailed with the last cause when the attempts are used up or the next would begin after
        `deadline`; any other error passes through at once.
        """
        for number in range(1, self.attempts + 1):
            try:
                return attempt()
            except Interrupted as interrupted:
                wait = max(self._wait(number), interrupted.wait)
                if number == self.attempts or self.clock() + wait >= deadline:
                    raise TransferFailed(
                        f"Gave up after {number} attempts. {interrupted.message}", remedy=interrupted.remedy
                    ) from interrupted
                self.sleep(wait)
        raise ValueError("A transfer needs at least one attempt.")

    def _wait(self, number: int) -> float:
        longest = min(self.first_wait * 2 ** (number - 1), self.longest_wait)
        return longest * (0.5 + self.jitter() / 2)
