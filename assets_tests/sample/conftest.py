"""A small synthetic market, made once, and the means to read it without the code under test."""

import csv
import gzip
import json
from datetime import date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from pipeline.sample.full_market import LEDGER, last_sessions, lay_down_full_market

SESSIONS = last_sessions(46)
"""They straddle 2026-02-23, and hold two faulty files (the tenth and the thirtieth)."""
FAULTY = {SESSIONS[9], SESSIONS[29]}
NEW_YORK = ZoneInfo("America/New_York")
ODD = ["NA", "TRUE", "NAN", "NULL", "INF", "1E5", "AAP", "AAp", "BRK.A", "BRK.B", "KIMpL", "XYZ.WS", "XYZ.U"]
TEST_SYMBOLS = ["ZVZZT", "ZWZZT", "ZXZZT", "ZJZZT", "ZBZX", "ZTEST", "ZTST", "CBO", "CBX", "IBO"]
TICKERS = 60
SEED = 3


def path_of(folder: Path, session: date) -> Path:
    return folder / f"us_stocks_sip/day_aggs_v1/{session:%Y}/{session:%m}/{session:%Y-%m-%d}.csv.gz"


def rows_of(folder: Path, session: date) -> list[dict[str, str]]:
    with gzip.open(path_of(folder, session), "rt", newline="") as text:
        return list(csv.DictReader(text))


def bytes_under(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def ledger_of(folder: Path) -> list[dict[str, str]]:
    with (folder / LEDGER).open(newline="") as text:
        return list(csv.DictReader(text))


def results(folder: Path, name: str) -> list[dict]:
    answer = json.loads((folder / f"rest/{name}.json").read_text())
    assert (answer["status"], answer["count"]) == ("OK", len(answer["results"]))
    return answer["results"]


def midnight(day: date) -> int:
    return int(datetime.combine(day, time(), NEW_YORK).timestamp()) * 10**9


def closes(folder: Path, ticker: str) -> dict[date, float]:
    """Return a ticker's closes in the files without defects."""
    return {
        session: float(row["close"])
        for session in SESSIONS
        if session not in FAULTY
        for row in rows_of(folder, session)
        if row["ticker"] == ticker
    }


@pytest.fixture(scope="session")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("market")
    lay_down_full_market(folder, sessions=SESSIONS, tickers=TICKERS, seed=SEED)
    return folder
