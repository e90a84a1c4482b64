"""Seccomp by ctypes: a filter of system calls that the kernel enforces for the rest of the process."""

import ctypes
import errno
import os
import struct
import sys
from collections.abc import Iterable, Iterator

from pipeline.lake.sql.sandbox.system_calls import ARCHITECTURES, CLOSED, NETWORK, SERVING, X86_64, Architecture

NO_NEW_PRIVILEGES, SET_SECCOMP, FILTER_MODE = 38, 22, 2

LOAD, IF_EQUAL, IF_AT_LEAST, IF_ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, KILL_PROCESS, REFUSE = 0x7FFF0000, 0x80000000, 0x00050000
NUMBER, ARCHITECTURE, FIRST_ARGUMENT, SECOND_ARGUMENT, THIRD_ARGUMENT = 0, 4, 16, 24, 32
"""Offsets in the data of a system call, on a little-endian processor."""

CLONE_THREAD = 0x10000
X32_CALLS = 0x40000000
"""Numbers from here on are aliases of the same system calls."""

TERMINAL_INPUT = (0x5412, 0x541C)
"""TIOCSTI and TIOCLINUX, which type into a terminal."""

PROCESSOR_TIME = 0
"""Number of the limit RLIMIT_CPU."""

Instruction = tuple[int, int, int, int]


def is_available() -> bool:
    """Return whether there is a filter for this processor."""
    return sys.platform == "linux" and sys.byteorder == "little" and os.uname().machine in ARCHITECTURES


def restrict(*, may_connect: bool) -> None:
    """Refuse the closed system calls permanently, and the network unless `may_connect`. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    closed = [*CLOSED, *(SERVING if may_connect else NETWORK)]
    program = list(instructions(ARCHITECTURES[os.uname().machine], closed, os.getpid()))
    code = b"".join(struct.pack("=HBBI", *instruction) for instruction in program)
    buffer = ctypes.create_string_buffer(code, len(code))
    pointer = struct.pack("@HP", len(program), ctypes.addressof(buffer))
    zero = ctypes.c_ulong(0)
    for arguments in (
        (NO_NEW_PRIVILEGES, ctypes.c_ulong(1), zero, zero, zero),
        (SET_SECCOMP, ctypes.c_ulong(FILTER_MODE), ctypes.c_char_p(pointer), zero, zero),
    ):
        if libc.prctl(*arguments) != 0:
            reason = ctypes.get_errno()
            raise OSError(reason, os.strerror(reason))


def instructions(architecture: Architecture, closed: Iterable[str], process: int) -> Iterator[Instruction]:
    """Yield the filter: closed calls and those on other processes are refused, all others allowed."""
    numbers = architecture.numbers
    yield LOAD, 0, 0, ARCHITECTURE
    yield IF_EQUAL, 1, 0, architecture.audit
    yield RETURN, 0, 0, KILL_PROCESS
    yield LOAD, 0, 0, NUMBER
    if architecture is X86_64:
        yield IF_AT_LEAST, 0, 1, X32_CALLS
        yield RETURN, 0, 0, REFUSE | errno.EPERM
    for name in closed:
        if name in numbers:
            yield IF_EQUAL, 0, 1, numbers[name]
            yield RETURN, 0, 0, REFUSE | errno.EPERM
    # The C library then starts its threads with clone, whose flags the filter can read.
    yield IF_EQUAL, 0, 1, numbers["clone3"]
    yield RETURN, 0, 0, REFUSE | errno.ENOSYS
    yield from _when(numbers["clone"], FIRST_ARGUMENT, [(IF_ANY_BIT, CLONE_THREAD)], is_allowed=True)
    for name in ("kill", "tgkill"):
        yield from _when(numbers[name], FIRST_ARGUMENT, [(IF_EQUAL, process)], is_allowed=True)
    yield from _limits(numbers["prlimit64"], process)
    yield from _when(
        numbers["ioctl"], SECOND_ARGUMENT, [(IF_EQUAL, command) for command in TERMINAL_INPUT], is_allowed=False
    )
    yield RETURN, 0, 0, ALLOW


def _limits(number: int, process: int) -> Iterator[Instruction]:
    """Yield the part that lets this process read its limits, and change only that of processor time."""
    refuse, allow = 10, 11
    yield IF_EQUAL, 0, allow, number
    yield LOAD, 0, 0, FIRST_ARGUMENT
    yield IF_EQUAL, 1, 0, 0
    yield IF_EQUAL, 0, refuse - 4, process
    yield LOAD, 0, 0, SECOND_ARGUMENT
    yield IF_EQUAL, allow - 6, 0, PROCESSOR_TIME
    yield LOAD, 0, 0, THIRD_ARGUMENT
    yield IF_EQUAL, 0, refuse - 8, 0
    yield LOAD, 0, 0, THIRD_ARGUMENT + 4
    yield IF_EQUAL, allow - 10, 0, 0
    yield RETURN, 0, 0, REFUSE | errno.EPERM
    yield RETURN, 0, 0, ALLOW


def _when(number: int, argument: int, tests: list[tuple[int, int]], *, is_allowed: bool) -> Iterator[Instruction]:
    """Yield the part that allows (or refuses) a system call if a test of its argument holds, else the reverse."""
    yield IF_EQUAL, 0, 3 + len(tests), number
    yield LOAD, 0, 0, argument
    for place, (test, value) in enumerate(tests):
        yield test, len(tests) - place, 0, value
    refuse, allow = REFUSE | errno.EPERM, ALLOW
    yield RETURN, 0, 0, refuse if is_allowed else allow
    yield RETURN, 0, 0, allow if is_allowed else refuse
