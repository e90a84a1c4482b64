"""`candlelake sql`: a question in SQL over the tables, read-only."""

import signal
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.catalog import keep_catalog_here
from pipeline.cli.rows import write_csv, write_exact_csv, write_json
from pipeline.cli.terminal import out, say

if TYPE_CHECKING:
    import polars as pl

MOST_SHOWN = 60
"""Rows of a printed table; longer answers show their first and last rows."""


class Format(StrEnum):
    """How rows are written to stdout."""

    table = "table"
    csv = "csv"
    csv_exact = "csv-exact"
    json = "json"


def sql(
    query: Annotated[str, typer.Argument(help='Such as "SELECT * FROM stocks.candidates LIMIT 5"; - reads stdin.')],
    format_: Annotated[Format, typer.Option("--format", help="How to write the rows.")] = Format.table,
) -> None:
    """Query the tables in SQL, such as stocks.daily_bars."""
    from pipeline.lake.sql import connect
    from pipeline.settings import load_settings

    signal.signal(signal.SIGTERM, _stop)
    settings = load_settings()
    keep_catalog_here(settings)
    with connect(settings.lake) as tables:
        rows = tables.sql(_typed_query() if query == "-" else query)
    WRITERS[format_](rows)


def _typed_query() -> str:
    """Return what stdin has, as UTF-8 whatever the locale says. Raises typer.BadParameter when it is something else."""
    try:
        return sys.stdin.buffer.read().decode("utf-8")
    except UnicodeDecodeError as wrong:
        raise typer.BadParameter(f"stdin is not UTF-8 text (byte {wrong.start}).", param_hint="'QUERY'") from wrong


def _stop(number: int, _: object) -> None:
    """Exit with the code that shells expect after a signal; the query's leftovers are removed on the way."""
    raise SystemExit(128 + number)


def write_table(rows: "pl.DataFrame") -> None:
    """Write the rows as a table for people; a long one shows its first and last rows."""
    import polars as pl

    with pl.Config(
        tbl_rows=MOST_SHOWN,
        tbl_cols=-1,
        tbl_width_chars=out().width,
        fmt_str_lengths=80,
        fmt_table_cell_list_len=3,
        tbl_hide_dataframe_shape=True,
        tbl_formatting="UTF8_FULL_CONDENSED",
        tbl_hide_column_data_types=True,
        tbl_cell_numeric_alignment="RIGHT",
        thousands_separator=False,
    ):
        print(rows)  # noqa: T201 (data goes to stdout as it is)
    if len(rows) > MOST_SHOWN:
        say(f"{MOST_SHOWN} of {len(rows):,} rows shown; --format csv or json writes all.", style="dim")


WRITERS = {
    Format.table: write_table,
    Format.csv: write_csv,
    Format.csv_exact: write_exact_csv,
    Format.json: write_json,
}
