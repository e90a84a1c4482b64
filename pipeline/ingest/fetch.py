"""Fetches the vendor's files: several in parallel, and none whose version is stored already."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pipeline.lake.raw.raw_files import RawFiles, Receipt
from pipeline.sources.port import FlatFile, FlatFiles

AT_A_TIME = 4
"""Files fetched in parallel: they wait for the vendor and the disk."""


def fetched_files(
    flat_files: FlatFiles, files: Sequence[FlatFile], raw_files: RawFiles, track: Iterable[FlatFile]
) -> list[Receipt]:
    """Return the receipts of `files` in order, fetched in parallel; `track` advances with each file.

    Raises the first error; files not begun by then are skipped.
    """
    if not files:
        return []
    with raw_files.landing() as folder, ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="fetching") as threads:
        receipts = threads.map(lambda file: fetched_file(flat_files, file, raw_files, folder), files)
        return [next(receipts) for _ in track]


def fetched_file(flat_files: FlatFiles, file: FlatFile, raw_files: RawFiles, folder: Path) -> Receipt:
    """Return the receipt of `file`, fetched first through `folder` unless this version is stored already."""
    stored = raw_files.current(file.dataset, file.session)
    if stored is not None and (stored.etag, stored.size) == (file.etag, file.size):
        return stored
    download = flat_files.download(file, folder / f"{file.session}.csv.gz")
    receipt = Receipt(file.session, file.key, file.etag, file.size, file.last_modified, download.sha256)
    try:
        return raw_files.store(receipt, download.path)
    finally:
        download.path.unlink(missing_ok=True)
