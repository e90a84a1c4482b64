"""`docs/bad-input.md`, written from the table of cases: `python -m assets_tests.corpus.page` prints it."""

import sys
from collections.abc import Iterable
from itertools import groupby

from assets_tests.corpus.cases import CASES, SESSION, Case
from pipeline.contracts.quarantine import REASONS
from pipeline.sources.massive.aggregates_text import COLUMNS_LIMIT
from pipeline.sources.massive.day_aggs import DAY_FILE_LIMIT, DAY_LINES_LIMIT

INTRODUCTION = f"""\
# Bad input: what happens to it

This page shows what a daily flat file may contain, and what candlelake does with it. Every line of the tables below is
a file of the corpus in `assets_tests/corpus`, and a test: this page is printed from the table that the tests read.

- **One line is one row.** A row is kept as a bar, counted as a duplicate, or quarantined with its reasons and the text
  as delivered. Rows read = kept + duplicates + quarantined, or nothing is written.
- **A file is refused as a whole** (`FileRefused`) if it is not what it should be: not gzip, cut off, damaged, not
  UTF-8, another header, no row, or more bad rows than `CANDLELAKE_MAX_BAD_SHARE` (0.2 as shipped) allows. The lake
  stays as it was, and the error names the file and the fault. The tables show what happens where any share is allowed.
- **A file with no valid row left** does not empty its session: the run fails (`ContractBroken`), and the bars stay.
- **Nothing is guessed.** A ticker is text, whatever it looks like; a number is what a 64-bit float reads; a time is
  nanoseconds. What a cell means does not depend on the rows around it.
- **Small files that unpack to huge ones.** A file of more than {COLUMNS_LIMIT} columns, {DAY_LINES_LIMIT:,} lines or
  {DAY_FILE_LIMIT:,} unpacked bytes is refused before more than that is held in memory.

Some of the cases run through the real path, from the vendor's folder to the lake (`test_journey.py`). All of them run
through the function that cleans a file (`test_cases.py`), are compared with a second reading in plain Python
(`reading.py`), and run through the reader for notebooks (`test_frames.py`). Files corrupted at random do the same
(`test_fuzz.py`):

    CORPUS_FUZZ_EXAMPLES=20000 .venv/bin/pytest assets_tests/corpus/test_fuzz.py

A failure prints the seed; `CORPUS_FUZZ_SEED` replays it.

## Reasons

| reason | meaning |
|---|---|
"""

HEAD = "| case | what is delivered | what happens |\n|---|---|---|\n"


def page() -> str:
    """Return the page."""
    reasons = "".join(f"| `{reason}` | {meaning} |\n" for reason, meaning in REASONS.items())
    groups = (_section(group, list(cases)) for group, cases in groupby(CASES, key=lambda case: case.group))
    return INTRODUCTION + reasons + "".join(groups)


def _section(group: str, cases: list[Case]) -> str:
    lines = (f"| `{case.name}` | {_delivered(case)} | {outcome(case)} |\n" for case in cases)
    return f"\n## {group.capitalize()}\n\n{HEAD}{''.join(lines)}"


def _delivered(case: Case) -> str:
    return case.what if case.session == SESSION else f"{case.what} (the file of {case.session})"


def outcome(case: Case) -> str:
    """Return what becomes of a case, in words."""
    if case.refused is not None:
        error, words = case.refused
        return f"`{error}`: … {words} …"
    is_whole = len(case.kept) == case.rows > 1
    kept = f"all {case.rows} rows kept" if is_whole else f"{_rows(case.kept)} kept" if case.kept else "no row kept"
    duplicates = [f"{_rows(case.duplicates)} counted as duplicate"] if case.duplicates else []
    by_reasons = groupby(sorted(case.quarantined.items(), key=lambda item: item[1]), key=lambda item: item[1])
    rejected = sorted((tuple(number for number, _ in items), reasons) for reasons, items in by_reasons)
    quarantined = [f"{_rows(numbers)} quarantined: {_codes(reasons)}" for numbers, reasons in rejected]
    return "; ".join([kept, *duplicates, *quarantined])


def _codes(reasons: Iterable[str]) -> str:
    return ", ".join(f"`{reason}`" for reason in reasons)


def _rows(numbers: tuple[int, ...]) -> str:
    """Return row numbers as `row 2` or `rows 1, 3–5`."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    spans = [f"{run[0]}–{run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs]
    return f"row{'s' * (len(numbers) > 1)} {', '.join(spans)}"


if __name__ == "__main__":
    sys.stdout.write(page())
