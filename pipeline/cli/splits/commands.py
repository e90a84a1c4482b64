"""`candlelake splits`: what is in doubt about splits and prices, and your own word on it."""

import getpass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.dates import parse_date, require_session
from pipeline.cli.interrupts import only_reading
from pipeline.cli.rows import dump
from pipeline.cli.terminal import count_text, say, say_warning

if TYPE_CHECKING:
    from pipeline.lake.lake import Lake
    from pipeline.market.market import Market
    from pipeline.market.securities.rulings import Ruling

DAY = "YYYY-MM-DD"

app = typer.Typer(invoke_without_command=True, help="Show splits and prices in doubt, and rule on them.")

Ticker = Annotated[str, typer.Argument(metavar="TICKER", help="As the vendor writes it; case matters.")]
ExecutionDate = Annotated[
    date, typer.Argument(parser=parse_date, metavar="DATE", help="First day that trades in new shares.")
]
Old = Annotated[float, typer.Argument(metavar="FROM", help="Old shares: 10 of a 1:10 reverse split.")]
New = Annotated[float, typer.Argument(metavar="TO", help="New shares that they become: 1 of a 1:10 reverse split.")]
Note = Annotated[str | None, typer.Option(metavar="TEXT", help="Your own words, such as where you read it.")]
By = Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who rules; else the name you are logged in by.")]
Force = Annotated[bool, typer.Option("--force", metavar="", help="Even if the ticker is not in the lake.")]
AsJson = Annotated[bool, typer.Option("--json", metavar="", help="As JSON, with every number.")]


@app.callback()
def splits(context: typer.Context, as_json: AsJson = False) -> None:
    """Show splits and prices in doubt, and rule on them."""
    if context.invoked_subcommand is None:
        list_doubts(as_json)


@app.command("list")
@only_reading()
def list_doubts(as_json: AsJson = False) -> None:
    """Show what is in doubt in the look-back of the newest session; the same as without a command."""
    from pipeline.cli.candidates import newest_session
    from pipeline.cli.splits.shown import show
    from pipeline.queries.doubts import doubts_in_window, splits_in_doubt, unchecked_warnings
    from pipeline.queries.rulings import standing_rulings

    lake, stocks = open_lake()
    session = newest_session(lake, stocks.bars) or stocks.venue.first_session
    doubts, told = doubts_in_window(lake, stocks, session), splits_in_doubt(lake, stocks, session)
    rulings = standing_rulings(lake)
    if as_json:
        frames = {"doubts": doubts, "splits": told, "rulings": rulings}
        dump({"session": session} | {name: rows.to_dicts() for name, rows in frames.items()})
    else:
        show(session, doubts, told, rulings)
    for warning in unchecked_warnings(lake, stocks, session):
        say_warning(warning)


@app.command()
def confirm(  # noqa: PLR0913, PLR0917 (what a ruling says)
    ticker: Ticker,
    day: ExecutionDate,
    old: Annotated[float | None, typer.Argument(metavar="FROM", help="Old shares, if several are told.")] = None,
    new: Annotated[float | None, typer.Argument(metavar="TO", help="New shares, if several are told.")] = None,
    note: Note = None,
    by: By = None,
) -> None:
    """Say that a split of the vendor is right; with the ratio, which of several is."""
    from pipeline.contracts.split_rulings import CONFIRM
    from pipeline.market.securities.rulings import Ruling

    if (old is None) != (new is None):
        raise typer.BadParameter("give both sides of the ratio, FROM and TO, or none.", param_hint="'TO'")
    ruled = rule(Ruling(ticker, day, CONFIRM, old, new, note), by)
    say(f"Confirmed: {in_shares(ruled)}.")
    say_what_follows()


@app.command()
def reject(ticker: Ticker, day: ExecutionDate, note: Note = None, by: By = None, force: Force = False) -> None:
    """Say that there was no split on a day, whatever the vendor tells, and that its prices are right."""
    from pipeline.contracts.split_rulings import REJECT
    from pipeline.market.securities.rulings import Ruling

    if not force:
        require_known(ticker, day)
    rule(Ruling(ticker, day, REJECT, note=note), by)
    say(f"Rejected: no split of {ticker} on {day}.")
    say_what_follows()


