"""What a model is: a universe, weighted factors, and how many to list; each checked when it is declared."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from pipeline.contracts.minutes import INTRADAY_FEATURES
from pipeline.errors import ModelError
from pipeline.market.fingerprint import WORDS, Place, here
from pipeline.market.screen.wording import WORDING_COLUMNS

SNAKE_CASE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")

OF_MINUTES = tuple(name for name in INTRADAY_FEATURES.columns if name not in INTRADAY_FEATURES.key)
"""Columns from the session's minutes. A model that uses them ranks only tickers that have minutes."""

HAS_MINUTES = "premarket_volume"
"""The column of OF_MINUTES that every ticker with a minute has."""


@dataclass(frozen=True)
class Universe:
    """Which tickers may be ranked. A ticker without a value that a filter needs does not pass.

    Exchange test symbols are always left out, and so are tickers with a split in doubt in the look-back, whose prices
    cannot be compared.
    """

    min_price: float = 5.0
    """Lowest close, USD."""
    min_dollar_volume: float = 5_000_000.0
    """Lowest median of close × volume over 20 days, USD."""
    min_bars: int = 253
    """Fewest bars of history; a return over 252 days needs 253."""
    security_types: tuple[str, ...] = ("CS", "ADRC")
    """Accepted types, by the vendor's codes; none means every type. A ticker of unknown type passes."""
    conditions: tuple[pl.Expr, ...] = ()
    """Further conditions on a day's columns, all of which must hold."""
    written: Place | None = field(default_factory=here, init=False, repr=False, compare=False)


@dataclass(frozen=True, eq=False)
class Factor:
    """A number by which a session's tickers are compared, and the sentences for tickers that stand out.

    The sentences begin in lower case (they may follow "But"), and may use VALUE, ABOVE and BELOW of `wording`.
    """

    name: str
    value: pl.Expr
    """Computed from columns of the same ticker and session."""
    high: pl.Expr = field(metadata=WORDS)
    """Sentence for a value above the session's average."""
    low: pl.Expr = field(metadata=WORDS)
    """Sentence for a value below the session's average."""
    written: Place | None = field(default_factory=here, init=False, repr=False)

    def __post_init__(self) -> None:
        _require_snake_case("factor", self.name)


@dataclass(frozen=True)
class Model:
    """A named, versioned way to rank a session's tickers. Raise the version whenever a declaration changes."""

    name: str
    version: int
    description: str = field(metadata=WORDS)
    universe: Universe
    factors: tuple[tuple[Factor, float], ...]
    """Each factor with its weight; a negative weight prefers low values."""
    top: int = 20
    """How many tickers to list."""
    winsorize: float = 0.01
    """Share of values clipped in each tail before z-scores."""

    def __post_init__(self) -> None:
        _require_snake_case("model", self.name)
        if self.version < 1:
            raise ModelError(f"Model {self.name} has version {self.version}.", remedy="Count versions from 1.")
        if self.top < 1:
            raise ModelError(f"Model {self.name} lists {self.top} tickers.", remedy="Let `top` be 1 or more.")
        if not 0 <= self.winsorize < 0.5:
            raise ModelError(
                f"Model {self.name} clips {self.winsorize:g} of each tail.",
                remedy="Let `winsorize` be 0 or more, and below 0.5.",
            )
        self._require_sound_factors()

    def _require_sound_factors(self) -> None:
        if not self.factors:
            raise ModelError(f"Model {self.name} has no factor.", remedy="Give it at least one factor and weight.")
        names = [factor.name for factor, _ in self.factors]
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            raise ModelError(
                f"Model {self.name} has more than one factor named {', '.join(repeated)}.",
                remedy="Give each factor of a model its own name.",
            )
        for factor, weight in self.factors:
            if weight == 0 or not math.isfinite(weight):
                raise ModelError(
                    f"Factor {factor.name} of model {self.name} has weight {weight:g}.",
                    remedy="Give it a finite weight other than 0, or leave it out.",
                )

    def require_known_columns(self, available: Sequence[str]) -> None:
        """Return if its expressions use only columns that a day has. Raises ModelError."""
        for condition in self.universe.conditions:
            _require_known_columns(f"A condition of the universe of {self.name}", condition, available)
        for factor, _ in self.factors:
            _require_known_columns(f"Factor {factor.name}", factor.value, available)
            for sentence in (factor.high, factor.low):
                _require_known_columns(f"A sentence of factor {factor.name}", sentence, (*available, *WORDING_COLUMNS))

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the columns a day must have for this model."""
        expressions = list(self.universe.conditions)
        for factor, _ in self.factors:
            expressions += [factor.value, factor.high, factor.low]
        used = {name for expression in expressions for name in expression.meta.root_names()}
        always = {"ticker", "session", "close", "dollar_volume_20", "bars"}
        if used & set(OF_MINUTES):
            always.add(HAS_MINUTES)
        return tuple(sorted(always | used - set(WORDING_COLUMNS)))

    @property
    def needs_minutes(self) -> bool:
        """Return whether the model uses columns from the session's minutes."""
        return HAS_MINUTES in self.columns


def _require_snake_case(kind: str, name: str) -> None:
    if not SNAKE_CASE.fullmatch(name):
        raise ModelError(f"{name!r} is no name for a {kind}.", remedy="Write it in snake_case, such as `momentum_60`.")


def _require_known_columns(subject: str, expression: pl.Expr, available: Sequence[str]) -> None:
    unknown = sorted(set(expression.meta.root_names()) - set(available))
    if unknown:
        raise ModelError(
            f"{subject} uses {', '.join(unknown)}, which a day does not have.",
            remedy=f"Available are: {', '.join(available)}.",
        )
