"""Ctrl-C and SIGTERM end a command or a run at any moment, also when Python or Dagster would lose them."""

import atexit
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from threading import Event, Thread, current_thread, main_thread

SIGNAL_OF = {"KeyboardInterrupt": signal.SIGINT, "DagsterExecutionInterruptedError": signal.SIGTERM}
"""The errors that signal handlers raise, and the signal that raises each again."""

AGAIN_AFTER = 0.05
"""Seconds from a lost signal to its repetition."""

IS_ENDING = Event()
"""Set when the process ends, or a signal has ended the command: then no signal is repeated."""


def insist_on_signals() -> None:
    """Send a signal again when Python ignored its error.

    Python ignores errors that a handler raises inside a weak reference's callback or a finalizer.
    """
    if not hasattr(signal, "pthread_kill") or sys.unraisablehook in _HOOKS:
        return
    before = sys.unraisablehook
    ignored: SimpleQueue[sys.UnraisableHookArgs | None] = SimpleQueue()
    listener = Thread(target=_listen, args=(ignored, before), name="signals", daemon=True)
    listener.start()
    # A hook written in Python could be interrupted itself by the next signal, and lose both.
    _HOOKS.append(ignored.put)
    sys.unraisablehook = ignored.put

    def end() -> None:
        IS_ENDING.set()
        sys.unraisablehook = before
        ignored.put(None)
        listener.join()

    atexit.register(end)


_HOOKS: list[object] = []


def _listen(ignored: "SimpleQueue[sys.UnraisableHookArgs | None]", before: object) -> None:
    while (error := ignored.get()) is not None:
        again = SIGNAL_OF.get(error.exc_type.__name__)
        if again is None:
            before(error)  # type: ignore[operator]
        elif not IS_ENDING.wait(AGAIN_AFTER):
            signal.pthread_kill(main_thread().ident or 0, again)


@contextmanager
def no_signal_lost() -> Iterator[None]:
    """Raise KeyboardInterrupt after the context if a signal to end came within it and raised nothing.

    Dagster delays signals while it records events, and forgets a signal that comes after the last step.
    """
    if current_thread() is not main_thread():  # only the main thread gets signals
        yield
        return
    numbers, wakeup = os.pipe()
    os.set_blocking(numbers, False)
    os.set_blocking(wakeup, False)
    before = signal.set_wakeup_fd(wakeup, warn_on_full_buffer=False)
    try:
        yield
        if {signal.SIGINT, signal.SIGTERM} & set(_signals_in(numbers)):
            raise KeyboardInterrupt
    finally:
        signal.set_wakeup_fd(before)
        os.close(numbers)
        os.close(wakeup)


def _signals_in(descriptor: int) -> bytes:
    """Return the numbers of the signals that arrived."""
    try:
        return os.read(descriptor, 1024)
    except BlockingIOError:
        return b""
