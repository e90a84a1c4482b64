"""`candlelake candidates`: the ranked list of a session."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.columns import GAP, fitting, widths_of
from pipeline.cli.dates import parse_date, require_session
from pipeline.cli.rows import write_json
from pipeline.cli.terminal import count_text, one_line, out, say, say_warning, shortened
from pipeline.errors import PermanentError

if TYPE_CHECKING:
    import polars as pl
    from rich.text import Text

    from pipeline.contracts.table import Table
    from pipeline.lake.lake import Lake
    from pipeline.market.market import Market

COLUMNS: dict[str, Callable[[dict[str, Any]], str]] = {
    "#": lambda row: str(row["rank"]),
    "ticker": lambda row: shortened(row["ticker"]),
    "score": lambda row: f"{row['score']:+.2f}",
    "close": lambda row: f"{row['close']:,.2f}",
}
"""Heading of each column to its cell."""

NARROW = 60
"""Columns of a terminal below which the reasons have lines of their own."""

LEFT_OUT = ("score", "#")
"""Columns that go first where they do not fit."""

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

    if not set(listing.models) <= set(listing.rows["model"]):
        say_doubted(lake, stocks, listing.session)
    for warning in unchecked_warnings(lake, stocks, listing.session):
        say_warning(warning)


def ask(lake: "Lake", stocks: "Market", day: date | None, model: str | None, top: int) -> Listing:
    """Return the best `top` of each model (or of `model`) on `day` (or the newest session with candidates).

    Raises PermanentError when that session was not ranked yet, typer.BadParameter for an unknown model.
    """
    names = tuple(known_model.name for known_model in stocks.models)
    if model is not None and model not in names:
        raise typer.BadParameter(f"{model!r} is not a model; choose from {', '.join(names)}.", param_hint="'--model'")
    newest = newest_session(lake, stocks.indicators)
    session = day or newest_session(lake, stocks.candidates) or newest
    if newest is None or session is None or not is_ranked(lake, stocks, session):
        raise not_ranked(lake, stocks, session)
    models = names if model is None else (model,)
    rows = lake.scan(stocks.candidates, session, session).collect()
    return Listing(session, day or newest, models, best_of(rows, models, top))


def best_of(rows: "pl.DataFrame", models: Sequence[str], top: int) -> "pl.DataFrame":
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
    span = f"The table has {sessions[0]} to {sessions[-1]}" if sessions else "The table has no session yet"
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
    """Say which models list no stock."""
    listed = set(listing.rows["model"])
    for model in listing.models:
        if model not in listed:
            say(f"{model}: no stock passed its filters on {listing.session}.")


def say_doubted(lake: "Lake", stocks: "Market", session: date) -> None:
    """Say how many tickers are in doubt and so on no list: an empty one has no row that would say it."""
    import polars as pl

    from pipeline.queries.doubts import doubts_in_window, splits_in_doubt

    doubts = doubts_in_window(lake, stocks, session).filter("leaves_out")
    tickers = pl.concat([doubts["ticker"], splits_in_doubt(lake, stocks, session)["ticker"]]).n_unique()
    if tickers:
        say(f"{count_text(tickers, 'tickers')} in doubt can be on no list: `candlelake splits` names them.")


def draw(model: str, session: date, rows: "pl.DataFrame") -> None:
    """Draw the table of one model: one line per reason, cut at the terminal's edge, so that every row is short."""
    first = rows.row(0, named=True)
    console = out()
    lines = [{name: cell(row) for name, cell in COLUMNS.items()} for row in rows.iter_rows(named=True)]
    widths = widths_of(lines, COLUMNS)
    reasons = [[one_line(reason) for reason in of_row] for of_row in rows["reasons"].to_list()]
    if console.width < NARROW:
        shown = fitting(widths, LEFT_OUT, console.width)
        drawn = _reasons_below(lines, {name: widths[name] for name in shown}, reasons)
    else:
        drawn = _reasons_beside(lines, widths, reasons, 3 if console.width >= WIDE else 2)
    console.print(f"{model} · {session}", style="bold")
    for text in drawn:
        console.print(text, no_wrap=True, overflow="ellipsis")
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


def _reasons_beside(
    lines: Sequence[Mapping[str, str]], widths: Mapping[str, int], reasons: Sequence[Sequence[str]], most: int
) -> "Iterator[Text]":
    """Yield the heading, and each row with its first reason behind it and the further ones below that."""
    from rich.text import Text

    indent = " " * (sum(widths.values()) + GAP * len(widths))
    yield _row({name: name for name in widths}, widths, "dim").append("why")
    for line, why in zip(lines, reasons, strict=True):
        yield _row(line, widths).append(why[0])
        yield from (Text(indent + reason) for reason in why[1:most])


def _reasons_below(
    lines: Sequence[Mapping[str, str]], widths: Mapping[str, int], reasons: Sequence[Sequence[str]]
) -> "Iterator[Text]":
    """Yield the heading, and each row with its two strongest reasons below it."""
    from rich.text import Text

    yield _trimmed(_row({name: name for name in widths}, widths, "dim"))
    for line, why in zip(lines, reasons, strict=True):
        yield _trimmed(_row(line, widths))
        yield from (Text("  " + reason) for reason in why[:2])


def _trimmed(row: "Text") -> "Text":
    row.rstrip()
    return row


def _row(cells: Mapping[str, str], widths: Mapping[str, int], style: str = "") -> "Text":
    from rich.text import Text

    row = Text(style=style)
    for name, width in widths.items():
        if name == "ticker":
            row.append(f"{cells[name]:<{width}}", style="bold cyan").append(" " * GAP)
        else:
            row.append(f"{cells[name]:>{width}}").append(" " * GAP)
    return row
