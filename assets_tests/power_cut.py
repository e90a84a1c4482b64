"""A power cut, played: what a disk would hold if everything were lost that was never flushed to it."""

import os
from pathlib import Path

import pytest


class PowerCut:
    """Notes what is flushed (fsync) from now on: the bytes of files, and the names that folders give them.

    The strictest disk there can be: of a file, what its last flush saw; of a folder, the names at its last flush.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._bytes: dict[int, bytes] = {}
        self._names: dict[int, dict[str, int]] = {}
        fsync = os.fsync

        def noted(descriptor: int) -> None:
            fsync(descriptor)
            self._note(Path(f"/proc/self/fd/{descriptor}").resolve())

        monkeypatch.setattr(os, "fsync", noted)

    def _note(self, path: Path) -> None:
        inode = path.stat().st_ino
        if path.is_dir():
            self._bytes.pop(inode, None)  # of a file that is gone, and whose number was given away again
            self._names[inode] = {entry.name: entry.inode() for entry in os.scandir(path)}
        else:
            self._names.pop(inode, None)
            self._bytes[inode] = path.read_bytes()

    def survivors(self, folder: Path, to: Path) -> Path:
        """Lay down at `to` what a cut now would leave of `folder`, which itself was there before; return `to`."""
        self._lay(folder.stat().st_ino, to)
        return to

    def _lay(self, folder: int, to: Path) -> None:
        to.mkdir()
        for name, inode in self._names.get(folder, {}).items():
            if inode in self._bytes:
                (to / name).write_bytes(self._bytes[inode])
            elif inode in self._names:
                self._lay(inode, to / name)
