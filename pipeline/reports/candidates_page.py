"""The page of a session's candidates: each model's list, what is new and gone, and what to sell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from pipeline.contracts.candidates import CANDIDATES
from pipeline.market.screen.model import Model
from pipeline.reports.figures import distance, rsi_shown
from pipeline.reports.frames import by_ticker, require_columns
from pipeline.reports.sparkline import Sparkline, sparkline

INDICATORS_SHOWN = ("return_1", "rsi_14", "macd_histogram", "sma_20", "sma_200", "dollar_volume_20")
"""Columns of `stocks/indicators` that the table of candidates shows."""

SPARKLINE_SESSIONS = 60


@dataclass(frozen=True, eq=False)
class CandidateTables:
    """The frames for a candidates page."""

    listed: pl.DataFrame
    """Rows of `stocks/candidates` of the session, with INDICATORS_SHOWN of the same ticker and session."""
    closes: pl.DataFrame
    """`ticker`, `session`, `close` on one basis, up to the session; the last 60 of each ticker are drawn."""
    basis: str
    """The basis of the prices of `closes`, such as "USD, adjusted for splits to 2024-06-28"."""
    before: pl.DataFrame | None = None
    """`model`, `ticker`, `rank` of the session before; None when it was not ranked or is unknown."""
    signals: pl.DataFrame | None = None
    """Sell signals of holdings: `ticker`, `rule`, `severity`, `reasons`; None when there is no book of positions."""
    securities: pl.DataFrame | None = None
    """`ticker` and `name`, one row per ticker."""


@dataclass(frozen=True)
class Around:
    """The sessions before and after that have a page."""

    previous: date | None = None
    following: date | None = None


UNKNOWN = Around()


@dataclass(frozen=True)
class CandidateRow:
    """One candidate of a model."""

    rank: int
    ticker: str
    name: str | None
    score: float
    close: float
    change: float | None
    """Since the session before, as a share."""
    sparkline: Sparkline
    rsi: float | None
    macd_histogram: float | None
    to_sma_20: float | None
    """close ÷ average − 1."""
    to_sma_200: float | None
    dollar_volume: float | None
    reasons: tuple[str, ...]
    is_new: bool


@dataclass(frozen=True)
class Dropped:
    """A ticker that was on the list of the session before."""

    ticker: str
    rank: int
    """Its rank then."""


@dataclass(frozen=True)
class ModelList:
    """The list of one model."""

    model: str
    version: int | None
    description: str | None
    scanned: int | None
    passed: int | None
    """Tickers that passed the filters; None for an empty list, whose counts are not stored."""
    left_out: tuple[str, ...]
    """Tickers that passed every other filter and are not ranked, since prices are in doubt, each with the reason."""
    rows: tuple[CandidateRow, ...]
    dropped: tuple[Dropped, ...] | None
    """None when the list of the session before is unknown."""

    @property
    def new(self) -> tuple[str, ...]:
        """Return the tickers that were not on the list of the session before."""
        return tuple(row.ticker for row in self.rows if row.is_new)

    @property
    def largest_score(self) -> float:
        """Return the score furthest from 0, by which the bars are scaled."""
        return max((abs(row.score) for row in self.rows), default=0.0)


@dataclass(frozen=True)
class SellSignal:
    """A reason to sell a holding."""

    ticker: str
    rule: str
    severity: str
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class CandidatesPage:
    """The content of a session's page."""

    session: date
    models: tuple[ModelList, ...]
    signals: tuple[SellSignal, ...] | None
    """None when there is no book of positions."""
    notices: tuple[str, ...]
    basis: str
    around: Around

    @property
    def tickers(self) -> tuple[str, ...]:
        """Return every ticker the page links to, each once: candidates in order, dropped tickers, then holdings."""
        listed = [row.ticker for model in self.models for row in model.rows]
        dropped = [entry.ticker for model in self.models for entry in model.dropped or ()]
        holdings = [signal.ticker for signal in self.signals or ()]
        return tuple(dict.fromkeys(listed + dropped + holdings))


