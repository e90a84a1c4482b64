"""Errors of a child in the form they are sent to the parent, and the reasons why a child ended."""

import signal
from typing import Any

from pipeline import errors
from pipeline.errors import CandlelakeError, QueryError
from pipeline.lake.sql.sandbox.terms import Limits

LONGEST = 2_000
"""Characters of a message or remedy."""

LESS = "Ask for less at once, with WHERE, LIMIT or GROUP BY, or with shorter texts and lists."
SIMPLER = "Write the query with less nesting, or with shorter texts and lists; the next query starts again."

FAULTS = ("SIGSEGV", "SIGBUS", "SIGILL", "SIGFPE", "SIGTRAP")
CRASHES = {getattr(signal, name): name for name in FAULTS if hasattr(signal, name)}


def error_body(error: CandlelakeError) -> dict[str, str]:
    """Return the form in which an error is sent to the parent."""
    return {
        "type": type(error).__name__,
        "message": error.message[:LONGEST],
        "remedy": error.remedy[:LONGEST],
    }


def error_from(body: dict[str, Any]) -> CandlelakeError:
    """Return the error that a child sent; one of our own types, whatever it says."""
    kind = getattr(errors, str(body.get("type")), QueryError)
    if not (isinstance(kind, type) and issubclass(kind, CandlelakeError)):
        kind = QueryError
    return kind(str(body.get("message", ""))[:LONGEST], remedy=str(body.get("remedy", ""))[:LONGEST])


def memory_error(limits: Limits) -> QueryError:
    """Return the error of a query that took more memory than its limit."""
    return QueryError(f"The query took more than {limits.memory / 1e9:.1f} GB of memory and was ended.", remedy=LESS)


def protocol_error() -> QueryError:
    """Return the error of a query whose child sent something other than an answer."""
    return QueryError(
        "The process that answers queries sent something other than an answer, and was ended.",
        remedy="Run the query again; if it ends like this again, do not trust the query.",
    )


def exit_error(return_code: int, limits: Limits) -> QueryError:
    """Return the error of a query whose child ended by itself."""
    number = -return_code
    if number == getattr(signal, "SIGXCPU", None):
        return QueryError(
            f"The query took more than {limits.processor_seconds:,} seconds of processor time and was ended.",
            remedy=LESS,
        )
    if number == getattr(signal, "SIGXFSZ", None):
        return QueryError(
            f"The query wrote more than {limits.spilled / 1e9:.1f} GB of temporary files and was ended.", remedy=LESS
        )
    if number == signal.SIGABRT:
        return QueryError("The engine gave up on the query, most likely because memory ran out.", remedy=LESS)
    if number in CRASHES:
        return QueryError(f"The engine crashed on the query ({CRASHES[number]}).", remedy=SIMPLER)
    if number == getattr(signal, "SIGKILL", None):
        return QueryError(
            "The system killed the process that answers the query, most likely because memory ran out.", remedy=LESS
        )
    return QueryError(
        f"The process that answers queries ended unexpectedly (code {return_code}).",
        remedy="Run the query again; if it ends like this again, `candlelake doctor` says whether SQL works here.",
    )
