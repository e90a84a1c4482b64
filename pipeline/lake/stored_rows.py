"""Rows of a table that are read when they are collected, long after the table was opened: how that may fail."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import polars as pl
from polars.exceptions import ComputeError

from pipeline.errors import FilesGone, TableDamaged

if TYPE_CHECKING:
    from pipeline.lake.store import Store

_STORES: dict[str, Store] = {}
"""Those whose rows were asked for in this process, by root: what Polars makes of a frame knows only its class."""


@contextmanager
def read_from(*stores: Store) -> Iterator[None]:
    """Give a context in which rows of tables are read; what fails to be read there is an error of ours.

    Raises FilesGone when a data file is missing, TableDamaged when one is no Parquet any more, and what
    `Store.answering` does.
    """
    try:
        yield
    except (OSError, ComputeError) as failed:
        said = str(failed).strip() or type(failed).__name__
        named = [store for store in stores if store.root in said] or list(stores)
        if isinstance(failed, FileNotFoundError) or (isinstance(failed, ComputeError) and said.startswith("parquet")):
            kind = FilesGone if isinstance(failed, FileNotFoundError) else TableDamaged
            raise _damaged(kind, said, named) from failed
        if isinstance(failed, OSError) and named:
            with named[-1].answering():
                raise
        raise


def _damaged(kind: type[TableDamaged], said: str, stores: Sequence[Store]) -> TableDamaged:
    names = [re.search(re.escape(store.root) + r"/(\w+)/(\w+)/", said) for store in stores]
    table = next((f"{name[1]}.{name[2]}" for name in names if name), "a table")
    return kind(
        f"A data file of {table} is missing or damaged: {said.splitlines()[0]}.",
        remedy="Run `candlelake verify`, which names it, then `candlelake verify --repair`.",
    )


class StoredRows(pl.LazyFrame):
    """Rows of a table, or what a method of such a frame made of them; collecting them fails by our errors.

    What a function of Polars makes of several is such a frame only where Polars keeps to the class of the first.
    """

    def collect(self, *how: Any, **more: Any) -> Any:
        """Return the rows. Raises as `read_from` does."""
        with read_from(*_STORES.values()):
            return super().collect(*how, **more)

    def group_by(self, *by: Any, **more: Any) -> Any:
        """Return the groups, whose aggregates are such frames again."""
        return _Groups(super().group_by(*by, **more))


def stored_rows(rows: pl.LazyFrame, store: Store) -> pl.LazyFrame:
    """Return `rows`, of a table that lies in `store`, such that collecting them fails by our errors."""
    _STORES[store.root] = store
    rows.__class__ = StoredRows
    return rows


class _Groups:
    def __init__(self, groups: Any) -> None:
        self._groups = groups

    def __getattr__(self, name: str) -> Any:
        aggregate = getattr(self._groups, name)

        def of_stored(*what: Any, **more: Any) -> pl.LazyFrame:
            rows: pl.LazyFrame = aggregate(*what, **more)
            rows.__class__ = StoredRows
            return rows

        return of_stored
