"""Patience: how often, how long and at what intervals a transfer is retried, and the notices meanwhile."""

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Generic, TypeVar

from pipeline.errors import TransferFailed
from pipeline.sources.transfer.landing import Interrupted

Answer = TypeVar("Answer")

LOG = logging.getLogger(__name__)
"""Logs every wait that a person would notice; the command line shows it."""

NOTICE_EVERY = 20.0
"""Seconds between notices while waiting for one answer."""


@dataclass(frozen=True)
class Patience:
    """Bounds on retries. Waits double from `first_wait`, each drawn between half and the whole of it."""

    attempts: int = 5
    seconds: float = 300.0
    """Time for one request and its repetitions, before the allowance for size."""
    slowest: float = 500_000.0
    """Bytes per second that a download must reach on average; the time allowed grows with the size."""
    first_wait: float = 0.5
    longest_wait: float = 20.0
    connect_timeout: float = 10.0
    read_timeout: float = 60.0
    """Seconds of silence after which a connection counts as lost."""
    grace: float = 1.0
    """Seconds after the deadline for an attempt to notice it by itself."""
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random

    def deadline(self, size: int = 0) -> float:
        """Return the moment, on `clock`, by which a transfer of `size` bytes must be complete."""
        return self.clock() + self.seconds + size / self.slowest

    def insist(self, attempt: Callable[[], Answer], deadline: float, place: str) -> Answer:
        """Return what `attempt` returns, with a retry after each Interrupted; `place` names the request in messages.

        An attempt that outlasts `deadline` is abandoned: it runs in its own thread, so that a server that sends a byte
        now and then blocks nobody. Raises TransferFailed for it, and, with the last cause, when the attempts are used
        up or the next would begin after `deadline`; any other error passes through at once.
        """
        for number in range(1, self.attempts + 1):
            try:
                return self._attended(attempt, deadline, place)
            except Interrupted as interrupted:
                wait = max(self._wait(number), interrupted.wait)
                if number == self.attempts or self.clock() + wait >= deadline:
                    raise TransferFailed(
                        f"Gave up after {number} attempts. {interrupted.message}", remedy=interrupted.remedy
                    ) from interrupted
                LOG.warning(
                    "%s Trying again in %.0f s (attempt %d of %d).",
                    interrupted.message, wait, number + 1, self.attempts,
                )  # fmt: skip
                self.sleep(wait)
        raise ValueError("A transfer needs at least one attempt.")

    def _attended(self, attempt: Callable[[], Answer], deadline: float, place: str) -> Answer:
        """Return what `attempt` returns, with notices while it runs. Raises what it raises."""
        running = _Attempt(attempt)
        Thread(target=running.run, name="transfer", daemon=True).start()
        left, waited = max(deadline - self.clock(), 0.0) + self.grace, 0.0
        while not running.over.wait(min(NOTICE_EVERY, left - waited)):
            waited += NOTICE_EVERY
            if waited >= left:
                raise TransferFailed(
                    f"{place} comes too slowly and was given up.", remedy="Try again on a faster connection."
                )
            LOG.warning("Waiting for %s: %.0f s so far, %.0f s at most.", place, waited, left)
        return running.outcome()

    def _wait(self, number: int) -> float:
        longest = min(self.first_wait * 2 ** (number - 1), self.longest_wait)
        return longest * (0.5 + self.jitter() / 2)


@dataclass
class _Attempt(Generic[Answer]):
    """One attempt, run in another thread, and its outcome."""

    attempt: Callable[[], Answer]
    over: Event = field(default_factory=Event)
    _answers: list[Answer] = field(default_factory=list)
    _error: BaseException | None = None

    def run(self) -> None:
        try:
            self._answers.append(self.attempt())
        except BaseException as error:
            self._error = error
        finally:
            self.over.set()

    def outcome(self) -> Answer:
        if self._error is not None:
            raise self._error
        return self._answers[0]
