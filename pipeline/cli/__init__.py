"""The command line. Data goes to stdout, messages to stderr; heavy imports stay in the commands."""

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.cli import (
    alerts,
    candidates,
    demo,
    doctor,
    evaluate,
    explain,
    mine,
    reference,
    restate,
    runs,
    sql,
    status,
    ui,
    verify,
)
from pipeline.cli.interrupts import ReadingInterrupted, only_reading
from pipeline.cli.positions import commands as positions_commands
from pipeline.cli.splits import commands as splits_commands
from pipeline.cli.streams import as_texts
from pipeline.cli.terminal import DEBUG, quieten, say_error
from pipeline.errors import CandlelakeError, error_text
from pipeline.orchestration.signals import IS_ENDING, insist_on_signals

FAILED, CALLED_WRONGLY, INTERRUPTED = 1, 2, 130

UsageError: Any = typer.BadParameter.__base__
"""The error that typer raises for every wrong call; it has no public name."""

app = typer.Typer(
    name="candlelake",
    help="Every US stock, on your laptop, ranked by tomorrow morning.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(demo.demo)
app.command()(runs.run)
app.command()(runs.backfill)
app.command()(reference.reference)
app.command()(restate.restate)
app.command()(only_reading()(candidates.candidates))
app.command()(only_reading()(explain.explain))
app.command()(evaluate.evaluate)
app.add_typer(positions_commands.app, name="positions")
app.add_typer(splits_commands.app, name="splits")
app.add_typer(alerts.app, name="alerts")
app.command()(mine.new)
app.add_typer(mine.app, name="mine")
app.command()(only_reading()(sql.sql))
app.command()(only_reading()(status.status))
app.command()(verify.verify)
app.command()(only_reading()(doctor.doctor))
app.command()(ui.ui)


def show_version(is_requested: bool) -> None:
    """Print the version and end."""
    if is_requested:
        from importlib.metadata import version

        print(f"candlelake {version('candlelake')}")  # noqa: T201 (data goes to stdout as it is)
        raise typer.Exit


@app.callback()
def choose(
    context: typer.Context,
    home: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Folder of all data; else CANDLELAKE_HOME, else ./data."),
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", metavar="", help="Show the traceback of an error.")] = False,
    _version: Annotated[
        bool,
        typer.Option("--version", metavar="", callback=show_version, is_eager=True, help="Show the version and exit."),
    ] = False,
) -> None:
    """Apply the options of every command."""
    context.obj = home
    if home is not None:
        os.environ["CANDLELAKE_HOME"] = str(home)
    if debug:
        os.environ[DEBUG] = "1"


def main() -> None:
    """Run a command and end the process with its exit code."""
    quieten()
    insist_on_signals()
    sys.exit(run_command(as_texts(sys.argv[1:])))


def run_command(arguments: list[str]) -> int:
    """Run a command and return its exit code: 0 done, 1 failed, 2 called wrongly, 130 interrupted by Ctrl-C."""
    try:
        code = app(arguments, prog_name="candlelake", standalone_mode=False) or 0
    except UsageError as wrong:
        return report_usage_error(wrong)
    except ReadingInterrupted:
        IS_ENDING.set()
        say_error("Interrupted.")
        return INTERRUPTED
    except typer.Abort:
        code = INTERRUPTED
    except Exception as error:
        return report_error(error)
    if code == INTERRUPTED:
        IS_ENDING.set()
        say_error("Interrupted.", "What was written so far is whole; run the command again to go on.")
    return code


def report_usage_error(error: Any) -> int:
    """Report how a command was called wrongly, or show the help when it was called without arguments."""
    if type(error).__name__ == "NoArgsIsHelpError":
        error.show()
        return CALLED_WRONGLY
    command = error.ctx.command_path if error.ctx else "candlelake"
    say_error(error.format_message(), f"`{command} --help` shows how to call it.")
    return CALLED_WRONGLY


def report_error(error: BaseException) -> int:
    """Report what failed: our own error when it is among the causes."""
    causes = list(_causes(error))
    own_error = next((cause for cause in causes if isinstance(cause, CandlelakeError)), None) or _of_the_lake(causes)
    if own_error is not None:
        say_error(own_error.message, own_error.remedy)
        return FAILED
    first_line = (str(error).strip() or "no message").splitlines()[0]
    if type(error).__module__.startswith("sqlalchemy."):
        say_error(
            f"The record of runs failed: {first_line}.",
            "No table is damaged. Check that the home has room and no other program locks its database.",
        )
    elif isinstance(error, UnicodeEncodeError) and _is_undecoded(error):
        say_error(
            f"What was typed is not text in this locale's encoding, {sys.getfilesystemencoding()}.",
            "Type it as UTF-8, in a locale such as C.UTF-8, or set PYTHONUTF8=1.",
        )
    elif isinstance(error, OSError):
        say_error(error_text(error), "Check that the place is writable and has room: `candlelake doctor` does.")
    else:
        say_error(f"{type(error).__name__}: {first_line}", "Run again with `candlelake --debug …` for the traceback.")
    return FAILED


def _is_undecoded(error: UnicodeEncodeError) -> bool:
    """Return whether the text has bytes of an argument that Python could not decode: it keeps each as a surrogate."""
    return any("\udc80" <= character <= "\udcff" for character in error.object[error.start : error.end])


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and its causes, the root cause last."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__


def _of_the_lake(causes: Sequence[BaseException]) -> CandlelakeError | None:
    """Return the meaning of a failure to read rows of the lake, None when no cause is one."""
    from polars.exceptions import ComputeError

    if not any(isinstance(cause, (OSError, ComputeError)) for cause in causes):
        return None
    from pipeline.lake.delta.reading_failures import meaning
    from pipeline.lake.storage.store import store_of
    from pipeline.settings import load_settings

    try:
        store = store_of(load_settings().lake)
    except (CandlelakeError, OSError):  # report the failure itself, not that the settings are wrong, too
        return None
    return next((error for cause in causes if (error := meaning(cause, store)) is not None), None)
