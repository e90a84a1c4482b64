"""The page of all sessions that have pages: the best of each model's list, newest first."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from pipeline.reports.frames import require_columns

COLUMNS = ("session", "model", "rank", "ticker", "score", "scanned", "passed")


@dataclass(frozen=True)
class Best:
    """A model's list of a session: its counts and its first ticker."""

    kept: int
    passed: int
    scanned: int
    ticker: str
    """The first on the list."""
    score: float


@dataclass(frozen=True)
class SessionRow:
    """A session and each model's list; None where a model listed no ticker."""

    session: date
    lists: tuple[Best | None, ...]
    """In the order of the page's models."""


@dataclass(frozen=True)
class IndexPage:
    """The content of the page of all sessions."""

    models: tuple[str, ...]
    rows: tuple[SessionRow, ...]
    """Newest first."""


def index_page(listed: pl.DataFrame, sessions: Collection[date], models: Sequence[str] = ()) -> IndexPage:
    """Return the index of `sessions` (those that have pages).

    `listed` are rows of `stocks/candidates` with COLUMNS; `models` come first, in order, then others by name.
    Raises ContractBroken when a column is missing.
    """
    require_columns(listed, COLUMNS, "the rows of the lists")
    shown = listed.filter(pl.col("session").is_in(list(sessions)))
    first = shown.sort("rank").group_by("session", "model", maintain_order=True)
    best = first.agg(pl.len().alias("kept"), pl.col("passed", "scanned", "ticker", "score").first())
    names = tuple(dict.fromkeys([*models, *best["model"].unique().sort()]))
    by_list = {(row["session"], row["model"]): _best(row) for row in best.iter_rows(named=True)}
    rows = (
        SessionRow(session, tuple(by_list.get((session, name)) for name in names))
        for session in sorted(sessions, reverse=True)
    )
    return IndexPage(names, tuple(rows))


def _best(row: Mapping[str, Any]) -> Best:
    return Best(row["kept"], row["passed"], row["scanned"], row["ticker"], row["score"])
