"""Output of the commands: stdout for data, stderr for messages, neither read as markup."""

import logging
import os
import shlex
import shutil
import sys
import traceback
import warnings
from pathlib import Path

from rich.console import Console
from rich.text import Text

from pipeline.cli.streams import SIMILAR, replace_unwritable
from pipeline.errors import without_terminal_codes

UNBOUNDED = 10_000
"""Width without a terminal: nothing is cut or wrapped for a screen that does not exist."""

DEBUG = "CANDLELAKE_DEBUG"


def out() -> Console:
    """Return the console for data: as wide as the terminal, or as the rows when it goes to a file or a program."""
    is_free = not sys.stdout.isatty() and "COLUMNS" not in os.environ
    return Console(markup=False, emoji=False, highlight=False, width=UNBOUNDED if is_free else None)


def err() -> Console:
    """Return the console for messages."""
    return Console(stderr=True, markup=False, emoji=False, highlight=False)


def say(words: str, style: str = "") -> None:
    """Write a message to stderr, unchanged, on several lines if it has several."""
    lines = (_visible(line) for line in without_terminal_codes(words).split("\n"))
    err().print(Text("\n".join(lines), style=style), soft_wrap=True)


def say_warning(words: str) -> None:
    """Report something that did not stop the work."""
    err().print(Text.assemble(("warning: ", "bold yellow"), one_line(words)), soft_wrap=True)


def say_error(message: str, remedy: str = "") -> None:
    """Report in one line what went wrong and the remedy, if any; with --debug, also the traceback."""
    if os.environ.get(DEBUG):
        traceback.print_exc(file=sys.stderr)
    words = Text.assemble(("error: ", "bold red"), one_line(message), " ", (one_line(remedy), "dim"))
    words.rstrip()
    err().print(words, soft_wrap=True)


def one_line(words: str) -> str:
    """Return `words` on one line, without terminal codes, and a mark for each character that would move the cursor."""
    return _visible(" ".join(without_terminal_codes(words).split()))


def _visible(line: str) -> str:
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in line)


class WarningHandler(logging.Handler):
    """Shows log records of our own modules as warnings."""

    def emit(self, record: logging.LogRecord) -> None:
        """Show the record."""
        say_warning(record.getMessage())


def count_text(count: int, what: str) -> str:
    """Return a count in words, of a plural: `1 file`, `2,385 files`, `8 passed`."""
    return f"{count:,} {what.removesuffix('s') if count == 1 else what}"


def shortened(name: str, most: int = 16) -> str:
    """Return a name on one line with at most `most` characters: a longer one is cut, with `…`."""
    whole = one_line(name)
    return whole if len(whole) <= most else f"{whole[: most - 1]}…"


def quieten() -> None:
    """Keep warnings and logs of libraries off the terminal; our own warnings are shown in our own form.

    From then on, characters that stdout or stderr cannot write are replaced.
    """
    replace_unwritable()

    def show(message: Warning | str, category: type[Warning], *_: object) -> None:
        if category.__module__.startswith("pipeline."):
            say_warning(str(message))

    warnings.showwarning = show  # type: ignore[assignment]
    logging.getLogger().addHandler(logging.NullHandler())
    logging.getLogger("pipeline").addHandler(WarningHandler(logging.WARNING))
    if os.name == "posix" and "--debug" not in sys.argv:
        _quieten_descriptor()


def _quieten_descriptor() -> None:
    # Rust libraries write their panics to the descriptor, dozens of lines when a disk is full. Python's own output
    # uses a copy of it.
    sys.stderr.flush()
    sys.stderr = os.fdopen(os.dup(2), "w", encoding=sys.stderr.encoding, errors=SIMILAR, buffering=1)
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, 2)
    os.close(devnull)


def typed_program() -> str:
    """Return the command that starts candlelake again from this folder."""
    started = Path(sys.argv[0])
    installed = shutil.which("candlelake")
    if installed is not None and Path(installed).absolute() == started.absolute():
        return "candlelake"
    if not started.is_file() or started.suffix == ".py":
        return f"{shlex.quote(_as_typed(Path(sys.executable)))} -m pipeline.cli"
    return shlex.quote(_as_typed(started))


def _as_typed(path: Path) -> str:
    relative = os.path.relpath(path.absolute())
    return str(path) if relative.startswith("..") else relative
