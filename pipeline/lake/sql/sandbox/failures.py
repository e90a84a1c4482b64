"""What goes wrong in a child, as it is told to the parent, and how a child that ended is explained."""

import signal
from typing import Any

from pipeline import errors
from pipeline.errors import CandlelakeError, QueryError
from pipeline.lake.sql.sandbox.terms import Limits

LONGEST = 2_000
"""Characters of a message or remedy."""

LESS = "Ask for less at once, with WHERE, LIMIT or GROUP BY, or with shorter texts and lists."
SIMPLER = "Write the query with less nesting, or with shorter texts and lists; the next query starts afresh."

FAULTS = ("SIGSEGV", "SIGBUS", "SIGILL", "SIGFPE", "SIGTRAP")
CRASHES = {getattr(signal, name): name for name in FAULTS if hasattr(signal, name)}


def told(error: CandlelakeError) -> dict[str, str]:
    """Return an error as the parent is told of it."""
    return {
        "type": type(error).__name__,
        "message": error.message[:LONGEST],
        "remedy": error.remedy[:LONGEST],
    }


def error_from(body: dict[str, Any]) -> CandlelakeError:
    """Return the error that a child told of; one of ours, whatever it says."""
    kind = getattr(errors, str(body.get("type")), QueryError)
    if not (isinstance(kind, type) and issubclass(kind, CandlelakeError)):
        kind = QueryError
    return kind(str(body.get("message", ""))[:LONGEST], remedy=str(body.get("remedy", ""))[:LONGEST])


def too_much_memory(limits: Limits) -> QueryError:
    """Return the error of a query that took more memory than it may."""
    return QueryError(f"The query took more than {limits.memory / 1e9:.1f} GB of memory and was ended.", remedy=LESS)


def misspoken() -> QueryError:
    """Return the error of a query whose child sent something else than an answer."""
    return QueryError(
        "The process that answers queries sent something else than an answer, and was ended.",
        remedy="Run the query again; if it ends like this again, do not trust the query.",
    )


def ended(return_code: int, limits: Limits) -> QueryError:
    """Return the error of a query whose child ended by itself."""
    by = -return_code
    if by == getattr(signal, "SIGXCPU", None):
        return QueryError(
            f"The query took more than {limits.processor_seconds:,} seconds of processor time and was ended.",
            remedy=LESS,
        )
    if by == getattr(signal, "SIGXFSZ", None):
        return QueryError(
            f"The query wrote more than {limits.spilled / 1e9:.1f} GB of temporary files and was ended.", remedy=LESS
        )
    if by == signal.SIGABRT:
        return QueryError("The engine gave up on the query, most likely for lack of memory.", remedy=LESS)
    if by in CRASHES:
        return QueryError(f"The engine broke down over the query ({CRASHES[by]}).", remedy=SIMPLER)
    if by == getattr(signal, "SIGKILL", None):
        return QueryError(
            "The process that answers the query was killed by the system, most likely for lack of memory.", remedy=LESS
        )
    return QueryError(
        f"The process that answers queries ended unexpectedly (code {return_code}).",
        remedy="Run the query again; if it ends like this again, `candlelake doctor` says whether SQL works here.",
    )
