"""SQL over the tables of a lake: their views, the guard of queries, and the confined process that answers them."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.lake.sql.sql import Sql, connect

__all__ = ["Sql", "connect"]


def __getattr__(name: str) -> Any:
    # The confined process imports only its part of this package, to start faster.
    if name in __all__:
        from pipeline.lake.sql import sql  # noqa: PLC0415

        return getattr(sql, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
