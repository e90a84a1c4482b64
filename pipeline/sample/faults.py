"""The faults planted in the synthetic files, each recorded in a ledger. Pure: a file's lines in, lines out.

Most files have none. Every twentieth has half of the kinds, alternating: any forty sessions show every kind.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np

from pipeline.sample.vendor_files import HEADER, number_text, window_start

EVERY, AT = 20, 9
"""Sessions 9, 29, 49 … (counted from 0) are faulty."""
DUPLICATE = "duplicate"
"""The kind that is not a reason for quarantine: a row repeated exactly."""
UNREADABLE = ("", "NaN", "inf", "n/a")
LIQUID = 10
"""Fewest trades of a damaged row, so that the sessions around it show the gap."""


@dataclass(frozen=True)
class PlantedFault:
    """One fault: `kind` is a reason code of the quarantine, or `duplicate`. `ticker` is empty where the row has none.

    A row with a fault of one kind may break other rules too: a row of zeros without a ticker has no positive price.
    """

    session: date
    kind: str
    ticker: str


@dataclass(frozen=True)
class _Place:
    """The context of a row: its file's session and the session after it."""

    session: date
    next_session: date


Row = dict[str, str]
Damage = Callable[[Row, _Place, np.random.Generator], list[Row]]


def plant(
    lines: list[str], number: int, session: date, next_session: date, random: np.random.Generator
) -> tuple[list[str], list[PlantedFault]]:
    """Return the rows of session `number` (no header) with its faults, and the ledger of planted faults.

    At most 1 row in 100 for each kind, and four (forty for `wrong_session`, which the vendor has in blocks).
    """
    if number % EVERY != AT:
        return lines, []
    kinds = list(DAMAGES)[number // EVERY % 2 :: 2]
    damaged: dict[int, list[str]] = {}
    planted = []
    for at, kind in _choose(lines, kinds, random):
        row = dict(zip(HEADER, lines[at].split(","), strict=True))
        damaged[at] = [_line(copy) for copy in DAMAGES[kind](row, _Place(session, next_session), random)]
        planted.append(PlantedFault(session, kind, "" if kind == "missing_ticker" else row["ticker"]))
    return [line for at, sound in enumerate(lines) for line in damaged.get(at, [sound])], planted


def _choose(lines: list[str], kinds: list[str], random: np.random.Generator) -> Iterator[tuple[int, str]]:
    """Yield the rows to damage, in order, each with its kind. No row is chosen twice."""
    wanted_kinds = [kind for kind in kinds for _ in range(_rows_of(kind, len(lines)))]
    suitable = [at for at, line in enumerate(lines) if _is_suitable(line)]
    chosen = random.choice(len(suitable), size=min(len(wanted_kinds), len(suitable)), replace=False)
    yield from zip(sorted(suitable[place] for place in chosen), wanted_kinds, strict=False)


def _rows_of(kind: str, rows: int) -> int:
    return max(1, min(40 if kind == "wrong_session" else 4, rows // 100))


def _is_suitable(line: str) -> bool:
    """Return whether a row is liquid, and its high above its low, so that swapping them is a fault."""
    row = dict(zip(HEADER, line.split(","), strict=True))
    return int(row["transactions"]) >= LIQUID and row["high"] != row["low"]


def _line(row: Row) -> str:
    return ",".join(row[column] for column in HEADER if column in row)


def _repeat(row: Row, _place: _Place, _random: np.random.Generator) -> list[Row]:
    return [row, row]


def _contradict(row: Row, place: _Place, _random: np.random.Generator) -> list[Row]:
    """Return the row and a poorer version of it: half the volume and half the trades."""
    poorer = {
        "volume": number_text(place.session, float(row["volume"]) // 2),
        "transactions": str(int(row["transactions"]) // 2),
    }
    return [row, row | poorer]


def _cut_off(row: Row, _place: _Place, _random: np.random.Generator) -> list[Row]:
    return [{column: row[column] for column in HEADER[:-1]}]


def _pad_ticker(row: Row, _place: _Place, _random: np.random.Generator) -> list[Row]:
    return [row | {"ticker": row["ticker"] + " "}]


def _add_nameless(row: Row, place: _Place, _random: np.random.Generator) -> list[Row]:
    """Return the row and one without ticker, all zeros, as the vendor has delivered them."""
    zero = number_text(place.session, 0.0)
    return [
        row,
        row | dict.fromkeys(("volume", "open", "close", "high", "low"), zero) | {"ticker": "", "transactions": "0"},
    ]


def _spoil_number(row: Row, _place: _Place, random: np.random.Generator) -> list[Row]:
    return [row | {"close": UNREADABLE[random.integers(len(UNREADABLE))]}]


def _free_of_charge(row: Row, place: _Place, _random: np.random.Generator) -> list[Row]:
    return [row | {"low": number_text(place.session, 0.0)}]


def _swap_extremes(row: Row, _place: _Place, _random: np.random.Generator) -> list[Row]:
    return [row | {"high": row["low"], "low": row["high"]}]


def _close_above_high(row: Row, place: _Place, _random: np.random.Generator) -> list[Row]:
    return [row | {"close": number_text(place.session, round(float(row["high"]) * 1.5, 2))}]


def _negate_volume(row: Row, _place: _Place, _random: np.random.Generator) -> list[Row]:
    return [row | {"volume": "-" + row["volume"]}]


def _inflate_volume(row: Row, place: _Place, _random: np.random.Generator) -> list[Row]:
    return [row | {"volume": number_text(place.session, 2.0**54)}]


def _negate_transactions(row: Row, _place: _Place, _random: np.random.Generator) -> list[Row]:
    return [row | {"transactions": "-" + row["transactions"]}]


def _stamp_next_session(row: Row, place: _Place, _random: np.random.Generator) -> list[Row]:
    return [row | {"window_start": str(window_start(place.next_session))}]


DAMAGES: dict[str, Damage] = {
    DUPLICATE: _repeat,
    "conflicting_duplicate": _contradict,
    "malformed_row": _cut_off,
    "missing_ticker": _add_nameless,
    "malformed_ticker": _pad_ticker,
    "not_a_number": _spoil_number,
    "non_positive_price": _free_of_charge,
    "high_below_low": _swap_extremes,
    "open_or_close_outside_range": _close_above_high,
    "negative_volume": _negate_volume,
    "volume_too_large": _inflate_volume,
    "negative_transactions": _negate_transactions,
    "wrong_session": _stamp_next_session,
}
"""Kind of fault to the function that turns a sound row into the faulty rows in its place."""
