"""What rows of the lake say of a ticker, in the words of its page, and those of all tickers at once by ticker."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

import polars as pl

Made = TypeVar("Made")


@dataclass(frozen=True)
class Contribution:
    """What one factor added to the score."""

    factor: str
    value: float | None
    zscore: float
    weight: float
    contribution: float


@dataclass(frozen=True)
class Listing:
    """The ticker's place on a model's list of the session."""

    model: str
    version: int
    rank: int
    passed: int
    score: float
    contributions: tuple[Contribution, ...]
    reasons: tuple[str, ...]

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Listing:
        """Return the place that a row of `stocks/candidates` tells of."""
        return cls(
            model=row["model"],
            version=row["model_version"],
            rank=row["rank"],
            passed=row["passed"],
            score=row["score"],
            contributions=tuple(Contribution(**one) for one in row["contributions"]),
            reasons=tuple(row["reasons"]),
        )

    @property
    def largest(self) -> float:
        """Return the contribution furthest from 0, by which the bars are scaled."""
        return max((abs(one.contribution) for one in self.contributions), default=0.0)


@dataclass(frozen=True)
class PastListing:
    """The ticker's place on a list."""

    session: date
    model: str
    rank: int
    score: float
    close: float
    """As traded."""

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> PastListing:
        """Return the place that a row of `stocks/candidates` tells of."""
        return cls(*(row[name] for name in ("session", "model", "rank", "score", "close")))


@dataclass(frozen=True)
class Split:
    """`split_from` old shares became `split_to` new ones before `session` opened."""

    session: date
    split_from: float
    split_to: float

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Split:
        """Return the split that a row of `reference/splits` tells of."""
        return cls(*(row[name] for name in ("execution_date", "split_from", "split_to")))


@dataclass(frozen=True)
class Trade:
    """An entry or exit of a position."""

    session: date
    side: str
    quantity: float
    price: float

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Trade:
        """Return the trade that a row tells of."""
        return cls(*(row[name] for name in ("session", "side", "quantity", "price")))


@dataclass(frozen=True)
class Signal:
    """A reason to sell the holding."""

    rule: str
    severity: str
    reasons: tuple[str, ...]

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Signal:
        """Return the reason that a row of `portfolio/signals` tells of."""
        return cls(row["rule"], row["severity"], tuple(row["reasons"]))


def all_by_ticker(frame: pl.DataFrame | None, made: Callable[[Mapping[str, Any]], Made]) -> dict[str, list[Made]]:
    """Return what is `made` of the rows of each ticker, in their order; nothing when there is no frame."""
    by: dict[str, list[Made]] = {}
    for row in () if frame is None else frame.iter_rows(named=True):
        by.setdefault(row["ticker"], []).append(made(row))
    return by


def one_by_ticker(frame: pl.DataFrame | None) -> dict[str, Mapping[str, Any]]:
    """Return the row of each ticker, the first where there are several; nothing when there is no frame."""
    by: dict[str, Mapping[str, Any]] = {}
    for row in () if frame is None else frame.iter_rows(named=True):
        by.setdefault(row["ticker"], row)
    return by
