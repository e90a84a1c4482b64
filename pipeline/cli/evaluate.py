"""`candlelake evaluate`: how the candidates of a range of sessions did, and whether the lists were any good."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.columns import fitting, widths_of
from pipeline.cli.dates import parse_date, require_order
from pipeline.cli.progress import shown_progress
from pipeline.cli.terminal import out, say, say_warning
from pipeline.errors import PermanentError

if TYPE_CHECKING:
    import polars as pl
    from rich.table import Table as Grid

    from pipeline.lake.lake import Lake
    from pipeline.market.market import Market
    from pipeline.settings import Settings

HEADER = ("month", "after", "lists", "hit rate", "excess", "± s.e.", "rank IC", "(t)", "turnover", "coverage")

LEFT_OUT = ("coverage", "turnover", "(t)", "rank IC", "± s.e.", "lists")
"""Columns that go first where they do not fit."""

LEGEND = """\
after: sessions after the list's, bought at the next open; excess: mean total return
less the median of all that passed the model's filters; s.e. and t allow for horizons
that overlap, and are blank where the lists are too few. Costs are not in it."""


@dataclass(frozen=True)
class Evaluation:
    """How good the lists of some sessions were."""

    first: date
    last: date
    """The first and the last requested session with a list."""
    models: tuple[str, ...]
    """The requested models."""
    monthly: "pl.DataFrame"
    overall: "pl.DataFrame"


def evaluate(
    start: Annotated[date, typer.Option(parser=parse_date, metavar="YYYY-MM-DD", help="First day.")],
    end: Annotated[date, typer.Option(parser=parse_date, metavar="YYYY-MM-DD", help="Last day.")],
    model: Annotated[str | None, typer.Option(metavar="NAME", help="One model; else all.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", metavar="", help="As JSON; all months together have none.")
    ] = False,
) -> None:
    """Show how the candidates of a range did afterwards, by model and month."""
    require_order(start, end)
    from pipeline.lake.lake import Lake
    from pipeline.mine.in_force import stocks_of
    from pipeline.settings import load_settings

    settings = load_settings()
    models = chosen_models(stocks_of(settings), model)
    lake = Lake(settings.lake)
    sessions = listed_sessions(settings, lake, start, end)
    bring_up_to_date(settings, sessions)
    evaluation = ask(lake, sessions, models)
    if as_json:
        write(evaluation)
    else:
        show(evaluation)


def chosen_models(stocks: "Market", model: str | None) -> tuple[str, ...]:
    """Return the names of the requested models. Raises typer.BadParameter for an unknown one."""
    names = tuple(known.name for known in stocks.models)
    if model is not None and model not in names:
        raise typer.BadParameter(f"{model!r} is not a model; choose from {', '.join(names)}.", param_hint="'--model'")
    return names if model is None else (model,)


def listed_sessions(settings: "Settings", lake: "Lake", start: date, end: date) -> list[date]:
    """Return the runnable sessions from the first to the last session of the range that has a list.

    Raises PermanentError when no session of the range has a list, or none is runnable.
    """
    from pipeline.contracts.candidates import CANDIDATES
    from pipeline.orchestration.runs import runnable_sessions

    sessions = runnable_sessions(settings, start, end)
    listed = set(lake.read(CANDIDATES, sessions[0], sessions[-1]).rows.select("session").unique().collect()["session"])
    if not listed:
        raise PermanentError(
            f"No model listed a stock from {sessions[0]} to {sessions[-1]}.",
            remedy=f"`candlelake backfill --start {start} --end {end}` ranks these sessions, if they were not; "
            "`candlelake status` shows what there is.",
        )
    return [session for session in sessions if min(listed) <= session <= max(listed)]


def bring_up_to_date(settings: "Settings", sessions: Sequence[date]) -> None:
    """Compute the outcomes of the lists of `sessions` as far as the lake's bars reach, and report the run."""
    from pipeline.cli.run_reports import finish, summarize
    from pipeline.orchestration.jobs import OUTCOMES
    from pipeline.orchestration.runs import run_sessions

    with shown_progress() as progress:
        report = run_sessions(settings, sessions, progress, job_name=OUTCOMES)
    for warning in report.warnings:
        say_warning(warning)
    summarize([report])
    finish([report])


