"""The command line. Data goes to stdout, everything said to the person to stderr; heavy imports stay in the commands."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli import candidates, demo, doctor, runs, sql, status, ui
from pipeline.cli.terminal import say_error
from pipeline.errors import CandlelakeError

app = typer.Typer(
    name="candlelake",
    help="Every US stock, on your laptop, ranked by tomorrow morning.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(demo.demo)
app.command()(runs.run)
app.command()(runs.backfill)
app.command()(candidates.candidates)
app.command()(sql.sql)
app.command()(status.status)
app.command()(doctor.doctor)
app.command()(ui.ui)


@app.callback()
def choose(
    home: Annotated[
        Path | None, typer.Option(help="Folder of everything candlelake keeps; CANDLELAKE_HOME, else ./data.")
    ] = None,
    debug: Annotated[bool, typer.Option(help="Show the traceback of an error.")] = False,  # noqa: FBT002
) -> None:
    """Set what holds for every command."""
    if home is not None:
        os.environ["CANDLELAKE_HOME"] = str(home)
    if debug:
        os.environ["CANDLELAKE_DEBUG"] = "1"


def main() -> None:
    """Run a command: exit code 0 when it did what was asked, 1 when it failed, 2 when it was called wrongly."""
    try:
        app()
    except CandlelakeError as error:
        say_error(error.message, error.remedy)
    except KeyboardInterrupt:
        say_error("Interrupted.", "What was written so far is whole; run the command again to go on.")
    except Exception as error:  # noqa: BLE001 (the last stop: whatever it is becomes one readable line)
        if os.environ.get("CANDLELAKE_DEBUG"):
            raise
        say_error(f"{type(error).__name__}: {error}".splitlines()[0], "Run again with --debug for the traceback.")
    sys.exit(1)