@app.command()
def add(  # noqa: PLR0913, PLR0917 (what a ruling says)
    ticker: Ticker, day: ExecutionDate, old: Old, new: New, note: Note = None, by: By = None, force: Force = False
) -> None:
    """Add a split that the vendor does not tell, or whose ratio it tells wrong."""
    from pipeline.contracts.split_rulings import ADD
    from pipeline.market.securities.rulings import Ruling

    require_session_or_told(ticker, day)
    if not force:
        require_known(ticker, day)
    ruled = rule(Ruling(ticker, day, ADD, old, new, note), by)
    say(f"{'Added' if ruled.verdict == ADD else 'Confirmed'}: {in_shares(ruled)}.")
    say_what_follows()


@app.command()
def withdraw(ticker: Ticker, day: ExecutionDate, note: Note = None, by: By = None) -> None:
    """Take a ruling back: the vendor's word counts again."""
    from pipeline.contracts.split_rulings import WITHDRAW
    from pipeline.market.securities.rulings import Ruling

    rule(Ruling(ticker, day, WITHDRAW, note=note), by)
    say(f"Withdrawn: your ruling on {ticker} on {day}. The vendor's word counts again.")
    say_what_follows()


@app.command("export")
def export_(file: Annotated[Path, typer.Argument(metavar="FILE", dir_okay=False, writable=True)]) -> None:
    """Write all rulings to a CSV file, in place of what it held."""
    from pipeline.cli.splits.file import write_rulings
    from pipeline.contracts.split_rulings import SPLIT_RULINGS

    lake, _ = open_lake()
    rulings = lake.read(SPLIT_RULINGS).rows.collect()
    write_rulings(file, rulings)
    say(f"Wrote {count_text(len(rulings), 'rulings')} to {file}.")


@app.command("import")
def import_(file: Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, readable=True)]) -> None:
    """Take in the rulings of a file that `export` wrote; those recorded before are not recorded again."""
    from pipeline.cli.splits.file import read_rulings
    from pipeline.queries.rulings import import_rulings

    lake, _ = open_lake()
    rulings = read_rulings(file, now())
    new = import_rulings(lake, rulings, clock=now)
    say(f"Imported {count_text(new, 'rulings')} from {file}; {len(rulings) - new:,} were recorded before.")
    say_what_follows()


def rule(ruling: "Ruling", by: str | None) -> "Ruling":
    """Record a ruling, and return it with the ratio that it confirms. Raises RulingRefused, ClockBehind."""
    from pipeline.queries.rulings import record_ruling

    lake, _ = open_lake()
    return record_ruling(lake, ruling, ruled_by=by or logged_in(), clock=now)


def in_shares(ruling: "Ruling") -> str:
    """Return a split in words."""
    return (
        f"{ruling.split_from:,.10g} old shares of {ruling.ticker} become {ruling.split_to:,.10g} new before "
        f"{ruling.execution_date} opens"
    )


def say_what_follows() -> None:
    """Say which sessions `candlelake restate` computes again."""
    from pipeline.cli.restate import in_words
    from pipeline.queries.outdated import outdated_sessions

    lake, stocks = open_lake()
    due = outdated_sessions(lake, stocks)
    if due.stretches:
        say(f"`candlelake restate` now computes {in_words(due.spans)}, again, and all that rests on them.")
    else:
        say("No session in the lake rests on it.")


def require_known(ticker: str, day: date) -> None:
    """Raise RulingRefused when the lake has bars around the day, but none of the ticker."""
    from pipeline.errors import RulingRefused
    from pipeline.queries.rulings import traded_around

    lake, stocks = open_lake()
    traded = traded_around(lake, stocks, day)
    if len(traded) and ticker not in traded:
        raise RulingRefused(
            f"Nothing was recorded: the lake has no bar of {ticker} around {day}.",
            remedy="Name the ticker of that day: a renamed company had another one. Case matters: `AAP` and `AAp` are "
            "two. --force records it all the same.",
        )


def require_session_or_told(ticker: str, day: date) -> None:
    """Raise typer.BadParameter when the exchange is closed on the day, and the vendor tells no split for it either."""
    from pipeline.queries.rulings import is_told

    lake, _ = open_lake()
    if not is_told(lake, ticker, day):
        require_session(day, "'DATE'")


def open_lake() -> tuple["Lake", "Market"]:
    """Return the lake and the market."""
    from pipeline.lake.lake import Lake
    from pipeline.mine.in_force import stocks_of
    from pipeline.settings import load_settings

    settings = load_settings()
    return Lake(settings.lake), stocks_of(settings)


def logged_in() -> str:
    """Return the name of the user, or `unknown` where the system has none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return "unknown"


def now() -> datetime:
    """Return the present moment."""
    return datetime.now(UTC)
