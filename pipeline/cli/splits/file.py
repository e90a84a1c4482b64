"""Rulings on splits as a CSV file, which another lake or a rebuilt one takes in: all rows, or none."""

import csv
import io
import math
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.contracts.split_rulings import SPLIT_RULINGS, VERDICTS, WITH_A_RATIO
from pipeline.errors import RulingRefused

COLUMNS = tuple(name for name in SPLIT_RULINGS.columns if name != "number")
RATIO = ("split_from", "split_to")

EXPECTED = (
    f"`candlelake splits export` writes such a file: its first line names the columns {', '.join(COLUMNS)}; "
    "comma-separated UTF-8, days like 2024-01-05, moments like 2024-01-05T17:30:00+00:00."
)

MOST_NAMED = 5
"""Bad lines that an error names."""


def write_rulings(path: Path, rulings: pl.DataFrame) -> None:
    """Write `rulings` (rows of `reference/split_rulings`) to the file, in place of what it held."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in rulings.sort("number").select(COLUMNS).iter_rows(named=True):
        ratio = {name: "" if row[name] is None else repr(row[name]) for name in RATIO}
        writer.writerow(row | ratio | {"ruled_at": row["ruled_at"].isoformat()})
    path.write_text(text.getvalue(), encoding="utf-8", newline="")


def read_rulings(path: Path, now: datetime) -> pl.DataFrame:
    """Return the rulings of a file, in its order: the columns of `reference/split_rulings` but `number`.

    Raises RulingRefused, naming the lines, when the file or any row of it cannot be taken; a ruling of the future,
    after `now` (UTC), is none.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        raise _refused(path, f"it is no UTF-8 text (byte {wrong.start})") from wrong
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    rows, faults = [], []
    try:
        if sorted(reader.fieldnames or ()) != sorted(COLUMNS):
            raise _refused(path, "its first line does not name the columns")
        for cells in reader:
            row, faults_of_row = _row(cells, now)
            rows.append(row)
            faults += [f"line {reader.line_num}: {fault}" for fault in faults_of_row]
    except csv.Error as wrong:
        raise _refused(path, f"line {reader.line_num} cannot be read ({wrong})") from wrong
    if faults:
        more = f"; and {len(faults) - MOST_NAMED:,} more" if len(faults) > MOST_NAMED else ""
        raise _refused(path, "; ".join(faults[:MOST_NAMED]) + more)
    schema = {name: SPLIT_RULINGS.columns[name] for name in COLUMNS}
    return pl.DataFrame(rows, schema=schema)


def _row(cells: dict[str | None, Any], now: datetime) -> tuple[dict[str, Any], list[str]]:
    """Return the values of a line, and its faults."""
    if None in cells or None in cells.values():
        return {}, ["it has not as many cells as the first line"]
    row: dict[str, Any] = {str(name): cell.strip() or None for name, cell in cells.items()}
    faults = [f"{name} is empty" for name in ("ticker", "ruled_by") if row[name] is None]
    if row["verdict"] not in VERDICTS:
        faults.append(f"verdict {row['verdict']!r} is none of {', '.join(VERDICTS)}")
    for name in RATIO:
        row[name] = _number(row[name])
        if (row[name] is not None) != (row["verdict"] in WITH_A_RATIO) or row[name] == 0:
            faults.append(f"{name} is a number above 0 where the verdict is {' or '.join(WITH_A_RATIO)}, else empty")
    try:
        row["execution_date"] = date.fromisoformat(row["execution_date"] or "")
    except ValueError:
        faults.append(f"execution_date {row['execution_date']!r} is no day like 2024-01-05")
    try:
        row["ruled_at"] = datetime.fromisoformat(row["ruled_at"] or "").astimezone(UTC)
    except ValueError:
        faults.append(f"ruled_at {row['ruled_at']!r} is no moment like 2024-01-05T17:30:00+00:00")
    else:
        faults += ["ruled_at is in the future"] if row["ruled_at"] > now else []
    return row, faults


def _number(cell: str | None) -> float | None:
    """Return a number above 0; 0 for a cell that has none, None for an empty one."""
    if cell is None:
        return None
    try:
        value = float(cell)
    except ValueError:
        return 0.0
    return value if 0 < value < math.inf else 0.0


def _refused(path: Path, reason: str) -> RulingRefused:
    return RulingRefused(f"Nothing was imported from {path}: {reason}.", remedy=EXPECTED)
