"""`candlelake demo`: the real pipeline over a sample market, with no key and no network."""

import os
import shlex
from datetime import date
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.progress import shown_progress
from pipeline.cli.terminal import say, typed_program

if TYPE_CHECKING:
    from pipeline.cli.candidates import Listing
    from pipeline.sample.laying import Sample

LOOK_BACK = 20
"""Sessions between the newest and the earlier one in the demo's suggestions."""


def demo(
    context: typer.Context,
    full_market: Annotated[
        bool,
        typer.Option(
            "--full-market", metavar="", help="A synthetic market of 10,500 tickers instead of five real stocks."
        ),
    ] = False,
) -> None:
    """Run the real pipeline on a sample market: no key, no network.

    Everything goes to <home>/demo (or <home>/full-market), or to the folder that --home names.
    """
    from pipeline.lake.storage.privacy import make_private_folder
    from pipeline.settings import load_settings
    from pipeline.sources.home_places import SAMPLE

    home = load_settings().home
    begun = perf_counter()
    if context.obj is None:
        make_private_folder(home)
        home = home / ("full-market" if full_market else "demo")
    require_own_home(home)
    make_private_folder(home)
    sample = lay_sample(home / SAMPLE, full_market=full_market)
    say(f"Sample market: {sample.files:,} daily files, {sample.first_session} to {sample.last_session}, in {home}")
    if (home / "lake").exists():
        say("The tables are there from an earlier demo; they are computed again and replaced.", style="dim")
    write_home_settings(home, sample)
    listing = run_and_list(sample)
    say(f"Done in {perf_counter() - begun:.0f} s. What to type next:\n", style="bold")
    say_next(home, sample, listing)


def require_own_home(home: Path) -> None:
    """Raise SampleError if `home` has tables that are not the demo's: the demo must not mix with them."""
    from pipeline.errors import SampleError
    from pipeline.sources.home_places import SAMPLE

    if (home / "lake").exists() and not (home / SAMPLE).exists():
        raise SampleError(
            f"{home} has tables that are not the demo's; they were left as they are.",
            remedy="Name another folder with --home, or leave --home out.",
        )


def lay_sample(folder: Path, *, full_market: bool) -> "Sample":
    """Return the sample in the vendor's layout; write it if it does not exist."""
    from pipeline.sample.full_market import last_sessions, lay_down_full_market
    from pipeline.sample.real import lay_down_real

    with shown_progress() as progress:
        count = progress.counting("sample files")
        if full_market:
            return lay_down_full_market(folder, sessions=last_sessions(), progress=count)
        return lay_down_real(folder, progress=count)


def write_home_settings(home: Path, sample: "Sample") -> None:
    """Write the settings that make `home` the home of the sample, for this and every later command."""
    from pipeline.lake.storage.privacy import write_private
    from pipeline.settings import IN_THE_HOME
    from pipeline.sources.home_places import FLAT_FILES, HOME_SETTINGS, LAKE

    settings = {
        LAKE: IN_THE_HOME,
        # Relative to the home, so that it can be moved.
        FLAT_FILES: os.path.relpath(sample.folder, home),
        "CANDLELAKE_START": str(sample.first_session),
        "CANDLELAKE_END": str(sample.last_session),
    }
    write_private(home / HOME_SETTINGS, "".join(f"{name}={value}\n" for name, value in settings.items()))
    # The user's own source and lake in the environment do not apply to the sample.
    os.environ.update({**settings, FLAT_FILES: str(sample.folder), "CANDLELAKE_HOME": str(home)})


def run_and_list(sample: "Sample") -> "Listing":
    """Run every session of the sample as one range, list the newest candidates, and return the list."""
    from pipeline.cli.candidates import ask, show
    from pipeline.cli.run_reports import finish
    from pipeline.cli.runs import run_and_show
    from pipeline.lake.lake import Lake
    from pipeline.mine.in_force import stocks_of
    from pipeline.settings import load_settings

    settings = load_settings()
    finish(run_and_show(settings, sample.first_session, sample.last_session))
    say("")
    listing = ask(Lake(settings.lake), stocks_of(settings), day=None, model=None, top=10)
    show(listing)
    return listing


def say_next(home: Path, sample: "Sample", listing: "Listing") -> None:
    """Suggest commands for this home that work as they are typed."""
    program = f"{typed_program()} --home {shlex.quote(_as_typed(home))}"
    for command, what in (
        (f"candidates --date {earlier_session(sample)} --top 3", "the list of an earlier day"),
        *(
            (
                f"explain {shlex.quote(ticker)} {listing.session}",
                "why the first on the list is there, back to the files",
            )
            for ticker in listing.rows["ticker"].head(1)
        ),
        (
            'sql "SELECT ticker, session, close, rsi_14 FROM stocks.indicators JOIN stocks.daily_bars '
            'USING (ticker, session) ORDER BY rsi_14 LIMIT 5"',
            "the most washed-out days of the whole history",
        ),
        ("status", "what the tables hold, what was rejected and why"),
        ("ui", "the pages, and the assets, runs and checks in the Dagster UI"),
    ):
        say(f"# {what}", style="dim")
        say(f"{program} {command}\n")


def earlier_session(sample: "Sample") -> date:
    """Return a session some weeks before the newest."""
    from pipeline.venues.us_stocks import US_STOCKS

    return US_STOCKS.calendar.offset(sample.last_session, -LOOK_BACK)


def _as_typed(home: Path) -> str:
    relative = os.path.relpath(home)
    return str(home) if relative.startswith("..") else relative
