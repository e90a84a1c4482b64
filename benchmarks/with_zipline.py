"""Zipline's own ingest of daily bars from a folder of CSV files, in an environment of its own, against ours.

Zipline wants a file for each ticker, laid down before the clock starts, and refuses a ticker that did not trade
in a session: it gets the tickers without a gap whose names can be file names. We read the vendor's files, one a
day, with every ticker.
"""

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.environments import python_with
from benchmarks.measuring import Comparison, Figures, in_its_own_process, taking_turns, timed

if TYPE_CHECKING:
    from benchmarks.options import Options

ZIPLINE, OURS = "zipline csvdir", "ingest"


def compare(options: "Options") -> list[Comparison]:
    """Measure both in turn, each in a process and a folder of its own."""
    from benchmarks.ingest import assets  # noqa: PLC0415 (zipline runs where this package is not installed)
    from benchmarks.market import market  # noqa: PLC0415
    from pipeline.sample.full_market import last_sessions  # noqa: PLC0415

    python = python_with(["zipline-reloaded"], options.data / "environments" / "zipline")
    days = last_sessions(options.sessions)
    span = {"first": str(days[0]), "last": str(days[-1])}
    files = str(market(options.data, options.tickers, options.sessions))
    with tempfile.TemporaryDirectory(dir=options.data) as room:
        csv_files = in_its_own_process(lay_down, files=files, folder=f"{room}/csv", **span)

        def by_zipline() -> Figures:
            with tempfile.TemporaryDirectory(dir=room) as folder:
                return in_its_own_process(ingest, python=python, csv=f"{room}/csv", folder=folder, **span)

        def by_us() -> Figures:
            with tempfile.TemporaryDirectory(dir=room) as folder:
                return in_its_own_process(assets, files=files, folder=folder, **span)

        rounds = taking_turns({OURS: by_us, ZIPLINE: by_zipline}, options.rounds)
    facts = {"sessions": options.sessions, "tickers": options.tickers}
    facts |= {"files for zipline": csv_files["files"], "rows for zipline": csv_files["rows"]}
    return [Comparison("Ingest by zipline", OURS, rounds, [], facts)]


def lay_down(files: str, folder: str, first: str, last: str) -> Figures:
    """Leave a CSV file for each ticker in `folder`/daily, as zipline reads them."""
    import polars as pl  # noqa: PLC0415

    from benchmarks.floor import parsed, sessions_between, usable  # noqa: PLC0415
    from pipeline.sources.port import Dataset, key_of  # noqa: PLC0415

    days = sessions_between(first, last)
    bars = usable(pl.concat(parsed([[Path(files) / key_of(Dataset.DAY_AGGS, day) for day in days]])), days)
    place = pl.col("session").replace_strict(dict(zip(days, range(len(days)), strict=True)))
    without_gap = (place.max() - place.min() + 1 == pl.len()).over("ticker")
    suitable = bars.filter(pl.col("ticker").str.contains("^[A-Z]+$"), without_gap)
    Path(folder, "daily").mkdir(parents=True)
    rows = suitable.select("ticker", pl.col("session").alias("date"), "open", "high", "low", "close", "volume")
    tickers = rows.with_columns(dividend=0.0, split=1.0).partition_by("ticker", as_dict=True, include_key=False)
    for (ticker,), of_ticker in tickers.items():
        of_ticker.write_csv(Path(folder, "daily", f"{ticker}.csv"))
    return {"files": len(tickers), "rows": len(rows)}


def ingest(csv: str, folder: str, first: str, last: str) -> Figures:
    """Ingest the folder by zipline into a bundle under `folder`."""
    os.environ["ZIPLINE_ROOT"] = folder
    import pandas as pd  # noqa: PLC0415 (only that environment has them)
    from zipline.data import bundles  # noqa: PLC0415
    from zipline.data.bundles.csvdir import csvdir_equities  # noqa: PLC0415

    span = {"start_session": pd.Timestamp(first), "end_session": pd.Timestamp(last)}
    bundles.register("market", csvdir_equities(["daily"], csv), calendar_name="XNYS", **span)
    return timed(lambda: bundles.ingest("market", os.environ, show_progress=False))
