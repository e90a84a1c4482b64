"""Makes `home.tar.xz`: a small home that a person has used, by the commands of the commit that is checked out.

`home.tar.xz` was made at commit 9a6c659, before homes could be moved. To make it once more, check that commit out into
the folder `candlelake` beside HOME, copy this file there, and run it by the path that a person would type:

    cd HOME/../candlelake && .venv/bin/python make.py HOME home.tar.xz

It uses the command line and Dagster's, and nothing of this package's modules, which move.
"""

import gzip
import json
import sqlite3
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import pairwise
from math import sin
from os import environ
from pathlib import Path
from shutil import rmtree
from zoneinfo import ZoneInfo

FIRST, RANKED, LAST = date(2023, 1, 3), date(2024, 1, 8), date(2024, 1, 12)
"""The first session, the first with enough bars to be ranked, and the last with a file, which is left to be run."""
HOLIDAYS = {
    date(2023, month, day)
    for month, day in ((1, 16), (2, 20), (4, 7), (5, 29), (6, 19), (7, 4), (9, 4), (11, 23), (12, 25))
} | {date(2024, 1, 1)}
TICKERS = ("AAP", "AAp", "NA", "BRK.B", "TRUE")
SPLIT, SPLIT_DAY = "TRUE", date(2024, 1, 9)
"""Two for one; the vendor has it only after its sessions were run."""
HEADER = "ticker,volume,open,close,high,low,window_start,transactions"
LEFT_OUT = "home/reports"
"""The archive does without pages: every run makes new ones."""


def sessions(first: date, last: date) -> Iterator[date]:
    day = first
    while day <= last:
        if day.weekday() < 5 and day not in HOLIDAYS:
            yield day
        day += timedelta(1)


def close(ticker: str, session: date) -> float:
    """Return a steady climb with a swing; half of it from the split on."""
    number, day = TICKERS.index(ticker), (session - FIRST).days
    price = (20 + 5 * number) * (1 + 0.001 * (number + 1)) ** day * (1 + 0.02 * sin(day / (3 + number)))
    return round(price / 2 if ticker == SPLIT and session >= SPLIT_DAY else price, 2)


def day_file(session: date, correction: float = 0.0) -> bytes:
    """Return a session's file with a bad row in it; `correction` is added to the first ticker's prices."""
    stamp = int(datetime.combine(session, datetime.min.time(), ZoneInfo("America/New_York")).timestamp()) * 10**9
    lines = [HEADER]
    for ticker in TICKERS:
        price = close(ticker, session) + (correction if ticker == TICKERS[0] else 0.0)
        lines.append(f"{ticker},2000000,{price:.2f},{price:.2f},{price + 1:.2f},{price - 1:.2f},{stamp},7")
    if session == LAST - timedelta(1):
        lines.append(f"BAD,5,10,10,1,9,{stamp},1")
    return gzip.compress("\n".join([*lines, ""]).encode(), mtime=0)


def lay(home: Path, session: date, content: bytes) -> None:
    file = home / f"sample/us_stocks_sip/day_aggs_v1/{session:%Y/%m}/{session}.csv.gz"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)


def lay_reference(home: Path, splits: list[dict[str, object]]) -> None:
    dividends = [
        {"ticker": "BRK.B", "ex_dividend_date": "2024-01-10", "cash_amount": 0.25, "currency": "USD", "id": "D1"}
    ]
    tickers = [
        {"ticker": one, "name": f"{one} Inc", "market": "stocks", "type": "CS", "active": True} for one in TICKERS
    ]
    folder = home / "sample/rest"
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in (("splits", splits), ("dividends", dividends), ("tickers", tickers)):
        (folder / f"{name}.json").write_text(json.dumps({"status": "OK", "results": rows}))


