"""The corpus of bad input: the table `cases.csv`, one line a case, and what was delivered in each.

A case's file is `files/<case>.csv`, as text to be packed, or made by the function of that name in `made`.
"""

import csv
import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from assets_tests.corpus import made

FOLDER = Path(__file__).parent
FILES = FOLDER / "files"
TABLE = FOLDER / "cases.csv"
SESSION = date(2006, 3, 24)
"""The session of every case that names no other."""


@dataclass(frozen=True, eq=False)
class Case:
    """One line of the table."""

    name: str
    group: str
    what: str
    """What is wrong, in words."""
    session: date
    kept: tuple[int, ...]
    """Numbers of the rows that become bars, exactly."""
    duplicates: tuple[int, ...]
    quarantined: dict[int, list[str]]
    """Row number to reasons."""
    refused: tuple[str, str] | None
    """Type and words of the error that refuses the file; None when it is taken in."""

    @property
    def rows(self) -> int:
        return len(self.kept) + len(self.duplicates) + len(self.quarantined)

    @property
    def key(self) -> str:
        return f"us_stocks_sip/day_aggs_v1/{self.session:%Y/%m}/{self.session}.csv.gz"

    def delivered(self) -> bytes:
        """Return the bytes of the object that the vendor delivered."""
        path = FILES / f"{self.name}.csv"
        return gzip.compress(path.read_bytes(), mtime=0) if path.exists() else made.MADE[self.name]()

    def content(self) -> bytes:
        """Return the text of a file that is taken in."""
        return gzip.decompress(self.delivered())


def _case(line: dict[str, str]) -> Case:
    error, _, words = line["refused"].partition(": ")
    rejected = (one.split() for one in line["quarantined"].split("; ") if one)
    return Case(
        name=line["case"],
        group=line["group"],
        what=line["what"],
        session=date.fromisoformat(line["session"]) if line["session"] else SESSION,
        kept=tuple(_numbers(line["kept"])),
        duplicates=tuple(_numbers(line["duplicates"])),
        quarantined={int(number): reasons for number, *reasons in rejected},
        refused=(error, words) if error else None,
    )


def _numbers(text: str) -> Iterator[int]:
    """Yield the numbers of `1 3-5`."""
    for part in text.split():
        first, _, last = part.partition("-")
        yield from range(int(first), int(last or first) + 1)


with TABLE.open(newline="") as table:
    CASES = [_case(line) for line in csv.DictReader(table)]

ACCEPTED = [case for case in CASES if case.refused is None]
REFUSED = [case for case in CASES if case.refused is not None]
GIANTS = [case for case in CASES if case.group == "size"]
