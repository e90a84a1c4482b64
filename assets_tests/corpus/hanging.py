"""A guard against hanging: an example that never ends fails by name, whether Python or native code hangs."""

import faulthandler
import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import NoReturn

PATIENCE = 60.0
"""Seconds that no example takes on the slowest machine; most take milliseconds."""


class Hung(BaseException):
    """An example did not end. No Exception: hypothesis would look for smaller ones, each for as long."""


def last_words() -> Path:
    """Return the file that holds the example and where it hung, when native code hung and the process was ended."""
    return Path(tempfile.gettempdir(), f"hung-example-{os.getpid()}.txt")


@contextmanager
def bounded(example: str, seconds: float = PATIENCE) -> Iterator[None]:
    """Raise Hung, with the example, when the context lasts too long. End the process if it heeds no exception.

    Native code that does not return lets no exception through: after as long again the process ends, which xdist
    reports as a crash in this test, and leaves `last_words`.
    """

    def give_up(*_: object) -> NoReturn:
        raise Hung(f"This did not end within {seconds:g} s: {example}")

    with last_words().open("w", encoding="utf-8", errors="backslashreplace") as words:
        words.write(f"{example}\n")
        words.flush()
        faulthandler.dump_traceback_later(2 * seconds, exit=True, file=words)
        heeded = signal.signal(signal.SIGALRM, give_up)
        signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, heeded)
            faulthandler.cancel_dump_traceback_later()
            last_words().unlink()


def each_bounded(test: Callable[..., None]) -> Callable[..., None]:
    """Bound every example of a test; stands below `given`. Its name is the test's with what it was called with."""

    @wraps(test)
    def one(*given: object, **drawn: object) -> None:
        with bounded(f"{test.__name__}{(*given, drawn)!r}"):
            test(*given, **drawn)

    return one
