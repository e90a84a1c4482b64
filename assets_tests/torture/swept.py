"""Homes that commands are swept over, each ready for one command: what it works on is there, and what it may lose."""

import json
import shutil
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from assets_tests.cli.conftest import lay, sample_days
from assets_tests.faults.nursery import Nursery, Work
from assets_tests.faults.two_versions import ADD, DAYS, HISTORY, NEW, OLD, TICKERS, Market, lake_of, lines
from assets_tests.lake.aging import aged
from assets_tests.vendor_minutes import lay_minutes, minute

Prepare = Callable[[Market, dict[str, Any], Path], Work]
"""Makes a filled home, with a folder beside it, ready for some work, and returns that."""

SPAN = ("--start", str(DAYS[0]), "--end", str(DAYS[1]))

SATURDAY = datetime.combine(DAYS[1] + timedelta(days=1), time(17), UTC)
"""Before it, no session is sent; long after it, none is sent any more."""

SPLIT = {"ticker": TICKERS[0], "execution_date": "2024-01-10", "split_from": 1, "split_to": 2, "id": "1"}


def filled(market: Market) -> dict[str, Any]:
    """Return the settings of a home with a year of sessions, run from the vendor's files, and outcomes."""
    settings = {"home": market.vendor.root / "filled", "flat_files": str(market.vendor.files), "max_bad_share": 0.5}
    for session in HISTORY:
        market.vendor.lay(session, *lines(session, OLD))
    market.publish(OLD)
    market.nursery.run(Work(settings, command=("backfill", "--start", str(HISTORY[0]), "--end", str(DAYS[1]))))
    return settings


def copied(settings: Mapping[str, Any], home: Path) -> dict[str, Any]:
    """Return the settings of a copy of a home. What names its place is made again."""
    shutil.copytree(settings["home"], home)
    (home / "candlelake.duckdb").unlink()
    return {**settings, "home": home}


def of_command(*command: str, after: tuple[tuple[str, ...], ...] = ()) -> Prepare:
    """Return what has other commands run first."""

    def prepare(market: Market, settings: dict[str, Any], _: Path) -> Work:
        for one in after:
            market.nursery.run(Work(settings, command=one))
        market.publish(NEW)
        return Work(settings, command=command)

    return prepare


def first_run(market: Market, settings: dict[str, Any], _: Path) -> Work:
    """Return a backfill into a home that is not there yet."""
    market.publish(OLD)
    shutil.rmtree(settings["home"])
    settings["home"].mkdir()
    return Work(settings, command=("backfill", *SPAN))


def imported(market: Market, settings: dict[str, Any], folder: Path) -> Work:
    """Return the import of two positions."""
    file = folder / "positions.csv"
    rows = [f"{ticker},5,30,{DAYS[0]}" for ticker in TICKERS[:2]]
    file.write_text("\n".join(["ticker,quantity,price,opened", *rows, ""]))
    return Work(settings, command=("positions", "import", str(file), "--force"))


def refreshed(market: Market, settings: dict[str, Any], folder: Path) -> Work:
    """Return a refresh of reference data that learns of a split and a dividend."""
    known = {"splits": [SPLIT], "tickers": [{"ticker": name, "type": "CS", "active": True} for name in TICKERS]}
    known["dividends"] = [
        {"ticker": TICKERS[1], "ex_dividend_date": "2024-01-05", "cash_amount": 0.5, "currency": "USD", "id": "1"}
    ]
    for name, results in known.items():
        (folder / f"{name}.json").write_text(json.dumps({"status": "OK", "results": results}))
    return Work(settings | {"reference": str(folder)}, command=("reference",))


def restated(market: Market, settings: dict[str, Any], folder: Path) -> Work:
    """Return a run of `candlelake restate` after a split was learnt."""
    work = refreshed(market, settings, folder)
    market.nursery.run(work)
    return Work(work.settings, command=("restate",))


