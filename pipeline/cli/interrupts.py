"""Ctrl-C in a command that only reads: there is nothing to say about written data."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer


class ReadingInterrupted(typer.Abort):
    """A command that writes nothing was interrupted."""


@contextmanager
def only_reading() -> Iterator[None]:
    """Raise ReadingInterrupted on Ctrl-C in the context, or in a command that this decorates."""
    try:
        yield
    except KeyboardInterrupt as interrupted:
        raise ReadingInterrupted from interrupted
