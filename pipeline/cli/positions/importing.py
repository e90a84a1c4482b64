"""`candlelake positions import`: the purchases of a file, all or none, with warnings by line."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl

from pipeline.cli.positions import RUN_ID
from pipeline.cli.positions.file import EXPECTED, read_openings
from pipeline.cli.positions.layout import Layout
from pipeline.cli.positions.price_warnings import price_warnings
from pipeline.cli.positions.prices import unknown_tickers
from pipeline.cli.terminal import count_text, one_line, say, say_warning
from pipeline.errors import PositionRefused
from pipeline.lake.lake import Lake
from pipeline.market.portfolio.book import recorded_before, with_openings
from pipeline.queries.portfolio import record

MOST_NAMED = 20
"""Bad rows of a file that are shown; the rest is counted."""


def import_purchases(lake: Lake, file: Path, layout: Layout, latest: date, *, force: bool) -> None:
    """Record the purchases of a file, and warn of prices that were not traded; `latest` is the newest session so far.

    With `force`, also rows that are recorded already, and tickers that are not in the lake. Raises PositionRefused
    when a row cannot be recorded, and records none then.
    """
    every = read_openings(file, latest, layout)
    rows = [row for row in every if not row.is_left_out]
    if not rows:
        raise PositionRefused(
            f"Nothing was imported: none of the {len(every):,} rows of {file} has the values that --only asks for.",
            remedy="Values are compared as they are written, capitals too.",
        )
    bad = {row.line: "; ".join(row.faults) for row in rows if row.opening is None}
    lines = {row.line: row.opening for row in rows if row.opening is not None}
    openings = list(lines.values())
    if not force:
        unknown = unknown_tickers(lake, openings)
        bad |= {line: unknown[opening.ticker] for line, opening in lines.items() if opening.ticker in unknown}

    def with_imported_rows(history: pl.DataFrame) -> pl.DataFrame:
        before = {} if force else {line: recorded_before(history, opening) for line, opening in lines.items()}
        repeated = {line: f"it is recorded already, as position {number}" for line, number in before.items() if number}
        _refuse_rows(file, bad | repeated, len(rows))
        return with_openings(history, openings, datetime.now(UTC))

    record(lake, with_imported_rows, run_id=RUN_ID)
    for place, words in price_warnings(lake, openings).items():
        say_warning(f"line {list(lines)[place]}: {words}")
    left_out = len(every) - len(rows)
    others = f"; {count_text(left_out, 'other rows')} of the file left out" if left_out else ""
    say(f"Imported {count_text(len(rows), 'positions')} from {file}{others}.")


def _refuse_rows(file: Path, bad: Mapping[int, str], rows: int) -> None:
    """Return if no row is bad; otherwise show the lines with their reasons and raise PositionRefused."""
    if not bad:
        return
    for line, reason in sorted(bad.items())[:MOST_NAMED]:
        say(f"line {line}: {one_line(reason)}")
    if len(bad) > MOST_NAMED:
        say(f"… and {len(bad) - MOST_NAMED:,} more")
    raise PositionRefused(
        f"{len(bad):,} of {rows:,} rows of {file} cannot be recorded; nothing was imported.",
        remedy=f"Correct them and import the file again. {EXPECTED}",
    )
