"""`stocks/indicators`: what every bar looks like in the light of the bars before it. Its columns are declared."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pandera.polars as pa
import polars as pl

from pipeline.contracts.precision import Precision
from pipeline.contracts.table import Table

Unit = Literal["price", "shares", "free"]
"""What a column is measured in: a price a share, a number of shares, or neither, so that a split does not change it."""


@dataclass(frozen=True)
class IndicatorColumn:
    """One column of the table: its name, type, meaning, and the bounds that its values keep."""

    name: str
    description: str
    dtype: Any = pl.Float64
    at_least: float | None = None
    at_most: float | None = None
    nullable: bool = True
    unit: Unit = "free"
    precision: Precision = "value"
    """How sharply a number is stored; `exact` for what stands among the bars and is compared with them."""


def indicators_table(columns: Sequence[IndicatorColumn]) -> Table:
    """Return the table `stocks/indicators` with `ticker`, `session`, then the declared `columns` in order.

    Its contract holds the types and bounds of the columns, and that no number is NaN or infinite.
    """
    numbers = [column.name for column in columns if column.dtype.is_float()]
    keys = {
        "ticker": pa.Column(
            pl.String, pa.Check.str_length(min_value=1), description="Ticker as the vendor writes it; case matters."
        ),
        "session": pa.Column(pl.Date, description="Session at whose close the values are known."),
    }
    return Table(
        market="stocks",
        name="indicators",
        schema=pa.DataFrameSchema(
            keys | {column.name: _contract(column) for column in columns},
            checks=pa.Check(_finite(numbers), name="every_number_is_finite"),
        ),
        key=("ticker", "session"),
        precision={column.name: column.precision for column in columns if column.dtype.is_float()},
        description="Indicators of every daily bar, from the bars of its look-back window only; null while too young.",
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
        # One verdict for all columns and rows: a pass over each column, and no frame of booleans in memory.
        finite = [pl.col(name).is_finite().all() for name in numbers]
        return data.lazyframe.select(pl.all_horizontal(pl.lit(value=True), *finite).alias("finite"))

    return check
