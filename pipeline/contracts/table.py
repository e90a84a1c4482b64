"""A table of the lake: its name, key, layout and contract, a pandera schema."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import pandera.errors
import pandera.polars as pa
import polars as pl

from pipeline.contracts.precision import Precision, as_stored
from pipeline.contracts.promises import Promises
from pipeline.errors import ContractBroken
from pipeline.venues.venue import Venue

_EXAMPLES = 3
_EXAMPLE_WIDTH = 200


@dataclass(frozen=True)
class Layout:
    """The file layout of a table: one partition for all sessions that `pattern` (strftime) formats alike."""

    column: str
    """The partition column of Delta. Layout, not content: no reader sees it."""
    pattern: str
    """A prefix of the ISO date, so that the text sorts like the dates."""
    meaning: str
    sessions_at_once: int
    """Most sessions whose rows a reader may have in memory at a time."""
    row_group: int
    """Rows per Parquet row group: small enough to skip to one ticker, large enough to compress and to write well."""


BY_MONTH = Layout(
    column="month",
    pattern="%Y-%m",
    meaning="Month of the session; how the files are laid out.",
    sessions_at_once=126,
    row_group=8_000,
)
BY_SESSION = Layout(
    column="day",
    pattern="%Y-%m-%d",
    meaning="The session as text; how the files are laid out.",
    sessions_at_once=1,
    row_group=250_000,
)


@dataclass(frozen=True, eq=False)
class Table:
    """One Delta table. `market` and `name` are its asset key, its folder, and its SQL name `market.name`."""

    venue: Venue
    """The market place whose sessions its rows belong to."""
    name: str
    schema: pa.DataFrameSchema
    key: tuple[str, ...]
    description: str
    may_be_empty: bool = False
    """Whether a session may have no row. If not, an empty answer is an error and never erases rows."""
    session: str | None = "session"
    """The column whose sessions are replaced and partitioned by; None for a table refreshed in full."""
    layout: Layout = BY_MONTH
    precision: Mapping[str, Precision] = field(default_factory=dict)
    """The precision of stored numbers; columns not listed are stored unchanged."""
    counted_as: str = "rows"
    """The word for its rows in the report of a run; empty when they are not counted."""
    irreplaceable: str = ""
    """Why no run can write its rows again, in words; empty for a table that an asset writes."""
    area: str = ""
    """The folder of a table that is not kept with those of its market: `reference`, `portfolio`."""

    @property
    def market(self) -> str:
        """Return the first part of its names: its area, or the market of its venue."""
        return self.area or self.venue.market

    @property
    def sql_name(self) -> str:
        """Return the name used in SQL, such as `stocks.daily_bars`."""
        return f"{self.market}.{self.name}"

    @property
    def path(self) -> str:
        """Return its path in the lake, such as `stocks/daily_bars`."""
        return f"{self.market}/{self.name}"

    @property
    def columns(self) -> dict[str, pl.DataType]:
        """Return the columns in order, with their Polars types."""
        return {name: column.dtype.type for name, column in self.schema.columns.items()}

    @property
    def descriptions(self) -> dict[str, str]:
        """Return the description of each column."""
        return {name: column.description or "" for name, column in self.schema.columns.items()}

    def empty(self) -> pl.DataFrame:
        """Return a frame with the table's columns and no row."""
        return pl.DataFrame(schema=self.columns)

    def enforce(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return `rows` with the contract's columns in order.

        Raises ContractBroken when a column is missing, has another type, or a value breaks the contract.
        """
        missing = [name for name in self.columns if name not in rows.columns]
        if missing:
            raise self._broken(rows, f"missing columns {', '.join(missing)}")
        checked = rows.select(list(self.columns))
        if not self._promises.kept_by(checked):
            checked = self._validated(checked)
        if not in_strict_order(rows, self.key) and not self._comes_in_turns(rows):
            self._require_unique_keys(rows)
        return checked

    def as_stored(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return `rows` with their numbers in the precision of the table."""
        rounded = {name: precision for name, precision in self.precision.items() if precision != "exact"}
        return rows.with_columns(as_stored(name, precision) for name, precision in rounded.items()) if rounded else rows

    def in_order(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return `rows` sorted by the key; the check for order costs little."""
        if in_strict_order(rows, self.key):
            return rows
        if self._comes_in_turns(rows):
            # Then the first column alone decides, in half the time of comparing all.
            return rows.sort(self.key[0], maintain_order=True)
        return rows.sort(self.key)

    def _comes_in_turns(self, rows: pl.DataFrame) -> bool:
        """Return whether `rows` are in the order of day files: by session, then by ticker, without repeats."""
        return in_strict_order(rows, (*self.key[1:], self.key[0]))

    @cached_property
    def _promises(self) -> Promises:
        return Promises(self.schema)

    def _validated(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return `rows` if pandera accepts them; raises ContractBroken with its findings if not."""
        try:
            # Not a LazyFrame, which would be checked for its schema only.
            return self.schema.validate(rows, lazy=True)
        except pandera.errors.SchemaErrors as broken:
            raise self._broken(rows, _faults(broken.failure_cases)) from broken

    def _require_unique_keys(self, rows: pl.DataFrame) -> None:
        repeated = rows.filter(pl.struct(self.key).is_duplicated())
        if len(repeated):
            keys = repeated.select(self.key).unique(maintain_order=True)
            examples = "; ".join(", ".join(map(str, key)) for key in keys.head(_EXAMPLES).iter_rows())
            raise self._broken(rows, f"{len(repeated)} rows repeat a key ({', '.join(self.key)}), such as {examples}")

    def _broken(self, rows: pl.DataFrame, faults: str) -> ContractBroken:
        return ContractBroken(
            f"{len(rows)} rows for {self.sql_name} break its contract, nothing was written: {faults}.",
            remedy="This is a fault of the program that computed the rows, not of the data: please report it.",
        )


def in_strict_order(rows: pl.DataFrame, key: Sequence[str]) -> bool:
    """Return whether `key` rises from each row to the next: sorted, and without repeats.

    A key with a null in it is not in order.
    """
    above: pl.Series | None = None
    for name in reversed(key):
        earlier, later = rows[name].head(-1), rows[name].slice(1)
        rises = later > earlier
        above = rises if above is None else rises | ((later == earlier) & above)
    return above is not None and above.all(ignore_nulls=False) is True


def _faults(cases: pl.DataFrame) -> str:
    """Return pandera's failure cases in words: column, check, number of rows and a few of the values."""
    faults = []
    for (column, check), failures in cases.group_by("column", "check", maintain_order=True):
        values = [
            value if len(value) <= _EXAMPLE_WIDTH else f"{value[:_EXAMPLE_WIDTH]}…" for value in _examples(failures)
        ]
        rows = f"in {len(failures)} rows" if failures["index"].null_count() < len(failures) else "for the column"
        faults.append(f"{column} fails {check} {rows}, such as {', '.join(values)}")
    return "; ".join(faults)


def _examples(failures: pl.DataFrame) -> list[str]:
    return [repr(value) for value in failures["failure_case"].head(_EXAMPLES)]
