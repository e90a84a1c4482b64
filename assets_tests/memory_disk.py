"""Where tests keep their files: in memory where there is room, since a small run mostly waits for its disk."""

import os
import shutil
import tempfile

MEMORY = "/dev/shm"  # noqa: S108 (folders of random names are made in it)

ROOM = 6 * 2**30
"""Bytes that must be free there: a run of all tests keeps two gigabytes at most."""


def use_memory() -> None:
    """Put temporary folders of this process, and of its children, in memory, if there is room."""
    if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM and "TMPDIR" not in os.environ:
        os.environ["TMPDIR"] = tempfile.tempdir = MEMORY
