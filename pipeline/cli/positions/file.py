"""Purchases from a CSV file: all rows are accepted, or none, and each bad row is reported with its line."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path

from pipeline.cli.positions.layout import ISO, YES_NO, Layout
from pipeline.errors import PositionRefused
from pipeline.market.portfolio.book import Opening
from pipeline.market.portfolio.faults import faults

REQUIRED = ("ticker", "quantity", "price", "opened")
COLUMNS = tuple(field.name for field in fields(Opening))
OPTIONAL = tuple(name for name in COLUMNS if name not in REQUIRED)
TEXTS = ("ticker", "note")

Value = str | float | date | bool

EXPECTED = (
    f"The first line names the columns: {', '.join(REQUIRED)}, optionally {', '.join(OPTIONAL)}; "
    "comma-separated UTF-8, days like 2024-01-05, numbers like 1234.5. For a file of another program say which columns "
    "(--columns), rows (--only), dates (--date-format) and signs (--thousands, --decimal, --delimiter) it has."
)

OURS = Layout()


@dataclass(frozen=True)
class Row:
    """A row of the file: the line it starts on, and its purchase or its faults; neither if it is to be left out."""

    line: int
    opening: Opening | None
    faults: tuple[str, ...] = ()

    @property
    def is_left_out(self) -> bool:
        """Return whether it is not one of the rows asked for."""
        return self.opening is None and not self.faults


def read_openings(path: Path, latest: date, layout: Layout = OURS) -> list[Row]:
    """Return every row of the file, each checked by itself; `latest` is the newest session so far.

    A byte-order mark, any line ends, and empty lines are fine. Raises PositionRefused when the whole file is unusable:
    it is not UTF-8 text, no line names the columns, or it has no row.
    """
    lines = _lines(path, layout.delimiter)
    columns = _foreign_columns(path, lines, layout) if layout.is_foreign else _own_columns(path, lines, layout)
    rows = [_row(line, columns, cells, latest, layout) for line, cells in lines]
    if not rows:
        raise _refused(path, "it has no row")
    return rows


@dataclass(frozen=True)
class _Columns:
    """Where the columns of a file are."""

    places: Mapping[str, int]
    """By our names."""
    only: Mapping[int, frozenset[str]]
    """The place of a column to what a row to be read has in it."""
    least: int
    most: int | None
    """Cells of a row; None if any number is fine."""

    def is_wanted(self, cells: Sequence[str]) -> bool:
        """Return whether a row is one of those asked for."""
        return all(place < len(cells) and cells[place].strip() in values for place, values in self.only.items())


def _own_columns(path: Path, lines: Iterator[tuple[int, list[str]]], layout: Layout) -> _Columns:
    """Return the columns of a file with our names, which are on its first line."""
    _, header = next(lines, (1, []))
    names = [name.strip().lower() for name in header]
    if missing := [name for name in REQUIRED if name not in names]:
        raise _refused(path, f"its first line does not name {', '.join(missing)}")
    if unknown := [name for name in names if name not in COLUMNS]:
        raise _refused(path, f"its first line names {', '.join(map(repr, unknown))}")
    if len(set(names)) < len(names):
        raise _refused(path, "its first line names a column twice")
    if absent := [name for name in layout.only if name not in names]:
        raise _refused(path, f"it has no column {', '.join(absent)} for --only")
    only = {names.index(name): values for name, values in layout.only.items()}
    return _Columns({name: place for place, name in enumerate(names)}, only, len(names), len(names))


def _foreign_columns(path: Path, lines: Iterator[tuple[int, list[str]]], layout: Layout) -> _Columns:
    """Return the columns of another program's file: the first line that names all of them is the header."""
    if missing := [name for name in REQUIRED if name not in layout.columns]:
        raise _refused(path, f"--columns does not say which column is {', '.join(missing)}")
    if unknown := [name for name in layout.columns if name not in COLUMNS]:
        raise _refused(path, f"--columns names {', '.join(map(repr, unknown))}, which a purchase does not have")
    wanted = {*layout.names.values(), *layout.only}
    for _, header in lines:
        names = [name.strip() for name in header]
        if wanted <= set(names):
            break
    else:
        raise _refused(path, f"no line of it names all of {', '.join(sorted(wanted))}")
    if twice := sorted(name for name in wanted if names.count(name) > 1):
        raise _refused(path, f"it names the column {', '.join(twice)} twice")
    places = {ours: names.index(theirs) for ours, theirs in layout.names.items()}
    only = {names.index(name): values for name, values in layout.only.items()}
    return _Columns(places, only, max(places.values()) + 1, None)


def _lines(path: Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the cells of each non-empty row, with the line it starts on."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        raise _refused(path, f"it is not UTF-8 text (byte {wrong.start})") from wrong
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=delimiter)
    while True:
        first_line = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as wrong:
            raise _refused(path, f"line {first_line} cannot be read ({wrong})") from wrong
        if cells is None:
            return
        if any(cell.strip() for cell in cells):
            yield first_line, cells


def _row(line: int, columns: _Columns, cells: list[str], latest: date, layout: Layout) -> Row:
    if not columns.is_wanted(cells):
        return Row(line, None)
    if not columns.least <= len(cells) <= (columns.most or len(cells)):
        return Row(line, None, (f"it has {len(cells)} cells, the first line {columns.least}",))
    cells_by_column = {name: cells[place].strip() for name, place in columns.places.items() if cells[place].strip()}
    if empty := [name for name in REQUIRED if name not in cells_by_column]:
        return Row(line, None, tuple(f"{name} is empty" for name in empty))
    values, wrong = _values(cells_by_column, layout)
    if wrong:
        return Row(line, None, tuple(wrong))
    opening = Opening(**values)  # type: ignore[arg-type]
    if faults_found := faults(opening, latest):
        return Row(line, None, tuple(faults_found))
    return Row(line, opening)


def _values(cells_by_column: dict[str, str], layout: Layout) -> tuple[dict[str, Value], list[str]]:
    """Return the values of a row's cells, and the faults of cells without one."""
    read = {name: _value(name, cell, layout) for name, cell in cells_by_column.items()}
    wrong = [_fault(name, cells_by_column[name], layout) for name, value in read.items() if value is None]
    return {name: value for name, value in read.items() if value is not None}, wrong


def _value(name: str, cell: str, layout: Layout) -> Value | None:
    """Return the value of a cell in one of our columns; None when it has none."""
    if name in TEXTS:
        return cell
    if name == "opened":
        return layout.day(cell)
    if name == "do_not_reduce":
        return YES_NO.get(cell.lower())
    number = layout.number(cell)
    return -number if number is not None and layout.is_negated(name) else number


def _fault(name: str, cell: str, layout: Layout) -> str:
    """Return why a cell has no value."""
    if name == "do_not_reduce":
        return f"{name} {cell!r} is not yes or no"
    if name == "opened":
        return f"{name} {cell!r} is not a day like {'2024-01-05' if layout.days == ISO else layout.days}"
    return f"{name} {cell!r} is not a number like {layout.example}"


def _refused(path: Path, reason: str) -> PositionRefused:
    return PositionRefused(f"Nothing was imported from {path}: {reason}.", remedy=EXPECTED)