TELL = """
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from pydantic import SecretStr
from assets_tests.stocks import STOCKS
from pipeline.alerts.channels import channels_of
from pipeline.alerts.delivery import Alert, deliver
from pipeline.alerts.reading import read_day
from pipeline.lake.lake import Lake

lake, session = Lake(Path(sys.argv[1], "lake")), date.fromisoformat(sys.argv[2])
alert = Alert(read_day(lake, STOCKS, session, []), ("trend", "pullback"), 5, None, "a-run")
deliver(lake, alert, channels_of([SecretStr(sys.argv[3])]), lambda: datetime.now(UTC))
"""
"""Sends the alert of a session; a run of one that is long past sends none."""


class Phone(BaseHTTPRequestHandler):
    """Takes every message."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()


@contextmanager
def channel() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 18999), Phone)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield "json://127.0.0.1:18999/"
    server.shutdown()


def fill(home: Path) -> None:
    """Do what a person does over some days: fill the lake, buy and sell, run a session, meet a changed past."""

    def candlelake(*arguments: str, **settings: str) -> None:
        run([sys.executable, "-m", "pipeline.cli", "--home", str(home), *arguments], **settings)

    def dagster(*arguments: str) -> None:
        program = str(Path(sys.executable).with_name("dagster"))
        places = {"DAGSTER_HOME": str(home / "dagster"), "CANDLELAKE_HOME": str(home)}
        run([program, *arguments, "-m", "pipeline.definitions"], **places)

    *before, ranked, corrected, newest, left = sessions(FIRST, LAST)
    for session in (*before, ranked, corrected, newest, left):
        lay(home, session, day_file(session))
    lay_reference(home, splits=[])
    (home / "sample/.candlelake-sample.json").write_text("{}")
    settings = {"LAKE": "home", "FLAT_FILES": str(home / "sample"), "START": str(FIRST), "END": str(LAST)}
    (home / "settings.env").write_text("".join(f"CANDLELAKE_{name}={value}\n" for name, value in settings.items()))
    candlelake("backfill", "--start", str(FIRST), "--end", str(before[-1]))
    # The record of all these runs would be most of the archive.
    rmtree(home / "dagster")
    candlelake("backfill", "--start", str(ranked), "--end", str(corrected))
    candlelake("positions", "add", "AAP", "30", "30", "--opened", str(ranked), "--stop", "20", "--force")
    candlelake("positions", "add", SPLIT, "10", "80", "--opened", str(before[-1]), "--force")
    candlelake("positions", "close", "AAP", "--quantity", "10", "--date", str(corrected))
    candlelake("run", "--date", str(newest))
    with channel() as address:
        run([sys.executable, "-c", TELL, str(home), str(newest), address])
    lay_reference(
        home, [{"ticker": SPLIT, "execution_date": str(SPLIT_DAY), "split_from": 1, "split_to": 2, "id": "S1"}]
    )
    candlelake("reference")
    candlelake("restate")
    lay(home, corrected, day_file(corrected, correction=0.5))
    candlelake("run", "--date", str(corrected))
    dagster("schedule", "start", "every_session")
    dagster("sensor", "start", "vendor_files")


def run(command: list[str], **settings: str) -> None:
    kept = {name: value for name, value in environ.items() if not name.startswith(("CANDLELAKE_", "DAGSTER_"))}
    subprocess.run(command, env=kept | settings, check=True)  # noqa: S603 (our own)


def close_records(home: Path) -> None:
    """Write what is beside the SQLite files into them, as the last process that closes such a file does."""
    for file in (home / "dagster").rglob("*.db"):
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def pack(home: Path, archive: Path) -> None:
    def kept(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = "trader"
        return None if entry.name == LEFT_OUT else entry

    with tarfile.open(archive, "w:xz") as packed:
        packed.add(home, "home", filter=kept)


if __name__ == "__main__":
    place, target = map(Path, sys.argv[1:])
    assert not any(later <= earlier for earlier, later in pairwise(sessions(FIRST, LAST)))
    fill(place)
    close_records(place)
    pack(place, target)
