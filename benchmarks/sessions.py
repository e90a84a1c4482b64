"""One new session, and one old session again, on a lake that has its history: the work of every day.

All is measured in one process that has loaded what it needs: a run of the daily job from the vendor's file to
candidates, pages and checks, Dagster's own work included. The lakes take turns, and each round is another session.
Beside them a floor makes the same rows and pages of that session by the leanest script.
"""

import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.market import backfilled, copied, lengthen, market, settings_of, stages
from benchmarks.measuring import Comparison, Figures, Goal, in_its_own_process, taking_turns, timed
from benchmarks.options import Options
from benchmarks.reporting import stages_of
from pipeline.sample.full_market import last_sessions

if TYPE_CHECKING:
    from pipeline.orchestration.runs import RunReport

WARM_UP = 1
"""Rounds before those that count: they load code and fill caches."""

FLOOR = "floor"


def new_session(options: Options) -> list[Comparison]:
    """Measure a new session on a fifth of the history, on all of it, and on four times as much."""
    lengths = [options.sessions // 5, options.sessions, 4 * options.sessions]
    with tempfile.TemporaryDirectory(dir=options.data) as room:
        homes = lakes(Path(room), options, lengths)
        days = new_days(options)
        ways = [{"name": _on(length), "home": home, "days": days} for length, home in zip(lengths, homes, strict=True)]
        figures = in_its_own_process(
            run_beside_floor, ways=ways, files=str(files_of(options)), floor_of=_on(lengths[1])
        )
    short, full, long = map(_on, lengths)
    goals = [Goal(full, 1.5), Goal(long, 1.1, against=short), Goal(long, 1.1, against=full)]
    return [_comparison("A new session, in a warm process", short, figures, goals, options)]


def redo(options: Options) -> list[Comparison]:
    """Measure an old session, in the middle of the history, against a new one on the same lake."""
    with tempfile.TemporaryDirectory(dir=options.data) as room:
        _, home = lakes(Path(room), options, [options.sessions // 5, options.sessions])
        ways = [
            {"name": "new session", "home": home, "days": new_days(options)},
            {"name": "old session again", "home": home, "days": _old_days(options)},
        ]
        figures = in_its_own_process(run_in_turn, ways=ways, files=str(files_of(options)))
    goals = [Goal("old session again", 1.5, against="new session")]
    return [_comparison("An old session again, in a warm process", "new session", figures, goals, options)]


def lakes(room: Path, options: Options, lengths: list[int]) -> list[str]:
    """Return a home for each number of sessions, the smallest first: backfilled, the others with a longer past."""
    shortest, *longer = lengths
    first = room / f"{shortest}"
    backfilled(first, files_of(options), _sessions(options)[:shortest])
    homes = [first]
    for length in longer:
        homes.append(copied(first, room / f"{length}"))
        in_its_own_process(lengthen, home=str(homes[-1]), files=str(files_of(options)), sessions=length - shortest)
    return [str(home) for home in homes]


def run_in_turn(ways: list[dict[str, Any]], files: str) -> Figures:
    """Run the days of each way, a home and its sessions, in turn: one day of each in every round."""
    return _rounds(_turns(ways, files), len(ways[0]["days"]))


def run_beside_floor(ways: list[dict[str, Any]], files: str, floor_of: str) -> Figures:
    """Run the days of each way in turn, and after them, on the home of the way `floor_of`, the floor's of that day."""
    from benchmarks.floor_session import lean_session  # noqa: PLC0415

    turns = _turns(ways, files)
    (floored,) = (way for way in ways if way["name"] == floor_of)
    settings, days = settings_of(floored["home"], files), list(floored["days"])
    turns[FLOOR] = lambda: lean_session(settings, files, date.fromisoformat(days.pop(0)))
    return _rounds(turns, len(floored["days"]))


def _turns(ways: list[dict[str, Any]], files: str) -> dict[str, Callable[[], Figures]]:
    return {way["name"]: _runs(way["home"], list(way["days"]), files) for way in ways}


def _runs(home: str, days: list[str], files: str) -> Callable[[], Figures]:
    """Return what runs the next of `days` on a home."""
    settings = settings_of(home, files)
    from pipeline.orchestration.runs import run_sessions  # noqa: PLC0415
    from pipeline.progress import Progress  # noqa: PLC0415

    def one() -> Figures:
        session = date.fromisoformat(days.pop(0))
        reports: list[RunReport] = []
        taken = timed(lambda: reports.append(run_sessions(settings, [session], Progress())))
        return taken | {"stages": stages(*reports)}

    return one


def _rounds(turns: dict[str, Callable[[], Figures]], days: int) -> Figures:
    first = taking_turns(turns, WARM_UP)
    return {"rounds": taking_turns(turns, days - WARM_UP), "first": next(iter(first.values()))[0]}


def _comparison(title: str, base: str, figures: Figures, goals: list[Goal], options: Options) -> Comparison:
    stage_facts = {f"stages, {way}": stages_of(taken) for way, taken in figures["rounds"].items()}
    facts = {
        "sessions": options.sessions,
        "tickers": options.tickers,
        "first run of the process, seconds": figures["first"]["seconds"],
    }
    facts["peak, GiB"] = figures["peak_gib"]
    return Comparison(title, base, figures["rounds"], goals, facts | stage_facts)


def _on(length: int) -> str:
    return f"on {length:,} sessions"


def files_of(options: Options) -> Path:
    """Return the folder of the market that `lakes` takes its files from."""
    return market(options.data, options.tickers, len(_sessions(options)))


def _sessions(options: Options) -> tuple[date, ...]:
    """Return the sessions of the short lake, and those that are new."""
    return last_sessions(options.sessions // 5 + WARM_UP + options.rounds)


def new_days(options: Options) -> list[str]:
    """Return the sessions after the history of every lake: a warm-up, and one for each round."""
    return [str(day) for day in _sessions(options)[-(WARM_UP + options.rounds) :]]


def _old_days(options: Options) -> list[str]:
    """Return sessions that lie apart, so that none finds its month as an earlier one left it."""
    history = _sessions(options)[: options.sessions // 5]
    turns = WARM_UP + options.rounds
    return [str(history[(place + 1) * len(history) // (turns + 1)]) for place in range(turns)]
