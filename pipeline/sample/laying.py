"""Writes a sample into a folder: file by file, marked when complete, resumed after an interruption."""

import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from pipeline.contracts.foreign_json import NotJson, from_json
from pipeline.errors import SampleError
from pipeline.sources.home_places import MARKER
from pipeline.venues.us_stocks import US_STOCKS

PUBLICATION = time(11, tzinfo=US_STOCKS.zone)
"""When the vendor's file of a session appears, on the next day."""

Progress = Callable[[int, int], None]
"""Called with the sessions written so far and the total."""


@dataclass(frozen=True)
class SampleFile:
    """One file to write. `path` is relative to the sample's folder."""

    path: str
    content: bytes
    session: date
    """The file's time is 11:00 New York on the day after, so that a source lists the same times everywhere."""


@dataclass(frozen=True)
class Sample:
    """A sample that is complete on disk."""

    folder: Path
    first_session: date
    last_session: date
    files: int
    """Flat files: one per session."""
    size: int
    """Bytes of all files together."""


@dataclass(frozen=True)
class Plan:
    """A sample to write: its identity and its sessions."""

    identity: dict[str, Any]
    """JSON values. A folder with a sample of another identity is refused."""
    sessions: tuple[date, ...]

    def finished(self, folder: Path, sizes: dict[str, int]) -> Sample:
        """Return the description of the finished sample."""
        return Sample(folder, self.sessions[0], self.sessions[-1], len(self.sessions), sum(sizes.values()))


def lay_down(folder: Path, plan: Plan, files: Iterable[SampleFile], progress: Progress | None = None) -> Sample:
    """Return the sample under `folder`, after writing `files` unless it is complete already.

    `files` is not iterated when the folder has the complete sample. An interrupted run starts over: every file is
    replaced at once, so a reader never sees half of one. Raises SampleError when the folder has other content or cannot
    be written.
    """
    try:
        complete = _files_of_complete_sample(folder, plan)
        if complete is not None:
            return plan.finished(folder, complete)
        return plan.finished(folder, _write_all(folder, plan, files, progress))
    except OSError as failed:
        raise SampleError(
            f"The sample market cannot be written to {folder}: {failed}.",
            remedy="Choose a folder you may write to, on a disk with room for it.",
        ) from failed


def _files_of_complete_sample(folder: Path, plan: Plan) -> dict[str, int] | None:
    """Return the sizes of the files by path, or None when the sample is absent or incomplete."""
    marker = _read_marker(folder)
    if marker is None:
        return None
    if marker.get("identity") != plan.identity:
        raise _occupied(folder, "another sample market")
    sizes: dict[str, int] = marker.get("files") or {}
    whole = sizes and all(_size(folder / path) == size for path, size in sizes.items())
    return sizes if whole else None


def _read_marker(folder: Path) -> dict[str, Any] | None:
    """Return the marker's content, or None for a folder that is absent or empty."""
    if folder.exists() and not folder.is_dir():
        raise _occupied(folder, "a file")
    try:
        text = (folder / MARKER).read_bytes()
    except FileNotFoundError:
        leftover = _partial(folder / MARKER).name
        if folder.exists() and any(entry.name != leftover for entry in folder.iterdir()):
            raise _occupied(folder, "files that are not a sample market") from None
        return None
    try:
        marker = from_json(text)
    except NotJson:
        marker = None
    if not isinstance(marker, dict):
        raise _occupied(folder, f"an unreadable {MARKER}")
    return marker


def _occupied(folder: Path, content: str) -> SampleError:
    return SampleError(
        f"{folder} contains {content}; it was left as it is.", remedy="Choose another folder, or remove this one first."
    )


def _size(path: Path) -> int | None:
    return path.stat().st_size if path.is_file() else None


def _write_all(folder: Path, plan: Plan, files: Iterable[SampleFile], progress: Progress | None) -> dict[str, int]:
    _write_marker(folder, plan, {})
    sizes: dict[str, int] = {}
    sessions_written = 0
    for file in files:
        _replace(folder / file.path, file.content, published_at(file.session))
        sizes[file.path] = len(file.content)
        sessions_written += file.path.endswith(".csv.gz")
        if progress is not None:
            progress(sessions_written, len(plan.sessions))
    _write_marker(folder, plan, sizes)
    return sizes


def _write_marker(folder: Path, plan: Plan, sizes: dict[str, int]) -> None:
    content = json.dumps({"identity": plan.identity, "files": sizes}).encode()
    _replace(folder / MARKER, content, published_at(plan.sessions[-1]))


def published_at(session: date) -> datetime:
    """Return when the vendor's file of `session` appears: 11:00 New York on the day after."""
    return datetime.combine(session + timedelta(days=1), PUBLICATION)


def _replace(path: Path, content: bytes, modified: datetime) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = _partial(path)
    partial.write_bytes(content)
    seconds = modified.timestamp()
    os.utime(partial, (seconds, seconds))
    partial.replace(path)


def _partial(path: Path) -> Path:
    return path.with_name(f".{path.name}.partial")
