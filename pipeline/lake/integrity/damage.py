"""The findings of a check of the lake: each damage, and the state of a table."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from pipeline.lake.delta.log_entries import DataFile


class Kind(StrEnum):
    """Kinds of damage."""

    DATA = "data file"
    """Of the newest version: its rows are wrong or gone."""
    OLD_DATA = "data file of earlier versions"
    ENTRY = "log entry"
    """With a copy in its record."""
    LOST_ENTRY = "log entry without a copy"
    """The newest version needs it."""
    OLD_ENTRY = "log entry of earlier versions without a copy"
    """A later checkpoint has everything that the newest version needs."""
    CHECKPOINT = "checkpoint"
    RECORD = "record of hashes"
    OWED = "sessions"
    """Taken out as damaged by a repair that did not finish."""
    ROWS = "rows of a session"
    """Fewer or more than the audit trail says, in undamaged files."""
    RAW = "raw file"
    RECEIPT = "receipt"
    OLD_RAW = "raw file that was replaced"


@dataclass(frozen=True)
class Damage:
    """One file, entry or session that is not as it was written."""

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
    """The findings for one table."""

    name: str
    """As `market/name`."""
    damages: list[Damage] = field(default_factory=list)
    files: dict[str, DataFile] = field(default_factory=dict)
    """Every data file in the log, by name."""
    whole: set[str] = field(default_factory=set)
    """Files that exist and are as they were written."""
    newest: int = -1
    expired: int = 0
    """Log entries that a Delta program has removed because a later checkpoint replaces them."""
    gap: range = range(0)
    """Versions whose files are no longer known."""
    unrecorded: list[int] = field(default_factory=list)
    """Versions without a record, whose files were read to the end instead."""
    unknown: list[str] = field(default_factory=list)
    """Data files that no version knows."""
    checked: int = 0
    """Files whose bytes were compared or read."""
    size: int = 0
    """Their bytes."""
    rows: int = 0
    """Of the newest version, by its log."""

    @property
    def sql_name(self) -> str:
        """Return the name used in SQL."""
        return self.name.replace("/", ".", 1)

    def live_at(self, version: int) -> list[DataFile]:
        """Return the files that a version reads, as far as they are known (`gap`)."""
        after_newest = self.newest + 1
        return [file for file in self.files.values() if file.added_in <= version < (file.removed_in or after_newest)]
