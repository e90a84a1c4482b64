"""Limits of the operating system for one process: memory, processor time, file size, core dumps."""

import sys
from typing import TYPE_CHECKING

from pipeline.lake.sql.sandbox.terms import Limits

if sys.platform != "win32" or TYPE_CHECKING:
    import resource

LIBRARIES = 150_000_000
"""Bytes of memory on top of a process's own: the libraries it maps."""

SLACK = 1 << 20
"""Bytes of a file above the limit of temporary files, which the engine enforces itself."""


def restrict(limits: Limits) -> tuple[str, ...]:
    """Set the limits that this system supports; return the names of those it enforces."""
    if sys.platform == "win32":
        return ()
    limits_to_set = {
        # Private writable memory: on Linux, all memory that a query can take.
        "RLIMIT_DATA": limits.memory - LIBRARIES,
        "RLIMIT_FSIZE": limits.spilled + SLACK,
        "RLIMIT_CORE": 0,
    }
    enforced = tuple(name for name, most in limits_to_set.items() if _lower(name, most, most))
    return (*enforced, "RLIMIT_CPU") if grant_processor_time(limits.processor_seconds) else enforced


def grant_processor_time(seconds: int) -> bool:
    """Let this process use this much processor time from now on; return whether the system enforces that limit."""
    if sys.platform == "win32":
        return False
    used = resource.getrusage(resource.RUSAGE_SELF)
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    return _lower("RLIMIT_CPU", int(used.ru_utime + used.ru_stime) + seconds + 1, hard)


def _lower(name: str, soft: int, hard: int) -> bool:
    """Set a limit, never above an existing one; return whether the system enforces limits of that name."""
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
    # macOS accepts a limit of memory but does not enforce it; the parent's watch does.
    return not (sys.platform == "darwin" and name == "RLIMIT_DATA")
