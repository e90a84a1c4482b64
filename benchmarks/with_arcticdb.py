"""ArcticDB on a local LMDB, in an environment of its own: the panel of bars written, a day appended, rows read back.

ArcticDB holds the panel as one symbol, by session; the lake as `stocks.daily_bars`, with its contract, its fsync and
its commit. Both get the rows from memory.
"""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.environments import python_with
from benchmarks.measuring import Comparison, Figures, in_its_own_process, taking_turns, timed

if TYPE_CHECKING:
    from benchmarks.options import Options

ARCTIC, OURS = "ArcticDB", "the lake"

DONE = ("write the panel", "append a day", "read a day", "read 60 days", "read a ticker")


def compare(options: "Options") -> list[Comparison]:
    """Measure both in turn, each in a process and a folder of its own; one table for each thing done."""
    python = python_with(["arcticdb", "pyarrow"], options.data / "environments" / "arcticdb")
    with tempfile.TemporaryDirectory(dir=options.data) as room:
        prepared = in_its_own_process(
            prepare, data=str(options.data), tickers=options.tickers, sessions=options.sessions, folder=room
        )

        def fresh(work: str, python: str | None = None) -> Figures:
            other = {"python": python} if python else {}
            with tempfile.TemporaryDirectory(dir=room) as folder:
                ways = {ARCTIC: by_arcticdb, OURS: by_lake}
                return in_its_own_process(ways[work], room=room, folder=folder, ticker=prepared["ticker"], **other)

        taken = taking_turns({OURS: lambda: fresh(OURS), ARCTIC: lambda: fresh(ARCTIC, python)}, options.rounds)
    facts = {"rows": prepared["rows"], "sessions": options.sessions, "tickers": options.tickers}
    return [_comparison(done, taken, facts) for done in DONE]


def _comparison(done: str, taken: Mapping[str, list[Figures]], facts: dict[str, int]) -> Comparison:
    rounds = {way: [one[done] | {"peak_gib": one["peak_gib"]} for one in of_rounds] for way, of_rounds in taken.items()}
    return Comparison(f"ArcticDB: {done}", OURS, rounds, [], dict(facts))


def prepare(data: str, tickers: int, sessions: int, folder: str) -> Figures:
    """Leave the bars of the market in `folder` as Parquet: the panel, and its last day apart."""
    import polars as pl  # noqa: PLC0415 (ArcticDB runs where this package is not installed)

    from benchmarks.floor import parsed, usable  # noqa: PLC0415
    from benchmarks.market import market  # noqa: PLC0415
    from pipeline.sample.full_market import last_sessions  # noqa: PLC0415
    from pipeline.sources.port import Dataset, key_of  # noqa: PLC0415

    days = last_sessions(sessions)
    files = market(Path(data), tickers, sessions)
    bars = usable(pl.concat(parsed([[files / key_of(Dataset.DAY_AGGS, day) for day in days]])), days)
    in_order = pl.min_horizontal("open", "close") >= pl.col("low"), pl.max_horizontal("open", "close") <= pl.col("high")
    bars = bars.filter(*in_order, pl.col("transactions") >= 0, pl.col("ticker") != "").sort("session", "ticker")
    last = pl.col("session") == days[-1]
    bars.filter(~last).write_parquet(Path(folder) / "panel.parquet")
    bars.filter(last).write_parquet(Path(folder) / "day.parquet")
    lengths = bars.group_by("ticker").len().sort("len", "ticker")
    return {"rows": len(bars), "ticker": lengths["ticker"][-1]}


def by_arcticdb(room: str, folder: str, ticker: str) -> Figures:
    """Write, append and read by ArcticDB."""
    import arcticdb as adb  # noqa: PLC0415 (only that environment has it)
    import pandas as pd  # noqa: PLC0415

    panel, day = (
        pd.read_parquet(Path(room) / f"{name}.parquet").assign(session=lambda rows: pd.to_datetime(rows["session"]))
        for name in ("panel", "day")
    )
    panel, day = panel.set_index("session"), day.set_index("session")
    library = adb.Arctic(f"lmdb://{folder}/arctic?map_size=16GB").get_library("stocks", create_if_missing=True)
    days = panel.index.unique()
    middle, since = days[len(days) // 2], days[-60:][0]
    own = adb.QueryBuilder()
    own = own[own["ticker"] == ticker]
    return {
        "write the panel": timed(lambda: library.write("bars", panel)),
        "append a day": timed(lambda: library.append("bars", day)),
        "read a day": timed(lambda: library.read("bars", date_range=(middle, middle))),
        "read 60 days": timed(lambda: library.read("bars", date_range=(since, days[-1]))),
        "read a ticker": timed(lambda: library.read("bars", query_builder=own)),
    }


def by_lake(room: str, folder: str, ticker: str) -> Figures:
    """Write, append and read by the lake."""
    import polars as pl  # noqa: PLC0415

    from pipeline.contracts.bars import DAILY_BARS  # noqa: PLC0415
    from pipeline.lake.lake import Lake  # noqa: PLC0415

    DAILY_BARS.enforce(DAILY_BARS.empty())  # pandera loads what it needs at its first use
    panel, day = (pl.read_parquet(Path(room) / f"{name}.parquet") for name in ("panel", "day"))
    days = panel["session"].unique().sort().to_list()
    middle, since = days[len(days) // 2], days[-60:][0]
    months = panel.with_columns(month=pl.col("session").dt.truncate("1mo")).partition_by("month", include_key=False)
    lake = Lake(folder)
    return {
        "write the panel": timed(lambda: lake.replace(DAILY_BARS, days, months, run_id="panel")),
        "append a day": timed(lambda: lake.replace(DAILY_BARS, day["session"].unique().to_list(), [day], run_id="day")),
        "read a day": timed(lambda: lake.scan(DAILY_BARS, middle, middle).collect()),
        "read 60 days": timed(lambda: lake.scan(DAILY_BARS, since, days[-1]).collect()),
        "read a ticker": timed(lambda: lake.scan(DAILY_BARS).filter(pl.col("ticker") == ticker).collect()),
    }
