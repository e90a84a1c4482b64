"""Landlock by ctypes: from then on, this process opens only the listed places, and never gets a permission back.

It applies to the calling thread and the threads it starts, so it must be called before there is a second thread.
"""

import ctypes
import os
import stat
import struct
from collections.abc import Iterable

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
"""Numbers of the system calls, the same on every architecture."""

ASK_VERSION = 1
PATH_BENEATH, NET_PORT = 1, 2

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, REMOVE_DIR, REMOVE_FILE = (1 << bit for bit in range(6))
MAKE_DIR, MAKE_REG = 1 << 7, 1 << 8
TRUNCATE = 1 << 14

FILE_RIGHTS = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | 1 << 15
"""Rights that a rule for a single file may have."""
READ = READ_FILE | READ_DIR
SPILL = READ | WRITE_FILE | TRUNCATE | MAKE_REG | MAKE_DIR | REMOVE_FILE | REMOVE_DIR

FS_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1}
"""All file rights in a version; from the fifth on there is one more."""
BIND_TCP, CONNECT_TCP = 1, 2
SCOPES = 3
"""No abstract sockets and no signals outside."""


def version() -> int:
    """Return the kernel's version of Landlock, 0 without Landlock."""
    try:
        number = _call(CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(ASK_VERSION))
    except OSError:
        return 0
    return max(number, 0)


def restrict(
    abi: int, readable: Iterable[str], writable: Iterable[str], devices: Iterable[str], ports: Iterable[int]
) -> None:
    """Close all files and TCP ports except these, permanently, with version `abi` of Landlock.

    A place that does not exist is skipped. `devices` may be read and written. Raises OSError when the kernel refuses.
    """
    if abi == 0:
        return
    handled = FS_RIGHTS.get(abi, (1 << 16) - 1)
    attributes = struct.pack("=QQQ", handled, BIND_TCP | CONNECT_TCP, SCOPES)
    size = 24 if abi >= 6 else 16 if abi >= 4 else 8
    ruleset = _call(CREATE_RULESET, attributes, ctypes.c_size_t(size), ctypes.c_uint32(0))
    try:
        for places, rights in ((readable, READ), (writable, SPILL), (devices, READ_FILE | WRITE_FILE)):
            for place in places:
                _allow_path(ruleset, place, rights & handled)
        for port in ports if abi >= 4 else ():
            _add_rule(ruleset, NET_PORT, struct.pack("=QQ", CONNECT_TCP, port))
        _call(RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0))
    finally:
        os.close(ruleset)


def _allow_path(ruleset: int, place: str, rights: int) -> None:
    try:
        opened = os.open(place, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # a place that cannot be opened now cannot be read later either
    try:
        if not stat.S_ISDIR(os.fstat(opened).st_mode):
            rights &= FILE_RIGHTS
        _add_rule(ruleset, PATH_BENEATH, struct.pack("=Qi", rights, opened))
    finally:
        os.close(opened)


def _add_rule(ruleset: int, kind: int, rule: bytes) -> None:
    _call(ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(kind), rule, ctypes.c_uint32(0))


def _call(number: int, *arguments: object) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    result = int(libc.syscall(ctypes.c_long(number), *arguments))
    if result < 0:
        reason = ctypes.get_errno()
        raise OSError(reason, os.strerror(reason))
    return result
