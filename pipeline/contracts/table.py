"""A table of the lake: its name, key, promise, and the pandera schema its rows keep."""

from dataclasses import dataclass

import pandera.errors
import pandera.polars as pa
import polars as pl

from pipeline.errors import ContractBroken


@dataclass(frozen=True)
class Table:
    """One Delta table. `market` and `name` are its asset key, its folder, and its SQL name `market.name`."""

    market: str
    name: str
    schema: pa.DataFrameSchema
    key: tuple[str, ...]
    description: str
    may_be_empty: bool = False
    """Whether a session may rightly have no row. If not, an empty answer is an error and never erases rows."""

    @property
    def sql_name(self) -> str:
        """Return the name used in SQL, such as `stocks.daily_bars`."""
        return f"{self.market}.{self.name}"

    @property
    def columns(self) -> dict[str, pl.DataType]:
        """Return the columns in order, with their Polars types."""
        return {name: column.dtype.type for name, column in self.schema.columns.items()}

    @property
    def descriptions(self) -> dict[str, str]:
        """Return what each column holds, in words."""
        return {name: column.description or "" for name, column in self.schema.columns.items()}

    def empty(self) -> pl.DataFrame:
        """Return a frame with the table's columns and no row."""
        return pl.DataFrame(schema=self.columns)

    def enforce(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return `rows` with the contract's columns in order.

        Raises ContractBroken when a column is missing, has another type, or any value breaks its promise.
        """
        try:
            # Not lazy: a LazyFrame would be checked for its schema only.
            checked = self.schema.validate(rows.select(list(self.columns)), lazy=True)
        except (pandera.errors.SchemaErrors, pl.exceptions.ColumnNotFoundError) as broken:
            raise ContractBroken(
                f"{len(rows)} rows for {self.sql_name} break its contract, nothing was written: {broken}",
                remedy="This is a fault of the program that made the rows, not of the data: please report it.",
            ) from broken
        duplicated = len(rows) - rows.select(list(self.key)).n_unique() if len(rows) else 0
        if duplicated:
            raise ContractBroken(
                f"{duplicated} rows for {self.sql_name} repeat a key ({', '.join(self.key)}), nothing was written.",
                remedy="This is a fault of the program that made the rows, not of the data: please report it.",
            )
        return checked
