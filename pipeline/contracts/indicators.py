"""`stocks/indicators`: indicators of every bar from the bars before it. Its columns are declared."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import pandera.polars as pa
import polars as pl

from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.minutes import INTRADAY_FEATURES
from pipeline.contracts.portfolio import POSITION_MARKS
from pipeline.contracts.precision import Precision
from pipeline.contracts.table import Table
from pipeline.errors import IndicatorError
from pipeline.venues.venue import Venue

Unit = Literal["price", "shares", "free"]
"""The unit of a column: a price per share, a number of shares, or neither, so that a split does not change it."""

UNITS: tuple[Unit, ...] = get_args(Unit)

NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


@dataclass(frozen=True)
class IndicatorColumn:
    """One column of the table: its name, type, meaning, unit, and the bounds of its values.

    Raises IndicatorError when its name is not snake_case, or its unit is missing or does not fit its type.
    """

    name: str
    description: str
    dtype: Any = pl.Float64
    at_least: float | None = None
    at_most: float | None = None
    nullable: bool = True
    unit: Unit | None = None
    """Required: pages put prices and shares on the basis of their session, and cannot guess which columns these are."""
    precision: Precision = "value"
    """The precision of stored numbers; `exact` for prices of bars and numbers that are compared with them."""

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise IndicatorError(
                f"{self.name!r} is not a name for a column.", remedy="Write it in snake_case: `range_20`."
            )
        if self.unit not in UNITS:
            raise IndicatorError(
                f"The indicator column {self.name} states no unit{f' but {self.unit!r}' if self.unit else ''}.",
                remedy='Write unit="price" for USD per share, unit="shares" for a number of shares, or unit="free" for '
                "values that a split does not change, such as a ratio or a count.",
            )
        if self.unit != "free" and not self.dtype.is_numeric():
            raise IndicatorError(
                f"The indicator column {self.name} is measured in {self.unit}, but is not a number.",
                remedy='Write unit="free", or give it a number as `dtype`.',
            )


BESIDE = (DAILY_BARS, INTRADAY_FEATURES, POSITION_MARKS)
"""Tables whose columns models, rules and pages use together with those of indicators."""


def indicators_table(venue: Venue, columns: Sequence[IndicatorColumn]) -> Table:
    """Return the table `indicators` of a venue with `ticker`, `session`, then the declared `columns` in order.

    Its contract has the types and bounds of the columns, and requires finite numbers. Raises IndicatorError when two
    columns have the same name, or a column has the name of a column of BESIDE.
    """
    require_own_names([column.name for column in columns])
    numbers = [column.name for column in columns if column.dtype.is_float()]
    keys = {
        "ticker": pa.Column(
            pl.String, pa.Check.str_length(min_value=1), description="Ticker as the vendor writes it; case matters."
        ),
        "session": pa.Column(pl.Date, description="Session at whose close the values are known."),
    }
    return Table(
        venue=venue,
        name="indicators",
        schema=pa.DataFrameSchema(
            keys | {column.name: _contract(column) for column in columns},
            checks=pa.Check(_finite(numbers), name="every_number_is_finite"),
        ),
        key=("ticker", "session"),
        precision={column.name: column.precision for column in columns if column.dtype.is_float()},
        description="Indicators of every daily bar, from the bars of its look-back window only; null while too young.",
    )


def require_own_names(names: Sequence[str]) -> None:
    """Return if no two of `names` are equal, and none is a column of BESIDE. Raises IndicatorError."""
    owners = {name: table.sql_name for table in reversed(BESIDE) for name in table.columns}
    for name, times in Counter(names).items():
        if times > 1 or name in owners:
            owner = f"{owners[name]} has already" if name in owners else "two indicators have"
            raise IndicatorError(
                f"{name} is a column that {owner}.", remedy="Give the indicator's column another name."
            )


def _contract(column: IndicatorColumn) -> pa.Column:
    checks = []
    if column.at_least is not None:
        checks.append(pa.Check.ge(column.at_least))
    if column.at_most is not None:
        checks.append(pa.Check.le(column.at_most))
    return pa.Column(column.dtype, checks, nullable=column.nullable, description=column.description)


def _finite(numbers: Sequence[str]) -> Any:
    def check(data: pa.PolarsData) -> pl.LazyFrame:
        # One result for all columns and rows: a pass over each column, and no frame of booleans in memory.
        finite = [pl.col(name).is_finite().all() for name in numbers]
        return data.lazyframe.select(pl.all_horizontal(pl.lit(value=True), *finite).alias("finite"))

    return check
