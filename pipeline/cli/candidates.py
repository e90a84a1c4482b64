"""`candlelake candidates`: the ranked list of a session."""

import json
from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.dates import parse_date
from pipeline.cli.terminal import out, say

if TYPE_CHECKING:
    import polars as pl


def candidates(
    day: Annotated[
        date | None,
        typer.Option("--date", parser=parse_date, metavar="YYYY-MM-DD", help="Session; else the latest ranked."),
    ] = None,
    model: Annotated[str | None, typer.Option(help="One model; else all.")] = None,
    top: Annotated[int, typer.Option(min=1, help="How many of each model.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, with every factor's contribution.")] = False,  # noqa: FBT002
) -> None:
    """Show the ranked buy candidates of a session, with the reasons."""
    from pipeline.lake.tables import Lake
    from pipeline.settings import load_settings

    listed = ranked(Lake(load_settings().lake), day, model, top)
    if as_json:
        print(json.dumps(listed.to_dicts(), default=str, indent=1))  # noqa: T201 (data goes to stdout as it is)
    else:
        show(listed)


def ranked(lake: object, day: date | None, model: str | None, top: int) -> "pl.DataFrame":
    """Return the best `top` of each model (or of `model`) on `day` (or the latest session with candidates).

    Raises PermanentError when there is no such model or session, naming those there are.
    """
    import polars as pl

    from pipeline.contracts.candidates import CANDIDATES
    from pipeline.errors import PermanentError
    from pipeline.market.screen.models import MODELS

    names = [one.name for one in MODELS]
    if model is not None and model not in names:
        raise PermanentError(f"There is no model {model!r}.", remedy=f"Choose one of {', '.join(names)}.")
    rows = lake.scan(CANDIDATES, day, day)
    wanted = rows.filter(pl.col("rank") <= top, pl.col("model") == model if model else pl.lit(value=True))
    if day is None:
        wanted = wanted.filter(pl.col("session") == pl.col("session").max())
    listed = wanted.sort("session", "model", "rank").collect()
    if listed.is_empty():
        held = lake.sessions(CANDIDATES)
        span = f"from {held[0]} to {held[-1]}" if held else "for no session yet"
        raise PermanentError(
            f"There are no candidates on {day or 'any session'}.",
            remedy=f"The table has candidates {span}; `candlelake run --date …` makes more.",
        )
    return listed


def show(listed: "pl.DataFrame") -> None:
    """Draw one table a model on stdout."""
    from rich.table import Table

    for (model, session), rows in listed.group_by("model", "session", maintain_order=True):
        first = rows.row(0, named=True)
        table = Table(title=f"{model} · {session}", title_justify="left", header_style="bold", pad_edge=False)
        table.add_column("#", justify="right", style="dim")
        table.add_column("ticker", style="bold cyan", no_wrap=True)
        table.add_column("score", justify="right")
        table.add_column("close", justify="right")
        table.add_column("why", ratio=1)
        for row in rows.iter_rows(named=True):
            table.add_row(
                str(row["rank"]),
                row["ticker"],
                f"{row['score']:+.2f}",
                f"{row['close']:,.2f}",
                "; ".join(row["reasons"]),
            )
        out.print(table)
        say(f"[dim]{first['scanned']:,} scanned, {first['passed']:,} passed the filters, {len(rows)} shown.[/]\n")
