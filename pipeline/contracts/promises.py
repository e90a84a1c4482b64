"""What a pandera schema promises, as expressions that one query asks all at once.

Pandera asks column by column and check by check, and keeps an answer for every row, which takes longer than reading a
day's file did. Rows that keep every promise need no more words; those that break one are pandera's to tell of.
"""

from collections.abc import Iterator
from typing import Any

import pandera.polars as pa
import polars as pl


class Promises:
    """The promises of a schema. Every check must be a `select` on the rows it is given, as those of pandera are."""

    def __init__(self, schema: pa.DataFrameSchema) -> None:
        self._columns = {name: column.dtype.type for name, column in schema.columns.items()}
        self._kept = [promise.alias(str(number)) for number, promise in enumerate(_promises(schema))]

    def kept_by(self, rows: pl.DataFrame) -> bool:
        """Return whether `rows` have exactly the schema's columns, and every value keeps what is promised of it."""
        return dict(rows.schema) == self._columns and all(rows.select(self._kept).row(0))


class _Rows:
    """Stands in for the rows of a check, to be told what it asks of them."""

    def select(self, asked: pl.Expr) -> pl.Expr:
        return asked


def _promises(schema: pa.DataFrameSchema) -> Iterator[pl.Expr]:
    schema.get_backend(pl.LazyFrame())  # pandera registers its checks when it is first asked for one
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
    # What a check that comes with pandera asks of Polars is known under its name; it holds the one for pandas.
    name = getattr(own.func, "__name__", "")
    ask = check.get_builtin_check_fn(name) if check.is_builtin_check(name) else own.func
    asked: pl.Expr = ask(pa.PolarsData(_Rows(), key), **own.keywords)  # type: ignore[arg-type]
    # A null keeps a promise unless the check says otherwise, as pandera has it.
    return asked.all(ignore_nulls=True) if check.ignore_na else asked.fill_null(value=False).all()
