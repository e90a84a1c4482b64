"""The samples in the documents have the words that the commands write, numbers aside.

The commands run here on a smaller home than the one that the documents show.
"""

import re
from pathlib import Path

import pytest

from assets_tests.cli.conftest import REPLACED, Ask, Home
from pipeline.cli.evaluate import HEADER, LEGEND
from pipeline.cli.positions.shown import COLUMNS, ONLY_WIDE

DOCS = Path(__file__).parents[2] / "docs"

SAMPLE = re.compile(r"^\$ candlelake (?P<command>.*)\n(?P<output>(?:(?!```|\$ ).*\n)*)", re.MULTILINE)

STAGE = re.compile(r"^  (?P<name>\w[\w ]*?) {2,}(?P<counts>.*?) +[\d.]+ s$")
"""A line of a run's report: the stage, what was counted, and the time."""

SAMPLES = {
    (page.name, found["command"]): found["output"].splitlines()
    for page in DOCS.glob("*.md")
    for found in SAMPLE.finditer(page.read_text())
}


def sample(page: str, beginning: str) -> list[str]:
    """Return the lines that a page shows as the output of its first command that begins so."""
    return next(lines for (name, command), lines in SAMPLES.items() if name == page and command.startswith(beginning))


def stages(lines: list[str]) -> list[tuple[str, list[str]]]:
    """Return the stages of a run's report, each with what was counted, in the singular."""
    # A market with prices in doubt warns; the one of the tests has none.
    found = [match for line in lines if (match := STAGE.match(re.sub(r", \d+ not passed", "", line)))]
    return [
        (one["name"], [word.removesuffix("s") for word in re.findall(r"[a-zA-Z]+", one["counts"])]) for one in found
    ]


def blanked(line: str) -> str:
    """Return a line without what differs from day to day: numbers, dates and versions."""
    return re.sub(r"\d[\d,.:-]*", "0", line)


@pytest.mark.parametrize("command", ["demo", "demo --full-market"])
def test_the_report_of_a_demo(home: Home, command: str) -> None:
    written = stages(home.demo.stderr.splitlines())
    assert len(written) > 8
    assert stages(SAMPLES["commands.md", command]) == written


def test_the_whole_output_of_the_demo_in_first_steps(home: Home) -> None:
    page = (DOCS / "first-steps.md").read_text().split("## The demo")[1].split("```")[1].splitlines()
    written = home.demo.stderr.splitlines()
    assert stages(page) == stages(written)
    headings = [line for line in written if line.startswith("# ")]
    assert len(headings) == 5
    assert [line for line in page if re.match("# [a-z]", line)] == headings


def test_the_report_of_a_run_and_of_a_refresh(home: Home) -> None:
    assert stages(sample("commands.md", "run --date 2026")) == stages(home.again.stderr.splitlines())
    refreshed, checked = stages(sample("commands.md", "reference"))
    assert refreshed == stages(home.demo.stderr.splitlines())[0]
    assert checked == ("checks", ["passed"])


def test_the_subjects_of_doctor(ask: Ask) -> None:
    def subjects(lines: list[str]) -> list[str]:
        return [line[6:18].strip() for line in lines if line.startswith(("ok  ", "FAIL"))]

    written = subjects(ask("doctor").data.splitlines())
    assert len(written) > 5
    assert subjects(sample("commands.md", "doctor")) == written


def test_the_lines_of_status(ask: Ask) -> None:
    def first_words(lines: list[str]) -> list[str]:
        return [line.split()[0] for line in lines if line[:1].isalpha()]

    written = first_words(ask("status").data.splitlines())
    shown = first_words(sample("commands.md", "status"))
    assert shown[0] == "table"
    assert [word for word in written if word in shown] == shown


def test_the_headings_of_lists(ask: Ask) -> None:
    assert sample("commands.md", "candidates")[1].split() == ask("candidates").data.splitlines()[1].split()
    columns = " ".join(name for name in COLUMNS if name not in ONLY_WIDE).split()
    assert sample("commands.md", "positions")[1].split() == columns
    lines = sample("commands.md", "evaluate")
    assert " ".join(HEADER).split() in [line.split() for line in lines]
    assert "\n".join(lines).endswith(LEGEND)


def test_the_sections_of_explain(ask: Ask) -> None:
    written = {blanked(line) for line in ask("explain", "IBM", str(REPLACED)).data.splitlines()}
    shown = {blanked(line) for line in sample("past.md", "explain")}
    sections = {line for line in shown if line.startswith(("Computed from", "The bars come from", "Table versions"))}
    assert len(sections) == 3
    assert sections <= written


@pytest.mark.parametrize("page", ["commands.md", "past.md"])
def test_the_words_of_restate(page: str) -> None:
    assert sample(page, "restate")[-1].startswith("Made again: stocks.")
