"""`candlelake verify --repair` of the other kinds of table: minutes, outcomes, reference data, alerts."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from assets_tests.assets.reference_runs import ReferenceFolder, dividend, renamed, security, split
from assets_tests.cli.conftest import SESSIONS, THERE, Ask, Home
from assets_tests.cli.harming import content, copied, flip, live, newest_entry, require_done
from assets_tests.examples import first_quick
from assets_tests.vendor_day import day_file
from assets_tests.vendor_minutes import minute
from pipeline.contracts.alerts import ALERTS, LIST, MESSAGE
from pipeline.lake.integrity.mending import DAMAGED
from pipeline.lake.lake import Lake
from pipeline.orchestration.jobs import MINUTES_BY_DAY, OUTCOMES, REFERENCE_DATA
from pipeline.orchestration.runs import run_sessions
from pipeline.progress import Progress
from pipeline.settings import Settings

WITH_MINUTES = (*SESSIONS[-2:], THERE)
TICKERS = ("AAPL", "IBM", "MSFT")
MINUTES = ("minute_bars", "minute_quarantine", "minute_deliveries", "intraday_features")
HINDSIGHT = ("candidate_outcomes", "session_scores", "model_scores")
OF_REFERENCE = ("tickers", "splits", "dividends", "ticker_events")
FIRST_ANSWERS = {
    "tickers": [security(ticker) for ticker in TICKERS],
    "splits": [split("IBM", execution_date="2003-01-02")],
    "dividends": [dividend("IBM")],
    "ticker_events": [renamed("F-IBM", IBM="2000-01-03")],
}
LATER_ANSWERS = {
    "tickers": [*FIRST_ANSWERS["tickers"], security("NEW")],
    "splits": [*FIRST_ANSWERS["splits"], split("MSFT", execution_date="2002-01-02")],
    "dividends": [*FIRST_ANSWERS["dividends"], dividend("MSFT")],
    "ticker_events": [*FIRST_ANSWERS["ticker_events"], renamed("F-MSFT", MSFT="2000-01-03")],
}
LEARNT = ("first_seen_at", "last_seen_at")


@pytest.fixture(scope="module")
def wide(home: Home, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the filled home with minutes, outcomes, two refreshes of reference data, and a record of alerts."""
    root = tmp_path_factory.mktemp("wide")
    path = copied(home.path, root / "home")
    lay_minutes(home.path / "sample")
    reference = ReferenceFolder(root)
    with (path / "settings.env").open("a") as settings:
        settings.write(f"CANDLELAKE_REFERENCE={root}/reference\nCANDLELAKE_MAX_BAD_SHARE=0.5\n")
    given = Settings(home=path, flat_files=f"{home.path}/sample", reference=root / "reference", max_bad_share=0.5)
    for answers in (FIRST_ANSWERS, LATER_ANSWERS):
        reference.tell(**answers)
        run_sessions(given, (), Progress(), job_name=REFERENCE_DATA)
    run_sessions(given, WITH_MINUTES, Progress(), job_name=MINUTES_BY_DAY)
    run_sessions(given, SESSIONS[-4:], Progress(), job_name=OUTCOMES)
    for session in SESSIONS[-2:]:
        Lake(given.lake).replace(ALERTS, [session], [alerts(session)], run_id="alert")
    empty = {name for name, rows in content(path).items() if rows.is_empty() and not name.startswith("portfolio")}
    assert empty <= {"stocks.price_doubts"}, "nothing is in doubt there"
    return path


def lay_minutes(vendor: Path) -> None:
    for session in WITH_MINUTES:
        path = vendor / f"us_stocks_sip/minute_aggs_v1/{session:%Y/%m}/{session}.csv.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        good = [minute(session, ticker, at) for ticker in TICKERS for at in ("09:30", "09:31", "15:59")]
        path.write_bytes(day_file(*good, good[0], minute(session, "ODD", "09:30", high="1")))


def alerts(session: date) -> pl.DataFrame:
    """Return what is recorded of an alert that was sent."""
    texts = {"channel": "a fingerprint", "kind": LIST, "part": MESSAGE, "service": "Telegram", "run_id": "alert"}
    others = {"session": session, "sent_at": datetime(2004, 9, 16, tzinfo=UTC), "top": 1, "listed": [], "selling": []}
    return pl.DataFrame([texts | others], schema=ALERTS.columns)


@pytest.fixture
def place(wide: Path, tmp_path: Path) -> Path:
    return copied(wide, tmp_path / "home")


