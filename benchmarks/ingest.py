"""Files to raw copies, bars, quarantine and audit trail through Dagster, against a bare scan of the same files.

The bare scan only parses, into memory: it copies no file, hashes nothing, judges no row, and writes no table.
"""

import tempfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from benchmarks import floor
from benchmarks.market import market, settings_of
from benchmarks.measuring import Comparison, Figures, Goal, in_its_own_process, taking_turns, timed
from benchmarks.options import Options
from pipeline.sample.full_market import last_sessions

SCAN, FLOOR, OURS = "bare scan", "floor bars", "ingest"


def ingest(options: Options) -> list[Comparison]:
    """Measure the scan, the same with copies and bars written, and the assets with their checks, in turn."""
    sessions = last_sessions(options.sessions)
    files = market(options.data, options.tickers, options.sessions)
    span = {"files": str(files), "first": str(sessions[0]), "last": str(sessions[-1])}

    def in_a_folder(name: str) -> Figures:
        work = {FLOOR: floor.bars_only, OURS: assets}[name]
        with tempfile.TemporaryDirectory(dir=options.data) as folder:
            return in_its_own_process(work, folder=folder, **span)

    ways = {
        SCAN: lambda: in_its_own_process(floor.scan_only, **span),
        FLOOR: lambda: in_a_folder(FLOOR),
        OURS: lambda: in_a_folder(OURS),
    }
    rounds = taking_turns(ways, options.rounds)
    facts = {"sessions": len(sessions), "tickers": options.tickers, "rows": rounds[SCAN][0]["rows"]}
    facts["bytes packed"] = _size(files, sessions)
    goals = [Goal(OURS, 3.0, against=SCAN)]
    return [Comparison("Ingest of day files", SCAN, rounds, goals, facts)]


def assets(files: str, folder: str, first: str, last: str) -> Figures:
    """Run the assets of the daily job up to the bars, with their checks, in the home `folder`."""
    settings = settings_of(folder, files)
    from dagster import AssetKey  # noqa: PLC0415

    from pipeline.definitions import build_definitions  # noqa: PLC0415
    from pipeline.execution import QUIET  # noqa: PLC0415
    from pipeline.instance import open_instance  # noqa: PLC0415

    names = ("raw_day_aggs", "daily_bars", "quarantine", "deliveries")
    tags = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}

    def work() -> None:
        job = build_definitions(settings).resolve_job_def("stocks_by_day")
        job.execute_in_process(
            instance=open_instance(settings.home),
            asset_selection=[AssetKey(["stocks", name]) for name in names],
            run_config=QUIET,
            tags=tags,
        )

    return timed(work)


def _size(files: Path, sessions: Sequence[date]) -> int:
    from pipeline.sources.flat_files import Dataset, key_of  # noqa: PLC0415

    return sum((files / key_of(Dataset.DAY_AGGS, session)).stat().st_size for session in sessions)
