"""The whole backfill through Dagster, against the leanest scripts and the naive way, and its memory as it grows."""

import tempfile
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

from benchmarks import floor, market, naive
from benchmarks.measuring import Comparison, Figures, Goal, in_its_own_process, taking_turns
from benchmarks.options import Options
from benchmarks.reporting import stages_of
from pipeline.sample.full_market import last_sessions

FLOOR_BARS, FLOOR_ALL, NAIVE, OURS = "floor bars", "floor all", "naive way", "backfill"


def against_floors(options: Options) -> list[Comparison]:
    """Measure the floors and the backfill in turn: time and memory."""
    sessions = last_sessions(options.sessions)
    files = market.market(options.data, options.tickers, options.sessions)
    ways = {
        FLOOR_BARS: lambda: _lean(floor.bars_only, options, files, sessions),
        FLOOR_ALL: lambda: _lean(floor.everything, options, files, sessions),
        OURS: lambda: ours(options, files, sessions),
    }
    rounds = taking_turns(ways, options.rounds)
    goals = [Goal(OURS, 1.6, against=FLOOR_ALL), Goal(OURS, 6.0, figure="peak_gib")]
    run_facts = facts(options, rounds[OURS])
    return [Comparison("The whole backfill, against the floors", FLOOR_ALL, rounds, goals, run_facts)]


def against_naive(options: Options) -> list[Comparison]:
    """Measure the naive way and the backfill in turn. On five years the naive way takes most of 24 GiB."""
    sessions = last_sessions(options.sessions)
    files = market.market(options.data, options.tickers, options.sessions)
    ways = {
        NAIVE: lambda: _lean(naive.everything, options, files, sessions),
        OURS: lambda: ours(options, files, sessions),
    }
    rounds = taking_turns(ways, options.rounds)
    goals = [Goal(OURS, 1 / 3, against=NAIVE)]
    run_facts = facts(options, rounds[OURS])
    return [Comparison("The whole backfill, against the naive way", NAIVE, rounds, goals, run_facts)]


def in_length(options: Options) -> list[Comparison]:
    """Measure one backfill and one of four times as many sessions; what counts is the memory."""
    rounds: dict[str, list[Figures]] = {}
    for count in (options.sessions, 4 * options.sessions):
        files = market.market(options.data, options.tickers, count)
        rounds[_of(count)] = [ours(options, files, last_sessions(count))]
    short, long = rounds
    goals = [Goal(long, 1.3, against=short, figure="peak_gib")]
    market_facts = {"tickers": options.tickers}
    return [Comparison("Memory of the backfill as it grows", short, rounds, goals, market_facts, figure="peak_gib")]


def ours(options: Options, files: Path, sessions: Sequence[date]) -> Figures:
    """Return what the real job takes for `sessions`, in a process and a home of its own."""
    with tempfile.TemporaryDirectory(dir=options.data) as home:
        return market.backfilled(Path(home), files, sessions)


def facts(options: Options, taken: Sequence[Figures]) -> dict[str, object]:
    """Return how large the work was, and where the time of the backfill went."""
    size = {"sessions": options.sessions, "tickers": options.tickers, "rows": taken[0]["rows"]["bars"]}
    return size | {"seconds by stage": stages_of(taken)}


def _lean(work: Callable[..., Figures], options: Options, files: Path, sessions: Sequence[date]) -> Figures:
    with tempfile.TemporaryDirectory(dir=options.data) as folder:
        return in_its_own_process(work, files=str(files), folder=folder, first=str(sessions[0]), last=str(sessions[-1]))


def _of(count: int) -> str:
    return f"{count:,} sessions"