def repaired(market: Market, settings: dict[str, Any], _: Path) -> Work:
    """Return the repair of a home that lost a file of bars, one of indicators, a log entry and a vendor's file."""
    root = Path(lake_of(settings).root)
    for table in ("daily_bars", "indicators"):
        next(Path(root, "stocks", table).glob("month=2024-01/*.parquet")).unlink()
    max(Path(root, "stocks/candidates/_delta_log").glob("*.json")).write_bytes(b"")
    next(root.glob(f"raw/**/{DAYS[1]}.csv.gz")).write_bytes(b"damaged")
    return Work(settings, command=("verify", "--repair"))


def recorded(market: Market, settings: dict[str, Any], _: Path) -> Work:
    """Return the recording of hashes of two tables that have none."""
    for table in ("daily_bars", "deliveries"):
        shutil.rmtree(Path(lake_of(settings).root, "stocks", table, "_hashes"))
    return Work(settings, command=("verify", "--record"))


def maintained(market: Market, settings: dict[str, Any], _: Path) -> Work:
    """Return maintenance that has months to compact and files of half a year ago to remove."""
    market.publish(NEW)
    for day in DAYS:
        market.nursery.run(Work(settings, command=("run", "--date", str(day))))
    for name in lake_of(settings).tables():
        aged(Path(lake_of(settings).root, name), days=200)
    return Work(settings, job="maintenance")


def of_minutes(market: Market, settings: dict[str, Any], _: Path) -> Work:
    """Return the job of minutes for a session that has a file of them."""
    rows = [minute(DAYS[0], ticker, at) for ticker in TICKERS for at in ("09:30", "09:31", "15:59")]
    lay_minutes(market.vendor, DAYS[0], *rows, rows[0], minute(DAYS[0], "LATE", "20:01"))
    return Work(settings, (DAYS[0],), job="minutes_by_day")


def full_sample(market: Market, settings: dict[str, Any], _: Path) -> Work:
    """Return the writing of the whole real sample into an empty folder of the home."""
    return Work(settings, module="assets_tests.torture.laying", command=(str(settings["home"] / "sample"),))


def second_demo(runs: Nursery, home: Path) -> Work:
    """Return a second demo, of a month that lies in the home: settings and all tables are there, and written again."""
    home.mkdir()
    days = demonstrated()
    for session, rows in days.items():
        lay(home / "sample", session, rows)
    command = (str(home), str(min(days)), str(max(days)), str(len(days)))
    work = Work({"home": home}, module="assets_tests.cli.demo_on_a_cut", command=command)
    runs.run(work)
    return work


def demonstrated() -> dict[date, list[str]]:
    """Return the lines of the files of the sample's first month."""
    return dict(list(sample_days().items())[:21])


def alerting_run(market: Market, address: str) -> Work:
    """Return a run, on the morning after its session, that sends it to a channel."""
    market.publish(OLD)
    settings = market.bare_home("told")
    market.nursery.run(Work(settings, command=("backfill", *SPAN), now=SATURDAY))
    market.publish(NEW)
    later = SATURDAY + timedelta(hours=1)
    return Work(settings | {"alerts": address}, command=("run", "--date", str(DAYS[1])), now=later)


REACHES_A_CHECKPOINT = 18
"""Positions that, with the version that makes the table, leave the next one to be summed up with all before it."""

SCENES: dict[str, Prepare] = {
    "add": of_command(*ADD),
    "add-checkpoint": of_command(*ADD, after=(ADD,) * REACHES_A_CHECKPOINT),
    "change": of_command("positions", "change", "1", "--stop", "15", after=(ADD,)),
    "close": of_command("positions", "close", "AAP", "--price", "25", after=(ADD,)),
    "remove": of_command("positions", "remove", "1", after=(ADD,)),
    "import": imported,
    "first-run": first_run,
    "run": of_command("run", "--date", str(DAYS[0]), after=(ADD,)),
    "backfill": of_command("backfill", *SPAN),
    "reference": refreshed,
    "restate": restated,
    "evaluate": of_command("evaluate", *SPAN),
    "repair": repaired,
    "record": recorded,
    "maintenance": maintained,
    "minutes": of_minutes,
    "sample": full_sample,
}
