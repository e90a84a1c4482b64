"""The positions of a book, worked out from what was typed and the splits that are known now. Pure.

A purchase, a sale and a stop are recorded as they were typed, in the shares of their day. What a sale leaves of which
position follows from the splits, and these may be learnt, corrected or withdrawn later: so all of it is worked out
again, entry after entry in the order of recording. When a split was learnt makes no difference.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from typing import Any

import polars as pl

from pipeline.contracts.portfolio import POSITIONS
from pipeline.market.prices.splits import ShareCounts

ROUNDING = 1e-9
"""A rest smaller than this share of a position is the rounding of a split, and no rest."""

TERMS = ("stop", "target")

Row = dict[str, Any]


@dataclass(frozen=True)
class SaleEntry:
    """A sale as it was typed."""

    ticker: str
    closed: date
    price: float
    commission: float
    quantity: float | None
    """Shares of the day; None for all."""
    position: int | None
    """The one position to sell from; None for the oldest first."""
    part: int | None
    """Number for the part that is split off, if there is one."""


@dataclass(frozen=True)
class Oversold:
    """A sale of more shares than were held, by the splits that are known now."""

    ticker: str
    closed: date
    quantity: float
    held: float

    def __str__(self) -> str:
        """Return it in words."""
        return (
            f"{self.quantity:,.10g} {self.ticker} were sold on {self.closed}, but by the splits known now only "
            f"{self.held:,.10g} were held. What is beyond is left out"
        )


@dataclass
class Lot:
    """A position as the entries up to now have left it."""

    row: Row
    typed: dict[str, tuple[float, date]]
    """Stop and target as typed, with the session on whose shares they are."""
    revisions: list[Row] = field(default_factory=list)

    @property
    def is_held(self) -> bool:
        """Return whether it is neither sold nor removed."""
        return self.row["closed"] is None and self.row["event"] != "removed"


class Lots:
    """The positions of a book, and how entries change them."""

    def __init__(self, splits: pl.DataFrame) -> None:
        self.counts = ShareCounts(splits)
        self.oversold: list[Oversold] = []
        self._lots: dict[int, Lot] = {}
        self._sold_last: dict[int, Lot] = {}
        """By the number kept for a part: the position that the sale reached last."""

    def play(self, history: pl.DataFrame) -> None:
        """Take in every entry of a book, all of whose rows have one."""
        rows = history.sort("entry", "position", "revision").to_dicts()
        recorded = {row["position"] for row in rows}
        for _, entry in groupby(rows, key=lambda row: row["entry"]):
            self._enter(list(entry), recorded)

    def settled(self) -> pl.DataFrame:
        """Return the positions as a book in which each revision says what follows from the splits known now."""
        rows = [row for lot in self._lots.values() for row in self._told(lot)]
        return pl.DataFrame(rows, schema=POSITIONS.columns).sort("position", "revision")

    def available(self, sale: SaleEntry) -> Iterator[tuple[Lot, float]]:
        """Yield the positions that a sale can take from, the oldest first, with their shares on its day."""
        for lot in sorted(self._lots.values(), key=lambda lot: (lot.row["opened"], lot.row["position"])):
            row = lot.row
            is_asked = sale.position is None or sale.position == row["position"]
            if is_asked and lot.is_held and row["ticker"] == sale.ticker and row["opened"] <= sale.closed:
                yield lot, row["quantity"] * self._ratio(lot, sale.closed)

    def sell(self, sale: SaleEntry) -> list[Row]:
        """Take in a sale, and return the rows that it changes and the part that it splits off."""
        lots = list(self.available(sale))
        held = sum(shares for _, shares in lots)
        wanted = held if sale.quantity is None else sale.quantity
        if wanted > held * (1 + ROUNDING):
            self.oversold.append(Oversold(sale.ticker, sale.closed, wanted, held))
        sold, taken_before = min(wanted, held), 0.0
        changed: list[Row] = []
        for lot, shares in lots:
            taken = min(wanted - taken_before, shares)
            if taken > 0:
                changed += self._sell_from(lot, sale, taken, sale.commission * taken / sold)
            taken_before += shares
        return changed

    def term(self, position: int, name: str, since: date) -> tuple[float | None, date]:
        """Return the stop or target of a position on the shares of a session, and the session it was typed on."""
        return self._term(self._lots[position], name, since)

    def numbered(self, position: int) -> Lot:
        """Return the position of a number that there is."""
        return self._lots[position]

    def _term(self, lot: Lot, name: str, since: date) -> tuple[float | None, date]:
        if name not in lot.typed:
            return None, since
        value, typed_on = lot.typed[name]
        return value / self.counts.became(lot.row["ticker"], typed_on, since), typed_on

    def _sell_from(self, lot: Lot, sale: SaleEntry, taken: float, commission: float) -> list[Row]:
        row = lot.row
        closing = {"closed": sale.closed, "closing_price": sale.price, "closing_commission": commission}
        quantity = taken / self._ratio(lot, sale.closed)
        rest = row["quantity"] - quantity
        if sale.part is not None:
            self._sold_last[sale.part] = lot
        if rest <= ROUNDING * row["quantity"] or sale.part is None:
            lot.row = row | closing | {"event": "closed"}
            return [lot.row]
        share = quantity / row["quantity"]
        own = {"position": sale.part, "revision": 1, "event": "closed", "split_off_from": row["position"]}
        part = Lot(row | closing | own | {"quantity": quantity, "commission": row["commission"] * share}, lot.typed)
        self._lots[sale.part] = part
        lot.row = row | {"event": "reduced", "quantity": rest, "commission": row["commission"] * (1 - share)}
        return [lot.row, part.row]

    def _ratio(self, lot: Lot, until: date) -> float:
        return self.counts.became(lot.row["ticker"], lot.row["opened"], until)

    def _enter(self, rows: list[Row], recorded: set[int]) -> None:
        closing = [row for row in rows if row["event"] == "closed"]
        if closing:
            self.sell(_sale(closing))
        for row in rows:
            if row["event"] == "opened":
                typed = {name: (row[name], row["opened"]) for name in TERMS if row[name] is not None}
                self._lots[row["position"]] = Lot(row, typed)
            elif row["event"] == "changed":
                self._change(self._lots[row["position"]], row)
            elif row["event"] == "removed":
                self._remove(row["position"], recorded)
            if row["position"] in self._lots:
                lot = self._lots[row["position"]]
                lot.row = lot.row | {name: row[name] for name in ("revision", "recorded_at", *ENTRY)}
                lot.revisions.append(lot.row)

    def _change(self, lot: Lot, row: Row) -> None:
        since = row["terms_from"]
        for name in TERMS:
            if row[name] is None:
                lot.typed = {other: typed for other, typed in lot.typed.items() if other != name}
            elif row[f"{name}_from"] in {None, since}:
                lot.typed = lot.typed | {name: (row[name], since)}
        own = {name: self._term(lot, name, since)[0] for name in TERMS}
        event = "changed" if lot.is_held else lot.row["event"]
        lot.row = lot.row | own | {"event": event, "terms_from": since, "note": row["note"]}

    def _remove(self, position: int, recorded: set[int]) -> None:
        # A part that is none any more was the whole of the position that its sale reached last.
        lot = self._lots.get(position) or self._sold_last.get(position)
        if lot is not None:
            lot.row = lot.row | {"event": "removed"}
        # A part that was none when its position was removed was meant to go with it.
        for other in self._lots.values():
            if other.row["split_off_from"] == position and other.row["position"] not in recorded:
                other.row = other.row | {"event": "removed"}

    @staticmethod
    def _told(lot: Lot) -> list[Row]:
        if not lot.revisions:
            return [lot.row]
        # The newest revision is in force, and says what later sales of others have made of it, too.
        return [*lot.revisions[:-1], lot.row]


ENTRY = ("entry", "sale_quantity", "sale_position", "sale_part")
"""Columns that say by which command a row was recorded, and what it said of a sale."""


def _sale(closing: list[Row]) -> SaleEntry:
    """Return the sale that closed these rows."""
    row = closing[0]
    return SaleEntry(
        ticker=row["ticker"],
        closed=row["closed"],
        price=row["closing_price"],
        commission=sum(one["closing_commission"] for one in closing),
        quantity=row["sale_quantity"],
        position=row["sale_position"],
        part=row["sale_part"],
    )
