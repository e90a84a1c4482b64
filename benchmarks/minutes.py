"""One day of minute bars, from the vendor's bytes into the lake, against a bare read_csv and Delta write."""

import gzip
import tempfile
from collections.abc import Callable
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.measuring import Comparison, Figures, Goal, in_its_own_process, taking_turns, timed
from benchmarks.options import Options

SESSION = date(2024, 1, 5)
ROWS_A_TICKER = 171
"""Minutes in which a ticker trades, on the average: 1.8 million rows for 10,500 tickers."""
MINUTES = 961
"""Minutes from 04:00 to 20:00 New York."""
FIRST_MINUTE = int(datetime(2024, 1, 5, 9, tzinfo=UTC).timestamp()) * 10**9
KEY = f"us_stocks_sip/minute_aggs_v1/{SESSION:%Y/%m}/{SESSION}.csv.gz"


def minute_rows(tickers: int, seed: int = 7) -> pl.DataFrame:
    """Return random minutes of one session as the vendor has them, some tickers busy, most of them not."""
    rng = np.random.default_rng(seed)
    weight = rng.lognormal(0, 1.2, tickers)
    counts = np.minimum(np.maximum(weight / weight.sum() * tickers * ROWS_A_TICKER * 1.15, 1).astype(int), MINUTES)
    minute = np.concatenate([np.sort(rng.choice(MINUTES, count, replace=False)) for count in counts])
    ticker = np.repeat(np.array([f"T{number:05d}" for number in range(tickers)]), counts)
    total = len(minute)
    middle = np.repeat(rng.uniform(2, 400, tickers), counts)
    opens, closes = (np.round(middle * rng.normal(1, 0.01, total), 2) for _ in ("open", "close"))
    return pl.DataFrame(
        {
            "ticker": ticker,
            "volume": np.floor(rng.lognormal(6, 2, total)).astype(np.int64),
            "open": opens,
            "close": closes,
            "high": np.round(np.maximum(opens, closes) * 1.001, 4),
            "low": np.round(np.minimum(opens, closes) * 0.999, 4),
            "window_start": FIRST_MINUTE + minute * 60 * 10**9,
            "transactions": rng.integers(1, 500, total),
        }
    )


def bare(file: str, folder: str) -> Figures:
    """Read the file with its types and write it to Delta: no check, no key, no audit trail, no sessions."""
    from deltalake import write_deltalake  # noqa: PLC0415 (each way loads what it needs before the clock starts)

    from pipeline.contracts.delivered import TYPES as SCHEMA  # noqa: PLC0415

    def work() -> None:
        write_deltalake(f"{folder}/bare", pl.read_csv(file, schema=SCHEMA))

    return timed(work)


def candlelake(file: str, folder: str) -> Figures:
    """Do all that the asset does: bytes verified, parsed, cleaned, enforced, written with quarantine and trail."""
    from pipeline.contracts.deliveries import MINUTE_DELIVERIES  # noqa: PLC0415
    from pipeline.contracts.minutes import MINUTE_BARS  # noqa: PLC0415
    from pipeline.contracts.quarantine import MINUTE_QUARANTINE  # noqa: PLC0415
    from pipeline.ingest.intake import MINUTES as EDITIONS  # noqa: PLC0415
    from pipeline.ingest.intake import Intake  # noqa: PLC0415
    from pipeline.lake.lake import Lake  # noqa: PLC0415
    from pipeline.lake.raw.raw_files import RawFiles, Receipt  # noqa: PLC0415

    MINUTE_BARS.enforce(MINUTE_BARS.empty())  # pandera loads what it needs at its first use
    data = Path(file).read_bytes()
    raw = RawFiles(Path(folder))
    receipt = Receipt(SESSION, KEY, "e", len(data), datetime.now(UTC), sha256(data).hexdigest())
    with raw.landing() as landing:
        landed = landing / "minutes.csv.gz"
        landed.write_bytes(data)
        raw.store(receipt, landed)
    del data

    def work() -> None:
        lake, intake = Lake(folder), Intake(raw, 0.2, "run", EDITIONS)
        lake.replace(MINUTE_BARS, [SESSION], intake.bars([[SESSION]]), run_id="run")
        lake.replace(MINUTE_QUARANTINE, [SESSION], [intake.quarantine], run_id="run")
        lake.replace(MINUTE_DELIVERIES, [SESSION], [intake.deliveries], run_id="run")

    return timed(work)


BARE, OURS = "bare read and write", "minute bars"


def compare(options: Options) -> list[Comparison]:
    """Measure both ways in turn, each in a process and a folder of its own."""
    with tempfile.TemporaryDirectory(dir=options.data) as room:
        rows = minute_rows(options.tickers)
        file = Path(room) / "minutes.csv.gz"
        file.write_bytes(gzip.compress(rows.write_csv().encode(), compresslevel=6))
        facts = {"rows": len(rows), "tickers": options.tickers, "bytes packed": file.stat().st_size}
        del rows
        ways = {BARE: lambda: _in_a_folder(bare, file), OURS: lambda: _in_a_folder(candlelake, file)}
        rounds = taking_turns(ways, options.rounds)
    goals = [Goal(OURS, 2.5, against=BARE), Goal(OURS, 3.0, figure="peak_gib")]
    return [Comparison("One day of minute bars", BARE, rounds, goals, facts)]


def _in_a_folder(way: Callable[..., Figures], file: Path) -> Figures:
    with tempfile.TemporaryDirectory(dir=file.parent) as folder:
        return in_its_own_process(way, file=str(file), folder=folder)
