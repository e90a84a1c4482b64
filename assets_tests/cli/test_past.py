"""`candlelake explain`, `candidates --as-published` and `restate`: what was, and why."""

import hashlib
import json
from pathlib import Path

import polars as pl
import pytest

from assets_tests.cli.conftest import REPLACED, SESSIONS, THERE, Ask, Home
from assets_tests.cli.harming import copied
from assets_tests.stocks import INDICATORS_TABLE, STOCKS, code_version, computed_by
from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.candidates import CANDIDATES
from pipeline.contracts.reference import SPLITS
from pipeline.contracts.table import Table
from pipeline.lake.lake import Lake
from pipeline.queries.published_lists import as_committed, publications, ranked_again

# The filled home holds a list of REPLACED from the file as it was at first, and one from the file that replaced it.


def explained(ask: Ask, *arguments: str) -> dict:
    answer = ask("explain", *arguments, "--json")
    assert answer.code == 0, answer.words
    return json.loads(answer.data)


def test_a_row_is_explained_back_to_the_bytes_of_the_vendor_s_file(ask: Ask, home: Home) -> None:
    explanation = explained(ask, "IBM", str(REPLACED))
    delivery = explanation["deliveries"][-1]
    file = home.path / "lake" / "raw" / delivery["key"]
    assert delivery["session"] == str(REPLACED)
    assert delivery["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert delivery["etag"] == hashlib.md5(file.read_bytes()).hexdigest()  # noqa: S324 (how S3 names versions)
    assert len(explanation["bars"]) == len(explanation["deliveries"]) == explanation["indicators"]["bars"]
    assert explanation["outdated"] == []


def test_the_explained_bars_give_the_explained_indicators(ask: Ask) -> None:
    explanation = explained(ask, "IBM", str(SESSIONS[-1]))
    closes = [bar["close"] * bar["split_factor"] for bar in explanation["bars"]]
    assert explanation["indicators"]["sma_200"] == pytest.approx(sum(closes[-200:]) / 200)
    assert explanation["indicators"]["return_252"] == pytest.approx(closes[-1] / closes[-253] - 1)


def test_the_explained_contributions_sum_to_the_score(ask: Ask) -> None:
    listed = json.loads(ask("candidates", "--json", "--date", str(SESSIONS[-1])).data)[0]
    explanation = explained(ask, listed["ticker"], str(SESSIONS[-1]))
    (row,) = [one for one in explanation["candidates"] if one["model"] == listed["model"]]
    assert sum(part["contribution"] for part in row["contributions"]) == pytest.approx(row["score"])


def test_the_versions_that_were_read_are_shown(ask: Ask, home: Home) -> None:
    explanation = explained(ask, "IBM", str(REPLACED))
    lake = Lake(home.path / "lake")
    assert explanation["commits"]["stocks.candidates"]["version"] == publications(lake, REPLACED)[-1].version
    assert explanation["commits"]["stocks.candidates"]["read"].keys() >= {"stocks.daily_bars", "stocks.indicators"}
    assert "reference.splits" in explanation["commits"]["stocks.indicators"]["read"]


@pytest.mark.thorough
def test_the_code_that_computed_a_row_is_shown_column_by_column(ask: Ask) -> None:
    explanation = explained(ask, "IBM", str(REPLACED))["commits"]["stocks.indicators"]
    assert explanation["computed_by"] == computed_by(INDICATORS_TABLE)
    assert explanation["code_version"] == code_version(INDICATORS_TABLE)
    assert f"computed by code version {explanation['code_version']}" in ask("explain", "IBM", str(REPLACED)).data


def test_the_explanation_to_read_names_list_bars_file_and_versions(ask: Ask) -> None:
    answer = ask("explain", "IBM", str(SESSIONS[-1]))
    for words in ("trend (version 1): rank", "rsi_14", "bars as traded", "No split lies", "sha256", "Table versions"):
        assert words in answer.data, words


def test_a_ticker_on_no_list_is_explained_too(ask: Ask) -> None:
    answer = ask("explain", "IBM", str(SESSIONS[10]))
    assert answer.code == 0
    assert "On no list" in answer.data
    assert "not enough bars for" in answer.data


@pytest.mark.parametrize(("ticker", "words"), [("ibm", "case matters"), ("NOBODY", "No session has a bar")])
def test_an_unknown_ticker_is_one_line_with_the_remedy(ask: Ask, ticker: str, words: str) -> None:
    answer = ask("explain", ticker, str(SESSIONS[-1]))
    assert answer.code == 1
    assert words in answer.words
    assert len(answer.words.splitlines()) == 1


def test_a_session_without_a_bar_names_the_last_one_before_it(ask: Ask) -> None:
    answer = ask("explain", "GOOG", str(SESSIONS[5]))
    assert answer.code == 1
    assert "Its bars reach from 2004-08-19" in answer.words


def test_a_list_is_shown_as_it_was_first_published(ask: Ask, home: Home) -> None:
    answer = ask("candidates", "--date", str(REPLACED), "--json", "--as-published")
    assert answer.code == 0, answer.words
    lake = Lake(home.path / "lake")
    first = as_committed(lake, publications(lake, REPLACED)[0])
    published = pl.DataFrame(json.loads(answer.data)).select("model", "rank", "ticker", "score").sort("model", "rank")
    assert published.rows() == first.select("model", "rank", "ticker", "score").rows()
    assert "written 2 times in all" in answer.words
    assert "stocks.daily_bars" in answer.words


def test_every_publication_ranks_the_same_from_the_versions_it_read(home: Home) -> None:
    lake = Lake(home.path / "lake")
    for session in (SESSIONS[-1], THERE, REPLACED):
        for publication in publications(lake, session):
            again = ranked_again(lake, STOCKS, publication).sort("model", "rank")
            assert again.equals(as_committed(lake, publication)), session


def test_the_first_publication_read_the_bars_of_the_file_that_was_replaced(home: Home) -> None:
    first, second = publications(Lake(home.path / "lake"), REPLACED)
    assert first.read["stocks.daily_bars"] < second.read["stocks.daily_bars"]
    assert first.published_at < second.published_at


def test_a_list_without_a_record_of_its_making_says_how_to_make_it_again(ask_in, tmp_path: Path, home: Home) -> None:
    old = Lake(tmp_path / "home" / "lake")
    for table in (INDICATORS_TABLE, CANDIDATES):
        rows = Lake(home.path / "lake").scan(table, SESSIONS[-1], SESSIONS[-1]).collect()
        old.replace(table, [SESSIONS[-1]], [rows], run_id="old")
    log = Path(old.uri(CANDIDATES)) / "_delta_log" / "00000000000000000001.json"
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    for line in lines:
        for name in ("first_session", "last_session", "read"):
            line.get("commitInfo", {}).pop(name, None)
    log.write_text("\n".join(map(json.dumps, lines)) + "\n")
    answer = ask_in(tmp_path / "home")("candidates", "--date", str(SESSIONS[-1]), "--as-published")
    assert answer.code == 1
    assert f"candlelake run --date {SESSIONS[-1]}" in answer.words


def test_a_dry_run_names_what_is_outdated_and_changes_nothing(ask: Ask, home: Home) -> None:
    lake = Lake(home.path / "lake")
    before = lake.history("stocks/indicators")["version"].max()
    answer = ask("restate", "--dry-run")
    assert answer.code == 0
    assert lake.history("stocks/indicators")["version"].max() == before
    outdated = json.loads(ask("restate", "--json").data)
    assert {row["cause"] for row in outdated} <= {"its bar changed"}
    assert pl.DataFrame(outdated).is_empty() or "outdated" in answer.words


def written_by_other_code(home: Path, table: Table, part: str) -> None:
    """Write the last session of a table again as if another version of the code had computed it."""
    lake = Lake(home / "lake", computed_by=lambda one: {**computed_by(one), part: "0" * 12})
    rows = lake.scan(table, REPLACED, REPLACED).collect()
    read = [lake.read(one, REPLACED, REPLACED) for one in (DAILY_BARS, SPLITS) if table is INDICATORS_TABLE]
    lake.replace(table, [REPLACED], [rows], run_id="other", read=read)


@pytest.mark.thorough
def test_what_other_code_computed_is_named_made_again_and_then_well(ask_in, tmp_path: Path, home: Home) -> None:
    own = copied(home.path, tmp_path / "home")
    ask = ask_in(own)
    before = json.loads(ask("restate", "--json").data)
    first = explained(ask, "IBM", str(REPLACED))
    written_by_other_code(own, INDICATORS_TABLE, "rsi_14")
    written_by_other_code(own, CANDIDATES, "pullback")
    outdated = [row for row in json.loads(ask("restate", "--json").data) if row not in before]
    assert [(row["table"], row["ticker"], row["first_session"], row["cause"]) for row in outdated] == [
        ("stocks.candidates", None, str(REPLACED), "model changed: pullback"),
        ("stocks.indicators", None, str(REPLACED), "indicator changed: rsi_14"),
    ]
    assert "indicator changed: rsi_14" in explained(ask, "IBM", str(REPLACED))["outdated"]
    plan = ask("restate", "--dry-run")
    assert f"stocks.indicators {REPLACED} to {REPLACED}  indicator changed: rsi_14" in plan.data
    assert "Made again: stocks.candidates, stocks.indicators of 1 session" in plan.words
    done = ask("restate")
    assert done.code == 0, done.words
    assert json.loads(ask("restate", "--json").data) == []
    again = explained(ask, "IBM", str(REPLACED))
    assert again["indicators"] == first["indicators"]
    assert ask("candidates", "--date", str(REPLACED), "--as-published").code == 0
