"""`candlelake verify`: compare every file of the lake with its recorded hash."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.catalog import keep_catalog_here
from pipeline.cli.interrupts import only_reading
from pipeline.cli.progress import shown_progress
from pipeline.cli.run_reports import finish, tell
from pipeline.cli.terminal import count_text, one_line, out, say, say_warning

if TYPE_CHECKING:
    from pipeline.lake.integrity.damage import Damage
    from pipeline.lake.lake import Lake
    from pipeline.market.market import Market
    from pipeline.orchestration.repair import Repaired
    from pipeline.orchestration.runs import RunReport
    from pipeline.queries.integrity import Found
    from pipeline.settings import Settings

NAMED = 5
"""Versions, files or sessions named in one message; --json names all."""

FINISH = "Run the session again, or `candlelake verify --repair`."


def verify(
    is_repair: Annotated[
        bool, typer.Option("--repair", metavar="", help="Repair what is damaged, and make lost rows again.")
    ] = False,
    is_record: Annotated[
        bool, typer.Option("--record", metavar="", help="Record hashes of versions that have none.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", metavar="", help="As JSON, with the name of every file.")] = False,
) -> None:
    """Check every file of the lake against its recorded hash."""
    from pipeline.lake.lake import Lake
    from pipeline.mine.in_force import stocks_of
    from pipeline.settings import load_settings

    settings = load_settings()
    keep_catalog_here(settings)
    lake = Lake(settings.lake)
    with only_reading():
        found = checked(lake)
    stocks = stocks_of(settings)
    show(stocks, found, as_json=as_json and not is_repair)
    reports: list[RunReport] = []
    ended_well = True
    if is_repair and (found.damages or found.unfinished):
        repaired = mended(settings, found)
        reports, ended_well = repaired.reports, repaired.ended_well
        found = checked(lake)
        show(stocks, found, as_json=as_json)
    if is_record:
        adopt(lake, found)
    finish(reports)
    if found.damages or not ended_well:
        raise typer.Exit(1)


def checked(lake: "Lake") -> "Found":
    """Return what a check of the whole lake finds."""
    from pipeline.queries.integrity import verify as verified

    with shown_progress() as progress:
        return verified(lake, progress)


def mended(settings: "Settings", found: "Found") -> "Repaired":
    """Repair the damage, print what was done, and return it."""
    from pipeline.orchestration.repair import repair

    with shown_progress() as progress:
        repaired = repair(settings, found, progress)
    for words in repaired.done:
        say(words)
    tell(repaired.reports)
    for words in repaired.lost:
        say_warning(words)
    return repaired


def adopt(lake: "Lake", found: "Found") -> None:
    """Record the hashes of versions without any whose files could all be read."""
    from pipeline.queries.integrity import recorded

    versions = recorded(lake, found)
    say(f"Recorded the hashes of {count_text(versions, 'versions')}.")


def show(stocks: "Market", found: "Found", *, as_json: bool) -> None:
    """Write the damage to stdout, and remarks to stderr."""
    if as_json:
        from pipeline.cli.rows import dump

        dump(_plain(found))
        return
    for damage in found.damages:
        out().print(damage_line(stocks, damage), soft_wrap=True)
    remark(found)


def damage_line(stocks: "Market", damage: "Damage") -> str:
    """Return a damage in one line: table, sessions, file, what is wrong, and what repairs it."""
    from pipeline.orchestration.makers import remedy

    sessions = f"{damage.first} to {damage.last}" if damage.first != damage.last else f"{damage.first or ''}"
    what = f"{damage.kind} {damage.found}: {remedy(stocks, damage)}"
    return one_line("  ".join(part for part in (damage.table, sessions, damage.file, what) if part))


def remark(found: "Found") -> None:
    """Print what was checked, and what is unusual without being damaged."""
    unrecorded = [state for state in found.tables.values() if state.unrecorded]
    if unrecorded:
        names = ", ".join(state.sql_name for state in unrecorded[:NAMED]) + (" …" if len(unrecorded) > NAMED else "")
        versions = sum(len(state.unrecorded) for state in unrecorded)
        say_warning(
            f"No hashes are recorded of {count_text(versions, 'versions')} of {count_text(len(unrecorded), 'tables')} "
            f"({names}). Their files were read to the end instead, which does not find wrong numbers. --record records "
            "them."
        )
    unknown = [f"{state.name}/{name}" for state in found.tables.values() for name in state.unknown]
    for name in [*unknown, *found.raw.unknown][:NAMED]:
        say(f"{name} belongs to no version.", style="dim")
    if len(unknown) > NAMED:
        say(f"… and {len(unknown) - NAMED:,} more; maintenance removes them.", style="dim")
    for one in found.unfinished[:NAMED]:
        say_warning(f"{one.table} {one.first}: the run that wrote it ended early; {one.found}. {FINISH}")
    if len(found.unfinished) > NAMED:
        say_warning(f"… and {len(found.unfinished) - NAMED:,} more sessions whose run ended early.")
    for name in found.leftovers:
        say(
            f"{name} is left over from a first write that did not finish: no table yet. Maintenance removes it.",
            style="dim",
        )
    for state in found.tables.values():
        if state.expired:
            say(
                f"{state.sql_name}: a Delta program removed {state.expired:,} expired log entries; a checkpoint "
                "replaces them.",
                style="dim",
            )
    files = sum(state.checked for state in found.tables.values()) + found.raw.checked
    size = sum(state.size for state in found.tables.values()) + found.raw.size
    verdict = f"{len(found.damages):,} damaged" if found.damages else "all as written"
    say(f"{count_text(files, 'files')}, {size / 1e6:,.1f} MB: {verdict}.")


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
        "leftovers": list(found.leftovers),
        "unfinished": [asdict(one) for one in found.unfinished],
        "raw": {"files": found.raw.checked, "bytes": found.raw.size, "unknown_files": found.raw.unknown},
    }
