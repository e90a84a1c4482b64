"""Stops and peaks through splits and dividends, day by day, and the dividends that lowered them. Pure.

FINRA Rule 5330 ("Adjustment of Orders"): before a stock trades ex-dividend, an open stop order to sell is reduced by
the dividend, and the result is rounded down to the cent. A dividend below a cent reduces nothing, and neither does one
whose order is marked "do not reduce". Orders to sell at a higher price, our targets, stay. The peak of a trailing stop
is lowered like a stop. Splits and dividends count in the order of their days; of one day, the split comes first, since
a dividend is paid on the shares of its ex-date.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import polars as pl

from pipeline.market.prices.exact import down_to_the_cent, exact
from pipeline.market.prices.splits import RATIO, require_sound

LEAST_DIVIDEND = 0.01
"""USD a share: a smaller dividend reduces no order."""

TERMS = ("stop", "target")
"""Prices to sell at that the user sets."""

LOWERED = ("stop", "peak")
"""What dividends lower."""

NO_DIVIDENDS = pl.DataFrame(schema={"ticker": pl.String, "ex_dividend_date": pl.Date, "cash_amount": pl.Float64})

Row = dict[str, Any]


@dataclass(frozen=True)
class Split:
    """`split_from` old shares become `split_to` new ones before `day` opens."""

    day: date
    split_from: float
    split_to: float


@dataclass(frozen=True)
class Dividend:
    """Cash of `amount` USD a share, without which the stock trades from `day` on."""

    day: date
    amount: float


Action = Split | Dividend


class Actions:
    """The splits and dividends of each ticker, in their order."""

    def __init__(self, splits: pl.DataFrame, dividends: pl.DataFrame) -> None:
        """Take splits and dividends as `position_marks` does. Raises ContractBroken as it does."""
        self._actions: dict[str, list[Action]] = {}
        for ticker, *split in require_sound(splits, "execution_date", RATIO).iter_rows():
            self._actions.setdefault(ticker, []).append(Split(*split))
        paid = dividends.select("ticker", "ex_dividend_date", "cash_amount").sort("ex_dividend_date", "cash_amount")
        for ticker, *dividend in paid.filter(pl.col("cash_amount") >= LEAST_DIVIDEND).iter_rows():
            self._actions.setdefault(ticker, []).append(Dividend(*dividend))
        for actions in self._actions.values():
            # A stable sort keeps a split, which was entered first, before the dividend of its day.
            actions.sort(key=lambda action: action.day)

    def between(self, ticker: str, since: date, until: date) -> Iterator[Action]:
        """Yield those after the day `since`, up to the day `until`."""
        return (action for action in self._actions.get(ticker, ()) if since < action.day <= until)


@dataclass(frozen=True)
class Price:
    """A price moved by splits: the sides of their ratios are collected, so that it is rounded once."""

    price: float
    split_from: float = 1.0
    split_to: float = 1.0

    def after(self, split: Split) -> Price:
        """Return it on the shares after a split."""
        return Price(self.price, self.split_from * split.split_from, self.split_to * split.split_to)

    @property
    def usd(self) -> float:
        """Return it on the newest shares, in USD."""
        return exact(self.price * self.split_from / self.split_to)


NOTHING = Price(0.0)


@dataclass(frozen=True)
class Level:
    """A stop or peak on the shares of a day, and how dividends lowered it. 0 or below when they exceed it."""

    price: Price
    before: Price
    """What it would be without dividends."""
    dividends: int = 0
    """How many dividends lowered it."""
    amount: Price = NOTHING
    """Their sum."""
    lowered_on: date | None = None
    """The newest of their ex-dates."""

    @classmethod
    def of(cls, price: float) -> Level:
        """Return the level of a price as it was set or reached."""
        return cls(Price(price), Price(price))

    def after(self, action: Action) -> Level:
        """Return it after a split, or after a dividend that lowers it."""
        if isinstance(action, Split):
            price, before, amount = (one.after(action) for one in (self.price, self.before, self.amount))
            return replace(self, price=price, before=before, amount=amount)
        return Level(
            Price(down_to_the_cent(self.price.usd - action.amount)),
            self.before,
            self.dividends + 1,
            Price(exact(self.amount.usd + action.amount)),
            action.day,
        )

    def columns(self, name: str) -> Row:
        """Return it as the columns of a mark that `level_columns` names; a price that is not above 0 is null."""
        price = self.price.usd
        values: tuple[Any, ...] = (price if price > 0 else None,)
        if name in LOWERED and self.dividends:
            values += (self.before.usd, self.dividends, self.amount.usd, self.lowered_on)
        return dict(zip(level_columns(name), values, strict=False))


def level_columns(name: str) -> dict[str, Any]:
    """Return the columns of a mark for the level `name` with their types: what it is, and how dividends lowered it."""
    price = {name: pl.Float64}
    if name not in LOWERED:
        return price
    return price | {
        f"{name}_before_dividends": pl.Float64,
        f"{name}_dividends": pl.Int32,
        f"{name}_lowered_by": pl.Float64,
        f"{name}_lowered_on": pl.Date,
    }


class TermHistory:
    """The stop, target and orders of one position through time."""

    def __init__(self, rows: Sequence[Row]) -> None:
        """Take the rows of a position, one for each session from which some terms hold, in order."""
        self._rows = rows

    def moving(self, level: str, actions: Iterable[Action]) -> Iterator[Action]:
        """Yield those of `actions` that move a stop, target or peak: every split, and the dividends that lower it."""
        for action in actions:
            if isinstance(action, Split) or (level in LOWERED and self._is_reduced_on(action.day)):
                yield action

    def _is_reduced_on(self, day: date) -> bool:
        """Return whether its orders are reduced by a dividend with that ex-date."""
        in_force = [row for row in self._rows if row["terms_from"] <= day]
        return not (in_force and in_force[-1]["do_not_reduce"])

    def levels(self, term: str, actions: Actions, until: date) -> dict[date, Level | None]:
        """Return the stop or target from each day on which it changed, up to the day `until`; None for no such term.

        What was set for a day is on the shares of that day, and the dividend of that ex-date is in it already.
        """
        levels: dict[date, Level | None] = {}
        level: Level | None = None
        rows = [row for row in self._rows if row["terms_from"] <= until]
        ends = [*(row["terms_from"] for row in rows[1:]), until]
        for row, end in zip(rows, ends, strict=False):
            day: date = row["terms_from"]
            if is_set_on(row, term):
                level = None if row[term] is None else Level.of(row[term])
            levels[day] = level
            for action in self.moving(term, actions.between(row["ticker"], day, end)):
                level = level and level.after(action)
                levels[action.day] = level
        return levels

    def price(self, term: str, actions: Actions, day: date) -> float | None:
        """Return the stop or target in force on a day, on its shares; None when there is none."""
        levels = list(self.levels(term, actions, day).values())
        return levels[-1].columns(term)[term] if levels and levels[-1] else None


def term_histories(history: pl.DataFrame) -> dict[int, TermHistory]:
    """Return the terms of each position in `history` (rows of `portfolio/positions`), by its number."""
    # Of the rows with terms from the same session, the newest holds.
    newest = history.sort("revision").unique(["position", "terms_from"], keep="last", maintain_order=True)
    rows: dict[int, list[Row]] = {}
    for row in newest.sort("terms_from", maintain_order=True).iter_rows(named=True):
        rows.setdefault(row["position"], []).append(row)
    return {position: TermHistory(own) for position, own in rows.items()}


def is_set_on(row: Row, term: str) -> bool:
    """Return whether the user set (or dropped) a stop or target with this row, rather than leave it as it was."""
    return row[term] is None or row[f"{term}_from"] in {None, row["terms_from"]}
