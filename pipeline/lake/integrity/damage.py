"""What a check of the lake finds: what is damaged, and the state of a table."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from pipeline.lake.delta.log_entries import DataFile


class Kind(StrEnum):
    """What is damaged."""

    DATA = "data file"
    """Of the newest version: its rows are wrong or gone."""
    OLD_DATA = "data file of earlier versions"
    ENTRY = "log entry"
    """With a copy in its record."""
    LOST_ENTRY = "log entry without a copy"
    """Which the newest version needs."""
    OLD_ENTRY = "log entry of earlier versions without a copy"
    """A checkpoint after it has all that the newest version needs."""
    CHECKPOINT = "checkpoint"
    RECORD = "record of hashes"
    OWED = "sessions"
    """Taken out as damaged by a repair that did not come to its end."""
    ROWS = "rows of a session"
    """Fewer or more than the audit trail tells of, in files that are as they were written."""
    RAW = "raw file"
    RECEIPT = "receipt"
    OLD_RAW = "raw file that was replaced"


@dataclass(frozen=True)
class Damage:
    """One thing that is not as it was written."""

    kind: Kind
    table: str
    """In SQL; `raw` for the vendor's files."""
    file: str
    """Relative to the lake; empty when no file is at fault."""
    found: str
    """What is wrong, in words."""
    first: date | None = None
    """First session whose rows it touches; None when all of the table, or none."""
    last: date | None = None
    versions: tuple[int, ...] = ()
    """Versions of the table that read it, or whose entry it is."""


@dataclass
class TableState:
    """What was found of one table."""

    name: str
    """As `market/name`."""
    damages: list[Damage] = field(default_factory=list)
    files: dict[str, DataFile] = field(default_factory=dict)
    """Every data file that the log tells of, by name."""
    whole: set[str] = field(default_factory=set)
    """Those that are there and as they were written."""
    newest: int = -1
    expired: int = 0
    """Log entries that a Delta program has removed since a checkpoint after them makes up for them."""
    gap: range = range(0)
    """Versions of which it is not known any more which files they read."""
    unrecorded: list[int] = field(default_factory=list)
    """Versions without a record, whose files were read to the end instead."""
    unknown: list[str] = field(default_factory=list)
    """Data files that no version knows."""
    checked: int = 0
    """Files whose bytes were compared or read."""
    size: int = 0
    """Their bytes."""
    rows: int = 0
    """Of the newest version, as its log tells."""

    @property
    def sql_name(self) -> str:
        """Return the name used in SQL."""
        return self.name.replace("/", ".", 1)

    def live_at(self, version: int) -> list[DataFile]:
        """Return the files that a version reads, as far as it is known (`gap`)."""
        gone = self.newest + 1
        return [one for one in self.files.values() if one.added_in <= version < (one.removed_in or gone)]
