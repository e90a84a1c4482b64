"""CONTRIBUTING.md: the recipes for a column, a table, a source and a venue store the rows that they should."""

# ruff: noqa: S608 (the queries have dates of ours only)

import gzip
from datetime import date, timedelta
from pathlib import Path

import exchange_calendars
import pytest

from assets_tests.old_home.make import FIRST, LAST, TICKERS, close, day_file, lay, sessions
from assets_tests.old_home.unpacked import moved_into
from assets_tests.recipes import RUN, after, answer

*_, BEFORE, NEWEST, NEXT = sessions(FIRST, LAST)
"""The last sessions of the old home, and the one that is left to be run."""


def file_with(names: dict[str, str], day: date, **further: str) -> bytes:
    """Return a session's file with the columns `names` (ours to the vendor's) and `further` ones with their values."""
    lines = gzip.decompress(day_file(day)).decode().splitlines()
    header, *bars = (line.split(",") for line in lines)
    written = [",".join([*names.values(), *further])]
    written += [
        ",".join([dict(zip(header, bar, strict=True))[name] for name in names] + list(further.values())) for bar in bars
    ]
    return gzip.compress("\n".join([*written, ""]).encode(), mtime=0)


@pytest.mark.thorough
def test_a_column_joins_the_bars_and_old_files_and_rows_stay_readable(tmp_path):
    copy, home = after(tmp_path / "tree", "Add a column"), moved_into(tmp_path)
    header = {name: name for name in gzip.decompress(day_file(NEXT)).decode().splitlines()[0].split(",")}
    lay(home, NEXT, file_with(header, NEXT, odd_lots="3"))
    found = answer(
        copy,
        f"""{RUN}
from datetime import date
from pipeline.contracts.minutes import MINUTE_BARS
from pipeline.contracts.quarantine import QUARANTINE
from pipeline.sample.vendor_files import HEADER
from pipeline.sources.massive.cleaned_day import cleaned_day
from pipeline.sources.massive.grouped_daily import day_of
from pipeline.venues.us_stocks import US_STOCKS
run("verify")
run_only(*TO_BARS, days=[date.fromisoformat(day) for day in ("{NEWEST}", "{NEXT}")])
bars = rows("SELECT session::text, min(odd_lots), max(odd_lots), count(*) FROM stocks.daily_bars "
    "WHERE session >= '{BEFORE}' GROUP BY 1 ORDER BY 1")
assert "odd_lots" in MINUTE_BARS.columns and "odd_lots" in QUARANTINE.columns and "odd_lots" not in HEADER
row = {{"T": "A", "v": "1", "o": "1", "c": "1", "h": "1", "l": "1", "t": "1704733200000"}}
day = day_of([row, row | {{"T": "B", "l": "2"}}])
answer = cleaned_day(day, US_STOCKS, date(2024, 1, 8), "key", "etag", 1.0)
rejected = answer.quarantine["odd_lots"].to_list()
print(json.dumps([bars, answer.bars["odd_lots"].to_list(), rejected]))
        """,
        str(home),
    )
    stocks = len(TICKERS)
    bars, of_answer, rejected = found
    assert bars == [
        [str(BEFORE), None, None, stocks],
        [str(NEWEST), 0, 0, stocks],
        [str(NEXT), 3, 3, stocks],
    ]
    assert (of_answer, rejected) == ([0], [None])


@pytest.mark.thorough
def test_a_table_is_made_by_the_daily_job(tmp_path):
    copy, home = after(tmp_path / "tree", "Add a table with its asset"), moved_into(tmp_path)
    lay(home, NEXT, day_file(NEXT))
    found = answer(
        copy,
        f"""{RUN}
from datetime import date
run_only(*TO_BARS, "breadth", days=[date.fromisoformat("{NEXT}")])
from dagster import AssetKey
from pipeline.definitions import defs
from pipeline.market.built_in import BUILT_IN
from pipeline.market.market import market_of
from pipeline.orchestration.makers import maker_of
from pipeline.venues.us_stocks import US_STOCKS
maker = maker_of(market_of(US_STOCKS, BUILT_IN))["stocks.breadth"]
graph = defs.resolve_asset_graph()
checks = [key.name for key in graph.get_check_keys_for_assets({{AssetKey(["stocks", "breadth"])}})]
found = rows("SELECT session::text, tickers, risen FROM stocks.breadth")
print(json.dumps([maker.job, maker.source, checks, found]))
        """,
        str(home),
    )
    assert found == ["stocks_by_day", "stocks.daily_bars", ["keeps_its_contract"], [[str(NEXT), len(TICKERS), 0]]]


