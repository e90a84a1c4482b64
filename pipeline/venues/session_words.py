"""Sessions in messages: how many of them, and which."""

from collections.abc import Sequence
from datetime import date

MOST_LISTED = 10
"""Most sessions listed in one message."""


def share_of_sessions(selected: Sequence[date], sessions: Sequence[date]) -> str:
    """Return the beginning of a sentence about some of the sessions."""
    return f"{len(selected)} of {len(sessions)} sessions have"


def first_sessions(sessions: Sequence[date]) -> str:
    """Return the first sessions as text, with `…` if there are more."""
    return ", ".join(map(str, sessions[:MOST_LISTED])) + (" …" if len(sessions) > MOST_LISTED else "")
