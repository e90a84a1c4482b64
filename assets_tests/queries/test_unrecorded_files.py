"""Files without a recorded hash: one that ends the process that reads it is named, and the check goes on."""

import json
import os
import shutil
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from assets_tests.commands import typed
from assets_tests.stocks import CONTRACTS
from pipeline.contracts.bars import DAILY_BARS
from pipeline.errors import PlaceFailed
from pipeline.lake.delta.log_entries import DataFile, checkpoint_name
from pipeline.lake.lake import Lake
from pipeline.queries.unrecorded_files import Judge

ENDS_ITS_READER = Path(__file__).parents[1] / "lake" / "ends_its_reader.parquet"
"""A file of fifty prices, written by Delta. One changed byte gives a column 288 quadrillion values."""

NAME = "stocks/daily_bars"
JAN, FEB = date(2024, 1, 2), date(2024, 2, 1)


def bars(session: date) -> pl.DataFrame:
    row = {"ticker": "GOOG", "session": session, "volume": 1.0, "transactions": 1}
    return pl.DataFrame(
        [row | dict.fromkeys(("open", "high", "low", "close"), 10.0)], schema=dict(CONTRACTS[NAME].columns)
    )


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Return a lake with bars of two months and no recorded hash."""
    lake = Lake(tmp_path / "home" / "lake")
    lake.replace(DAILY_BARS, [JAN, FEB], [bars(JAN), bars(FEB)], run_id="r")
    shutil.rmtree(Path(lake.root, NAME, "_hashes"))
    return lake


def plant(lake: Lake) -> Path:
    """Put the file in the place of January's, with its size in the log, and return its path."""
    entry = Path(lake.root, NAME, "_delta_log", f"{1:020}.json")
    actions = [json.loads(line) for line in entry.read_text().splitlines()]
    added = next(action["add"] for action in actions if "2024-01" in action.get("add", {}).get("path", ""))
    added["size"] = ENDS_ITS_READER.stat().st_size
    entry.write_text("".join(f"{json.dumps(action)}\n" for action in actions))
    return Path(shutil.copyfile(ENDS_ITS_READER, Path(lake.root, NAME, added["path"])))


def entry_for(data: bytes) -> DataFile:
    return DataFile("x.parquet", len(data), None, None, None, 0)


def test_the_file_ends_whoever_reads_it() -> None:
    """A test of Polars, not of this package: where it fails, Polars is mended, and the file shows nothing any more."""
    reading = f"import polars; polars.read_parquet({str(ENDS_ITS_READER)!r})"
    assert subprocess.run([sys.executable, "-c", reading], check=False, capture_output=True).returncode < 0  # noqa: S603


@pytest.mark.thorough
def test_verify_names_a_file_that_ends_its_reader_and_goes_on(lake: Lake) -> None:
    planted = plant(lake)
    answer = typed(Path(lake.root).parent, "verify", "--json")
    assert answer.returncode == 1, answer.stderr
    found = json.loads(answer.stdout)
    (damage,) = found["damages"]
    assert damage["file"] == planted.relative_to(lake.root).as_posix()
    assert damage["found"] == "cannot be read (reading it ends the process, with SIGABRT)"
    assert {table["table"]: table["files"] for table in found["tables"]} == {"stocks.daily_bars": 2}
    assert "Traceback" not in answer.stderr


@pytest.mark.thorough
def test_verify_names_a_checkpoint_that_ends_its_reader_and_goes_on(lake: Lake) -> None:
    shutil.copyfile(ENDS_ITS_READER, Path(lake.root, NAME, checkpoint_name(1)))
    answer = typed(Path(lake.root).parent, "verify", "--json")
    assert answer.returncode == 1, answer.stderr
    (damage,) = json.loads(answer.stdout)["damages"]
    assert (damage["file"], damage["found"]) == (f"{NAME}/{checkpoint_name(1)}", "cannot be read")


@pytest.mark.thorough
def test_one_process_judges_all_files_and_another_those_after_one_that_ended_it(lake: Lake) -> None:
    whole = next(Path(lake.root, NAME).rglob("*.parquet")).read_bytes()
    with Judge() as judge:
        assert [judge.judged(whole, entry_for(whole), NAME) for _ in range(2)] == [None, None]
        assert judge.judged(b"no Parquet", entry_for(b"no Parquet"), NAME).startswith("cannot be read (")
        first = judge._process.pid
        assert judge.judged(ENDS_ITS_READER.read_bytes(), entry_for(b""), NAME).endswith("SIGABRT)")
        assert judge.judged(whole, DataFile("x.parquet", len(whole), 7, None, None, 0), NAME) == (
            "has 1 rows, the log says 7"
        )
        assert judge._process.pid != first


@pytest.mark.thorough
def test_a_process_that_the_system_ends_says_nothing_of_the_file(lake: Lake) -> None:
    whole = next(Path(lake.root, NAME).rglob("*.parquet")).read_bytes()
    with Judge() as judge:
        assert judge.judged(whole, entry_for(whole), NAME) is None
        os.kill(judge._process.pid, signal.SIGKILL)
        with pytest.raises(PlaceFailed, match=r"killed the process that was reading stocks/daily_bars/x\.parquet"):
            judge.judged(whole, entry_for(whole), NAME)
        assert judge.judged(whole, entry_for(whole), NAME) is None