@pytest.fixture
def ask(place: Path, ask_in: Callable[[Path], Ask]) -> Ask:
    return ask_in(place)


def versions(place: Path) -> dict[str, int]:
    lake = Lake(place / "lake")
    return {name: lake.open_named(name).version() for name in lake.tables()}


def changed(before: dict[str, int], place: Path) -> set[str]:
    return {name for name, version in versions(place).items() if version != before.get(name)}


def harmed(place: Path, *tables: str) -> list[str]:
    """Flip a bit of one data file of each table; return what the files are called."""
    drawn = np.random.default_rng(7)
    files = [live(place, table)[0] for table in tables]
    for file in files:
        flip(file, drawn)
    return [str(file.relative_to(place / "lake")) for file in files]


def dates_in(file: Path) -> set[date]:
    return set(pl.read_parquet(file)["session"])


def assert_same(after: pl.DataFrame, before: pl.DataFrame) -> None:
    assert_frame_equal(after.drop(LEARNT, strict=False), before.drop(LEARNT, strict=False), rel_tol=1e-9)


@pytest.mark.thorough
def test_minutes_with_their_rejected_rows_audit_trail_and_features_are_made_again_and_nothing_else(
    ask: Ask, place: Path
) -> None:
    before, content_before = versions(place), content(place)
    files = harmed(place, *(f"stocks/{table}" for table in MINUTES))
    report = ask("verify").data
    assert [line for line in report.splitlines() if not any(file in line for file in files)] == []
    assert "--repair makes its sessions again from the vendor's files of minutes" in report
    assert "--repair makes its sessions again from stocks.daily_bars and stocks.minute_bars" in report
    require_done(ask("verify", "--repair"))
    assert changed(before, place) == {f"stocks/{table}" for table in MINUTES}
    for table in MINUTES:
        assert_same(content(place)[f"stocks.{table}"], content_before[f"stocks.{table}"])


@pytest.mark.thorough
def test_outcomes_and_scores_are_made_again_first_those_that_others_are_summed_up_from(ask: Ask, place: Path) -> None:
    before, content_before = versions(place), content(place)
    harmed(place, "stocks/candidate_outcomes", "stocks/model_scores")
    live(place, "stocks/session_scores")[0].unlink()
    require_done(ask("verify", "--repair"))
    assert changed(before, place) == {f"stocks/{table}" for table in HINDSIGHT}
    for table in HINDSIGHT:
        assert_same(content(place)[f"stocks.{table}"], content_before[f"stocks.{table}"])


@pytest.mark.thorough
def test_reference_data_is_restored_and_requested_again_and_what_was_learnt_in_between_counts_as_learnt_today(
    ask: Ask, place: Path
) -> None:
    content_before = content(place)
    # The bars decide which renames are requested, and they are gone too.
    harmed(place, *(f"reference/{table}" for table in OF_REFERENCE), "stocks/daily_bars")
    answer = ask("verify", "--repair")
    require_done(answer)
    after = content(place)
    for table in OF_REFERENCE:
        assert f"reference.{table} was restored as of version" in answer.words
        assert_same(after[f"reference.{table}"], content_before[f"reference.{table}"])
    was, now = (rows["reference.splits"].sort("id") for rows in (content_before, after))
    assert (now["first_seen_at"] > was["first_seen_at"]).to_list() == [False, True]
    assert_same(after["stocks.daily_bars"], content_before["stocks.daily_bars"])


@pytest.mark.thorough
def test_reference_data_without_a_source_is_restored_and_the_command_says_how_to_get_the_rest(
    ask: Ask, place: Path
) -> None:
    forget_the_source(place)
    harmed(place, "reference/splits")
    answer = ask("verify", "--repair")
    require_done(answer)
    assert "reference.splits was restored as of version" in answer.words
    assert "is queried again" not in answer.words
    assert "CANDLELAKE_REFERENCE" in answer.words
    assert content(place)["reference.splits"]["ticker"].to_list() == ["IBM"]


@pytest.mark.thorough
def test_reference_data_without_a_whole_version_stays_as_it_is_until_there_is_a_source(ask: Ask, place: Path) -> None:
    settings = (place / "settings.env").read_text()
    forget_the_source(place)
    every = sorted((place / "lake/reference/splits").glob("*.parquet"))
    assert len(every) == 2
    for file in every:
        file.unlink()
    answer = ask("verify", "--repair")
    assert answer.code == 1
    assert "reference.splits has no earlier undamaged version" in answer.words
    assert "CANDLELAKE_REFERENCE" in answer.words
    (place / "settings.env").write_text(settings)
    require_done(ask("verify", "--repair"))
    assert content(place)["reference.splits"]["ticker"].sort().to_list() == ["IBM", "MSFT"]


