"""A table of the lake: its name, key, promise, and the pandera schema its rows keep."""

from dataclasses import dataclass

import pandera.errors
import pandera.polars as pa
import polars as pl

from pipeline.errors import ContractBroken

_EXAMPLES = 3
_EXAMPLE_WIDTH = 200


@dataclass(frozen=True, eq=False)
class Table:
    """One Delta table. `market` and `name` are its asset key, its folder, and its SQL name `market.name`."""

    market: str
    name: str
    schema: pa.DataFrameSchema
    key: tuple[str, ...]
    description: str
    may_be_empty: bool = False
    """Whether a session may rightly have no row. If not, an empty answer is an error and never erases rows."""
    session: str | None = "session"
    """The column whose sessions are replaced, and by whose month the files lie; None for a table refreshed whole."""

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
        missing = [name for name in self.columns if name not in rows.columns]
        if missing:
            raise self._broken(rows, f"missing columns {', '.join(missing)}")
        try:
            # Not lazy: a LazyFrame would be checked for its schema only.
            checked = self.schema.validate(rows.select(list(self.columns)), lazy=True)
        except pandera.errors.SchemaErrors as broken:
            raise self._broken(rows, _faults(broken.failure_cases)) from broken
        repeated = rows.filter(pl.struct(self.key).is_duplicated()) if len(rows) else rows
        if len(repeated):
            keys = repeated.select(self.key).unique(maintain_order=True)
            examples = "; ".join(", ".join(map(str, key)) for key in keys.head(_EXAMPLES).iter_rows())
            raise self._broken(rows, f"{len(repeated)} rows repeat a key ({', '.join(self.key)}), such as {examples}")
        return checked

    def _broken(self, rows: pl.DataFrame, faults: str) -> ContractBroken:
        return ContractBroken(
            f"{len(rows)} rows for {self.sql_name} break its contract, nothing was written: {faults}.",
            remedy="This is a fault of the program that made the rows, not of the data: please report it.",
        )


def _faults(cases: pl.DataFrame) -> str:
    """Return pandera's failure cases in words: column, check, number of rows and a few of the values."""
    faults = []
    for (column, check), found in cases.group_by("column", "check", maintain_order=True):
        values = [value if len(value) <= _EXAMPLE_WIDTH else f"{value[:_EXAMPLE_WIDTH]}…" for value in _examples(found)]
        rows = f"in {len(found)} rows" if found["index"].null_count() < len(found) else "for the column"
        faults.append(f"{column} fails {check} {rows}, such as {', '.join(values)}")
    return "; ".join(faults)


def _examples(found: pl.DataFrame) -> list[str]:
    return [repr(value) for value in found["failure_case"].head(_EXAMPLES)]
