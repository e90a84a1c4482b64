"""`candlelake verify`: a home filled by real runs is harmed, the harm is named, and the rows are restored."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from polars.testing import assert_frame_equal

from assets_tests.cli.conftest import Ask, Home
from assets_tests.cli.harming import chosen, content, copied, flip, harm, live, newest_entry, raw, require_done
from assets_tests.examples import first_quick
from pipeline.lake.integrity.mending import DAMAGED
from pipeline.lake.lake import Lake

REMADE = ("daily_bars", "deliveries", "indicators", "candidates", "quarantine")


@pytest.fixture
def place(home: Home, tmp_path: Path) -> Path:
    """Return a copy of the filled home that a test may harm."""
    return copied(home.path, tmp_path / "home")


@pytest.fixture
def ask(place: Path, ask_in: Callable[[Path], Ask]) -> Ask:
    return ask_in(place)


def test_what_real_runs_wrote_is_whole_and_recorded_to_the_last_file(ask: Ask) -> None:
    answer = ask("verify")
    assert (answer.code, answer.data) == (0, "")
    assert "all as written" in answer.words
    assert "No hashes" not in answer.words


def test_json_has_what_was_checked(ask: Ask, place: Path) -> None:
    report = json.loads(ask("verify", "--json").data)
    bars = next(table for table in report["tables"] if table["table"] == "stocks.daily_bars")
    assert report["damages"] == []
    assert bars["rows"] == len(content(place)["stocks.daily_bars"])
    assert report["raw"]["files"] == sum(not name.endswith(".json") for name in raw(place))


@pytest.mark.parametrize("seed", first_quick([1, 2]))
def test_whatever_is_harmed_where_is_named_and_there_again_after_a_repair(ask: Ask, place: Path, seed: int) -> None:
    drawn = np.random.default_rng(seed)
    tables, vendor = content(place), raw(place)
    harmed = [harm(chosen(found, drawn), drawn) for table in REMADE if (found := live(place, f"stocks/{table}"))]
    of_raw = sorted((place / "lake/raw/us_stocks_sip").rglob("*.csv.gz"))
    harmed += [harm(path, drawn) for path in (of_raw[seed], Path(f"{of_raw[seed + 20]}.receipt.json"))]
    harmed.append(harm(newest_entry(place, "reference/tickers"), drawn))

    answer = ask("verify")
    assert answer.code == 1
    for path in harmed:
        assert str(path.relative_to(place / "lake")).removesuffix(".receipt.json") in answer.data, path
    assert len(answer.data.splitlines()) == len(harmed)

    require_done(ask("verify", "--repair"))
    require_done(ask("verify"))
    after = content(place)
    for name, before in tables.items():
        # Numbers that look back agree within 1e-9 however their sessions were run: that much the pipeline promises.
        assert_frame_equal(after[name], before, rel_tol=1e-9)
    assert raw(place) == vendor


def test_damage_is_reported_in_one_line_with_table_sessions_file_and_remedy(ask: Ask, place: Path) -> None:
    path = live(place, "stocks/indicators")[0]
    flip(path, np.random.default_rng(0))
    (line,) = ask("verify").data.splitlines()
    assert line.startswith("stocks.indicators 2003-09-10 to 2003-09-30 stocks/indicators/month=2003-09/")
    assert "holds other bytes than were written: --repair makes its sessions again from stocks.daily_bars" in line


def test_only_the_harmed_sessions_run_again(ask: Ask, place: Path) -> None:
    lake = Lake(place / "lake")
    before = {name: lake.open_named(name).version() for name in lake.tables()}
    flip(live(place, "stocks/candidates")[0], np.random.default_rng(0))
    answer = ask("verify", "--repair")
    require_done(answer)
    versions = {name: lake.open_named(name).version() for name in lake.tables()}
    assert {name for name in versions if versions[name] != before[name]} == {"stocks/candidates"}
    written = lake.history("stocks/candidates").row(0, named=True)
    lost = [line for line in ask("verify").words.splitlines() if "candidates" in line]
    assert written["first_session"].month == written["last_session"].month, lost


@pytest.mark.thorough
def test_an_emptied_newest_commit_is_put_back_byte_for_byte_and_nothing_runs(ask: Ask, place: Path) -> None:
    entry = newest_entry(place, "stocks/daily_bars")
    written, tables = entry.read_bytes(), content(place)
    entry.write_bytes(b"")
    assert ask("verify").code == 1
    require_done(ask("verify", "--repair"))
    assert entry.read_bytes() == written
    assert content(place)["stocks.daily_bars"].equals(tables["stocks.daily_bars"])
    assert not (place / "dagster").exists()


def test_a_run_refuses_to_build_on_a_lost_commit(ask: Ask, place: Path) -> None:
    entry = newest_entry(place, "stocks/daily_bars")
    entry.unlink()
    answer = ask("run", "--date", "2004-09-15")
    assert answer.code == 1
    assert "`candlelake verify --repair` puts it back" in answer.words
    assert not entry.exists()


def test_a_checkpoint_that_delta_cannot_read_is_made_again(ask: Ask, place: Path) -> None:
    lake, name = Lake(place / "lake"), "stocks/daily_bars"
    opened = lake.open_named(name)
    opened.create_checkpoint()
    lake.fingerprints(name).record_checkpoint(opened.version())
    before = content(place)["stocks.daily_bars"]
    (checkpoint,) = (place / "lake" / name / "_delta_log").glob("*.checkpoint.parquet")
    checkpoint.write_bytes(b"")
    assert ask("status").code == 1
    require_done(ask("verify", "--repair"))
    assert content(place)["stocks.daily_bars"].equals(before)


@pytest.mark.thorough
def test_a_repair_that_broke_off_is_known_and_ended_by_the_next(
    ask: Ask, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = content(place)["stocks.candidates"]
    flip(live(place, "stocks/candidates")[0], np.random.default_rng(0))
    with monkeypatch.context() as patched:
        patched.setattr("pipeline.orchestration.repair.run_sessions", broken_off)
        assert ask("verify", "--repair").code == 1
    answer = ask("verify")
    assert answer.code == 1
    assert "were taken out as damaged and have not been made again" in answer.data
    require_done(ask("verify", "--repair"))
    assert content(place)["stocks.candidates"].equals(before)


def broken_off(*_: object, **__: object) -> None:
    raise OSError("No space left on device")


@pytest.mark.thorough
def test_positions_are_restored_as_far_as_they_are_whole_and_the_rest_is_reported(ask: Ask, place: Path) -> None:
    for ticker in ("IBM", "MSFT"):
        require_done(ask("positions", "add", ticker, "1", "20", "--opened", "2004-09-15", "--force"))
    (newest,) = live(place, "portfolio/positions")
    newest.unlink()
    answer = ask("verify", "--repair")
    assert "Later entries are lost: record them again" in answer.words
    positions = content(place)["portfolio.positions"]
    assert positions["ticker"].to_list() == ["IBM"]


@pytest.mark.thorough
def test_a_raw_file_that_the_source_no_longer_has_is_reported_and_the_damaged_one_kept_aside(
    ask: Ask, place: Path
) -> None:
    (place / "settings.env").write_text((place / "settings.env").read_text().replace("/sample", "/elsewhere"))
    path = sorted((place / "lake/raw/us_stocks_sip").rglob("*.csv.gz"))[3]
    flip(path, np.random.default_rng(0))
    harmed = path.read_bytes()
    answer = ask("verify", "--repair")
    assert answer.code == 1
    assert "could not be made again" in answer.words
    (aside,) = (place / "lake" / DAMAGED).rglob("*.csv.gz")
    assert aside.read_bytes() == harmed


@pytest.mark.thorough
def test_a_lake_from_before_there_were_hashes_is_read_to_the_end_and_can_be_recorded(ask: Ask, place: Path) -> None:
    for folder in (place / "lake").glob("*/*/_hashes"):
        shutil.rmtree(folder)
    answer = ask("verify", "--record")
    require_done(answer)
    assert "No hashes are recorded" in answer.words
    assert "No hashes are recorded" not in ask("verify").words
    flip(live(place, "stocks/daily_bars")[0], np.random.default_rng(0))
    assert ask("verify").code == 1
