"""The delivered bar: the columns of a bar as vendors deliver it, declared once.

Reading, judging, the quarantine, the names in REST answers and the samples follow from this declaration.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

import polars as pl

Role = Literal["ticker", "price", "volume", "time", "count"]


@dataclass(frozen=True)
class DeliveredColumn:
    """A column of a delivered bar."""

    name: str
    dtype: Any
    role: Role
    is_optional: bool = False
    """Whether a file may lack it: the column is 0 then. A new column must be, or files from before it are refused."""
    description: str = "As delivered."


DELIVERED_BAR = (
    DeliveredColumn("ticker", pl.String, "ticker"),
    DeliveredColumn("volume", pl.Float64, "volume"),
    DeliveredColumn("open", pl.Float64, "price"),
    DeliveredColumn("close", pl.Float64, "price"),
    DeliveredColumn("high", pl.Float64, "price"),
    DeliveredColumn("low", pl.Float64, "price"),
    DeliveredColumn(
        "window_start",
        pl.Int64,
        "time",
        description="As delivered (UTC: nanoseconds, in JSON milliseconds).",
    ),
    DeliveredColumn("transactions", pl.Int64, "count"),
)
"""The columns in the order of files, and of the quarantine."""

TYPES = {column.name: column.dtype for column in DELIVERED_BAR}


def names_of(*roles: Role) -> tuple[str, ...]:
    """Return the columns that have one of these roles, in order."""
    return tuple(column.name for column in DELIVERED_BAR if column.role in roles)


PRICES = names_of("price")
NUMBERS = names_of("volume", "price")
"""The columns of floats."""


@dataclass(frozen=True)
class FileFormat:
    """How a vendor's files or answers name the columns of a delivered bar."""

    names: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Our name to the vendor's, where they differ."""
    absent: tuple[str, ...] = ()
    """Columns that the vendor does not deliver: a count is 0 then, and the time is the begin of the session's day."""

    @property
    def expected(self) -> dict[str, str]:
        """Return the vendor's name of each column that a file must have, by our name."""
        required = (column for column in DELIVERED_BAR if not column.is_optional and column.name not in self.absent)
        return {column.name: self.names.get(column.name, column.name) for column in required}

    def ours(self, header: tuple[str, ...]) -> tuple[str, ...]:
        """Return a file's header with our names in place of the vendor's."""
        own = {theirs: ours for ours, theirs in self.names.items()}
        return tuple(own.get(name, name) for name in header)


OUR_NAMES = FileFormat()
"""Files whose columns have our names, and lack none."""
