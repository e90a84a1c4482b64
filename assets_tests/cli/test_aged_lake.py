"""A lake of two years, maintained all along: questions of the first day still have their answers.

Once as our own maintenance leaves it, and once more after another Delta program has removed the beginning of every log.
"""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from assets_tests.cli.conftest import REPLACED, SESSIONS, Ask, Home
from assets_tests.cli.harming import content, copied, live, require_done
from assets_tests.lake.aging import aged, forget_properties, log_of, removed_by_delta
from assets_tests.stocks import INDICATORS_TABLE, STOCKS
from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.candidates import CANDIDATES
from pipeline.contracts.reference import SPLITS
from pipeline.lake.delta.maintenance import compact, vacuum
from pipeline.lake.lake import Lake
from pipeline.market.outdated_ranges import UNKNOWN
from pipeline.queries.published_lists import publications

pytestmark = pytest.mark.thorough


@dataclass(frozen=True)
class Upkeep:
    """How often a lake is maintained. Before each time, one session is delivered and computed once more."""

    times: int
    every_days: int


EVERY_WEEK, EVERY_MONTH, TWICE_A_YEAR = Upkeep(104, 7), Upkeep(24, 30), Upkeep(4, 182)
NEWEST = 4
"""Sessions that both have delivered again."""

WRITTEN = (DAILY_BARS, INDICATORS_TABLE, CANDIDATES)

CHANGED = SESSIONS[-60]
"""The session whose bar of IBM the vendor changes in the second year."""


@dataclass(frozen=True)
class Aged:
    """A home whose lake is two years old, and what was outdated before it grew old."""

    path: Path
    outdated: list[dict]
    """The outdated rows, as `restate` listed them before any log was cleaned."""


def grown_old(home: Path, upkeep: Upkeep) -> None:
    """Make the lake of a home two years older."""
    for table in WRITTEN:
        forget_properties(home / "lake" / table.market / table.name)
    for period in range(upkeep.times):
        lake = Lake(home / "lake")
        session = SESSIONS[period - upkeep.times]
        for table, reads in ((DAILY_BARS, ()), (INDICATORS_TABLE, (DAILY_BARS, SPLITS)), (CANDIDATES, WRITTEN[:2])):
            rows = lake.scan(table, session, session).collect()
            read = [lake.read(one, session, session) for one in reads]
            lake.replace(table, [session], [rows], run_id=f"period-{period}", read=read)
        if period == upkeep.times // 2:
            rows = lake.scan(DAILY_BARS, CHANGED, CHANGED).collect()
            of_ibm = pl.when(pl.col("ticker") == "IBM").then(pl.col("volume") + 1).otherwise(pl.col("volume"))
            lake.replace(DAILY_BARS, [CHANGED], [rows.with_columns(volume=of_ibm)], run_id="changed")
        for table in WRITTEN:
            compact(lake, table, run_id="maintenance")
            vacuum(lake, table, keep=timedelta(days=30), run_id="maintenance")
        for table in WRITTEN:
            aged(home / "lake" / table.market / table.name, days=upkeep.every_days)


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(TWICE_A_YEAR, id="twice a year"),
        pytest.param(EVERY_MONTH, id="every month"),
        pytest.param(EVERY_WEEK, id="every week", marks=pytest.mark.torture),
    ],
)
def upkeep(request: pytest.FixtureRequest) -> Upkeep:
    return request.param


@pytest.fixture(scope="module")
def maintained(upkeep: Upkeep, home: Home, tmp_path_factory: pytest.TempPathFactory) -> Aged:
    """Return a home that our own maintenance has kept for two years."""
    path = copied(home.path, tmp_path_factory.mktemp("aged") / "home")
    grown_old(path, upkeep)
    lake = Lake(path / "lake")
    assert all(log_of(lake, f"stocks/{table.name}")[0] == f"{0:020}.json" for table in WRITTEN)
    from pipeline.queries.outdated import outdated_sessions  # noqa: PLC0415 (partitions are read from the settings at import)

    return Aged(path, outdated_sessions(lake, STOCKS).outdated.to_dicts())


@pytest.fixture(scope="module")
def cleaned(maintained: Aged, tmp_path_factory: pytest.TempPathFactory) -> Aged:
    """Return the same home after another Delta program has removed the beginning of every log."""
    path = copied(maintained.path, tmp_path_factory.mktemp("cleaned") / "home")
    for table in WRITTEN:
        folder = path / "lake" / table.market / table.name
        forget_properties(folder)
        removed_by_delta(folder)
        assert log_of(Lake(path / "lake"), f"stocks/{table.name}")[0] != f"{0:020}.json"
    return Aged(path, maintained.outdated)


@pytest.fixture(params=["cleaned", pytest.param("maintained", marks=pytest.mark.thorough)])
def lake_of_years(request: pytest.FixtureRequest, maintained: Aged, cleaned: Aged) -> Aged:
    return {"maintained": maintained, "cleaned": cleaned}[request.param]