def ask(lake: "Lake", sessions: Sequence[date], models: tuple[str, ...]) -> Evaluation:
    """Return how good the lists of `models` on `sessions` were, by the scores in the lake."""
    import polars as pl

    from pipeline.contracts.outcomes import SESSION_SCORES
    from pipeline.market.scorekeeping.evaluation import monthly_scores, overall_scores

    scores = lake.scan(SESSION_SCORES, sessions[0], sessions[-1]).filter(pl.col("model").is_in(models)).collect()
    return Evaluation(
        first=sessions[0],
        last=sessions[-1],
        models=models,
        monthly=monthly_scores(scores, sessions),
        overall=overall_scores(scores, sessions),
    )


def write(evaluation: Evaluation) -> None:
    """Write all rows to stdout as JSON: month by month, then all months together with month null."""
    import polars as pl

    from pipeline.cli.rows import write_json

    write_json(pl.concat([evaluation.monthly, evaluation.overall], how="diagonal"))


def show(evaluation: Evaluation) -> None:
    """Draw one table per model version on stdout: one line per month and horizon, and last all months together."""
    import polars as pl

    console = out()
    for name in evaluation.models:
        versions = evaluation.overall.filter(pl.col("model") == name)["model_version"].unique().sort()
        for version in versions:
            of_model = pl.col("model") == name, pl.col("model_version") == version
            console.print(f"{name}, version {version} · {evaluation.first} to {evaluation.last}", style="bold")
            monthly, overall = evaluation.monthly.filter(of_model), evaluation.overall.filter(of_model)
            console.print(_grid(monthly, overall, console.width))
            console.print()
        if versions.is_empty():
            say(f"{name}: no stock passed its filters from {evaluation.first} to {evaluation.last}.")
    say(LEGEND, style="dim")


def _grid(monthly: "pl.DataFrame", overall: "pl.DataFrame", room: int) -> "Grid":
    """Return a line per month and horizon, and of all months, with the columns that `room` characters can show."""
    from rich.table import Table as Grid

    of_months = [
        line
        for (month,), rows in monthly.partition_by("month", as_dict=True, maintain_order=True).items()
        for line in _lines(str(month), rows)
    ]
    of_all = _lines("all", overall)
    shown = fitting(widths_of([*of_months, *of_all], HEADER), LEFT_OUT, room, gap=1)
    grid = Grid(header_style="dim", pad_edge=False, box=None, padding=(0, 1, 0, 0))
    for name in shown:
        grid.add_column(name, justify="left" if name == "month" else "right", no_wrap=True)
    for lines, style in ((of_months, ""), (of_all, "bold")):
        for line in lines:
            grid.add_row(*(line[name] for name in shown), style=style)
    return grid


def _lines(label: str, rows: "pl.DataFrame") -> list[dict[str, str]]:
    """Return the cells of a line per horizon; values for all horizons stand in the first."""
    lines = []
    for number, row in enumerate(rows.iter_rows(named=True)):
        turnover = _formatted(row["turnover"], "{:.1%}") if number == 0 else ""
        cells = (label if number == 0 else "", *_cells(row), turnover, _formatted(row["coverage"], "{:.0%}"))
        lines.append(dict(zip(HEADER, cells, strict=True)))
    return lines


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    return (
        str(row["horizon"]),
        f"{row['sessions']:,}",
        _formatted(row["hit_rate"], "{:.1%}"),
        _formatted(row["mean_excess"], "{:+.2%}"),
        _formatted(row["mean_excess_se"], "{:.2%}"),
        _formatted(row["mean_ic"], "{:+.3f}"),
        _formatted(row["ic_t"], "({:+.1f})"),
    )


def _formatted(value: float | None, form: str) -> str:
    if value is None:
        return ""
    shown = form.format(value)
    # Never show −0.00 %.
    return shown if any(digit in shown for digit in "123456789") else form.format(0.0)