def candidates_page(
    session: date,
    tables: CandidateTables,
    *,
    models: Sequence[Model],
    notices: Sequence[str] = (),
    around: Around = UNKNOWN,
) -> CandidatesPage:
    """Return the page of `session`: the lists of `models` in order, then of any other model in the tables, by name.

    A model without a row has an empty list. Raises ContractBroken when a frame lacks a column.
    """
    _require_sound(tables)
    listed = tables.listed.filter(pl.col("session") == session).sort("model", "rank")
    declared = {model.name: model for model in models}
    ranked = [listed["model"]] + ([] if tables.before is None else [tables.before["model"]])
    names = dict.fromkeys([*declared, *pl.concat(ranked).unique().sort()])
    shared = _Shared(
        scanned=listed["scanned"].max() if len(listed) else None,  # type: ignore[arg-type]
        closes=by_ticker(_latest(tables.closes, session)),
        names=_names(tables.securities),
    )
    return CandidatesPage(
        session=session,
        models=tuple(_list(name, declared.get(name), listed, tables.before, shared) for name in names),
        signals=None if tables.signals is None else tuple(map(_signal, tables.signals.iter_rows(named=True))),
        notices=tuple(notices),
        basis=tables.basis,
        around=around,
    )


@dataclass(frozen=True)
class _Shared:
    """Data shared by the lists of all models."""

    scanned: int | None
    closes: Mapping[str, pl.DataFrame]
    names: Mapping[str, str | None]


def _require_sound(tables: CandidateTables) -> None:
    require_columns(tables.listed, [*CANDIDATES.columns, *INDICATORS_SHOWN], "the rows of the list")
    require_columns(tables.closes, ["ticker", "session", "close"], "the closes")
    if tables.before is not None:
        require_columns(tables.before, ["model", "ticker", "rank"], "the rows of the list before")
    if tables.signals is not None:
        require_columns(tables.signals, ["ticker", "rule", "severity", "reasons"], "the sell signals")
    if tables.securities is not None:
        require_columns(tables.securities, ["ticker", "name"], "the securities")


def _latest(closes: pl.DataFrame, session: date) -> pl.DataFrame:
    """Return the last closes of each ticker up to `session`, oldest first."""
    up_to_session = closes.filter(pl.col("session") <= session).sort("ticker", "session")
    return up_to_session.group_by("ticker", maintain_order=True).tail(SPARKLINE_SESSIONS)


def _names(securities: pl.DataFrame | None) -> dict[str, str | None]:
    if securities is None:
        return {}
    return dict(securities.select("ticker", "name").iter_rows())


def _list(
    name: str, model: Model | None, listed: pl.DataFrame, before: pl.DataFrame | None, shared: _Shared
) -> ModelList:
    own = listed.filter(pl.col("model") == name)
    first = own.row(0, named=True) if len(own) else {}
    earlier = None if before is None else before.filter(pl.col("model") == name).sort("rank")
    earlier_tickers = None if earlier is None else set(earlier["ticker"])
    rows = tuple(_row(row, earlier_tickers, shared) for row in own.iter_rows(named=True))
    listed_now = {row.ticker for row in rows}
    return ModelList(
        model=name,
        version=first.get("model_version", model.version if model else None),
        description=model.description if model else None,
        scanned=shared.scanned,
        passed=first.get("passed"),
        left_out=tuple(first.get("left_out_reasons") or ()),
        rows=rows,
        dropped=None
        if earlier is None
        else tuple(
            Dropped(*gone) for gone in earlier.select("ticker", "rank").iter_rows() if gone[0] not in listed_now
        ),
    )


def _row(row: Mapping[str, Any], before: set[str] | None, shared: _Shared) -> CandidateRow:
    ticker, close = row["ticker"], row["close"]
    closes = shared.closes.get(ticker)
    return CandidateRow(
        rank=row["rank"],
        ticker=ticker,
        name=shared.names.get(ticker),
        score=row["score"],
        close=close,
        change=row["return_1"],
        sparkline=sparkline([] if closes is None else closes["close"].to_list()),
        rsi=rsi_shown(row["rsi_14"], close, row["sma_20"]),
        macd_histogram=row["macd_histogram"],
        to_sma_20=distance(close, row["sma_20"]),
        to_sma_200=distance(close, row["sma_200"]),
        dollar_volume=row["dollar_volume_20"],
        reasons=tuple(row["reasons"]),
        is_new=before is not None and ticker not in before,
    )


def _signal(row: Mapping[str, Any]) -> SellSignal:
    return SellSignal(row["ticker"], row["rule"], row["severity"], tuple(row["reasons"]))
