"""One day of minute bars, from the vendor's bytes into the lake, against a bare read_csv and Delta write.

`python -m benchmarks.minutes --rows 1800000 --json minutes.json`. The two ways take turns in processes of their own, so
that each has its own peak of memory. What counts are the ratios within a round, not the seconds.
"""

import argparse
import gzip
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path

import numpy as np
import polars as pl

SESSION = date(2024, 1, 5)
TICKERS = 10_500
MINUTES = 961
"""Minutes from 04:00 to 20:00 New York."""
FIRST_MINUTE = int(datetime(2024, 1, 5, 9, tzinfo=UTC).timestamp()) * 10**9
KEY = f"us_stocks_sip/minute_aggs_v1/{SESSION:%Y/%m}/{SESSION}.csv.gz"


def minute_rows(rows: int, seed: int = 7) -> pl.DataFrame:
    """Return about `rows` random minutes of one session as the vendor has them, some tickers busy, most of them not."""
    rng = np.random.default_rng(seed)
    weight = rng.lognormal(0, 1.2, TICKERS)
    counts = np.minimum(np.maximum(weight / weight.sum() * rows * 1.15, 1).astype(int), MINUTES)
    minute = np.concatenate([np.sort(rng.choice(MINUTES, count, replace=False)) for count in counts])
    ticker = np.repeat(np.array([f"T{number:05d}" for number in range(TICKERS)]), counts)
    total = len(minute)
    middle = np.repeat(rng.uniform(2, 400, TICKERS), counts)
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


def bare(file: Path, folder: Path) -> None:
    """Read the file with its types and write it to Delta: no check, no key, no audit trail, no sessions."""
    from deltalake import write_deltalake  # noqa: PLC0415 (each way loads what it needs before the clock starts)

    from pipeline.sources.day_aggs import SCHEMA  # noqa: PLC0415

    def work() -> None:
        write_deltalake(folder / "bare", pl.read_csv(file, schema=SCHEMA))

    timed(work)


def candlelake(file: Path, folder: Path) -> None:
    """Do all that the asset does: bytes verified, parsed, cleaned, enforced, written with quarantine and trail."""
    from pipeline.assets.intake import MINUTES as EDITIONS  # noqa: PLC0415
    from pipeline.assets.intake import Intake  # noqa: PLC0415
    from pipeline.contracts.deliveries import MINUTE_DELIVERIES  # noqa: PLC0415
    from pipeline.contracts.minutes import MINUTE_BARS  # noqa: PLC0415
    from pipeline.contracts.quarantine import MINUTE_QUARANTINE  # noqa: PLC0415
    from pipeline.lake.raw_files import RawFiles, Receipt  # noqa: PLC0415
    from pipeline.lake.tables import Lake  # noqa: PLC0415

    MINUTE_BARS.enforce(MINUTE_BARS.empty())  # pandera loads what it needs at its first use
    data = file.read_bytes()
    raw = RawFiles(folder)
    raw.store(Receipt(SESSION, KEY, "e", len(data), datetime.now(UTC), sha256(data).hexdigest()), file)
    del data

    def work() -> None:
        lake, intake = Lake(folder), Intake(raw, 0.2, "run", EDITIONS)
        lake.replace(MINUTE_BARS, [SESSION], intake.bars([[SESSION]]), run_id="run")
        lake.replace(MINUTE_QUARANTINE, [SESSION], [intake.quarantine], run_id="run")
        lake.replace(MINUTE_DELIVERIES, [SESSION], [intake.deliveries], run_id="run")

    timed(work)


def timed(work: Callable[[], None]) -> None:
    """Print the seconds that `work` takes and the peak memory of this process in GiB, as JSON."""
    begin = time.perf_counter()
    work()
    seconds = time.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(json.dumps({"seconds": seconds, "peak_gib": peak}))


WAYS = {"bare": bare, "candlelake": candlelake}


def once(way: str, file: Path) -> dict[str, float]:
    """Return what `timed` says of one way, run in a process and a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "benchmarks.minutes", "--way", way, "--file", str(file), "--folder", folder]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    taken: dict[str, float] = json.loads(done.stdout)
    return taken


def main() -> None:
    """Measure, print a table, and write it as JSON when asked."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m benchmarks.minutes")
    parser.add_argument("--rows", type=int, default=1_800_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="write the measurements to this file")
    for name in ("way", "file", "folder"):
        parser.add_argument(f"--{name}", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.way:
        WAYS[options.way](Path(options.file), Path(options.folder))
        return

    rows = minute_rows(options.rows)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "minutes.csv.gz"
        file.write_bytes(gzip.compress(rows.write_csv().encode(), compresslevel=6))
        print(f"{len(rows):,} rows, {file.stat().st_size / 1e6:.1f} MB packed, {options.rounds} rounds")
        taken = [{way: once(way, file) for way in WAYS} for _ in range(options.rounds)]
    ratios = [one["candlelake"]["seconds"] / one["bare"]["seconds"] for one in taken]
    for way in WAYS:
        seconds = statistics.median(one[way]["seconds"] for one in taken)
        peak = max(one[way]["peak_gib"] for one in taken)
        print(f"{way:12}{seconds:8.2f} s{peak:8.2f} GiB at most")
    print(f"ratio {statistics.median(ratios):.2f} (least {min(ratios):.2f}, most {max(ratios):.2f})")
    if options.json:
        result = {"rows": len(rows), "rounds": taken, "ratios": ratios}
        options.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
