"""`candlelake demo`: the real pipeline over a sample market, with no key and no network."""

import os
import shlex
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.terminal import ProgressBars, say

if TYPE_CHECKING:
    from pipeline.execution import RunReport
    from pipeline.sample.laying import Laid


def demo(
    full_market: Annotated[
        bool, typer.Option("--full-market", help="A synthetic market of 10,500 tickers instead of five real stocks.")
    ] = False,  # noqa: FBT002
) -> None:
    """Lay down a sample market in the vendor's format, run the real pipeline on it, show today's list."""
    from pipeline.settings import load_settings

    home = load_settings().home
    if "CANDLELAKE_HOME" not in os.environ:
        home = home / ("full-market" if full_market else "demo")
    begun = perf_counter()
    sample = lay_sample(home / "sample", full_market=full_market)
    say(f"sample: {sample.files:,} daily files, {sample.first_session} to {sample.last_session}, in {sample.folder}")
    settle(home, sample)
    report = run_pipeline(sample)
    show_result(home, report, perf_counter() - begun)


def lay_sample(folder: Path, *, full_market: bool) -> "Laid":
    """Return the sample, laid down in the vendor's layout unless it is there already."""
    from pipeline.sample.full_market import last_sessions, lay_down_full_market
    from pipeline.sample.real import lay_down_real

    with ProgressBars() as bars:
        if full_market:
            return lay_down_full_market(folder, sessions=last_sessions(), progress=bars.report("sample files"))
        return lay_down_real(folder, progress=bars.report("sample files"))


def settle(home: Path, sample: "Laid") -> None:
    """Make `home` the home of the sample for this and every later command that is given it."""
    from pipeline.settings import HOME_SETTINGS

    lines = {
        "CANDLELAKE_FLAT_FILES": sample.folder,
        "CANDLELAKE_START": sample.first_session,
        "CANDLELAKE_END": sample.last_session,
    }
    home.mkdir(parents=True, exist_ok=True)
    (home / HOME_SETTINGS).write_text("".join(f"{name}={value}\n" for name, value in lines.items()))
    os.environ["CANDLELAKE_HOME"] = str(home)


def run_pipeline(sample: "Laid") -> "RunReport":
    """Run every session of the sample as one range."""
    from pipeline.cli.runs import run_and_show
    from pipeline.settings import load_settings

    return run_and_show(load_settings(), sample.first_session, sample.last_session)


def show_result(home: Path, report: "RunReport", seconds: float) -> None:
    """Show the newest list, and what to type next."""
    from pipeline.cli.candidates import ranked, show
    from pipeline.cli.runs import finish
    from pipeline.lake.tables import Lake
    from pipeline.settings import load_settings

    finish(report)
    say("")
    show(ranked(Lake(load_settings().lake), day=None, model=None, top=10))
    say(f"{len(report.sessions):,} sessions in {seconds:.1f} s. What to type next:\n")
    program = f"candlelake --home {shlex.quote(os.path.relpath(home))}"
    for command, what in (
        ("candidates --date 2013-02-01 --json", "any other day, with every factor's contribution"),
        ("sql \"SELECT ticker, session, close, rsi_14 FROM stocks.indicators ...\"", "the tables, in SQL"),
        ("status", "what the tables hold, what was rejected and why"),
        ("ui", "the same assets, runs and checks in the Dagster UI"),
    ):
        say(f"  {program} {command}\n      [dim]{what}[/]")
