"""The checks of a pandera schema as expressions of one query.

Pandera evaluates column by column and check by check, and keeps a result for every row, which takes longer than reading
a day's file. Rows that pass this query need no more; for rows that fail, pandera reports the faults.
"""

from collections.abc import Iterator
from typing import Any

import pandera.polars as pa
import polars as pl


class Promises:
    """The promises of a schema. Every check must be a `select` on its rows, like those of pandera."""

    def __init__(self, schema: pa.DataFrameSchema) -> None:
        self._columns = {name: column.dtype.type for name, column in schema.columns.items()}
        self._conditions = [promise.alias(str(number)) for number, promise in enumerate(_promises(schema))]

    def kept_by(self, rows: pl.DataFrame) -> bool:
        """Return whether `rows` have exactly the schema's columns, and every value passes its checks."""
        return dict(rows.schema) == self._columns and all(rows.select(self._conditions).row(0))


class _Rows:
    """Stands in for the rows of a check, to get the expression that it selects."""

    def select(self, expression: pl.Expr) -> pl.Expr:
        return expression


def _promises(schema: pa.DataFrameSchema) -> Iterator[pl.Expr]:
    schema.get_backend(pl.LazyFrame())  # pandera registers its checks when one is first used
    yield pl.lit(value=True)
    for name, column in schema.columns.items():
        if not column.nullable:
            yield pl.col(name).null_count() == 0
            if column.dtype.type.is_float():
                yield pl.col(name).is_not_nan().all()
        for check in column.checks:
            yield _holds(check, name)
    for check in schema.checks:
        yield _holds(check, "*")


def _holds(check: pa.Check, key: str) -> pl.Expr:
    backend: Any = check.get_backend(pl.LazyFrame())
    own = backend(check).check_fn
    # A built-in check's function for Polars is registered under its name; the check itself has the one for pandas.
    name = getattr(own.func, "__name__", "")
    check_fn = check.get_builtin_check_fn(name) if check.is_builtin_check(name) else own.func
    condition: pl.Expr = check_fn(pa.PolarsData(_Rows(), key), **own.keywords)  # type: ignore[arg-type]
    # A null passes unless the check says otherwise, as in pandera.
    return condition.all(ignore_nulls=True) if check.ignore_na else condition.fill_null(value=False).all()
