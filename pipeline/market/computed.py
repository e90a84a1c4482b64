"""Fingerprints of the code that computes each table: of each declaration, and of what all rows share. Pure.

A table that is not listed here is not computed but imported, or its rows are text only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial

from pipeline.contracts.minutes import INTRADAY_FEATURES
from pipeline.contracts.outcomes import CANDIDATE_OUTCOMES, MODEL_SCORES, SESSION_SCORES
from pipeline.contracts.portfolio import POSITION_MARKS, SIGNALS
from pipeline.contracts.table import Table
from pipeline.market.fingerprint import fingerprint
from pipeline.market.known_events import APPLIED_SPLITS, TOLD_DIVIDENDS, TOLD_SPLITS, KnownEvents
from pipeline.market.market import Market
from pipeline.market.minutes.features import close_before, intraday_features
from pipeline.market.portfolio.book import settled
from pipeline.market.portfolio.positions import held_between, position_marks
from pipeline.market.portfolio.sell.signals import sell_signals
from pipeline.market.prices.doubts import LOOKBACK as DOUBTS_LOOKBACK
from pipeline.market.prices.doubts import price_doubts
from pipeline.market.prices.point_in_time import point_in_time_indicators
from pipeline.market.scorekeeping.days_in_doubt import days_in_doubt
from pipeline.market.scorekeeping.evaluation import monthly_scores, session_scores
from pipeline.market.scorekeeping.outcomes import aftermath, candidate_outcomes, forward_returns
from pipeline.market.screen.known import with_known, with_minutes
from pipeline.market.screen.rank import ranked, scores
from pipeline.market.securities.listings import listings
from pipeline.market.securities.reference import applicable_dividends, applicable_splits

SHARED = "*"
"""The part of a table's fingerprints that covers the code behind all its rows."""

FILE = "file "
"""Begin of the parts that name a user's file, with its SHA-256: they say whose code it was, and are not compared."""

BY_NAME_ONLY = ("INDICATORS", "MODELS", "RULES", "US_STOCKS")
"""Names in shared code that count by name only: declarations have fingerprints of their own, and the exchange's days
and hours are data that grow by years."""


@dataclass(frozen=True)
class Computation:
    """What computes a table, in words and code."""

    shared_words: str
    """What the shared code does, as the subject of "… changed"."""
    shared: tuple[Callable[..., object], ...]
    """The functions that compute all rows."""
    kind: str = ""
    """What one of its declarations is called."""
    declared: Callable[[], Mapping[str, str]] = dict
    """Returns the fingerprints of its declarations by name."""
    window: int = 0
    """Sessions of bars that a row is computed from, its own included; 0 where bars come through another table."""
    events: Mapping[KnownEvents, int] = field(default_factory=dict)
    """The events that a row of the same ticker is computed from, each with the sessions that its reach spans. Those
    that all rows of a session are computed from are in `outdated_reference`."""
    follows_renames: bool = False
    """Whether its windows hold a security's bars and splits from under its former tickers."""
    looks_back: Mapping[Table, int] = field(default_factory=dict)
    """Computed tables of which a row needs earlier sessions, with how many, its own included; 1 for all others."""

    @property
    def fingerprints(self) -> dict[str, str]:
        """Return the fingerprints of all parts by name."""
        return {SHARED: fingerprint(*self.shared, leave=BY_NAME_ONLY), **self.declared()}


def _indicators(market: Market) -> dict[str, str]:
    """Return the fingerprint of each indicator's column."""
    by_indicator = (indicator.fingerprints(market.lookback) for indicator in market.declarations.indicators)
    return {column: hash_ for columns in by_indicator for column, hash_ in columns.items()}


def _models(market: Market) -> dict[str, str]:
    return {model.name: fingerprint(model) for model in market.models}


def _rules(market: Market) -> dict[str, str]:
    return {rule.name: fingerprint(rule) for rule in market.rules}


_RANKING = (scores, with_known, with_minutes, listings)
_VALUING = (settled, held_between, position_marks, applicable_splits, applicable_dividends, listings)
_HINDSIGHT = (*_RANKING, aftermath, forward_returns, days_in_doubt, applicable_splits, applicable_dividends)


@cache
def computations(market: Market) -> Mapping[Table, Computation]:
    """Return what computes each table of `market`, each after the tables it is computed from."""
    indicators, models, rules = (partial(parts, market) for parts in (_indicators, _models, _rules))
    return {
        market.indicators: Computation(
            "how every indicator is computed",
            (point_in_time_indicators, applicable_splits, listings),
            "indicator",
            indicators,
            window=market.lookback,
            events={APPLIED_SPLITS: market.lookback},
            follows_renames=True,
        ),
        INTRADAY_FEATURES: Computation(
            "how minutes are summed up", (intraday_features, close_before, applicable_splits)
        ),
        market.price_doubts: Computation(
            "how prices are held against splits and dividends",
            (price_doubts,),
            window=DOUBTS_LOOKBACK,
            # An event is held against the prices of its own day, too.
            events=dict.fromkeys((TOLD_SPLITS, TOLD_DIVIDENDS), DOUBTS_LOOKBACK + 1),
        ),
        market.candidates: Computation(
            "how every model ranks",
            (*_RANKING, ranked),
            "model",
            models,
            looks_back={market.price_doubts: market.lookback},
        ),
        POSITION_MARKS: Computation("how positions are valued", _VALUING),
        SIGNALS: Computation("how every rule is applied", (*_VALUING, sell_signals), "rule", rules),
        CANDIDATE_OUTCOMES: Computation(
            "how outcomes are measured",
            (*_HINDSIGHT, candidate_outcomes),
            "model",
            models,
            looks_back={market.price_doubts: market.lookback},
        ),
        SESSION_SCORES: Computation(
            "how lists are scored",
            (*_HINDSIGHT, session_scores),
            "model",
            models,
            looks_back={market.price_doubts: market.lookback},
        ),
        MODEL_SCORES: Computation("how scores are summed up", (monthly_scores,)),
    }


@cache
def computed_by(market: Market, table: Table) -> Mapping[str, str]:
    """Return the fingerprints of the code that computes a table now, by part; none for an imported table.

    The parts that begin with FILE name the user's files behind them.
    """
    computation = computations(market).get(table)
    if computation is None:
        return {}
    parts = computation.fingerprints
    files = market.declarations.files
    lines = {line for part in parts if part in files for line in files[part].splitlines()}
    return parts | {f"{FILE}{name}": hash_ for name, hash_ in sorted(line.split() for line in lines)}


def code_version(market: Market, table: Table) -> str | None:
    """Return one fingerprint of all code that computes a table; None for an imported table."""
    return version_of(computed_by(market, table))


def version_of(parts: Mapping[str, str]) -> str | None:
    """Return one fingerprint of all `parts` but the files they come from; None when there are none."""
    compared = sorted((part, hash_) for part, hash_ in parts.items() if not part.startswith(FILE))
    return fingerprint(compared) if compared else None
