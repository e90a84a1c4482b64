"""What is declared for a market: its indicators, models and sell rules, checked together. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from pipeline.contracts.bars import DailyBar
from pipeline.contracts.indicators import IndicatorColumn, require_own_names
from pipeline.errors import ModelError
from pipeline.market.indicators import Indicator
from pipeline.market.portfolio.sell.rule import Rule, columns_of_rules
from pipeline.market.screen.model import OF_MINUTES, Model


@dataclass(frozen=True, eq=False)
class Declarations:
    """The indicators, models and sell rules in force, each in the order of the tables and pages.

    Raises IndicatorError when two columns share a name, ModelError when two models or rules do, or when one uses a
    column that does not exist.
    """

    indicators: tuple[Indicator, ...]
    models: tuple[Model, ...]
    rules: tuple[Rule, ...]
    files: Mapping[str, str] = field(default_factory=dict)
    """Name of a column, model or rule to the user's files behind it: a line each, with its name and SHA-256.

    Those that are shipped have none."""

    def __post_init__(self) -> None:
        names = [column.name for column in self.columns]
        require_own_names(names)
        _require_distinct("models", (model.name for model in self.models))
        _require_distinct("rules", (rule.name for rule in self.rules))
        of_a_day = tuple(dict.fromkeys((*DailyBar.to_schema().columns, *names, *OF_MINUTES)))
        for model in self.models:
            model.require_known_columns(of_a_day)
        for rule in self.rules:
            rule.require_known_columns(columns_of_rules(names))

    @cached_property
    def columns(self) -> tuple[IndicatorColumn, ...]:
        """Return the columns of all indicators, in order."""
        return tuple(column for indicator in self.indicators for column in indicator.columns)

    @cached_property
    def lookback(self) -> int:
        """Return how many sessions the window of a bar has, its own included.

        It is the longest look-back of an indicator: a value depends on the ticker's bars in these sessions only.
        """
        return max(indicator.lookback for indicator in self.indicators)


def joined(
    declarations: Declarations,
    indicators: Sequence[Indicator],
    models: Sequence[Model],
    rules: Sequence[Rule],
    files: Mapping[str, str],
) -> Declarations:
    """Return `declarations` with more behind them, declared in `files`. Raises as `Declarations` does."""
    return Declarations(
        (*declarations.indicators, *indicators),
        (*declarations.models, *models),
        (*declarations.rules, *rules),
        {**declarations.files, **files},
    )


def _require_distinct(what: str, names: Iterable[str]) -> None:
    repeated = sorted(name for name, times in Counter(names).items() if times > 1)
    if repeated:
        raise ModelError(f"Several {what} are named {', '.join(repeated)}.", remedy="Give each its own name.")