@pytest.mark.thorough
def test_a_repair_of_reference_data_fails_with_its_source(ask: Ask, place: Path, wide: Path) -> None:
    for file in (place / "lake/reference/splits").glob("*.parquet"):
        file.unlink()
    source = wide.parent / "reference/splits.json"
    good = source.read_text()
    source.write_text('{"status": "ERROR"}')
    try:
        answer = ask("verify", "--repair")
    finally:
        source.write_text(good)
    assert answer.code == 1
    assert "could not be made again" in answer.words, answer.words
    assert ask("reference").code == 0
    assert content(place)["reference.splits"]["ticker"].sort().to_list() == ["IBM", "MSFT"]


def forget_the_source(place: Path) -> None:
    kept = [line for line in (place / "settings.env").read_text().splitlines() if "REFERENCE" not in line]
    (place / "settings.env").write_text("\n".join([*kept, ""]))


@pytest.mark.thorough
@pytest.mark.parametrize("table", first_quick(["stocks.candidates", "reference.splits", "stocks.model_scores"]))
def test_a_log_entry_whose_copy_is_gone_too_has_the_table_made_again_from_nothing(
    ask: Ask, place: Path, table: str
) -> None:
    rows_before, name = content(place)[table], table.replace(".", "/")
    lose_entry_and_copy(place, name)
    assert "there is no copy of it; --repair makes the whole table again" in ask("verify").data
    answer = ask("verify", "--repair")
    require_done(answer)
    assert f"{table} is made again from nothing; its earlier versions are in" in answer.words
    assert_same(content(place)[table], rows_before)
    assert list((place / "lake" / DAMAGED).rglob(f"{name}/*/*.json"))


@pytest.mark.thorough
@pytest.mark.parametrize("table", first_quick(["portfolio.positions", "operations.alerts"]))
def test_a_lost_log_entry_of_irreplaceable_rows_stays_and_the_command_says_how_to_go_on(
    ask: Ask, place: Path, table: str
) -> None:
    require_done(ask("positions", "add", "IBM", "1", "20", "--opened", "2004-09-15", "--force"))
    lose_entry_and_copy(place, table.replace(".", "/"))
    answer = ask("verify", "--repair")
    assert answer.code == 1
    assert f"{table} cannot be made again" in answer.words
    assert "from a backup, or move it away" in answer.words
    assert not (place / "lake" / DAMAGED).exists()


@pytest.mark.thorough
def test_a_table_whose_vendor_file_is_gone_is_not_thrown_away(ask: Ask, place: Path) -> None:
    session = SESSIONS[20]
    for kept in (place / "lake/raw").rglob(f"{session}.csv.gz*"):
        kept.unlink()
    (place / "empty").mkdir()
    with (place / "settings.env").open("a") as settings:
        settings.write(f"CANDLELAKE_FLAT_FILES={place}/empty\n")
    lose_entry_and_copy(place, "stocks/daily_bars")
    before = sorted((place / "lake/stocks/daily_bars").rglob("*"))
    answer = ask("verify", "--repair")
    assert answer.code == 1
    assert f"vendor files of 1 of its sessions are missing, the first of {session}. It stays as it is" in answer.words
    assert sorted((place / "lake/stocks/daily_bars").rglob("*")) == before


def lose_entry_and_copy(place: Path, name: str) -> None:
    entry = newest_entry(place, name)
    entry.write_bytes(entry.read_bytes()[:40])
    (place / "lake" / name / "_hashes" / entry.name).unlink()


@pytest.mark.thorough
def test_a_damaged_record_of_alerts_is_taken_out_and_the_command_says_what_that_means(ask: Ask, place: Path) -> None:
    before = versions(place)
    (newest,) = (file for file in live(place, "operations/alerts") if dates_in(file) == {SESSIONS[-1]})
    flip(newest, np.random.default_rng(7))
    assert "cannot be made again; --repair takes it out of the table" in ask("verify").data
    answer = ask("verify", "--repair")
    require_done(answer)
    assert f"operations.alerts has lost its rows of {SESSIONS[-1]}" in answer.words
    assert "A run of these sessions may send its alerts again" in answer.words
    assert changed(before, place) == {"operations/alerts"}
    assert content(place)["operations.alerts"]["session"].to_list() == [SESSIONS[-2]]
