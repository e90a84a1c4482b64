"""A second reading of day files, one line and one cell at a time, in plain Python: the tables are compared with it."""

import csv
import math
import re
from dataclasses import dataclass
from datetime import date, datetime
from unicodedata import category
from zoneinfo import ZoneInfo

from pipeline.contracts.quarantine import REASONS

NEW_YORK = ZoneInfo("America/New_York")
FLOATS = ("volume", "open", "close", "high", "low")
PRICES = FLOATS[1:]
COLUMNS = ("ticker", *FLOATS, "window_start", "transactions")
STRENGTH = ("transactions", "volume", *PRICES, "window_start")
MOST_COLUMNS = 64

WHITE_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
"""Unicode's; Python's own `strip` takes four control characters more."""
INVISIBLE = {"Cc", "Cf", "Zl", "Zp"}
DECIMAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
WHOLE = re.compile(r"[+-]?[0-9]+")


class NotADayFile(Exception):
    """The content as a whole is not the vendor's."""


@dataclass(frozen=True)
class Reading:
    """What should become of the rows of a file."""

    bars: list[tuple]
    """Ticker, open, high, low, close, volume, transactions; by ticker."""
    duplicates: int
    rejected: dict[int, list[str]]
    """Row number to reasons."""
    delivered: dict[int, dict[str, str | None] | str]
    """Row number to the text of its cells; of a malformed row to the whole line."""

    @property
    def rows(self) -> int:
        return len(self.bars) + self.duplicates + len(self.rejected)


def read_day(content: bytes, session: date) -> Reading:
    """Return what should become of the rows of an unpacked day file. Raises NotADayFile when all of it is refused."""
    header, lines = header_and_lines(content)
    strongest: dict[str, tuple] = {}
    valid: list[tuple[int, str, tuple]] = []
    rejected, delivered = {}, {}
    for number, line in enumerate(lines, 1):
        cells = fields(line)
        if cells is None or len(cells) != len(header):
            rejected[number], delivered[number] = ["malformed_row"], line
            continue
        delivered[number] = {name: cells[header.index(name)] for name in COLUMNS}
        row = numbers(delivered[number])
        if found := reasons(row, session):
            rejected[number] = found
            continue
        strength = tuple(row[name] for name in STRENGTH)
        valid.append((number, row["ticker"], strength))
        strongest[row["ticker"]] = max(strength, strongest.get(row["ticker"], strength))
    losers = [number for number, ticker, strength in valid if strength != strongest[ticker]]
    rejected |= {number: ["conflicting_duplicate"] for number in losers}
    return Reading(
        bars=[bar(ticker, strongest[ticker]) for ticker in sorted(strongest, key=str.encode)],
        duplicates=len(valid) - len(losers) - len(strongest),
        rejected=dict(sorted(rejected.items())),
        delivered=delivered,
    )


def header_and_lines(content: bytes) -> tuple[list[str], list[str]]:
    """Return the names in the header and the lines that are rows."""
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as undecodable:
        raise NotADayFile from undecodable
    first, _, body = text.partition("\n")
    header = csv_fields(first) or []
    if "\0" in text or any(header.count(name) != 1 for name in COLUMNS) or first.count(",") >= MOST_COLUMNS:
        raise NotADayFile
    body = body.rstrip("\n")
    if not body:
        raise NotADayFile
    return header, body.split("\n")


def fields(line: str) -> list[str] | None:
    """Return the cells of a line; None when its quotes make no sense."""
    return csv_fields(line) if '"' in line else line.split(",")


def csv_fields(line: str) -> list[str] | None:
    if line.count('"') % 2:
        return None
    try:
        return next(csv.reader([line], strict=True), [])
    except csv.Error:
        return None


def numbers(cells: dict[str, str]) -> dict:
    """Return the row as numbers, None for what is none."""
    row: dict = {name: decimal(cells[name]) for name in FLOATS}
    return row | {
        "ticker": cells["ticker"],
        "window_start": moment(cells["window_start"]),
        "transactions": count(cells["transactions"]),
    }


def decimal(cell: str) -> float | None:
    stripped = cell.strip(WHITE_SPACE)
    value = float(stripped) if DECIMAL.fullmatch(stripped) else math.nan
    return value if math.isfinite(value) else None


def whole(cell: str) -> int | None:
    stripped = cell.strip(WHITE_SPACE)
    value = int(stripped) if WHOLE.fullmatch(stripped) and len(stripped) < 1000 else 2**63
    return value if -(2**63) <= value < 2**63 else None


def count(cell: str) -> int | None:
    value, as_float = whole(cell), decimal(cell)
    if value is not None or as_float is None:
        return value
    return int(as_float) if as_float.is_integer() and abs(as_float) < 2**53 else None


def moment(cell: str) -> int | None:
    value, as_float = whole(cell), decimal(cell)
    if value is not None or as_float is None:
        return value
    return max(-(2**63), min(2**63 - 1, int(as_float)))


def reasons(row: dict, session: date) -> list[str]:
    """Return the reasons against a row, from the words of the contract."""
    ticker, trades = row["ticker"], row["transactions"]
    has_ticker = bool(ticker.strip(WHITE_SPACE))
    stray = ticker != ticker.strip(WHITE_SPACE) or any(category(character) in INVISIBLE for character in ticker)
    prices = {name: row[name] for name in PRICES if row[name] is not None}
    low, high = prices.get("low", -math.inf), prices.get("high", math.inf)
    volume = row["volume"] or 0.0
    found = {
        "missing_ticker": not has_ticker,
        "malformed_ticker": has_ticker and stray,
        "not_a_number": any(row[name] is None for name in (*FLOATS, "window_start", "transactions")),
        "non_positive_price": any(price <= 0 for price in prices.values()),
        "high_below_low": high < low,
        "open_or_close_outside_range": any(
            not low <= price <= high for name, price in prices.items() if name in ("open", "close")
        ),
        "negative_volume": volume < 0,
        "volume_too_large": volume >= 2**53,
        "negative_transactions": trades is not None and trades < 0,
        "wrong_session": row["window_start"] is not None and new_york_day(row["window_start"]) != session,
    }
    return [reason for reason in REASONS if found.get(reason)]


def new_york_day(nanoseconds: int) -> date:
    return datetime.fromtimestamp(nanoseconds // 10**9, NEW_YORK).date()


def bar(ticker: str, strength: tuple) -> tuple:
    row = dict(zip(STRENGTH, strength, strict=True))
    return (ticker, row["open"], row["high"], row["low"], row["close"], row["volume"], row["transactions"])
