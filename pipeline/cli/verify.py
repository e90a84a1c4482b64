"""`candlelake verify`: every file of the lake held against what was recorded of it."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.progress import shown_progress
from pipeline.cli.terminal import one_line, out, say, say_warning

if TYPE_CHECKING:
    from pipeline.lake.verification import Damage
    from pipeline.verification import Found

NAMED = 5
"""Versions or files named in one message; --json names all."""


def verify(
    as_json: Annotated[bool, typer.Option("--json", metavar="", help="As JSON, with every file named.")] = False,
) -> None:
    """Check every file against its recorded hash."""
    from pipeline.lake.tables import Lake
    from pipeline.settings import load_settings
    from pipeline.verification import verify as verified

    settings = load_settings()
    with shown_progress() as progress:
        found = verified(Lake(settings.lake), progress)
    if as_json:
        from pipeline.cli.rows import dump

        dump(_plain(found))
    else:
        for damage in found.damages:
            out().print(told(damage), soft_wrap=True)
        remark(found)
    if found.damages:
        raise typer.Exit(1)


def told(damage: "Damage") -> str:
    """Return a damage in one line: the table, the sessions it touches, the file, what is wrong with it."""
    sessions = f"{damage.first} to {damage.last}" if damage.first != damage.last else f"{damage.first or ''}"
    parts = [damage.table, sessions, damage.kind, damage.file, damage.found]
    return one_line("  ".join(part for part in parts if part))


def remark(found: "Found") -> None:
    """Tell what was checked, and what is no damage but worth a word."""
    unrecorded = [state for state in found.tables.values() if state.unrecorded]
    if unrecorded:
        named = ", ".join(state.sql_name for state in unrecorded[:NAMED]) + (" …" if len(unrecorded) > NAMED else "")
        versions = sum(len(state.unrecorded) for state in unrecorded)
        say_warning(
            f"No hashes were recorded of {versions:,} versions of {len(unrecorded):,} tables ({named}). Their files "
            "were read to the end instead, which wrong numbers may pass."
        )
    unknown = [f"{state.name}/{name}" for state in found.tables.values() for name in state.unknown]
    for name in [*unknown, *found.raw.unknown][:NAMED]:
        say(f"{name} belongs to no version.", style="dim")
    if len(unknown) > NAMED:
        say(f"… and {len(unknown) - NAMED:,} more; maintenance removes them.", style="dim")
    files = sum(state.checked for state in found.tables.values()) + found.raw.checked
    size = sum(state.size for state in found.tables.values()) + found.raw.size
    verdict = f"{len(found.damages):,} damaged" if found.damages else "all as they were written"
    say(f"{files:,} files, {size / 1e6:,.1f} MB: {verdict}.")


def _plain(found: "Found") -> dict[str, object]:
    return {
        "damages": [asdict(damage) for damage in found.damages],
        "tables": [
            {
                "table": state.sql_name,
                "version": state.newest,
                "files": state.checked,
                "bytes": state.size,
                "rows": state.rows,
                "unrecorded_versions": state.unrecorded,
                "unknown_files": state.unknown,
            }
            for state in found.tables.values()
        ],
        "raw": {"files": found.raw.checked, "bytes": found.raw.size, "unknown_files": found.raw.unknown},
    }
