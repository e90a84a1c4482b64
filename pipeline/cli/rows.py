"""Rows as text for other programs: JSON that every parser takes, CSV with nested values as JSON."""

import json
import math
import sys
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

from pipeline.cli.streams import as_written, is_unicode
from pipeline.cli.terminal import say_warning

if TYPE_CHECKING:
    import polars as pl


def write_json(rows: "pl.DataFrame") -> None:
    """Write the rows to stdout as a JSON array of objects; times in ISO 8601, NaN and infinity as null."""
    dump(rows.to_dicts())


def dump(value: Any) -> None:
    """Write a value to stdout as JSON; where stdout cannot write every character, all but ASCII is escaped."""
    text = json.dumps(_plain(value), indent=2, ensure_ascii=not is_unicode(sys.stdout), allow_nan=False)
    sys.stdout.write(f"{text}\n")


FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""A spreadsheet computes a text that starts with one of these (OWASP's list, with the full-width signs)."""


def write_csv(rows: "pl.DataFrame") -> None:
    """Write the rows as `write_exact_csv` does, with an apostrophe before texts that are formulas.

    Numbers and dates stay unchanged.
    """
    import polars as pl

    inert = [
        pl.when(starts_a_formula(pl.col(name))).then("'" + pl.col(name)).otherwise(pl.col(name)).alias(name)
        for name, dtype in rows.schema.items()
        if dtype == pl.String
    ]
    names = {name: f"'{name}" for name in rows.columns if name.startswith(FORMULA)}
    write_exact_csv(rows.with_columns(inert).rename(names))


def starts_a_formula(text: "pl.Expr") -> "pl.Expr":
    """Return whether a spreadsheet would compute `text`."""
    import polars as pl

    return pl.any_horizontal(text.str.starts_with(sign) for sign in FORMULA)


def write_exact_csv(rows: "pl.DataFrame") -> None:
    """Write the rows to stdout as CSV with a header: an empty field is null, `""` an empty text.

    A warning says when stdout cannot write some characters, and `?` stands for them.
    """
    import polars as pl

    nested = [name for name, dtype in rows.schema.items() if dtype.is_nested() or dtype in (pl.Binary, pl.Object)]
    texts = [pl.Series(name, [_cell(value) for value in rows[name].to_list()], pl.String) for name in nested]
    text = rows.with_columns(texts).write_csv()
    written = as_written(text, sys.stdout)
    if written != text:
        say_warning(
            f"Some characters are written as ?, since stdout takes {sys.stdout.encoding} only. Set "
            "PYTHONIOENCODING=utf-8 to keep them, or use --format json."
        )
    sys.stdout.write(written)


def _cell(value: Any) -> str | None:
    return None if value is None else json.dumps(_plain(value), ensure_ascii=False)


def _plain(value: Any) -> Any:
    """Return a value as a type that JSON has."""
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    return value if value is None or isinstance(value, str | int | bool) else str(value)
