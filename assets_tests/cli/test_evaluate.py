"""`candlelake evaluate`: what it prints, from a copy of the filled home."""

import json
import shutil
from pathlib import Path
from subprocess import CompletedProcess

import polars as pl
import pytest

from assets_tests.cli.conftest import REPLACED, SESSIONS, Ask, Home
from assets_tests.commands import typed
from assets_tests.own_models import OWN
from assets_tests.stocks import declare, declaring
from pipeline.cli.evaluate import Evaluation, show
from pipeline.contracts.outcomes import HORIZONS, MODEL_SCORES
from pipeline.lake.lake import Lake

FIRST, LAST = SESSIONS[-6], SESSIONS[-1]
RANGE = ("--start", str(FIRST), "--end", str(LAST))


@pytest.fixture(scope="module")
def copied(home: Home, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home with the same lake and settings: other tests count the tables of the first."""
    copy = tmp_path_factory.mktemp("evaluate") / "home"
    shutil.copytree(home.path, copy, ignore=shutil.ignore_patterns("dagster"))
    return copy


@pytest.fixture(scope="module")
def printed(copied: Path):
    return typed(copied, "evaluate", *RANGE, COLUMNS="80")


@pytest.fixture(scope="module")
def as_json(copied: Path, printed):
    return typed(copied, "evaluate", *RANGE, "--model", "trend", "--json")


def of_trend(printed: CompletedProcess[str]) -> list[str]:
    """Return the lines of the table of `trend`."""
    (table,) = [one for one in printed.stdout.split("\n\n") if one.startswith("trend,")]
    return table.splitlines()


def test_the_tables_are_data_and_fit_eighty_columns(printed) -> None:
    assert printed.returncode == 0, printed.stderr
    header, columns, *_ = of_trend(printed)
    assert header.startswith("trend, version 1 · 2004-09-")
    assert columns.split()[:3] == ["month", "after", "lists"]
    assert max(map(len, printed.stdout.splitlines())) <= 80
    assert "\x1b" not in printed.stdout + printed.stderr


def test_a_month_has_a_line_a_horizon_and_all_months_too(printed) -> None:
    table = of_trend(printed)[2:]
    assert [line.split()[0] for line in table] == ["2004-09", "5", "20", "60", "all", "5", "20", "60"]
    whole, partial = table[0].split(), table[3].split()
    # Three stocks, and all of them on the list: one lies above the median, always.
    assert (whole[1], whole[3]) == ("1", "33.3%")
    assert partial[:2] == ["60", "0"], "60 sessions on, the lake has ended"


def test_what_was_done_is_summarized_in_words(printed) -> None:
    assert "  outcomes    " in printed.stderr
    assert "  checks      3 passed" in printed.stderr
    assert "Costs are not in it." in printed.stderr


def test_json_has_each_month_and_last_all_of_them_with_none(as_json) -> None:
    assert as_json.returncode == 0, as_json.stderr
    rows = json.loads(as_json.stdout)
    assert [(row["month"], row["horizon"]) for row in rows] == [
        *(("2004-09", horizon) for horizon in HORIZONS),
        *((None, horizon) for horizon in HORIZONS),
    ]
    assert set(rows[0]) == set(MODEL_SCORES.columns)
    assert {row["model"] for row in rows} == {"trend"}


def test_the_table_of_model_scores_holds_the_same(copied: Path, as_json) -> None:
    stored = Lake(copied / "lake").scan(MODEL_SCORES).filter(pl.col("model") == "trend").sort("horizon").collect()
    rows_shown = json.loads(as_json.stdout)[: len(HORIZONS)]
    assert [row["mean_excess"] for row in rows_shown] == pytest.approx(stored["mean_excess"].to_list())


def test_a_range_without_lists_is_an_error_that_says_what_to_do(ask: Ask) -> None:
    answer = ask("evaluate", "--start", str(SESSIONS[0]), "--end", str(SESSIONS[5]))
    assert (answer.code, answer.data) == (1, "")
    assert f"No model listed a stock from {SESSIONS[0]} to {SESSIONS[5]}." in answer.words
    assert "candlelake backfill" in answer.words


def test_days_that_cannot_be_run_are_refused_with_the_span_of_the_tables(ask: Ask) -> None:
    answer = ask("evaluate", "--start", "1990-01-02", "--end", "1990-12-31")
    assert (answer.code, answer.data) == (1, "")
    assert "The tables span" in answer.words


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--start", str(LAST), "--end", str(FIRST)), f"{FIRST} lies before --start {LAST}"),
        ((*RANGE, "--model", "[red]"), "'[red]' is not a model; choose from strong, dips"),
        (("--start", str(FIRST)), "Missing option '--end'"),
    ],
)
def test_wrong_calls_have_messages_of_their_own(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], why: str
) -> None:
    declare(monkeypatch, declaring(models=OWN))
    answer = ask("evaluate", *arguments)
    assert (answer.code, answer.data) == (2, "")
    assert why in answer.words


def figures(**changed: object) -> dict[str, object]:
    """Return a row of a model's scores."""
    key = {"model": "trend", "model_version": 1, "month": "2024-01", "horizon": 1}
    return dict.fromkeys(MODEL_SCORES.columns) | key | {"sessions": 21, "candidates": 420} | changed


def evaluation(*rows: dict[str, object]) -> Evaluation:
    monthly = pl.DataFrame(rows, schema=MODEL_SCORES.columns)
    return Evaluation(REPLACED, REPLACED, ("trend", "pullback"), monthly, monthly.drop("month"))


def test_large_figures_fit_and_a_negative_nothing_is_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    large = {"hit_rate": 1.0, "mean_excess": -0.9876, "mean_excess_se": 0.4321, "mean_ic": -0.999, "ic_t": -123.4}
    small = {"mean_excess": -1e-9, "mean_ic": -1e-9, "ic_t": -0.001, "turnover": 1.0, "coverage": 1.0}
    show(evaluation(figures(**large, turnover=1.0, coverage=1.0), figures(horizon=60, sessions=2385, **small)))
    output = capsys.readouterr().out
    assert max(map(len, output.splitlines())) <= 80
    for text in ("100.0%", "-98.76%", "43.21%", "-0.999", "(-123.4)", "2,385", "+0.00%", "+0.000", "(+0.0)"):
        assert text in output


def test_two_versions_of_a_model_are_two_tables_and_a_model_without_lists_is_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show(evaluation(figures(), figures(model_version=2)))
    answer = capsys.readouterr()
    assert [line for line in answer.out.splitlines() if "version" in line] == [
        f"trend, version {version} · {REPLACED} to {REPLACED}" for version in (1, 2)
    ]
    assert f"pullback: no stock passed its filters from {REPLACED} to {REPLACED}." in answer.err
