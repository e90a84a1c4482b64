"""Sessions in messages: how many of them, and which."""

from collections.abc import Sequence
from datetime import date

NAMED = 10
"""Sessions named in one message; the rest is counted."""


def share_of_sessions(some: Sequence[date], sessions: Sequence[date]) -> str:
    """Return the beginning of a sentence about some of the sessions."""
    return f"{len(some)} of {len(sessions)} sessions have"


def first_sessions(sessions: Sequence[date]) -> str:
    """Return the first sessions by name, with a sign that there are more."""
    return ", ".join(map(str, sessions[:NAMED])) + (" …" if len(sessions) > NAMED else "")
