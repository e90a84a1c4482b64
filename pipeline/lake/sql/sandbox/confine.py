"""The walls of the child, which it puts up before it imports the engine: files, system calls, limits, its end."""

import ctypes
import os
import signal
import sys

from pipeline.lake.sql.sandbox import landlock, resource_limits, seccomp
from pipeline.lake.sql.sandbox.terms import Setup, Standing

SET_DEATH_SIGNAL, NO_NEW_PRIVILEGES = 1, 38

DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")


def confine(setup: Setup) -> Standing:
    """Put up every wall that this kernel supports, and return which stand. Ends the process if its parent has ended."""
    _die_with(setup.parent)
    # First, since the filter of system calls then forbids changing limits.
    limits = resource_limits.restrict(setup.limits) if setup.walls.limits else ()
    version, refuses_calls = 0, False
    if sys.platform == "linux":
        _call_prctl(NO_NEW_PRIVILEGES, 1)
        if setup.walls.landlock:
            version = _landlock(setup)
        if setup.walls.system_calls and seccomp.is_available():
            refuses_calls = _seccomp(setup)
    return Standing(version, refuses_calls, limits)


def _landlock(setup: Setup) -> int:
    try:
        version = min(landlock.version(), setup.walls.landlock)
        landlock.restrict(version, setup.readable, [setup.spill], DEVICES, setup.ports)
        return version
    except OSError:
        return 0


def _seccomp(setup: Setup) -> bool:
    try:
        seccomp.restrict(may_connect=bool(setup.ports))
    except OSError:
        return False
    return True


def _die_with(parent: int) -> None:
    """Let the kernel end this process together with its parent."""
    if sys.platform == "linux":
        _call_prctl(SET_DEATH_SIGNAL, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)


def _call_prctl(option: int, value: int) -> None:
    zero = ctypes.c_ulong(0)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, ctypes.c_ulong(value), zero, zero, zero) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
