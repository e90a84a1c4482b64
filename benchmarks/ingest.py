"""Files to raw copies, bars, quarantine and audit trail through Dagster, against a bare scan of the same files.

The bare scan only parses, into memory: it copies no file, hashes nothing, judges no row, and writes no table. What
Dagster alone takes is measured beside it: a run of as many assets over the same sessions, whose bodies do nothing.
"""

import tempfile
import warnings
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import floor
from benchmarks.market import market, settings_of
from benchmarks.measuring import Comparison, Figures, Goal, in_its_own_process, taking_turns, timed
from benchmarks.options import Options
from pipeline.sample.full_market import last_sessions

if TYPE_CHECKING:
    from dagster import AssetsDefinition, Definitions

SCAN, FLOOR, DAGSTER, OURS = "bare scan", "floor bars", "Dagster alone", "ingest"

ASSETS = ("raw_day_aggs", "daily_bars", "quarantine", "deliveries")


def ingest(options: Options) -> list[Comparison]:
    """Measure the scan, the same with copies and bars written, and the assets with their checks, in turn."""
    sessions = last_sessions(options.sessions)
    files = market(options.data, options.tickers, options.sessions)
    span = {"files": str(files), "first": str(sessions[0]), "last": str(sessions[-1])}

    def in_a_folder(name: str) -> Figures:
        work = {FLOOR: floor.bars_only, DAGSTER: empty_assets, OURS: assets}[name]
        with tempfile.TemporaryDirectory(dir=options.data) as folder:
            return in_its_own_process(work, folder=folder, **span)

    ways = {
        SCAN: lambda: in_its_own_process(floor.scan_only, **span),
        FLOOR: lambda: in_a_folder(FLOOR),
        DAGSTER: lambda: in_a_folder(DAGSTER),
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
    from pipeline.definitions import build_definitions  # noqa: PLC0415

    return _run_of(build_definitions(settings), settings.home, first, last)


def empty_assets(files: str, folder: str, first: str, last: str) -> Figures:
    """Run as many assets of the same sessions, one after another, that do nothing: what Dagster's own record takes."""
    settings = settings_of(folder, files)
    from dagster import AssetKey, BetaWarning, Definitions, MaterializeResult, asset, define_asset_job  # noqa: PLC0415

    from pipeline.orchestration.partitions import ONE_RUN, session_partitions  # noqa: PLC0415
    from pipeline.venues.us_stocks import US_STOCKS  # noqa: PLC0415

    partitions = session_partitions(US_STOCKS)

    def empty(name: str, before: str | None) -> "AssetsDefinition":
        deps = [AssetKey(["stocks", before])] if before else []

        @asset(
            key=["stocks", name],
            deps=deps,
            partitions_def=partitions,
            backfill_policy=ONE_RUN,
        )
        def nothing() -> MaterializeResult:  # type: ignore[type-arg]
            return MaterializeResult()

        return nothing

    with warnings.catch_warnings(category=BetaWarning, action="ignore"):
        made = [empty(name, before) for name, before in zip(ASSETS, (None, *ASSETS), strict=False)]
    definitions = Definitions(assets=made, jobs=[define_asset_job("stocks_by_day", partitions_def=partitions)])
    return _run_of(definitions, settings.home, first, last)


def _run_of(definitions: "Definitions", home: Path, first: str, last: str) -> Figures:
    """Run the assets over the sessions as one range. What an instance loads is loaded before the clock starts."""
    from dagster import AssetKey  # noqa: PLC0415

    from pipeline.orchestration.instance import open_instance  # noqa: PLC0415
    from pipeline.orchestration.runs import QUIET  # noqa: PLC0415

    tags = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
    with tempfile.TemporaryDirectory() as elsewhere:
        open_instance(Path(elsewhere)).dispose()

    def work() -> None:
        definitions.resolve_job_def("stocks_by_day").execute_in_process(
            instance=open_instance(home),
            asset_selection=[AssetKey(["stocks", name]) for name in ASSETS],
            run_config=QUIET,
            tags=tags,
        )

    return timed(work)


def _size(files: Path, sessions: Sequence[date]) -> int:
    from pipeline.sources.port import Dataset, key_of  # noqa: PLC0415

    return sum((files / key_of(Dataset.DAY_AGGS, session)).stat().st_size for session in sessions)
