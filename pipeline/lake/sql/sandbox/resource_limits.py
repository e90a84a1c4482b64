"""The limits that the operating system keeps for one process: memory, processor time, file size, core dumps."""

import sys
from typing import TYPE_CHECKING

from pipeline.lake.sql.sandbox.terms import Limits

if sys.platform != "win32" or TYPE_CHECKING:
    import resource

LIBRARIES = 150_000_000
"""Bytes of memory that come on top of a process's own: what it reads of libraries."""

SLACK = 1 << 20
"""Bytes of a file above the limit of temporary files, which the engine keeps itself."""


def restrict(limits: Limits) -> tuple[str, ...]:
    """Set the limits that this system has; return the names of those it keeps."""
    if sys.platform == "win32":
        return ()
    wanted = {
        # Private memory that may be written to: on Linux, all that a query can take.
        "RLIMIT_DATA": limits.memory - LIBRARIES,
        "RLIMIT_FSIZE": limits.spilled + SLACK,
        "RLIMIT_CORE": 0,
    }
    kept = tuple(name for name, most in wanted.items() if _lower(name, most, most))
    return (*kept, "RLIMIT_CPU") if grant_processor_time(limits.processor_seconds) else kept


def grant_processor_time(seconds: int) -> bool:
    """Let this process use this much processor time from now on; return whether the system keeps that limit."""
    if sys.platform == "win32":
        return False
    used = resource.getrusage(resource.RUSAGE_SELF)
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    return _lower("RLIMIT_CPU", int(used.ru_utime + used.ru_stime) + seconds + 1, hard)


def _lower(name: str, soft: int, hard: int) -> bool:
    """Set a limit, never above one that is there; return whether the system keeps limits of that name."""
    number = getattr(resource, name, None)
    if number is None:
        return False
    ceiling = resource.getrlimit(number)[1]
    if ceiling != resource.RLIM_INFINITY:
        soft = min(soft, ceiling)
        hard = ceiling if hard == resource.RLIM_INFINITY else min(hard, ceiling)
    try:
        resource.setrlimit(number, (soft, hard))
    except (OSError, ValueError):
        return False
    # macOS takes a limit of memory and does not keep it; the watch over memory does.
    return not (sys.platform == "darwin" and name == "RLIMIT_DATA")
