"""Landing a file: its bytes arrive complete and verified, or not at all."""

import hashlib
import os
import re
from collections.abc import Iterable
from pathlib import Path
from uuid import uuid4

from pipeline.errors import FileRefused, TransferFailed
from pipeline.sources.port import LARGEST, Dataset, Download, FlatFile

CHUNK = 1 << 20
"""Bytes read at a time."""

MD5 = re.compile(r"[0-9a-f]{32}")


class Interrupted(TransferFailed):
    """A transfer that may succeed on a retry, at once or after `wait` seconds if the server says so."""

    def __init__(self, message: str, *, remedy: str, wait: float = 0.0) -> None:
        super().__init__(message, remedy=remedy)
        self.wait = wait


def land(chunks: Iterable[bytes], file: FlatFile, path: Path) -> Download:
    """Write `chunks` to `path` once their size and MD5 prove to be those of `file`.

    The MD5 is compared when the ETag is one; the ETag of a multipart upload is not. The bytes are on the disk
    (fsync) before the file gets its name. On any error, `path` stays as it was and no part is left behind.

    Raises Interrupted for a short, long or damaged body, TransferFailed when the disk refuses, FileRefused, before
    the first byte is read, when the file is larger than its dataset allows; errors of `chunks` pass through.
    """
    most = LARGEST.get(file.dataset, LARGEST[Dataset.DAY_AGGS])
    if file.size > most:
        raise FileRefused(
            f"{file.key} is listed with {file.size:,} bytes, more than the {most:,} that such a file may have.",
            remedy="Check the file at its source, or ask the vendor. The lake is unchanged.",
        )
    part = path.with_name(f".{path.name}.{uuid4().hex}.part")
    try:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            sha256 = _write(chunks, file, part)
            part.replace(path)
            _sync_folder(path.parent)
        finally:
            part.unlink(missing_ok=True)
    except OSError as refused:
        raise TransferFailed(
            f"{file.key} cannot be written to {path}: {refused.strerror or refused}.",
            remedy="Free some disk space or correct the permissions of the folder, then try again.",
        ) from refused
    return Download(file, path, sha256)


def _write(chunks: Iterable[bytes], file: FlatFile, part: Path) -> str:
    size, md5, sha256 = 0, hashlib.md5(usedforsecurity=False), hashlib.sha256()
    with part.open("wb") as target:
        for chunk in chunks:
            size += len(chunk)
            if size > file.size:
                # Whatever follows, it is not the listed file.
                raise Interrupted(f"{file.key} brought more than its {file.size} bytes.", remedy="Try again.")
            md5.update(chunk)
            sha256.update(chunk)
            target.write(chunk)
        _verify(file, size, md5.hexdigest())
        target.flush()
        os.fsync(target.fileno())
    return sha256.hexdigest()


def _verify(file: FlatFile, size: int, md5: str) -> None:
    if size != file.size:
        raise Interrupted(f"{file.key} brought {size} bytes instead of {file.size}.", remedy="Try again.")
    if MD5.fullmatch(file.etag) and md5 != file.etag:
        raise Interrupted(
            f"{file.key} arrived damaged: its MD5 is {md5}, the listing says {file.etag}.", remedy="Try again."
        )


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
