"""The market that the benchmarks work on, and homes with lakes over it: laid down, backfilled, lengthened, copied."""

import os
import shutil
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from benchmarks.measuring import Figures, in_its_own_process, timed
from pipeline.sample.full_market import last_sessions, lay_down_full_market
from pipeline.venues.us_stocks import US_STOCKS

if TYPE_CHECKING:
    from pipeline.contracts.table import Table
    from pipeline.lake.lake import Lake
    from pipeline.orchestration.runs import RunReport
    from pipeline.settings import Settings

CHUNK = 21
"""Sessions of history handed to the writer at a time."""


def market(data: Path, tickers: int, sessions: int) -> Path:
    """Return the folder of the sample market of that many tickers and sessions, made under `data` if missing."""
    folder = data / f"market-{tickers}x{sessions}"
    lay_down_full_market(folder, sessions=last_sessions(sessions), tickers=tickers)
    return folder


def environment(home: Path | str, files: Path | str) -> dict[str, str]:
    """Return the variables of a process whose home is `home`, with files from `files`: nothing else of the user's."""
    others = {name: value for name, value in os.environ.items() if not name.startswith(("CANDLELAKE_", "DAGSTER_"))}
    return others | {"CANDLELAKE_HOME": str(home), "CANDLELAKE_FLAT_FILES": str(files)}


def settings_of(home: Path | str, files: Path | str) -> "Settings":
    """Return the settings of a home that takes its files from the folder `files`, which this process keeps."""
    wanted = environment(home, files)
    os.environ.clear()
    os.environ.update(wanted)
    from pipeline.settings import load_settings  # noqa: PLC0415 (each process sets its home first)

    return load_settings()


def run(home: str, files: str, first: str, last: str) -> Figures:
    """Run the daily job over the sessions from `first` to `last`, reference data before it, as the commands do."""
    settings = settings_of(home, files)
    from pipeline.orchestration.runs import refresh_reference, run_sessions, runnable_sessions  # noqa: PLC0415
    from pipeline.progress import Progress  # noqa: PLC0415

    sessions = runnable_sessions(settings, date.fromisoformat(first), date.fromisoformat(last))
    reports: list[RunReport] = []

    def work() -> None:
        reports.append(refresh_reference(settings, Progress()))
        reports.append(run_sessions(settings, sessions, Progress()))

    return timed(work) | {"stages": stages(*reports), "rows": rows_written(reports[-1])}


def stages(*reports: "RunReport") -> dict[str, float]:
    """Return the seconds of each stage. Raises AssertionError when a check of a run failed."""
    for report in reports:
        if report.failed_checks:
            raise AssertionError(f"checks failed: {[check.check_name for check in report.failed_checks]}")
    taken: dict[str, float] = {}
    for stage in (stage for report in reports for stage in report.stages):
        taken[stage.name] = taken.get(stage.name, 0) + stage.seconds
    return taken


def rows_written(report: "RunReport") -> dict[str, int]:
    """Return the rows of a run, by stage."""
    return {stage.name: stage.counts["rows"] for stage in report.stages if "rows" in stage.counts}


def backfilled(home: Path, files: Path, sessions: Sequence[date]) -> Figures:
    """Fill the lake of `home` with `sessions` by the real job, in a process of its own."""
    return in_its_own_process(run, home=str(home), files=str(files), first=str(sessions[0]), last=str(sessions[-1]))


def lengthen(home: str, files: str, sessions: int) -> Figures:
    """Give the lake of `home`, which was backfilled, a history of `sessions` sessions that ends where it begins.

    The rows of what it holds are repeated under earlier days, again and again; sizes and layout are those of a
    backfill. Dagster's own history gets a run over the same sessions.
    """
    settings = settings_of(home, files)
    from benchmarks.stocks import TABLES  # noqa: PLC0415
    from pipeline.lake.lake import Lake  # noqa: PLC0415

    lake = Lake(settings.lake)
    stored_sessions = lake.sessions(TABLES[0])
    last = US_STOCKS.calendar.offset(stored_sessions[0], -1)
    earlier = US_STOCKS.calendar.between(US_STOCKS.calendar.offset(last, 1 - sessions), last)

    def work() -> None:
        for table in TABLES:
            lake.replace(table, earlier, repeated(lake, table, stored_sessions, earlier), run_id="history")
        record_runs(settings, earlier)

    return timed(work)


def repeated(
    lake: "Lake", table: "Table", stored_sessions: Sequence[date], earlier: Sequence[date]
) -> Iterator[pl.DataFrame]:
    """Yield the rows of `stored_sessions` as rows of `earlier`, the days in their order, some at a time."""
    for begin in range(0, len(earlier), CHUNK):
        days = earlier[begin : begin + CHUNK]
        origin = [stored_sessions[(begin + place) % len(stored_sessions)] for place in range(len(days))]
        rows = lake.scan(table, min(origin), max(origin)).filter(pl.col("session").is_in(origin)).collect()
        moved = pl.DataFrame({"session": origin, "later": days}, schema={"session": pl.Date, "later": pl.Date})
        again = rows.join(moved, on="session").with_columns(session="later").drop("later")
        yield again.select(list(table.columns)).sort(table.key)


def record_runs(settings: "Settings", sessions: Sequence[date]) -> None:
    """Record a run on the instance that materialized every asset of the daily job for each of `sessions`."""
    from dagster import AssetSpec, Definitions, MaterializeResult, define_asset_job, multi_asset  # noqa: PLC0415

    from benchmarks.stocks import STOCKS  # noqa: PLC0415
    from pipeline.definitions import build_definitions  # noqa: PLC0415
    from pipeline.orchestration.instance import open_instance  # noqa: PLC0415
    from pipeline.orchestration.jobs import jobs_of  # noqa: PLC0415
    from pipeline.orchestration.partitions import ONE_RUN, session_partitions  # noqa: PLC0415
    from pipeline.orchestration.runs import QUIET  # noqa: PLC0415

    partitions = session_partitions(STOCKS.venue)
    known = build_definitions(settings).resolve_asset_graph()
    by_day = jobs_of(STOCKS, partitions).stocks_by_day
    keys = [key for key in by_day.selection.resolve(known) if known.get(key).is_partitioned]

    @multi_asset(specs=[AssetSpec(key) for key in keys], partitions_def=partitions, backfill_policy=ONE_RUN)
    def history() -> Iterator[MaterializeResult]:
        for key in keys:
            yield MaterializeResult(asset_key=key)

    job = define_asset_job("history", partitions_def=partitions)
    tags = {
        "dagster/asset_partition_range_start": str(sessions[0]),
        "dagster/asset_partition_range_end": str(sessions[-1]),
    }
    Definitions(assets=[history], jobs=[job]).resolve_job_def("history").execute_in_process(
        instance=open_instance(settings.home), run_config=QUIET, tags=tags
    )


def copied(home: Path, to: Path) -> Path:
    """Return `to`, a copy of a home: files that are never changed in place are linked, the others copied."""
    shutil.copytree(home, to, copy_function=_linked_or_copied)
    for config in to.glob("dagster/dagster.yaml"):
        config.write_text(config.read_text().replace(str(home), str(to)))
    return to


def _linked_or_copied(source: str, to: str) -> None:
    if source.endswith((".parquet", ".csv.gz")):
        os.link(source, to)
    else:
        shutil.copy2(source, to)
