"""`candlelake positions`: what is held, what it is worth, and the reasons to sell it."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.dates import parse_date
from pipeline.cli.interrupts import only_reading
from pipeline.cli.positions import RUN_ID
from pipeline.cli.rows import dump, write_json
from pipeline.cli.terminal import say, say_warning

if TYPE_CHECKING:
    import polars as pl

    from pipeline.lake.lake import Lake

DAY = "YYYY-MM-DD"

app = typer.Typer(invoke_without_command=True, help="Show what is held, its profit, and the reasons to sell it.")

Day = Annotated[date | None, typer.Option("--date", parser=parse_date, metavar=DAY, help="Session; else the latest.")]
AsJson = Annotated[bool, typer.Option("--json", metavar="", help="As JSON, with every column and reason.")]
History = Annotated[bool, typer.Option("--history", metavar="", help="Every event ever recorded instead.")]
Stop = Annotated[float | None, typer.Option(metavar="PRICE", help="Sell when it falls to this.")]
Target = Annotated[float | None, typer.Option(metavar="PRICE", help="Sell when it rises to this.")]
Note = Annotated[str | None, typer.Option(metavar="TEXT", help="Your own words.")]
Commission = Annotated[float, typer.Option(metavar="USD", help="Commission paid.")]
Ticker = Annotated[str, typer.Argument(metavar="TICKER", help="As the vendor writes it; case matters.")]
Number = Annotated[int, typer.Argument(metavar="#", help="Number of the position.")]


@app.callback()
def positions(context: typer.Context, day: Day = None, as_json: AsJson = False, history: History = False) -> None:
    """Show what is held, its profit, and the reasons to sell it."""
    if context.invoked_subcommand is None:
        list_positions(day, as_json, history)


@app.command("list")
@only_reading()
def list_positions(day: Day = None, as_json: AsJson = False, history: History = False) -> None:
    """Show what is held; the same as without a command."""
    from pipeline.cli.positions.shown import draw_history
    from pipeline.market.portfolio.faults import day_faults
    from pipeline.queries.portfolio import recorded_positions

    lake, latest = open_lake()
    if day is not None:
        require_sound(day_faults(day, latest))
    if history and as_json:
        write_json(recorded_positions(lake))
    elif history:
        draw_history(recorded_positions(lake))
    else:
        show(lake, day, latest, as_json=as_json)


def show(lake: "Lake", day: date | None, latest: date, *, as_json: bool) -> None:
    """Show what is held on `day`, or on the newest session with bars, as a table or as JSON."""
    from pipeline.cli.positions.prices import has_bars, newest_bars
    from pipeline.cli.positions.shown import draw, say_realised
    from pipeline.mine.in_force import stocks_of
    from pipeline.queries.portfolio import are_splits_known, oversold_sales, sold, standing
    from pipeline.settings import load_settings

    session = day or newest_bars(lake) or latest
    rows = standing(lake, stocks_of(load_settings()), session, day or latest)
    for oversold in oversold_sales(lake):
        say_warning(f"{oversold}. Was a split withdrawn or corrected? `candlelake positions --history` shows the sale.")
    if as_json:
        dump(rows)
        return
    if rows:
        if not has_bars(lake, session):
            say_warning(f"The lake has no bars of {session}: all is shown at the last closes before it.")
        draw(session, rows)
    else:
        say(f"Nothing is held on {session}. `candlelake positions add TICKER QUANTITY PRICE` records a purchase.")
    say_realised(sold(lake, day or latest))
    if rows and not are_splits_known(lake):
        say("Splits and dividends are not known: there is no reference data yet.", style="dim")


@app.command()
def add(  # noqa: PLR0913, PLR0917 (the data of a purchase)
    ticker: Ticker,
    quantity: Annotated[float, typer.Argument(metavar="QUANTITY", help="Shares; fractions are fine.")],
    price: Annotated[float, typer.Argument(metavar="PRICE", help="Paid per share, USD.")],
    opened: Annotated[
        date | None, typer.Option(parser=parse_date, metavar=DAY, help="Session; else the latest.")
    ] = None,
    stop: Stop = None,
    target: Target = None,
    commission: Commission = 0.0,
    note: Note = None,
    do_not_reduce: Annotated[
        bool, typer.Option("--do-not-reduce", metavar="", help="Dividends leave its stop and peak as they are.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", metavar="", help="Even if the ticker is not in the lake.")] = False,
) -> None:
    """Record a purchase. Prices are in the shares of the session opened."""
    from pipeline.cli.positions.price_warnings import price_warnings
    from pipeline.cli.positions.prices import require_known
    from pipeline.market.portfolio.book import Opening, with_openings
    from pipeline.market.portfolio.faults import faults
    from pipeline.queries.portfolio import record

    lake, latest = open_lake()
    opening = Opening(ticker, quantity, price, opened or latest, stop, target, commission, note, do_not_reduce)
    require_sound(faults(opening, latest))
    if not force:
        require_known(lake, opening)
    for words in price_warnings(lake, [opening]).values():
        say_warning(words)
    rows = record(lake, lambda history: with_openings(history, [opening], datetime.now(UTC)), run_id=RUN_ID)
    number: int = rows.select("position").max().item()
    say(f"Position {number}: {quantity:,.10g} {ticker} at {price:,.10g} on {opening.opened}.")


@app.command()
def change(  # noqa: PLR0913, PLR0917 (the terms of a position)
    position: Number,
    stop: Annotated[float | None, typer.Option(metavar="PRICE", help="New stop; 0 drops it.")] = None,
    target: Annotated[float | None, typer.Option(metavar="PRICE", help="New target; 0 drops it.")] = None,
    note: Annotated[str | None, typer.Option(metavar="TEXT", help="New note; an empty one drops it.")] = None,
    do_not_reduce: Annotated[
        bool | None,
        typer.Option("--do-not-reduce/--reduce", help="Whether dividends leave its stop and peak as they are."),
    ] = None,
    since: Annotated[
        date | None, typer.Option("--from", parser=parse_date, metavar=DAY, help="Session; else the latest.")
    ] = None,
) -> None:
    """Change stop, target, orders or note of a position."""
    from pipeline.market.portfolio.book import Terms, with_terms
    from pipeline.market.portfolio.faults import term_faults
    from pipeline.queries.known_listings import known_listings
    from pipeline.queries.portfolio import known_dividends, known_splits, record

    lake, latest = open_lake()
    if stop is None and target is None and note is None and do_not_reduce is None:
        raise typer.BadParameter("nothing to change; name --stop, --target, --do-not-reduce, --reduce or --note.")
    terms = Terms(since or latest, stop, target, note, do_not_reduce)
    require_sound(term_faults(terms, latest))
    splits, dividends, listed = known_splits(lake), known_dividends(lake), known_listings(lake)

    def with_new_terms(history: "pl.DataFrame") -> "pl.DataFrame":
        return with_terms(history, splits, position, terms, datetime.now(UTC), dividends, listed)

    record(lake, with_new_terms, run_id=RUN_ID)
    say(f"Position {position} is changed from {terms.since} on.")


@app.command()
def close(  # noqa: PLR0913, PLR0917 (the data of a sale)
    ticker: Ticker,
    price: Annotated[
        float | None, typer.Option(metavar="PRICE", help="Received per share; else the latest close.")
    ] = None,
    quantity: Annotated[float | None, typer.Option(metavar="SHARES", help="Shares sold; else all.")] = None,
    day: Annotated[
        date | None, typer.Option("--date", parser=parse_date, metavar=DAY, help="Session; else the latest.")
    ] = None,
    commission: Commission = 0.0,
    position: Annotated[int | None, typer.Option(metavar="#", help="One position; else the oldest first.")] = None,
) -> None:
    """Record a sale of all or some shares of a ticker."""
    from pipeline.cli.positions.prices import last_close
    from pipeline.cli.positions.shown import gain
    from pipeline.market.portfolio.book import Sale, with_sale
    from pipeline.market.portfolio.faults import sale_faults
    from pipeline.queries.known_listings import known_listings
    from pipeline.queries.portfolio import doubts_of_sales, known_splits, record, sold

    lake, latest = open_lake()
    closed, received = (day or latest, price) if price is not None else last_close(lake, ticker, position, day, latest)
    sale = Sale(ticker, received, closed, quantity, commission, position)
    require_sound(sale_faults(sale, latest))
    splits, listed = known_splits(lake), known_listings(lake)
    recorded_at = datetime.now(UTC)
    rows = record(lake, lambda history: with_sale(history, splits, sale, recorded_at, listed), run_id=RUN_ID)
    new = rows.filter(rows["recorded_at"] == recorded_at, rows["event"] == "closed")
    parts = sold(lake, closed).join(new, on="position", how="semi")
    say(f"Sold {ticker} at {received:,.10g} on {closed}: {gain(parts)}.")
    for doubt in doubts_of_sales(lake, parts.join(new.select("position", "opened"), on="position")):
        say_warning(f"What is said of {ticker} may be wrong: {doubt}.")


@app.command()
def remove(position: Number) -> None:
    """Take back a position that was recorded by mistake; the history keeps it."""
    from pipeline.market.portfolio.book import without
    from pipeline.queries.known_listings import known_listings
    from pipeline.queries.portfolio import known_splits, record

    lake, _ = open_lake()
    splits, listed = known_splits(lake), known_listings(lake)
    record(lake, lambda history: without(history, position, datetime.now(UTC), splits, listed), run_id=RUN_ID)
    say(f"Position {position} is removed; `candlelake positions --history` still shows it.")


@app.command("import")
def import_(  # noqa: PLR0913, PLR0917 (what a file may be like)
    file: Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, readable=True)],
    columns: Annotated[
        list[str] | None,
        typer.Option(metavar="OURS=THEIRS,…", help="The file's names of columns: ticker=Symbol,quantity=Qty,…"),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN=VALUE|…", help="Only rows with one of these values: Action=Buy."),
    ] = None,
    date_format: Annotated[
        str, typer.Option(metavar="FORMAT", help="How days are written: MM/DD/YYYY, DD-MON-YYYY.")
    ] = DAY,
    thousands: Annotated[str, typer.Option(metavar="SIGN", help="What separates thousands.")] = "",
    decimal: Annotated[str, typer.Option(metavar="SIGN", help="What is before decimals.")] = ".",
    delimiter: Annotated[str, typer.Option(metavar="SIGN", help="What separates columns.")] = ",",
    force: Annotated[
        bool, typer.Option("--force", metavar="", help="Even rows recorded before, and tickers not in the lake.")
    ] = False,
) -> None:
    """Record the purchases of a CSV file: columns ticker, quantity, price, opened; stop, target, commission, note."""
    from pipeline.cli.positions.importing import import_purchases
    from pipeline.cli.positions.layout import Layout, mapping

    layout = Layout(
        columns=mapping(",".join(columns or ()), "--columns"),
        only={name: frozenset(values.split("|")) for name, values in mapping(",".join(only or ()), "--only").items()},
        thousands=thousands,
        decimal=decimal,
        days=date_format,
        delimiter=delimiter,
    )
    lake, latest = open_lake()
    import_purchases(lake, file, layout, latest, force=force)


def open_lake() -> tuple["Lake", date]:
    """Return the lake and the newest session on which a trade is possible: today's, or the lake's last."""
    from pipeline.lake.lake import Lake
    from pipeline.settings import load_settings
    from pipeline.venues.us_stocks import US_STOCKS

    settings = load_settings()
    today = US_STOCKS.today(datetime.now(UTC))
    return Lake(settings.lake), US_STOCKS.calendar.at_or_before(min(today, settings.end or today))


def require_sound(faults: list[str]) -> None:
    """Return if there is no fault; otherwise raise typer.BadParameter."""
    if faults:
        raise typer.BadParameter(f"{'; '.join(faults)}.")
