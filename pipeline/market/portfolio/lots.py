"""The positions of a book, worked out from the typed entries and the splits that are known now. Pure.

Purchases, sales and stops are recorded as typed, in the shares of their day. What a sale leaves of a position depends
on the splits, which may become known, be corrected or be withdrawn later: so all positions are worked out again, entry
by entry in the order of recording. When a split became known makes no difference.

A position is in the security that had its ticker on the day it was opened, whatever becomes of the ticker later.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from typing import Any

import polars as pl

from pipeline.contracts.portfolio import POSITIONS
from pipeline.errors import PositionRefused
from pipeline.market.portfolio.dust import is_held, is_more
from pipeline.market.portfolio.levels import TERMS, is_set_on
from pipeline.market.prices.exact import exact
from pipeline.market.prices.splits import ShareCounts
from pipeline.market.securities.listings import NO_LISTINGS
from pipeline.market.securities.names import events_under_security, under_security

Row = dict[str, Any]


@dataclass(frozen=True)
class SaleEntry:
    """A sale as typed."""

    ticker: str
    security: str
    """The security that is sold, by the name that `names.under_security` gives it."""
    closed: date
    price: float
    commission: float
    quantity: float | None
    """Shares of the day; None for all."""
    position: int | None
    """The position to sell from; None for the oldest first."""
    part: int | None
    """Position number for the part that is split off, if any."""


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
    """A position after the entries so far."""

    row: Row
    security: str
    typed: dict[str, tuple[float, date]]
    """Stop and target as typed, with the session whose shares they refer to."""
    revisions: list[Row] = field(default_factory=list)

    @property
    def is_held(self) -> bool:
        """Return whether it is neither sold nor removed."""
        return self.row["closed"] is None and self.row["event"] != "removed"


class Lots:
    """The positions of a book, and how entries change them."""

    def __init__(self, splits: pl.DataFrame, listed: pl.DataFrame = NO_LISTINGS) -> None:
        self.counts = ShareCounts(events_under_security(splits, "execution_date", listed))
        self._listed = listed
        self._securities: dict[tuple[str, date], str] = {}
        """By the ticker and the day of an opening."""
        self.oversold: list[Oversold] = []
        self._lots: dict[int, Lot] = {}
        self._sold_last: dict[int, Lot] = {}
        """By the number reserved for a part: the last position that the sale reached."""

    def play(self, history: pl.DataFrame) -> None:
        """Apply every entry of a book whose rows all have one."""
        rows = history.sort("entry", "position", "revision").to_dicts()
        openings = history.select("ticker", "opened").unique()
        names = under_security(openings, "opened", self._listed)["ticker"]
        self._securities |= dict(zip(openings.iter_rows(), names, strict=True))
        recorded = {row["position"] for row in rows}
        for _, entry in groupby(rows, key=lambda row: row["entry"]):
            self._enter(list(entry), recorded)

    def settled(self) -> pl.DataFrame:
        """Return the positions as a book whose revisions follow from the splits known now."""
        rows = [row for lot in self._lots.values() for row in self._told(lot)]
        return pl.DataFrame(rows, schema=POSITIONS.columns).sort("position", "revision")

    def available(self, sale: SaleEntry) -> Iterator[tuple[Lot, float]]:
        """Yield the positions that a sale can take from, oldest first, with their shares on its day."""
        for lot in sorted(self._lots.values(), key=lambda lot: (lot.row["opened"], lot.row["position"])):
            row = lot.row
            is_eligible = sale.position is None or sale.position == row["position"]
            if is_eligible and lot.is_held and lot.security == sale.security and row["opened"] <= sale.closed:
                shares = self.counts.shares(row["quantity"], lot.security, row["opened"], sale.closed)
                if is_held(shares):
                    yield lot, shares

    def security_sold(self, ticker: str, day: date, position: int | None = None) -> str:
        """Return the name of the security that a sale of `ticker`, or of one `position` in it, on `day` means.

        That is the one held that has the ticker that day, had it before, or was bought under it. Raises PositionRefused
        when several are held.
        """
        present = under_security(pl.DataFrame({"ticker": [ticker], "day": [day]}), "day", self._listed)["ticker"].item()
        began = pl.col("first_day").is_null() | (pl.col("first_day") <= day)
        had = {present, *self._listed.filter(pl.col("ticker") == ticker, began)["composite_figi"]}
        meant = [
            lot
            for lot in self._lots.values()
            if lot.is_held and lot.row["opened"] <= day and (lot.row["ticker"] == ticker or lot.security in had)
        ]
        chosen = [lot for lot in meant if position is None or lot.row["position"] == position]
        securities = {lot.security for lot in chosen}
        if len(securities) > 1:
            numbers = ", ".join(str(lot.row["position"]) for lot in chosen)
            raise PositionRefused(
                f"{ticker} was the ticker of several securities, and more than one is held (positions {numbers}).",
                remedy="Say which one is sold with --position.",
            )
        return securities.pop() if securities else present

    def sell(self, sale: SaleEntry) -> list[Row]:
        """Apply a sale, and return the rows that it changes and the part that it splits off."""
        lots = list(self.available(sale))
        available = sum(shares for _, shares in lots)
        quantity = available if sale.quantity is None else sale.quantity
        if is_more(quantity, available):
            self.oversold.append(Oversold(sale.ticker, sale.closed, quantity, available))
        taken = list(_taken(lots, min(quantity, available)))
        sold = sum(shares for _, _, shares in taken)
        return [
            row
            for lot, held, shares in taken
            for row in self._sell_from(lot, sale, shares, held, sale.commission * shares / sold)
        ]

    def term(self, position: int, name: str, since: date) -> tuple[float | None, date]:
        """Return the stop or target of a position on the shares of a session, and the session it was typed on."""
        return self._term(self._lots[position], name, since)

    def numbered(self, position: int) -> Lot:
        """Return the position with a number that exists."""
        return self._lots[position]

    def _term(self, lot: Lot, name: str, since: date) -> tuple[float | None, date]:
        if name not in lot.typed:
            return None, since
        value, typed_on = lot.typed[name]
        return self.counts.price(value, lot.security, typed_on, since), typed_on

    def _sell_from(self, lot: Lot, sale: SaleEntry, shares: float, held: float, commission: float) -> list[Row]:
        """Sell `shares` of the `held` ones, both of the day of the sale, and return the changed rows."""
        row = lot.row
        closing = {"closed": sale.closed, "closing_price": sale.price, "closing_commission": commission}
        quantity = self.counts.shares(shares, lot.security, sale.closed, row["opened"])
        if sale.part is not None:
            self._sold_last[sale.part] = lot
        if sale.part is None or not is_more(held, shares):
            lot.row = row | closing | {"event": "closed"}
            return [lot.row]
        share = quantity / row["quantity"]
        own = {"position": sale.part, "revision": 1, "event": "closed", "split_off_from": row["position"]}
        own |= {"quantity": quantity, "commission": row["commission"] * share}
        part = Lot(row | closing | own, lot.security, lot.typed)
        self._lots[sale.part] = part
        rest = {
            "quantity": exact(row["quantity"] - quantity, row["quantity"]),
            "commission": row["commission"] * (1 - share),
        }
        lot.row = row | {"event": "reduced"} | rest
        return [lot.row, part.row]

    def _enter(self, rows: list[Row], recorded: set[int]) -> None:
        closing = [row for row in rows if row["event"] == "closed"]
        if closing:
            self.sell(_sale(closing, self._security(closing[0])))
        for row in rows:
            if row["event"] == "opened":
                typed = {name: (row[name], row["opened"]) for name in TERMS if row[name] is not None}
                self._lots[row["position"]] = Lot(row, self._security(row), typed)
            elif row["event"] == "changed":
                self._change(self._lots[row["position"]], row)
            elif row["event"] == "removed":
                self._remove(row["position"], recorded)
            if row["position"] in self._lots:
                lot = self._lots[row["position"]]
                lot.row = lot.row | {name: row[name] for name in ("revision", "recorded_at", *ENTRY)}
                lot.revisions.append(lot.row)

    def _security(self, row: Row) -> str:
        return self._securities[row["ticker"], row["opened"]]

    def _change(self, lot: Lot, row: Row) -> None:
        since = row["terms_from"]
        own: Row = {}
        for name in TERMS:
            if row[name] is None:
                lot.typed = {other: typed for other, typed in lot.typed.items() if other != name}
            elif is_set_on(row, name):
                lot.typed = lot.typed | {name: (row[name], since)}
            own[name], own[f"{name}_from"] = self._term(lot, name, since)
        event = "changed" if lot.is_held else lot.row["event"]
        own |= {"event": event, "terms_from": since} | {name: row[name] for name in ("note", "do_not_reduce")}
        lot.row = lot.row | own

    def _remove(self, position: int, recorded: set[int]) -> None:
        # A part that no longer exists was the whole of the last position that its sale reached.
        lot = self._lots.get(position) or self._sold_last.get(position)
        if lot is not None:
            lot.row = lot.row | {"event": "removed"}
        # A part that did not exist when its position was removed was meant to be removed too.
        for other in self._lots.values():
            if other.row["split_off_from"] == position and other.row["position"] not in recorded:
                other.row = other.row | {"event": "removed"}

    @staticmethod
    def _told(lot: Lot) -> list[Row]:
        if not lot.revisions:
            return [lot.row]
        # The newest revision is in force, and includes the effect of later sales.
        return [*lot.revisions[:-1], lot.row]


def _taken(lots: Iterable[tuple[Lot, float]], quantity: float) -> Iterator[tuple[Lot, float, float]]:
    """Yield what a sale of `quantity` shares takes of `lots`, in order: the lot, its shares, and those taken."""
    left = quantity
    for lot, shares in lots:
        taken = min(left, shares)
        if is_held(taken):
            yield lot, shares, taken
        left = exact(left - taken, quantity)


ENTRY = ("entry", "sale_quantity", "sale_position", "sale_part")
"""Columns for the command that recorded a row, and for its sale as typed."""


def _sale(closing: list[Row], security: str) -> SaleEntry:
    """Return the sale of `security` that closed these rows."""
    row = closing[0]
    return SaleEntry(
        ticker=row["ticker"],
        security=security,
        closed=row["closed"],
        price=row["closing_price"],
        commission=sum(part["closing_commission"] for part in closing),
        quantity=row["sale_quantity"],
        position=row["sale_position"],
        part=row["sale_part"],
    )
