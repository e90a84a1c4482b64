"""`candlelake sql`: a question in SQL over the tables, read-only."""

import csv
import json
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.terminal import out

if TYPE_CHECKING:
    import polars as pl


class Format(StrEnum):
    """How rows are written to stdout."""

    table = "table"
    csv = "csv"
    json = "json"


def sql(
    query: Annotated[str, typer.Argument(help='Such as "SELECT * FROM stocks.candidates LIMIT 5".')],
    format_: Annotated[Format, typer.Option("--format", help="How to write the rows.")] = Format.table,
) -> None:
    """Ask the tables in SQL: stocks.daily_bars, stocks.indicators, stocks.candidates, …"""
    from pipeline.lake.sql import connect
    from pipeline.lake.tables import Lake
    from pipeline.settings import load_settings

    rows = connect(Lake(load_settings().lake)).sql(query)
    WRITERS[format_](rows)


def write_table(rows: "pl.DataFrame") -> None:
    """Write the rows as a table to read; long ones are cut in the middle."""
    import polars as pl

    with pl.Config(
        tbl_rows=60,
        tbl_cols=-1,
        tbl_width_chars=out.width,
        fmt_str_lengths=80,
        tbl_hide_dataframe_shape=True,
        tbl_formatting="UTF8_FULL_CONDENSED",
        tbl_hide_column_data_types=True,
    ):
        print(rows)  # noqa: T201 (data goes to stdout as it is)


def write_csv(rows: "pl.DataFrame") -> None:
    """Write the rows as CSV with a header; lists and structs as JSON."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(rows.columns)
    for row in rows.iter_rows():
        writer.writerow([json.dumps(cell, default=str) if isinstance(cell, list | dict) else cell for cell in row])


def write_json(rows: "pl.DataFrame") -> None:
    """Write the rows as a JSON array of objects; dates as text."""
    json.dump(rows.to_dicts(), sys.stdout, default=str, indent=1, ensure_ascii=False)
    sys.stdout.write("\n")


WRITERS = {Format.table: write_table, Format.csv: write_csv, Format.json: write_json}