@pytest.mark.thorough
def test_a_source_s_files_are_cleaned_and_those_of_the_earlier_vendor_stay_readable(tmp_path):
    copy, home = after(tmp_path / "tree", "Add a source"), moved_into(tmp_path)
    names = {"ticker": "symbol", "open": "open", "close": "last", "high": "high", "low": "low", "volume": "shares"}
    path = home / "sample" / f"acme/daily/{NEXT:%Y/%m}/{NEXT}.csv.gz"
    path.parent.mkdir(parents=True)
    path.write_bytes(file_with(names, NEXT))
    found = answer(
        copy,
        f"""{RUN}
from datetime import date
run_only(*TO_BARS, days=[date.fromisoformat("{NEXT}")])
run("status")
bars = rows("SELECT ticker, close, transactions FROM stocks.daily_bars WHERE session = '{NEXT}' ORDER BY 1")
from pipeline.ingest.intake import Intake
from pipeline.lake.raw.raw_files import RawFiles
intake = Intake(RawFiles(Path(sys.argv[1], "lake")), 0.5, "run")
list(intake.bars([[date.fromisoformat(day) for day in ("{BEFORE}", "{NEXT}")]]))
print(json.dumps([bars, intake.deliveries["key"].to_list()]))
        """,
        str(home),
    )
    bars, keys = found
    assert bars == [[ticker, close(ticker, NEXT), 0] for ticker in sorted(TICKERS)]
    assert [key.rsplit("/", 3)[0] for key in keys] == ["us_stocks_sip/day_aggs_v1", "acme/daily"]


def lisbon_files(folder: Path, days: list[date]) -> None:
    """Lay down Lisbon's files of `days`."""
    for day in days:
        path = folder / f"lisbon/daily/{day:%Y/%m}/{day}.csv.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        stamp = int((day - date(1970, 1, 1)) / timedelta(seconds=1)) * 10**9
        text = f"ticker,volume,open,close,high,low,window_start,transactions\nEDP,9,4,5,6,3,{stamp},2\n"
        path.write_bytes(gzip.compress(text.encode()))


@pytest.mark.thorough
@pytest.mark.filterwarnings("ignore:Series.values returning an ndarray:DeprecationWarning")
def test_a_venue_runs_from_its_files_to_its_lists(tmp_path):
    copy = after(tmp_path / "tree", "Add a venue")
    lisbon_files(tmp_path / "vendor", [date(2024, 1, 2), date(2024, 1, 3)])
    found = answer(
        copy,
        f"""{RUN}
import yaml
from dagster import DagsterInstance
from pipeline.orchestration.lisbon import LISBON, build_lisbon
from pipeline.settings import Settings
settings = Settings(home=sys.argv[1], flat_files=sys.argv[2], end="2024-01-03")
job = build_lisbon(settings).resolve_job_def("lisbon_by_day")
span = {{"dagster/asset_partition_range_start": "2024-01-02", "dagster/asset_partition_range_end": "2024-01-03"}}
with DagsterInstance.ephemeral() as instance, redirect_stdout(sys.stderr):
    result = job.execute_in_process(instance=instance, tags=span)
failed = [one.check_name for one in result.get_asset_check_evaluations() if not one.passed]
locations = yaml.safe_load(Path("workspace.yaml").read_text())["load_from"]
modules = [one["python_module"]["module_name"] for one in locations]
bars = rows("SELECT ticker, session::text, close FROM lisbon.daily_bars ORDER BY 2")
print(json.dumps([[str(day) for day in LISBON.calendar.sessions], failed, modules, bars]))
        """,
        str(tmp_path / "home"),
        str(tmp_path / "vendor"),
    )
    days, failed, modules, bars = found
    xlis = exchange_calendars.get_calendar("XLIS", start="2024-01-01", end="2027-12-31")
    assert days == [str(session.date()) for session in xlis.sessions]
    assert failed == []
    assert modules == ["pipeline.definitions", "pipeline.orchestration.lisbon"]
    assert bars == [["EDP", "2024-01-02", 5.0], ["EDP", "2024-01-03", 5.0]]
