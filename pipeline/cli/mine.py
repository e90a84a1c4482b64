"""`candlelake new` and `candlelake mine`: your own indicators, models and sell rules."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.terminal import out, say, say_warning

if TYPE_CHECKING:
    from pipeline.mine.loading import DeclaredFile

LONGEST_NAME = 64

app = typer.Typer(invoke_without_command=True, help="Show your own indicators, models and rules.")


class Kind(StrEnum):
    """What can be declared."""

    INDICATOR = "indicator"
    MODEL = "model"
    RULE = "rule"


def new(
    kind: Annotated[Kind, typer.Argument(metavar="indicator|model|rule", help="What to declare.")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its name in snake_case, such as range_20.")],
) -> None:
    """Write a file with a new indicator, model or sell rule that works, for you to change."""
    from pipeline.contracts.indicators import NAME
    from pipeline.errors import MineError
    from pipeline.lake.storage.privacy import make_private_folder, write_private
    from pipeline.mine.folder import allow, is_allowed, names_in
    from pipeline.mine.in_force import stocks_of
    from pipeline.mine.templates import text_of
    from pipeline.settings import load_settings

    if not NAME.fullmatch(name) or len(name) > LONGEST_NAME:
        raise typer.BadParameter(
            f"{name!r} is not a name; write it in snake_case, at most {LONGEST_NAME} letters: range_20.",
            param_hint="'NAME'",
        )
    settings = load_settings()
    file = settings.mine / f"{name}.py"
    if file.exists():
        raise typer.BadParameter(f"{file} exists already.", param_hint="'NAME'")
    # A folder with somebody else's files stays switched off until the user has read them.
    may_allow = is_allowed(settings.mine) or not names_in(settings.mine)
    make_private_folder(settings.home)
    make_private_folder(settings.mine)
    write_private(file, text_of(kind, name))
    if not may_allow:
        say(
            f"Wrote {file}. It does not run before `candlelake mine allow`: the folder has code that you have not "
            "allowed."
        )
        return
    allow(settings.mine)
    try:
        stocks_of(settings)
    except MineError as refused:
        file.unlink()
        raise typer.BadParameter(f"{refused.message.removeprefix(f'{file}: ')}", param_hint="'NAME'") from refused
    say(f"Wrote {file}. Change it, then `candlelake run` uses it and `candlelake mine` shows it.")


@app.callback()
def mine(context: typer.Context) -> None:
    """Show your own indicators, models and rules, and the columns that nothing declares any more."""
    if context.invoked_subcommand is not None:
        return
    from pipeline.lake.lake import Lake
    from pipeline.mine.folder import names_in
    from pipeline.mine.in_force import declared_files, is_switched_off, stocks_of, switched_off
    from pipeline.queries.undeclared import undeclared_columns, undeclared_models
    from pipeline.settings import load_settings

    settings = load_settings()
    if is_switched_off(settings):
        say_warning(switched_off(settings))
        return
    if names_in(settings.mine):
        show(declared_files(settings))
    else:
        say(f"Nothing is declared in {settings.mine}. `candlelake new indicator NAME` writes a first file.")
    lake, stocks = Lake(settings.lake), stocks_of(settings)
    for model in undeclared_models(lake, stocks):
        say(f"stocks.candidates has lists of the model {model}, which nothing declares any more.")
    for column in undeclared_columns(lake, stocks):
        say(f"stocks.indicators has the column {column}, which nothing declares any more: its history stays readable.")


@app.command("allow")
def allow_here() -> None:
    """Let the files of your folder run on this computer."""
    from pipeline.mine.folder import allow, names_in
    from pipeline.mine.in_force import declared_files
    from pipeline.settings import load_settings

    settings = load_settings()
    allow(settings.mine)
    say(f"The code in {settings.mine} runs on this computer from now on.")
    if names_in(settings.mine):
        show(declared_files(settings))


def show(declared: "list[DeclaredFile]") -> None:
    """Write each file with what it declares to stdout."""
    console = out()
    for one in declared:
        what = "; ".join(f"{kind} {', '.join(names)}" for kind, names in one.names_by_kind.items() if names)
        console.print(f"{one.file.name}  {what or 'nothing'}", soft_wrap=True)
