"""The documents' own examples, as files of a user's folder: what they declare is computed, ranked and shown."""

import gzip
import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from assets_tests.old_home.make import FIRST, LAST, SPLIT, SPLIT_DAY, TICKERS, close, day_file, lay, sessions
from assets_tests.old_home.unpacked import moved_into
from assets_tests.pasting import Example, examples, pasted
from pipeline.lake.raw.raw_folder import sha256_of
from pipeline.mine.in_force import declared_files, stocks_of
from pipeline.settings import Settings

EXAMPLES = examples()
*_, BEFORE, NEWEST, NEXT = sessions(FIRST, LAST)
FALLEN, RISEN = "AAP", "NA"
"""A stock that is held and loses most of its price on `NEXT`, and one that leaps on heavy volume."""


def python(*arguments: str) -> str:
    """Return the output of Python."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("CANDLELAKE_", "DAGSTER_"))
    }
    done = subprocess.run(  # noqa: S603 (our own code)
        [sys.executable, "-W", "ignore", *arguments], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_each_kind_of_declaration_has_an_example():
    assert [(one.document, one.name) for one in EXAMPLES] == [
        ("docs/indicators.md", "range_20"),
        ("docs/indicators.md", "overnight_gap"),
        ("docs/indicators.md", "channel_20"),
        ("docs/indicators.md", "sma_100"),
        ("docs/models.md", "quiet_strength"),
        ("docs/models.md", "breakout"),
        ("docs/positions.md", "half_gone"),
    ]


def test_all_of_them_together_load_and_are_declared(tmp_path):
    stocks = stocks_of(Settings(home=pasted(EXAMPLES, tmp_path)))
    assert list(stocks.indicators.columns)[-4:] == ["channel_20", "overnight_gap", "range_20", "sma_100"]
    assert [model.name for model in stocks.models] == ["trend", "pullback", "breakout", "quiet_strength"]
    assert stocks.rules[-1].name == "half_gone"


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: one.name)
def test_each_of_them_loads_by_itself(example: Example, tmp_path):
    (file,) = declared_files(Settings(home=pasted([example], tmp_path)))
    assert file.names == [example.name]


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """Return a home that was filled before the examples were pasted, and in which one session was run since."""
    home = pasted(EXAMPLES, moved_into(tmp_path_factory.mktemp("home")))
    lay(home, NEXT, file_of_a_wild_day())
    output_of(home, "run", "--date", str(NEXT))
    return home


def file_of_a_wild_day() -> bytes:
    """Return the file of `NEXT` with other prices and volumes of two stocks."""
    lines = gzip.decompress(day_file(NEXT)).decode().splitlines()
    changed = {FALLEN: (close(FALLEN, NEXT) / 4, 2_000_000), RISEN: (close(RISEN, NEXT) * 1.5, 20_000_000)}
    for ticker, (price, volume) in changed.items():
        at = next(number for number, line in enumerate(lines) if line.startswith(f"{ticker},"))
        _, _, _, _, _, _, stamp, trades = lines[at].split(",")
        lines[at] = f"{ticker},{volume},{price:.2f},{price:.2f},{price + 1:.2f},{price - 1:.2f},{stamp},{trades}"
    return gzip.compress("\n".join([*lines, ""]).encode(), mtime=0)


def output_of(home: Path, *arguments: str) -> str:
    return python("-m", "pipeline.cli", "--home", str(home), *arguments)


def price(ticker: str, day: date) -> float:
    """Return a close on the share basis of `NEXT`."""
    return close(ticker, day) / (2 if ticker == SPLIT and day < SPLIT_DAY else 1)


@pytest.mark.thorough
def test_a_pasted_indicator_is_a_column_in_sql(home):
    query = f"SELECT * FROM stocks.indicators WHERE session IN ('{NEWEST}', '{NEXT}')"  # noqa: S608 (dates)
    rows = json.loads(output_of(home, "sql", query, "--format", "json"))
    found = {(row["ticker"], row["session"]): row for row in rows}
    last = [price(SPLIT, day) for day in list(sessions(FIRST, NEXT))[-20:]]
    row = found[SPLIT, str(NEXT)]
    # Each bar spans a dollar to either side; those before the split, half a dollar.
    spans = [0.5 if day < SPLIT_DAY else 1.0 for day in list(sessions(FIRST, NEXT))[-20:]]
    highest = max(one + span for one, span in zip(last, spans, strict=True))
    lowest = min(one - span for one, span in zip(last, spans, strict=True))
    assert row["range_20"] == pytest.approx(highest - lowest, abs=0.011)
    assert row["channel_20"] == pytest.approx(row["range_20"], rel=1e-8)
    assert row["overnight_gap"] == pytest.approx(last[-1] / last[-2] - 1, rel=1e-6)
    assert found[SPLIT, str(NEWEST)]["range_20"] is None, "computed before"


@pytest.mark.thorough
def test_a_pasted_model_ranks_and_its_lists_are_on_the_page(home):
    listed = json.loads(output_of(home, "candidates", "--json"))
    ranks = {(row["model"], row["ticker"]): row["rank"] for row in listed}
    assert {ticker for model, ticker in ranks if model == "quiet_strength"} == set(TICKERS) - {FALLEN}
    assert ranks["breakout", RISEN] == 1, "the busiest"
    pages = "".join(page.read_text() for page in (home / "reports").rglob("*.html"))
    for model in ("quiet_strength", "breakout"):
        assert model in pages


@pytest.mark.thorough
def test_a_pasted_rule_says_to_sell_what_is_held(home):
    (fallen,) = (row for row in json.loads(output_of(home, "positions", "--json")) if row["ticker"] == FALLEN)
    (signal,) = (one for one in fallen["signals"] if one["rule"] == "half_gone")
    assert signal["severity"] == "high"
    page = next((home / "reports").rglob(f"{FALLEN}*.html")).read_text()
    assert "below its peak" in page


@pytest.mark.thorough
def test_what_was_computed_before_gets_the_pasted_column_by_restating(home):
    output_of(home, "restate")
    query = f"SELECT count(*) AS without FROM stocks.indicators WHERE channel_20 IS NULL AND session >= '{BEFORE}'"  # noqa: S608
    assert json.loads(output_of(home, "sql", query, "--format", "json")) == [{"without": 0}]


@pytest.mark.thorough
def test_commits_and_explanations_name_the_file_that_ranked(home):
    explained = json.loads(output_of(home, "explain", RISEN, str(NEXT), "--json"))
    file = home / "mine" / "breakout.py"
    assert explained["commits"]["stocks.candidates"]["computed_by"]["file breakout.py"] == sha256_of(file)
    assert "file quiet_strength.py" in output_of(home, "explain", RISEN, str(NEXT))


@pytest.mark.thorough
def test_a_file_that_is_moved_away_leaves_its_history_readable(home):
    output_of(home, "restate")
    (home / "mine" / "channel_20.py").rename(home / "channel_20.py")
    assert "channel_20" not in output_of(home, "mine")
    output_of(home, "run", "--date", str(NEXT))
    query = f"SELECT count(channel_20) AS values FROM stocks.indicators WHERE session >= '{NEWEST}'"  # noqa: S608
    (row,) = json.loads(output_of(home, "sql", query, "--format", "json"))
    assert row["values"] > 0
    assert json.loads(output_of(home, "restate", "--json")) == []
