"""Rows of the lake as items of a ticker's page, and grouped by ticker."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

import polars as pl

Item = TypeVar("Item")


@dataclass(frozen=True)
class Contribution:
    """One factor's part in the score."""

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
        """Return the place in a row of `stocks/candidates`."""
        return cls(
            model=row["model"],
            version=row["model_version"],
            rank=row["rank"],
            passed=row["passed"],
            score=row["score"],
            contributions=tuple(Contribution(**contribution) for contribution in row["contributions"]),
            reasons=tuple(row["reasons"]),
        )

    @property
    def largest(self) -> float:
        """Return the contribution furthest from 0, by which the bars are scaled."""
        return max((abs(factor.contribution) for factor in self.contributions), default=0.0)


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
        """Return the place in a row of `stocks/candidates`."""
        return cls(*(row[name] for name in ("session", "model", "rank", "score", "close")))


@dataclass(frozen=True)
class Split:
    """`split_from` old shares became `split_to` new ones before `session` opened."""

    session: date
    split_from: float
    split_to: float

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Split:
        """Return the split in a row of `reference/splits`."""
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
        """Return the trade in a row."""
        return cls(*(row[name] for name in ("session", "side", "quantity", "price")))


@dataclass(frozen=True)
class Signal:
    """A reason to sell the holding."""

    rule: str
    severity: str
    reasons: tuple[str, ...]

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Signal:
        """Return the reason in a row of `portfolio/signals`."""
        return cls(row["rule"], row["severity"], tuple(row["reasons"]))


def items_by_ticker(frame: pl.DataFrame | None, build: Callable[[Mapping[str, Any]], Item]) -> dict[str, list[Item]]:
    """Return the items of each ticker, built by `build` from its rows in order; empty without a frame."""
    grouped: dict[str, list[Item]] = {}
    for row in () if frame is None else frame.iter_rows(named=True):
        grouped.setdefault(row["ticker"], []).append(build(row))
    return grouped


def row_by_ticker(frame: pl.DataFrame | None) -> dict[str, Mapping[str, Any]]:
    """Return the first row of each ticker; empty without a frame."""
    grouped: dict[str, Mapping[str, Any]] = {}
    for row in () if frame is None else frame.iter_rows(named=True):
        grouped.setdefault(row["ticker"], row)
    return grouped
