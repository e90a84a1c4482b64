"""`candlelake candidates`: the ranked list of a session."""

from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.dates import parse_date, require_session
from pipeline.cli.rows import write_json
from pipeline.cli.terminal import one_line, out, say, say_warning, shortened
from pipeline.errors import PermanentError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from pipeline.contracts.table import Table
    from pipeline.lake.lake import Lake
    from pipeline.market.market import Market

HEADER = ("#", "ticker", "score", "close")

MOST_LEFT_OUT = 3
"""Tickers left out that are named; --json has all."""

WIDE = 100
"""Columns of a terminal from which three reasons are shown instead of two."""


@dataclass(frozen=True)
class Listing:
    """The candidates of one session, best first within each requested model."""

    session: date
    newest: date
    """The newest session that could be listed: the requested one, or else the newest with indicators."""
    models: tuple[str, ...]
    rows: "pl.DataFrame"


def candidates(
    day: Annotated[
        date | None,
        typer.Option("--date", parser=parse_date, metavar="YYYY-MM-DD", help="Session; else the latest ranked."),
    ] = None,
    model: Annotated[str | None, typer.Option(metavar="NAME", help="One model; else all.")] = None,
    top: Annotated[int, typer.Option(min=1, metavar="N", help="How many of each model.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", metavar="", help="As JSON, with every factor and reason.")] = False,
    as_published: Annotated[
        bool,
        typer.Option("--as-published", metavar="", help="As first published, from the same versions as then."),
    ] = False,
) -> None:
    """Show the ranked buy candidates of a session."""
    if day is not None:
        require_session(day)
    from pipeline.lake.lake import Lake
    from pipeline.mine.in_force import stocks_of
    from pipeline.settings import load_settings

    settings = load_settings()
    lake, stocks = Lake(settings.lake), stocks_of(settings)
    listing = ask(lake, stocks, day, model, top)
    if as_published:
        from pipeline.cli.published import first_published

        listing = replace(listing, rows=best_of(first_published(lake, stocks, listing.session), listing.models, top))
    if as_json:
        write_json(listing.rows)
        say_empty(listing)
    else:
        show(listing)
    from pipeline.queries.doubts import unchecked_warnings

    for warning in unchecked_warnings(lake, stocks, listing.session):
        say_warning(warning)


def ask(lake: "Lake", stocks: "Market", day: date | None, model: str | None, top: int) -> Listing:
    """Return the best `top` of each model (or of `model`) on `day` (or the newest session with candidates).

    Raises PermanentError when that session was not ranked yet, typer.BadParameter for an unknown model.
    """
    names = tuple(known_model.name for known_model in stocks.models)
    if model is not None and model not in names:
        raise typer.BadParameter(f"{model!r} is no model; choose from {', '.join(names)}.", param_hint="'--model'")
    newest = newest_session(lake, stocks.indicators)
    session = day or newest_session(lake, stocks.candidates) or newest
    if newest is None or session is None or not is_ranked(lake, stocks, session):
        raise not_ranked(lake, stocks, session)
    models = names if model is None else (model,)
    rows = lake.scan(stocks.candidates, session, session).collect()
    return Listing(session, day or newest, models, best_of(rows, models, top))


def best_of(rows: "pl.DataFrame", models: "Sequence[str]", top: int) -> "pl.DataFrame":
    """Return the best `top` of each of `models`, in their order."""
    import polars as pl

    order = [pl.col("model").replace_strict(models, range(len(models)), return_dtype=pl.Int32), pl.col("rank")]
    return rows.filter(pl.col("rank") <= top, pl.col("model").is_in(models)).sort(order)


def newest_session(lake: "Lake", table: "Table") -> date | None:
    """Return the newest session with rows in `table`; reads its newest month only. Raises TableMissing."""
    months = [partition["month"] for partition in lake.open(table).partitions()]
    if not months:
        return None
    rows = lake.scan(table, date.fromisoformat(f"{max(months)}-01"), columns=["session"])
    return rows.max().collect().item()


def is_ranked(lake: "Lake", stocks: "Market", session: date) -> bool:
    """Return whether `session` has indicators, and so was ranked."""
    return not lake.scan(stocks.indicators, session, session, columns=["session"]).head(1).collect().is_empty()


def not_ranked(lake: "Lake", stocks: "Market", session: date | None) -> PermanentError:
    """Return the error that `session` has no candidates, with the sessions that have."""
    sessions = lake.sessions(stocks.candidates)
    span = f"The table holds {sessions[0]} to {sessions[-1]}" if sessions else "The table holds no session yet"
    command = f"candlelake run --date {session}" if session else "candlelake run"
    return PermanentError(f"{session or 'No session'} has not been ranked.", remedy=f"{span}; `{command}` adds it.")


def show(listing: Listing) -> None:
    """Draw one table per model on stdout, one line per reason; --json has what the terminal's width cuts off."""
    import polars as pl

    if listing.newest > listing.session:
        say(f"No stock passed any model on the newest session, {listing.newest}; this is the last list.")
    for model in listing.models:
        rows = listing.rows.filter(pl.col("model") == model)
        if len(rows):
            draw(model, listing.session, rows)
    say_empty(listing)


def say_empty(listing: Listing) -> None:
    """Say which models list nobody."""
    listed = set(listing.rows["model"])
    for model in listing.models:
        if model not in listed:
            say(f"{model}: no stock passed its filters on {listing.session}.")


def draw(model: str, session: date, rows: "pl.DataFrame") -> None:
    """Draw the table of one model: one line per reason, cut at the terminal's edge, so that every row is short."""
    from rich.text import Text

    first = rows.row(0, named=True)
    console = out()
    most_reasons = 3 if console.width >= WIDE else 2
    cells = [
        (str(row["rank"]), shortened(row["ticker"]), f"{row['score']:+.2f}", f"{row['close']:,.2f}")
        for row in rows.iter_rows(named=True)
    ]
    rank, ticker, score, close = (max(map(len, column)) for column in zip(HEADER, *cells, strict=True))

    def line(left: tuple[str, ...], why: str, style: str = "") -> None:
        text = Text(f"{left[0]:>{rank}}  {left[1]:<{ticker}}  {left[2]:>{score}}  {left[3]:>{close}}  ", style=style)
        text.stylize("bold cyan", rank + 2, rank + 2 + ticker)
        console.print(text.append(why), no_wrap=True, overflow="ellipsis")

    console.print(f"{model} · {session}", style="bold")
    line(HEADER, "why", style="dim")
    for left, reasons in zip(cells, rows["reasons"].to_list(), strict=True):
        line(left, one_line(reasons[0]))
        for reason in reasons[1:most_reasons]:
            line(("", "", "", ""), one_line(reason))
    console.print()
    say(
        f"{first['scanned']:,} stocks scanned, {first['passed']:,} passed the filters, {len(rows)} shown.\n"
        f"{left_out(first)}",
        style="dim",
    )


def left_out(row: dict[str, Any]) -> str:
    """Return in words which tickers a list left out, since their prices are in doubt; empty if none."""
    if not row["left_out"]:
        return ""
    named = "; ".join(one_line(reason) for reason in row["left_out_reasons"][:MOST_LEFT_OUT])
    more = row["left_out"] - MOST_LEFT_OUT
    others = f"; and {more:,} more" if more > 0 else ""
    return f"{row['left_out']:,} left out, since prices are in doubt: {named}{others}. `candlelake splits` lists all.\n"
