"""Passes a stream from the thread that makes it to the thread that writes it, one batch at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from queue import Full, Queue
from typing import Generic, TypeVar

T = TypeVar("T")


class Abandoned(Exception):
    """The maker of a stream failed: what was written of it must not be committed."""


class _End:
    pass


class Handover(Generic[T]):
    """Runs `write(batches)` in a thread of its own, while the caller's thread makes the batches.

    Delta's writer pulls its batches from inside its own runtime, where no other Delta table can be opened; and a
    keyboard interrupt reaches only the main thread. At most one batch waits between the two.
    """

    def __init__(self, write: Callable[[Iterator[T]], None]) -> None:
        self._write = write
        self._waiting: Queue[T | _End | Abandoned] = Queue(maxsize=1)

    def pass_on(self, batches: Iterable[T]) -> None:
        """Make every batch and write it. Raises what making or writing raised; then nothing was committed."""
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="delta-writer") as executor:
            writing = executor.submit(self._write, self._batches())
            try:
                for batch in batches:
                    self._put(batch, writing)
            except BaseException:
                self._put(Abandoned(), writing)
                raise
            self._put(_End(), writing)
            writing.result()

    def _batches(self) -> Iterator[T]:
        while not isinstance(item := self._waiting.get(), _End):
            if isinstance(item, Abandoned):
                raise item
            yield item

    def _put(self, item: T | _End | Abandoned, writing: Future[None]) -> None:
        while not writing.done():
            try:
                return self._waiting.put(item, timeout=0.1)
            except Full:
                continue
        return None
