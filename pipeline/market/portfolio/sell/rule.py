"""What a sell rule is: a condition on a position and its session, checked when it is declared."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from pipeline.contracts.portfolio import POSITION_MARKS, SEVERITIES
from pipeline.errors import ModelError
from pipeline.market.fingerprint import WORDS, Place, here
from pipeline.market.screen.model import SNAKE_CASE

BAR = ("open", "high", "low")

BEFORE = "_before"
"""Ending of an indicator's column that holds its value at the ticker's bar before."""


def columns_of_rules(indicators: Sequence[str]) -> tuple[str, ...]:
    """Return what an expression of a rule may use: a position's mark, the bar and `indicators` of the session, and
    those of the bar before.

    All are on the share basis of the session, except that the indicators before are on that of their own session. On
    the session the position was opened, `high` and `low` are the close and `open` is null: prices before the purchase
    do not count. Without a bar all three are null, and so are the indicators.
    """
    return (*POSITION_MARKS.columns, *BAR, *indicators, *(f"{name}{BEFORE}" for name in indicators))


@dataclass(frozen=True, eq=False)
class Rule:
    """A named, versioned reason to sell. Raise the version whenever a declaration changes."""

    name: str
    version: int
    severity: str
    description: str = field(metadata=WORDS)
    condition: pl.Expr
    """Whether to sell; null is no."""
    value: pl.Expr
    """The number that the rule checks."""
    threshold: pl.Expr
    """The number it is compared with."""
    reasons: tuple[pl.Expr, ...] = field(metadata=WORDS)
    """Sentences; the first is always there, the others may be null."""
    written: Place | None = field(default_factory=here, init=False, repr=False)

    def __post_init__(self) -> None:
        if not SNAKE_CASE.fullmatch(self.name):
            raise ModelError(f"{self.name!r} is no name for a rule.", remedy="Write it in snake_case: `stop_hit`.")
        if self.version < 1:
            raise ModelError(f"Rule {self.name} has version {self.version}.", remedy="Count versions from 1.")
        if self.severity not in SEVERITIES:
            raise ModelError(
                f"Rule {self.name} has severity {self.severity!r}.", remedy=f"Choose one of {', '.join(SEVERITIES)}."
            )
        if not self.reasons:
            raise ModelError(f"Rule {self.name} gives no reason.", remedy="Give it at least one sentence.")

    def require_known_columns(self, available: Sequence[str]) -> None:
        """Return if its expressions use only columns that a position has. Raises ModelError."""
        expressions = (self.condition, self.value, self.threshold, *self.reasons)
        used = {name for expression in expressions for name in expression.meta.root_names()}
        unknown = sorted(used - set(available))
        if unknown:
            raise ModelError(
                f"Rule {self.name} uses {', '.join(unknown)}, which a position does not have.",
                remedy=f"Available are: {', '.join(available)}.",
            )
