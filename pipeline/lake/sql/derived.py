"""Views and table macros derived from several tables: their names, the tables they need, and their SQL."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.lake.sql import adjusted_view, listings_view
from pipeline.lake.sql.delta_scan import quoted, text

if TYPE_CHECKING:
    from pipeline.lake.lake import Lake


@dataclass(frozen=True)
class Derived:
    """A view, or a table macro when it has a parameter. It reads the newest versions of the tables it needs."""

    name: str
    """As in SQL: market.name."""
    needs: tuple[str, ...]
    """Tables, as market/name."""
    description: str
    select: Callable[[Lake], str]
    parameter: str | None = None
    columns: dict[str, str] = field(default_factory=dict)
    """The meaning of each column of a view."""

    def statement(self, lake: Lake) -> str:
        """Return the SQL that creates it."""
        name = self._sql_name()
        if self.parameter is None:
            return f"CREATE OR REPLACE VIEW {name} AS {self.select(lake)}"
        return f"CREATE OR REPLACE MACRO {name}({self.parameter}) AS TABLE {self.select(lake)}"

    def comments(self) -> Iterator[str]:
        """Yield the SQL that describes it."""
        kind = "VIEW" if self.parameter is None else "MACRO TABLE"
        yield f"COMMENT ON {kind} {self._sql_name()} IS {text(self.description)}"
        for column, meaning in self.columns.items():
            yield f"COMMENT ON COLUMN {self._sql_name()}.{quoted(column)} IS {text(meaning)}"

    def missing(self, tables: Container[str]) -> list[str]:
        """Return the SQL names of the needed tables that are not in `tables`."""
        return [name.replace("/", ".") for name in self.needs if name not in tables]

    def _sql_name(self) -> str:
        return ".".join(quoted(part) for part in self.name.split("."))


_LISTINGS_NEED = (listings_view.TICKERS, listings_view.TICKER_EVENTS)

DERIVED = (
    Derived(
        name="stocks.daily_bars_adjusted",
        needs=(adjusted_view.BARS, adjusted_view.SPLITS),
        description="Daily bars adjusted for splits, all in shares of the newest session.",
        select=adjusted_view.latest_basis,
        columns=adjusted_view.COLUMNS,
    ),
    Derived(
        name="stocks.daily_bars_as_of",
        needs=(adjusted_view.BARS, adjusted_view.SPLITS),
        description="Daily bars up to a day, adjusted for the splits up to it, all in shares of that day.",
        select=adjusted_view.basis_of_day,
        parameter="day",
    ),
    Derived(
        name="reference.listings",
        needs=_LISTINGS_NEED,
        description="Which security had a ticker when: never two at once, and never two tickers for one FIGI.",
        select=listings_view.listings,
        columns=listings_view.COLUMNS,
    ),
    Derived(
        name="stocks.series",
        needs=(listings_view.BARS, *_LISTINGS_NEED),
        description="Daily bars as traded of one security, by composite FIGI, through its renames.",
        select=listings_view.series,
        parameter="asked",
    ),
)


def derived_from(tables: Container[str]) -> list[Derived]:
    """Return the views and macros that can be made from `tables` (market/name)."""
    return [derived for derived in DERIVED if not derived.missing(tables)]
