"""How a file of purchases is laid out: its columns, signs in numbers, order of days. Nothing is guessed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from pipeline.errors import PositionRefused

ISO = "YYYY-MM-DD"

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

PARTS = {
    "YYYY": r"(?P<year>\d{4})",
    "MON": r"(?P<month>[A-Za-z]{3})",
    "MM": r"(?P<month>\d\d)",
    "DD": r"(?P<day>\d\d)",
    "*": r".*",
}
"""What an order of days is written with, and what it stands for; `*` is text to leave out, such as a time."""

ONE_OF_EACH = (("YYYY",), ("MON", "MM"), ("DD",))
"""What an order of days must have, once."""

SIGNS = {"thousands": ",.' ", "decimal": ".,"}
"""The signs that may separate thousands, and that may be before decimals."""

YES_NO = {"yes": True, "true": True, "no": False, "false": False}


@dataclass(frozen=True)
class Layout:
    """The layout of a file. Without arguments, that of our own files."""

    columns: Mapping[str, str] = field(default_factory=dict)
    """Our name of a column to the file's; without any, the file has our names. Its other columns are left out. A minus
    before the file's name says that its numbers have the other sign."""
    only: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """A column of the file to the values that a row to be read has in it."""
    thousands: str = ""
    decimal: str = "."
    days: str = ISO
    delimiter: str = ","

    def __post_init__(self) -> None:
        if self.thousands == self.decimal:
            raise _refused(
                f"thousands and decimals cannot both be separated by {self.decimal!r}", "Name the other with --decimal."
            )
        for name, signs in SIGNS.items():
            sign: str = getattr(self, name)
            if sign and sign not in signs:
                raise _refused(f"{sign!r} does not separate {name}", f"Choose one of {' '.join(map(repr, signs))}.")
        if any(sum(self._day_parts.count(part) for part in parts) != 1 for parts in ONE_OF_EACH):
            raise _refused(
                f"{self.days!r} is no format of a date",
                "Write it with YYYY, MM (or MON) and DD: MM/DD/YYYY, DD-MON-YYYY.",
            )
        if len(self.delimiter) != 1:
            raise _refused(f"{self.delimiter!r} does not separate columns", "Name one sign, such as --delimiter ';'.")

    @property
    def names(self) -> dict[str, str]:
        """Return our name of each column to the file's."""
        return {ours: theirs.removeprefix("-") for ours, theirs in self.columns.items()}

    def is_negated(self, column: str) -> bool:
        """Return whether the numbers of one of our columns have the other sign in the file."""
        return self.columns.get(column, "").startswith("-")

    @property
    def is_foreign(self) -> bool:
        """Return whether the columns have names of another program."""
        return bool(self.columns)

    @property
    def example(self) -> str:
        """Return a number in this layout."""
        return f"1{self.thousands}234{self.decimal}5"

    def number(self, cell: str) -> float | None:
        """Return the number in a cell; None for what is none in this layout, such as `1,25` with thousands of `,`."""
        digits = cell.removeprefix("$") if self.is_foreign else cell
        if self.thousands == " ":
            digits = digits.replace("\N{NO-BREAK SPACE}", " ").replace("\N{NARROW NO-BREAK SPACE}", " ")
        thousands, decimal = re.escape(self.thousands), re.escape(self.decimal)
        whole = rf"[0-9]{{1,3}}(?:{thousands}[0-9]{{3}})+|[0-9]+" if thousands else "[0-9]+"
        if not re.fullmatch(rf"[+-]?(?:(?:{whole}){decimal}?[0-9]*|{decimal}[0-9]+)(?:[eE][+-]?[0-9]+)?", digits):
            return None
        plain = digits.replace(self.thousands, "") if self.thousands else digits
        return float(plain.replace(self.decimal, "."))

    def day(self, cell: str) -> date | None:
        """Return the day in a cell; None for what is none in this order."""
        found = self._day_pattern.fullmatch(cell)
        if not found:
            return None
        month = found["month"].lower()
        number = MONTHS.index(month) + 1 if month in MONTHS else month
        try:
            return date(int(found["year"]), int(number), int(found["day"]))
        except ValueError:
            return None

    @property
    def _day_parts(self) -> list[str]:
        return [part for part in re.split("(YYYY|MON|MM|DD|[*])", self.days) if part]

    @property
    def _day_pattern(self) -> re.Pattern[str]:
        parts = self._day_parts
        pattern = "".join(PARTS.get(part) or re.escape(part) for part in parts)
        # A sign between the numbers shows where each ends, so that 1/5/2024 is no guess.
        may_be_short = self.days != ISO and not set(parts) <= set(PARTS)
        return re.compile(pattern.replace(r"\d\d", r"\d{1,2}") if may_be_short else pattern, re.ASCII)


def mapping(text: str, option: str) -> dict[str, str]:
    """Return `ours=theirs,…` as a mapping; empty for an empty text. Raises PositionRefused for any other text."""
    if not text:
        return {}
    pairs = [part.partition("=") for part in text.split(",")]
    names = [name.strip() for name, _, _ in pairs]
    if not all(sign and name and value.strip() for (_, sign, value), name in zip(pairs, names, strict=True)):
        raise _refused(f"{option} {text!r} is not written like name=Value,name=Value", "Give every name a value.")
    if len(set(names)) < len(names):
        raise _refused(f"{option} {text!r} names something twice", "Name each once.")
    return {name: value.strip() for name, (_, _, value) in zip(names, pairs, strict=True)}


def _refused(reason: str, remedy: str) -> PositionRefused:
    return PositionRefused(f"Nothing was imported: {reason}.", remedy=remedy)
