"""Books from before typed entries were recorded: the entries are worked out from the rows they led to. Pure.

An early row says what a sale left, in the shares of the purchase, by the splits known when it was recorded. The same
splits give back the typed entry. No value of a row is changed; only its missing columns are filled.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import polars as pl

from pipeline.contracts.portfolio import POSITIONS
from pipeline.market.portfolio.levels import TERMS
from pipeline.market.prices.splits import ShareCounts

KnownAt = Callable[[datetime], pl.DataFrame]
"""Returns the splits that were applied at a moment: ticker, execution_date, split_from, split_to."""

Row = dict[str, Any]

TICK = timedelta(microseconds=1)

ROUNDING = 1e-9
"""Relative difference up to which a term is one that a split has moved."""

KINDS = ("opened", "changed", "reduced", "closed", "removed")


def with_entries(history: pl.DataFrame, splits_known_at: KnownAt) -> pl.DataFrame:
    """Return a book in which every row has an `entry`, and the sale, stop and target as typed.

    Rows that have an entry keep their values, after the rows without one.
    """
    if not history["entry"].null_count():
        return history
    rows = history.sort("position", "revision").to_dicts()
    early = _Early(cache(lambda moment: ShareCounts(splits_known_at(moment))))
    for command in _commands([row for row in rows if row["entry"] is None]):
        early.take_in(command)
    last = early.entries
    for row in rows:
        if row["entry"] is not None:
            row["entry"] += last
    by_revision = {(row["position"], row["revision"]): row for row in early.rows}
    filled = [by_revision.get((row["position"], row["revision"]), row) for row in rows]
    return pl.DataFrame(filled, schema=POSITIONS.columns)


def _commands(rows: list[Row]) -> list[list[Row]]:
    """Return the rows of each command together, in the order of the commands."""
    at = _moments(rows)
    commands: dict[Any, list[Row]] = {}
    for row in rows:
        commands.setdefault(_command(row), []).append(row)

    def turn(command: list[Row]) -> tuple[datetime, int, int, int]:
        newest = max(row["revision"] for row in command)
        kind = max(KINDS.index(row["event"]) for row in command)
        return max(at[row["position"], row["revision"]] for row in command), newest, kind, command[0]["position"]

    return sorted(commands.values(), key=turn)


def _command(row: Row) -> tuple[Any, ...]:
    if row["event"] in {"closed", "reduced"}:
        return "sale", row["recorded_at"], row["ticker"]
    return row["event"], row["position"], row["revision"]


def _moments(rows: list[Row]) -> dict[tuple[int, int], datetime]:
    """Return when each revision was recorded, by a clock that may have jumped: numbers rise with time."""
    moments: dict[tuple[int, int], datetime] = {}
    newest: datetime | None = None
    for row in rows:
        if row["revision"] == 1:
            newest = row["recorded_at"] if newest is None else max(newest + TICK, row["recorded_at"])
            moments[row["position"], 1] = newest
        else:
            before = moments[row["position"], row["revision"] - 1]
            moments[row["position"], row["revision"]] = max(before, row["recorded_at"])
    return moments


class _Early:
    """Replays the commands of an early book, and fills in what was typed."""

    def __init__(self, counts_at: Callable[[datetime], ShareCounts]) -> None:
        self._counts_at = counts_at
        self._newest: dict[int, Row] = {}
        self.rows: list[Row] = []
        self.entries = 0

    def take_in(self, command: list[Row]) -> None:
        """Fill in the rows of the next command."""
        if command[-1]["event"] in {"closed", "reduced"}:
            for sale, rows in self._sales(command):
                self._add(rows, sale)
        else:
            self._add([row | self._terms(row) for row in command], {})

    def _add(self, rows: list[Row], sale: Row) -> None:
        self.entries += 1
        for row in rows:
            filled = row | sale | {"entry": self.entries}
            self._newest[row["position"]] = filled
            self.rows.append(filled)

    def _terms(self, row: Row) -> Row:
        """Return the sessions on whose shares stop and target were typed; a term moved by a split keeps its own."""
        before = self._newest.get(row["position"])
        if row["event"] != "changed" or before is None:
            return {}
        counts = self._counts_at(row["recorded_at"])
        span = row["ticker"], before["terms_from"], row["terms_from"]
        typed_on = {}
        for name in TERMS:
            old, new = before[name], row[name]
            moved = None if old is None else counts.price(old, *span)
            is_kept = moved is not None and new is not None and abs(new - moved) <= ROUNDING * moved
            typed_on[f"{name}_from"] = (
                (before[f"{name}_from"] or before["terms_from"]) if is_kept else row["terms_from"]
            )
        return typed_on

    def _sales(self, rows: list[Row]) -> Iterator[tuple[Row, list[Row]]]:
        """Yield a sale as typed, with its rows; a sale of several whole positions counts as one sale each."""
        closed = [row for row in rows if row["event"] == "closed"]
        parts = [row for row in closed if row["split_off_from"] is not None]
        reached = {row["split_off_from"] or row["position"] for row in closed}
        open_positions = self._held(closed[0])
        if parts:
            counts = self._counts_at(closed[0]["recorded_at"])
            shares = sum(
                counts.shares(part["quantity"], part["ticker"], part["opened"], part["closed"]) for part in closed
            )
            is_of_one = len(reached) == 1 and [*reached] != open_positions[:1]
            of_one = reached.pop() if is_of_one else None
            yield {"sale_quantity": shares, "sale_position": of_one, "sale_part": parts[0]["position"]}, rows
        elif reached == set(open_positions):
            yield {}, rows
        else:
            for row in rows:
                yield {"sale_position": row["position"]}, [row]

    def _held(self, sale: Row) -> list[int]:
        """Return the positions in a ticker on the day of a sale, oldest first."""
        lots = [
            row
            for row in self._newest.values()
            if row["ticker"] == sale["ticker"] and row["closed"] is None and row["event"] != "removed"
        ]
        in_time = [row for row in lots if row["opened"] <= sale["closed"]]
        return [row["position"] for row in sorted(in_time, key=lambda row: (row["opened"], row["position"]))]
