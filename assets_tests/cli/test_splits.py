"""`candlelake splits`: a split that the vendor does not tell, from the doubt to the ruling, and on to another lake."""

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from assets_tests.cli.conftest import Ask
from assets_tests.cli.splits_market import RAN, SESSIONS, SPLIT_DAY, compute, home_with_bars, walk
from assets_tests.stocks import INDICATORS_TABLE, indicators
from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.candidates import CANDIDATES
from pipeline.contracts.price_doubts import PRICE_DOUBTS
from pipeline.contracts.reference import SPLITS
from pipeline.contracts.table import Table
from pipeline.lake.lake import Lake
from pipeline.settings import Settings

DAY = str(SPLIT_DAY)


def rows(settings: Settings, table: Table) -> pl.DataFrame:
    return Lake(settings.lake).scan(table).sort(table.key).collect()


def listed(settings: Settings) -> pl.DataFrame:
    """Return the list of the newest session, by the model `trend`."""
    newest = rows(settings, CANDIDATES).filter(session=SESSIONS[-1], model="trend")
    return newest.sort("rank")


@pytest.fixture
def asked(tmp_path: Path, ask_in: Callable[[Path], Ask], monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], Ask]:
    """Return the way to ask commands about a home whose newest session is the last of these tests."""
    monkeypatch.setenv("CANDLELAKE_FLAT_FILES", "rest")
    monkeypatch.setenv("CANDLELAKE_END", str(SESSIONS[-1]))
    return ask_in


def test_an_untold_split_is_in_doubt_until_it_is_added(tmp_path: Path, asked: Callable[[Path], Ask]) -> None:
    home = home_with_bars(tmp_path / "home")
    compute(home)
    assert "SPLIT" not in listed(home)["ticker"]
    assert listed(home)["left_out"][0] == 1
    ask = asked(home.home)
    shown = ask("candidates", "--model", "trend")
    assert "1 left out, since prices are in doubt: SPLIT: 1:10 reverse split" in " ".join(shown.words.split())
    answer = ask("splits")
    assert f"SPLIT {DAY} 1:10 reverse split on {DAY}, not told by the vendor" in answer.data
    assert f"candlelake splits add SPLIT {DAY} 10 1" in answer.data
    added = ask("splits", "add", "SPLIT", DAY, "10", "1", "--by", "me", "--note", "8-K")
    assert added.code == 0, added.words
    assert f"Added: 10 old shares of SPLIT become 1 new before {DAY} opens." in added.words
    assert f"`candlelake restate` now computes 20 sessions, {DAY} to {SESSIONS[-1]}" in added.words
    assert "Your rulings" in ask("splits").words


@pytest.mark.thorough
def test_a_split_that_was_added_is_followed_and_travels_to_a_rebuilt_lake(
    tmp_path: Path, asked: Callable[[Path], Ask]
) -> None:
    home = home_with_bars(tmp_path / "home")
    compute(home)
    ask = asked(home.home)
    assert ask("positions", "add", "SPLIT", "1000", "2.4", "--opened", str(RAN[0])).code == 0

    assert ask("splits", "add", "SPLIT", DAY, "10", "1", "--by", "me").code == 0
    assert ask("restate").code == 0
    assert "Everything is up to date" in ask("restate", "--dry-run").words

    closes = walk("SPLIT")
    newest = rows(home, INDICATORS_TABLE).filter(ticker="SPLIT", session=SESSIONS[-1]).row(0, named=True)
    assert newest["return_252"] == pytest.approx(closes[-1] / closes[-253] - 1)
    assert listed(home)["left_out"].to_list() == [0] * len(listed(home))
    (held,) = json.loads(ask("positions", "--json").data)
    assert (held["quantity"], held["entry"]) == (100, pytest.approx(24))
    assert rows(home, PRICE_DOUBTS).is_empty()

    file = tmp_path / "rulings.csv"
    assert ask("splits", "export", str(file)).code == 0
    rebuilt = home_with_bars(tmp_path / "rebuilt")
    imported = asked(rebuilt.home)("splits", "import", str(file))
    assert "Imported 1 ruling " in imported.words
    compute(rebuilt)
    for table in (INDICATORS_TABLE, PRICE_DOUBTS, CANDIDATES):
        assert_frame_equal(rows(rebuilt, table), rows(home, table))
    again = asked(rebuilt.home)("splits", "import", str(file))
    assert "Imported 0 rulings" in again.words