@pytest.fixture
def ask(lake_of_years: Aged, ask_in: Callable[[Path], Ask]) -> Ask:
    return ask_in(lake_of_years.path)


def test_nothing_of_it_is_damaged(ask: Ask) -> None:
    answer = ask("verify")
    require_done(answer)
    assert answer.data == ""
    assert "all as written" in answer.words


def test_what_is_outdated_is_named_as_if_no_log_were_gone(ask: Ask, lake_of_years: Aged) -> None:
    outdated = json.loads(ask("restate", "--json").data)
    assert [(row["ticker"], row["first_session"], row["last_session"], row["cause"]) for row in outdated] == [
        (row["ticker"], str(row["first_session"]), str(row["last_session"]), row["cause"])
        for row in lake_of_years.outdated
    ]
    assert {(row["ticker"], row["event_date"]) for row in outdated} >= {("IBM", str(CHANGED))}


def test_every_session_of_it_can_be_explained(ask: Ask) -> None:
    for session in (SESSIONS[20], CHANGED, *SESSIONS[-NEWEST::3], SESSIONS[-1]):
        answer = ask("explain", "IBM", str(session), "--json")
        require_done(answer)
        explanation = json.loads(answer.data)
        assert explanation["commits"]["stocks.indicators"]["read"]
        assert len(explanation["bars"]) == explanation["indicators"]["bars"]


def test_a_version_that_is_rightly_gone_is_named_and_the_rest_is_shown(ask: Ask) -> None:
    # Computed long before the bar of IBM changed, and never since.
    answer = ask("explain", "IBM", str(CHANGED))
    require_done(answer)
    assert (
        "of stocks.daily_bars, which it read, can no longer be read: the bars are shown as they are now" in answer.words
    )
    assert "sha256" in answer.data
    assert "rsi_14" in answer.data
    explanation = json.loads(ask("explain", "IBM", str(CHANGED), "--json").data)
    assert len(explanation["gone"]) == 1
    assert json.loads(ask("explain", "IBM", str(SESSIONS[-1]), "--json").data)["gone"] == []


def test_lists_are_shown_as_they_were_first_published(ask: Ask, lake_of_years: Aged) -> None:
    lake = Lake(lake_of_years.path / "lake")
    for session in SESSIONS[-NEWEST::3]:
        answer = ask("candidates", "--date", str(session), "--json", "--as-published")
        require_done(answer)
        published = publications(lake, session)
        assert len(published) >= 2
        if json.loads(answer.data):
            assert f"written {len(published)} times in all" in answer.words


def test_a_published_list_that_is_gone_is_reported_and_the_oldest_left_is_shown(ask: Ask) -> None:
    answer = ask("candidates", "--date", str(REPLACED), "--json", "--as-published")
    require_done(answer)
    assert "can no longer be read" in answer.words
    assert json.loads(answer.data)


def test_a_past_version_that_is_gone_is_one_line_of_sql(ask: Ask) -> None:
    answer = ask("sql", "SELECT count(*) FROM stocks.daily_bars AT (VERSION => 2)")
    assert answer.code in {0, 1}
    assert len(answer.words.splitlines()) <= 1
    assert "Traceback" not in answer.words


@pytest.fixture
def harmed(cleaned: Aged, tmp_path: Path) -> Iterator[Path]:
    """Give a copy of the cleaned home in which a data file of candidates, a record and a checkpoint are damaged."""
    path = copied(cleaned.path, tmp_path / "home")
    newest = live(path, "stocks/candidates")[-1]
    newest.write_bytes(newest.read_bytes()[:-20])
    for damaged in (f"indicators/_hashes/{3:020}.json", "daily_bars/_delta_log/*.checkpoint.parquet"):
        file = max((path / "lake/stocks").glob(damaged))
        file.write_bytes(file.read_bytes()[:-20])
    yield path
    shutil.rmtree(path)


def test_damage_is_repaired_although_the_logs_are_cleaned(harmed: Path, cleaned: Aged, ask_in) -> None:
    before = content(cleaned.path)
    require_done(ask_in(harmed)("verify", "--repair"))
    require_done(ask_in(harmed)("verify"))
    after = content(harmed)
    for table in WRITTEN:
        assert len(after[table.sql_name]) == len(before[table.sql_name])


def test_rows_of_unknown_origin_are_computed_again_and_explained_as_such(cleaned: Aged, tmp_path: Path, ask_in) -> None:
    path = copied(cleaned.path, tmp_path / "home")
    for record in (path / "lake/stocks/indicators/_hashes").iterdir():
        record.unlink()
    outdated = json.loads(ask_in(path)("restate", "--json").data)
    lost = [row for row in outdated if row["cause"] == UNKNOWN]
    assert {row["ticker"] for row in lost} >= {"IBM"}
    assert min(row["first_session"] for row in lost) == str(SESSIONS[0])
    answer = ask_in(path)("explain", "IBM", str(SESSIONS[20]))
    require_done(answer)
    assert "no longer known" in answer.words
