"""`python -m benchmarks [NAME …]`: measure, print a table, write JSON. Without a name all that need nothing more."""

import argparse
import importlib
from dataclasses import dataclass
from pathlib import Path

from benchmarks.options import DATA, Options
from benchmarks.reporting import as_json, markdown, table


@dataclass(frozen=True)
class Benchmark:
    """Where a benchmark is, and what it is about."""

    module: str
    function: str
    about: str
    installs: bool = False
    """Whether it installs an environment of its own, and so runs only when it is named."""


BENCHMARKS = {
    "new_session": Benchmark("sessions", "new_session", "one new session on short and long histories"),
    "redo": Benchmark("sessions", "redo", "an old session again, against a new one"),
    "command": Benchmark("command", "command", "`candlelake run` as a process, against importing what it is made of"),
    "size": Benchmark("size", "size", "bytes a row of stocks.indicators, against plain float64 Parquet"),
    "backfill": Benchmark("backfill", "against_floors", "a whole history, against the leanest scripts"),
    "naive": Benchmark("backfill", "against_naive", "a whole history, against the naive way"),
    "length": Benchmark("backfill", "in_length", "memory of a whole history, against one of four times the length"),
    "ingest": Benchmark("ingest", "ingest", "files to bars, quarantine and trail, against a bare scan of the files"),
    "queries": Benchmark("queries", "queries", "a ticker, a day, sixty days, against one sorted Parquet file"),
    "indicators": Benchmark("indicators", "compare", "indicators of a panel in memory, against TA-Lib's C functions"),
    "first_use": Benchmark("indicators", "first_use", "compiling the kernels of the indicators, against loading them"),
    "doubts": Benchmark("doubts", "doubts", "price doubts: false alarms, planted faults found, and the time they take"),
    "minutes": Benchmark("minutes", "compare", "a day of minute bars, against a bare read and write"),
    "pages": Benchmark("pages", "compare", "ticker pages, against Bokeh's own way"),
    "pandas": Benchmark("with_pandas", "compare", "the journey by pandas, beside the backfill", installs=True),
    "arcticdb": Benchmark("with_arcticdb", "compare", "ArcticDB's writes and reads, beside the lake's", installs=True),
    "zipline": Benchmark("with_zipline", "compare", "zipline's csvdir ingest, beside ours", installs=True),
}


def main() -> None:
    """Measure the benchmarks in the arguments."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m benchmarks")
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[[], *BENCHMARKS], help="see --list")
    parser.add_argument("--list", action="store_true", help="name the benchmarks, and measure nothing")
    parser.add_argument("--table", action="store_true", help="print the goals by the results there are, as Markdown")
    parser.add_argument("--sessions", type=int, default=Options.sessions, help="1260 is the full size")
    parser.add_argument("--tickers", type=int, default=Options.tickers)
    parser.add_argument("--rounds", type=int, default=Options.rounds)
    parser.add_argument("--data", type=Path, default=DATA, help="folder for markets, lakes and results")
    arguments = parser.parse_args()
    if arguments.list:
        for name, benchmark in BENCHMARKS.items():
            print(f"{name:14}{benchmark.about}{' (installs what it needs)' if benchmark.installs else ''}")
        return
    if arguments.table:
        print(markdown([path for name in BENCHMARKS if (path := arguments.data / f"{name}.json").exists()]))
        return
    arguments.data.mkdir(parents=True, exist_ok=True)
    options = Options(arguments.sessions, arguments.tickers, arguments.rounds, arguments.data.absolute())
    for name in arguments.names or [name for name, benchmark in BENCHMARKS.items() if not benchmark.installs]:
        measure(name, options)


def measure(name: str, options: Options) -> None:
    """Measure one benchmark, print its tables, and leave the JSON in the data folder."""
    benchmark = BENCHMARKS[name]
    compare = getattr(importlib.import_module(f"benchmarks.{benchmark.module}"), benchmark.function)
    measured = compare(options)
    for comparison in measured:
        print(table(comparison), end="\n\n", flush=True)
    (options.data / f"{name}.json").write_text(as_json(name, measured) + "\n")


if __name__ == "__main__":
    main()