def test_rulings_are_kept_with_who_and_when_and_refused_where_they_make_no_sense(
    tmp_path: Path, asked: Callable[[Path], Ask]
) -> None:
    home = home_with_bars(tmp_path / "home")
    ask = asked(home.home)
    assert "the vendor tells no split" in ask("splits", "confirm", "PLAIN", DAY).words
    assert ask("splits", "add", "PLAIN", "2025-01-04", "2", "1").code == 2, "a Saturday"
    assert "no bar of TYPO" in ask("splits", "reject", "TYPO", DAY).words
    assert "no ruling" in ask("splits", "withdraw", "PLAIN", DAY).words
    assert rows(home, SPLITS).is_empty()
    assert ask("splits", "reject", "PLAIN", DAY, "--by", "me", "--note", "a spin-off").code == 0
    (ruling,) = json.loads(ask("splits", "--json").data)["rulings"]
    assert (ruling["verdict"], ruling["ruled_by"], ruling["note"]) == ("reject", "me", "a spin-off")
    assert rows(home, SPLITS)["ruling"].to_list() == ["rejected"]
    assert ask("splits", "withdraw", "PLAIN", DAY).code == 0
    assert json.loads(ask("splits", "--json").data)["rulings"] == []
    assert rows(home, SPLITS)["withdrawn_at"].null_count() == 0


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("A,2024-01-05,add,10,,2024-02-01T00:00:00+00:00,me,", "split_to is a number above 0"),
        ("A,2024-01-05,reject,10,1,2024-02-01T00:00:00+00:00,me,", "else empty"),
        ("A,5 Jan,reject,,,2024-02-01T00:00:00+00:00,me,", "execution_date '5 Jan'"),
        ("A,2024-01-05,perhaps,,,2024-02-01T00:00:00+00:00,me,", "verdict 'perhaps'"),
        ("A,2024-01-05,reject,,,2999-02-01T00:00:00+00:00,me,", "in the future"),
        (",2024-01-05,reject,,,2024-02-01T00:00:00+00:00,,", "ticker is empty"),
        ("A,2024-01-05,reject", "not as many cells"),
    ],
)
def test_a_file_with_a_bad_line_is_refused_as_a_whole(
    tmp_path: Path, asked: Callable[[Path], Ask], line: str, words: str
) -> None:
    header = "ticker,execution_date,verdict,split_from,split_to,ruled_at,ruled_by,note"
    good = "NA,2024-01-05,reject,,,2024-02-01T00:00:00+00:00,me,"
    file = tmp_path / "rulings.csv"
    file.write_text("\n".join([header, good, line, ""]))
    answer = asked(tmp_path / "home")("splits", "import", str(file))
    assert answer.code == 1
    assert words in answer.words
    assert "line 3" in answer.words
    assert not Lake(tmp_path / "home" / "lake").exists(SPLITS)


@pytest.mark.thorough
def test_a_home_whose_prices_were_never_checked_works_and_says_what_checks_them(
    tmp_path: Path, asked: Callable[[Path], Ask]
) -> None:
    home = home_with_bars(tmp_path / "home")
    compute(home)
    lake = Lake(home.lake)
    unchecked = lake.scan(CANDIDATES).with_columns(left_out=None, left_out_reasons=None)
    lake.replace(CANDIDATES, RAN, [unchecked.cast(CANDIDATES.columns).collect()], run_id="older")
    (Path(home.lake) / "stocks" / "price_doubts").rename(tmp_path / "gone")
    answer = asked(home.home)("candidates", "--model", "trend")
    assert answer.code == 0
    assert "left out" not in answer.words
    assert "Prices were not held against splits and dividends" in " ".join(answer.words.split())
    dry_run = asked(home.home)("restate", "--dry-run")
    assert "stocks.price_doubts" in dry_run.words


def test_a_sale_and_an_empty_list_say_what_is_in_doubt(tmp_path: Path, asked: Callable[[Path], Ask]) -> None:
    home = home_with_bars(tmp_path / "home")
    lake = Lake(home.lake)
    row = {
        "ticker": "SPLIT", "session": SPLIT_DAY, "event_date": SPLIT_DAY, "kind": "split_missing", "leaves_out": True,
        "reading": "a reverse split", "evidence": "numbers",
    }  # fmt: skip
    lake.replace(PRICE_DOUBTS, [SPLIT_DAY], [pl.DataFrame([row], schema=PRICE_DOUBTS.columns)], run_id="r")
    lake.replace(
        INDICATORS_TABLE, [SESSIONS[-1]], [indicators(rows(home, DAILY_BARS), SESSIONS, SESSIONS[-1])], run_id="r"
    )
    lake.replace(CANDIDATES, [SESSIONS[-1]], [CANDIDATES.empty()], run_id="r")
    ask = asked(home.home)
    answer = ask("candidates", "--date", str(SESSIONS[-1]))
    assert "no stock passed" in answer.words
    assert "1 ticker in doubt can be on no list" in answer.words
    assert ask("positions", "add", "SPLIT", "10", "2.4", "--opened", str(RAN[0])).code == 0
    sold = ask("positions", "close", "SPLIT", "--date", str(SESSIONS[-1]))
    assert "What is said of SPLIT may be wrong: in doubt: a reverse split." in " ".join(sold.words.split())
