"""Purchases from a CSV file: all rows are accepted, or none, and each bad row is reported with its line."""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path

from pipeline.errors import PositionRefused
from pipeline.market.portfolio.book import Opening, faults

REQUIRED = ("ticker", "quantity", "price", "opened")
COLUMNS = tuple(field.name for field in fields(Opening))
OPTIONAL = tuple(name for name in COLUMNS if name not in REQUIRED)

EXPECTED = (
    f"The first line names the columns: {', '.join(REQUIRED)}, optionally {', '.join(OPTIONAL)}; "
    "comma-separated UTF-8, days like 2024-01-05, numbers like 1234.5."
)

NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


@dataclass(frozen=True)
class Row:
    """A row of the file: the line it starts on, and its purchase or its faults."""

    line: int
    opening: Opening | None
    faults: tuple[str, ...] = ()


def read_openings(path: Path, latest: date) -> list[Row]:
    """Return every row of the file, each checked by itself; `latest` is the newest session so far.

    A byte-order mark, any line ends, and empty lines are fine. Raises PositionRefused when the whole file is unusable:
    it is not UTF-8 text, its first line does not name the columns, or it has no row.
    """
    lines = _lines(path)
    _, header = next(lines, (1, []))
    names = [name.strip().lower() for name in header]
    if missing := [name for name in REQUIRED if name not in names]:
        raise _refused(path, f"its first line does not name {', '.join(missing)}")
    if unknown := [name for name in names if name not in COLUMNS]:
        raise _refused(path, f"its first line names {', '.join(map(repr, unknown))}")
    if len(set(names)) < len(names):
        raise _refused(path, "its first line names a column twice")
    rows = [_row(line, names, cells, latest) for line, cells in lines]
    if not rows:
        raise _refused(path, "it has no row")
    return rows


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the cells of each non-empty row, with the line it starts on."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        raise _refused(path, f"it is not UTF-8 text (byte {wrong.start})") from wrong
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
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


def _row(line: int, names: list[str], cells: list[str], latest: date) -> Row:
    if len(cells) != len(names):
        return Row(line, None, (f"it has {len(cells)} cells, the first line {len(names)}",))
    cells_by_column = {name: cell.strip() for name, cell in zip(names, cells, strict=True) if cell.strip()}
    if empty := [name for name in REQUIRED if name not in cells_by_column]:
        return Row(line, None, tuple(f"{name} is empty" for name in empty))
    values, wrong = _values(cells_by_column)
    if wrong:
        return Row(line, None, tuple(wrong))
    opening = Opening(**values)  # type: ignore[arg-type]
    if faults_found := faults(opening, latest):
        return Row(line, None, tuple(faults_found))
    return Row(line, opening)


def _values(cells_by_column: dict[str, str]) -> tuple[dict[str, str | float | date], list[str]]:
    """Return the values of a row's cells, and the faults of cells without one."""
    values: dict[str, str | float | date] = {}
    wrong = []
    for name, cell in cells_by_column.items():
        if name in ("ticker", "note"):
            values[name] = cell
        elif name == "opened":
            try:
                values[name] = date.fromisoformat(cell)
            except ValueError:
                wrong.append(f"{name} {cell!r} is not a day like 2024-01-05")
        elif NUMBER.fullmatch(cell):
            values[name] = float(cell)
        else:
            wrong.append(f"{name} {cell!r} is not a number like 1234.5")
    return values, wrong


def _refused(path: Path, reason: str) -> PositionRefused:
    return PositionRefused(f"Nothing was imported from {path}: {reason}.", remedy=EXPECTED)
