"""What was measured, for a person as a table and for a program as JSON, with what there is to know of the machine."""

import json
import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.measuring import Comparison, Figures, spread

PACKAGES = ("dagster", "polars", "deltalake", "duckdb", "numba", "numpy", "pandera")

WIDEST = 34
"""Characters of the column of ways."""


def table(measured: Comparison) -> str:
    """Return the ways one below the other, with their ratios to the base, CPU and peak memory; then the goals."""
    lines = [measured.title]
    lines += [f"  {name}: {_in_words(value)}" for name, value in measured.facts.items()]
    figure = measured.figure.replace("_", " ")
    lines.append(f"{'':{WIDEST}}{figure:>12}{'ratio':>8}{'least':>8}{'most':>8}{'CPU s':>9}{'ratio':>8}{'GiB':>7}")
    lines += [_row(measured, way, taken) for way, taken in measured.rounds.items()]
    return "\n".join([*lines, *goals(measured)])


def _row(measured: Comparison, way: str, taken: Sequence[Figures]) -> str:
    middle, least, most = spread(measured.ratios(way)).values()
    row = f"{way:{WIDEST}}{_median(taken, measured.figure):12.3f}{middle:8.2f}{least:8.2f}{most:8.2f}"
    if "cpu" in taken[0]:
        row += f"{_median(taken, 'cpu'):9.2f}{statistics.median(measured.ratios(way, 'cpu')):8.2f}"
    if "peak_gib" in taken[0]:
        row += f"{max(one['peak_gib'] for one in taken):7.2f}"
    return row


def _median(taken: Sequence[Figures], figure: str) -> float:
    return statistics.median(one[figure] for one in taken)


def goals(measured: Comparison) -> list[str]:
    """Return a line for each goal: the median of the rounds, least and most, and whether it was met."""
    lines = []
    for goal in measured.goals:
        figures = spread(goal.of_rounds(measured.rounds))
        verdict = "met" if figures["median"] <= goal.most else "missed"
        lines.append(f"  goal {goal.in_words()}: {_spread_in_words(figures)}, {verdict}")
    return lines


def as_json(name: str, measured: Sequence[Comparison]) -> str:
    """Return everything that was measured, and the machine."""
    return json.dumps(
        {"benchmark": name, "machine": machine(), "comparisons": [_plain(one) for one in measured]}, indent=1
    )


def markdown(results: Sequence[Path]) -> str:
    """Return the goals in the JSON files `results` as a Markdown table, a row for each."""
    lines = ["| benchmark | size | goal | measured | |", "|---|---|---|---|---|"]
    for path in results:
        result = json.loads(path.read_text())
        for comparison in result["comparisons"]:
            facts = comparison["facts"]
            size = ", ".join(f"{facts[name]:,} {name}" for name in ("sessions", "rows", "tickers") if name in facts)
            for goal in comparison["goals"]:
                verdict = "met" if goal["median"] <= goal["at_most"] else "missed"
                measured = _spread_in_words(goal)
                lines.append(f"| {comparison['title']} | {size} | {goal['goal']} | {measured} | {verdict} |")
    return "\n".join(lines)


def machine() -> dict[str, Any]:
    """Return what the figures depend on: processor, memory, versions; and how busy the machine was."""
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "load": [round(load, 2) for load in os.getloadavg()],
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "packages": {package: version(package) for package in PACKAGES},
    }


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    return next((line.split(": ", 1)[1] for line in lines if line.startswith("model name")), platform.machine())


def _plain(measured: Comparison) -> dict[str, Any]:
    return {
        "title": measured.title,
        "base": measured.base,
        "figure": measured.figure,
        "facts": measured.facts,
        "rounds": measured.rounds,
        "ratios": {way: spread(measured.ratios(way)) for way in measured.rounds},
        "goals": [
            {"goal": goal.in_words(), "at_most": goal.most, **spread(goal.of_rounds(measured.rounds))}
            for goal in measured.goals
        ],
    }


def _spread_in_words(figures: Mapping[str, float]) -> str:
    middle, least, most = (_number(figures[name]) for name in ("median", "least", "most"))
    return middle if least == most else f"{middle} ({least} to {most})"


def _number(value: float) -> str:
    return f"{value:.2f}" if value == 0 or value >= 0.005 else f"{value:.1e}"


def _in_words(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, dict):
        return ", ".join(f"{name} {_in_words(one)}" for name, one in value.items())
    return str(value)


def stages_of(taken: Sequence[Figures]) -> dict[str, float]:
    """Return the median seconds of each stage, from the `stages` of the runs `taken`."""
    names = taken[0]["stages"]
    return {name: round(statistics.median(one["stages"][name] for one in taken), 3) for name in names}
