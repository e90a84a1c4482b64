"""Reading the lake as it lies after a backfill and a compaction, by SQL and by Polars, against one sorted Parquet file.

The file holds the same rows of the table, in the order that suits the question best: by ticker and session for one
ticker, by session and ticker for days. Each engine is compared with itself on that file, so that the ratio is about the
lake and not of DuckDB and Polars. Connections and tables are open before the clock starts.
"""

import tempfile
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from benchmarks.market import backfilled, market, settings_of
from benchmarks.measuring import Comparison, Figures, Goal, in_its_own_process, taking_turns, timed
from benchmarks.options import Options
from pipeline.sample.full_market import last_sessions

if TYPE_CHECKING:
    from pipeline.contracts.table import Table
    from pipeline.lake.lake import Lake
    from pipeline.lake.sql import Sql

FILE, POLARS = "one sorted file by Polars", "Polars"
FILE_SQL, SQL = "one sorted file by SQL", "SQL"

DAYS = 60

REPEATED = 3
"""Times that every round asks each question: one answer takes milliseconds."""


def queries(options: Options) -> list[Comparison]:
    """Measure three questions to bars and to indicators, each asked in three ways in turn."""
    sessions = last_sessions(options.sessions)
    files = market(options.data, options.tickers, options.sessions)
    with tempfile.TemporaryDirectory(dir=options.data) as room:
        backfilled(Path(room) / "home", files, sessions)
        figures = in_its_own_process(ask, home=f"{room}/home", files=str(files), rounds=options.rounds)
    facts = {"sessions": options.sessions, "tickers": options.tickers}
    goals = [Goal(SQL, 3.0, against=FILE_SQL), Goal(POLARS, 3.0, against=FILE)]
    return [
        Comparison(title, FILE, answers["rounds"], goals, facts | {"rows of the answer": answers["rows"]})
        for title, answers in figures["questions"].items()
    ]


def ask(home: str, files: str, rounds: int) -> Figures:
    """Compact both tables, and ask them and their sorted copies every question."""
    settings = settings_of(home, files)
    from benchmarks.stocks import INDICATORS_TABLE  # noqa: PLC0415
    from pipeline.contracts.bars import DAILY_BARS  # noqa: PLC0415
    from pipeline.lake.delta.maintenance import compact  # noqa: PLC0415
    from pipeline.lake.lake import Lake  # noqa: PLC0415
    from pipeline.lake.sql import connect  # noqa: PLC0415

    lake = Lake(settings.lake)
    sql = connect(lake)
    questions: dict[str, Figures] = {}
    for table in (DAILY_BARS, INDICATORS_TABLE):
        compact(lake, table, run_id="compaction")
        for question, ways in _questions(lake, sql, table, Path(home)).items():
            questions[f"{question} of {table.sql_name}"] = _answers(ways, rounds)
    return {"questions": questions}


Ways = dict[str, Callable[[], pl.DataFrame]]


def _questions(lake: "Lake", sql: "Sql", table: "Table", folder: Path) -> dict[str, Ways]:
    by_ticker, by_session = sorted_files(lake, table, folder)
    sessions = lake.sessions(table)
    ticker = _most_traded(by_ticker)
    middle, since, last = sessions[len(sessions) // 2], sessions[-DAYS:][0], sessions[-1]

    def days(first: date, last: date) -> Ways:
        wanted = pl.col("session").is_between(first, last)
        between = f"session BETWEEN DATE '{first}' AND DATE '{last}'"
        return {
            FILE: lambda: pl.scan_parquet(by_session).filter(wanted).collect(),
            FILE_SQL: lambda: from_file(by_session, between),
            SQL: lambda: sql.sql(f"SELECT * FROM {table.sql_name} WHERE {between}"),  # noqa: S608
            POLARS: lambda: lake.scan(table, first, last).collect(),
        }

    own, is_own = pl.col("ticker") == ticker, f"ticker = '{ticker}'"
    history = {
        FILE: lambda: pl.scan_parquet(by_ticker).filter(own).collect(),
        FILE_SQL: lambda: from_file(by_ticker, is_own),
        SQL: lambda: sql.sql(f"SELECT * FROM {table.sql_name} WHERE {is_own}"),  # noqa: S608
        POLARS: lambda: lake.scan(table).filter(own).collect(),
    }
    return {
        "One ticker's history": history,
        "One day": days(middle, middle),
        f"{len(sessions[-DAYS:])} days": days(since, last),
    }


def from_file(path: Path, condition: str) -> pl.DataFrame:
    """Return the rows of a Parquet file by a plain DuckDB, handed over as the lake's SQL does."""
    import duckdb  # noqa: PLC0415
    from arro3.core import RecordBatchReader, Table  # noqa: PLC0415

    answer = duckdb.sql(f"SELECT * FROM read_parquet('{path}') WHERE {condition}")  # noqa: S608
    stream = RecordBatchReader.from_stream(answer)
    return pl.DataFrame(Table.from_batches(list(stream), schema=stream.schema))


def sorted_files(lake: "Lake", table: "Table", folder: Path) -> tuple[Path, Path]:
    """Return two files with the rows of the table as Polars writes them: by ticker and session, and the other way."""
    paths = folder / f"{table.name}_by_ticker.parquet", folder / f"{table.name}_by_session.parquet"
    lake.scan(table).sort("ticker", "session").sink_parquet(paths[0])
    lake.scan(table).sort("session", "ticker").sink_parquet(paths[1])
    return paths


def _most_traded(by_ticker: Path) -> str:
    """Return the middle one of the tickers with the longest history."""
    lengths = pl.scan_parquet(by_ticker).group_by("ticker").len().collect()
    longest: Sequence[str] = lengths.filter(pl.col("len") == pl.col("len").max())["ticker"].sort().to_list()
    return longest[len(longest) // 2]


def _answers(ways: Ways, rounds: int) -> Figures:
    answers = {name: way().select("ticker", "session").sort("ticker", "session") for name, way in ways.items()}
    for name, answer in answers.items():
        if not answer.equals(answers[FILE]):
            raise AssertionError(f"{name} answers other rows than the file")
    turns = {name: lambda way=way: timed(way) for name, way in ways.items()}
    return {"rounds": taking_turns(turns, rounds * REPEATED), "rows": len(answers[FILE])}
