"""Real and synthetic files, spoilt at random: one of our errors, or tables that keep their contracts; nothing else.

No example hangs: each has a time limit, and one that exceeds it is named (see `hanging`).

`CORPUS_FUZZ_EXAMPLES=20000` asks for that many examples of each test; `CORPUS_FUZZ_SEED` replays a run by the seed it
printed.
"""

import gzip
import json
import os
import secrets
import sys
import tarfile
import warnings
from contextlib import suppress
from datetime import date
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

import pipeline.sample
from assets_tests.corpus import mutations
from assets_tests.corpus.hanging import each_bounded
from assets_tests.corpus.mutations import Edit, applied
from assets_tests.corpus.reading import COLUMNS, NotADayFile, numbers, read_day
from assets_tests.examples import is_thorough
from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.quarantine import QUARANTINE
from pipeline.errors import CandlelakeError, FileRefused
from pipeline.sample.full_market import last_sessions, lay_down_full_market
from pipeline.sources.massive.cleaned_day import CleanedDay
from pipeline.sources.massive.day_aggs import clean_day_file
from pipeline.sources.massive.frames import ExtraColumns, read_flat_file
from pipeline.sources.massive.grouped_daily import LETTERS, clean_grouped_daily, pack
from pipeline.sources.port import Dataset

SEED = int(os.environ.get("CORPUS_FUZZ_SEED") or secrets.randbits(32))
EXAMPLES = int(os.environ.get("CORPUS_FUZZ_EXAMPLES") or 0)
BAR = ["ticker", "open", "high", "low", "close", "volume", "transactions"]

REAL = 5
"""This many of the files are real: no defect in them, and no odd ticker."""

File = tuple[date, bytes]


def examples(usual: int) -> settings:
    """Return how many examples to try, unless the environment sets another number."""
    return settings(max_examples=EXAMPLES or (usual if is_thorough() else usual // 4), database=None)


@pytest.fixture(autouse=True)
def print_the_seed():
    files()  # made once, and no part of an example
    sys.stdout.write(f"Replay with CORPUS_FUZZ_SEED={SEED} CORPUS_FUZZ_EXAMPLES={EXAMPLES or ''}\n")


@cache
def files() -> list[File]:
    """Return unpacked files to spoil, with their sessions: five real ones, a clean and a faulty synthetic one."""
    with tarfile.open(Path(pipeline.sample.__file__).with_name("real_day_aggs.tar.gz")) as archive:
        names = sorted(name for name in archive.getnames() if name.endswith(".csv.gz"))
        real = {name: archive.extractfile(name).read() for name in names[:: len(names) // (REAL - 1)]}
    with TemporaryDirectory() as folder:
        lay_down_full_market(Path(folder, "market"), sessions=last_sessions(10), tickers=50, seed=1)
        first, *_, faulty = sorted(Path(folder, "market").rglob("*.csv.gz"))
        packed = real | {path.name: path.read_bytes() for path in (first, faulty)}
    return [(date.fromisoformat(Path(name).name[:10]), gzip.decompress(data)) for name, data in packed.items()]


WHICH = st.integers(0, 100)
TEXT_EDITS = st.lists(mutations.TEXT_EDITS, min_size=1, max_size=6)
PACKED_EDITS = st.lists(mutations.PACKED_EDITS, min_size=1, max_size=3)


def cleaned(data: bytes, session: date) -> CleanedDay:
    return clean_day_file(data, session, "key", "version", 1.0)


def require_sound(result: CleanedDay) -> None:
    """Fail unless the tables keep their contracts and every row is accounted for."""
    assert len(DAILY_BARS.enforce(result.bars)) == result.kept
    assert len(QUARANTINE.enforce(result.quarantine)) == result.quarantined
    assert result.rows_read == result.kept + result.duplicates + result.quarantined


def require_agreement(result: CleanedDay, content: bytes, session: date) -> None:
    """Fail unless a second reading, in plain Python, gives the same bars and reasons."""
    reading = read_day(content, session)
    assert result.bars.select(BAR).rows() == reading.bars
    assert dict(result.quarantine.select("row_number", "reasons").iter_rows()) == reading.rejected
    assert (result.rows_read, result.duplicates) == (reading.rows, reading.duplicates)


@seed(SEED)
@given(WHICH, TEXT_EDITS, mutations.PACKINGS)
@examples(200)
@each_bounded
def test_a_file_of_spoilt_text_is_refused_or_read_as_plain_python_reads_it(
    which: int, edits: list[Edit], packing: Edit
):
    session, text = files()[which % len(files())]
    content = applied(edits, text)
    try:
        result = cleaned(packing(content), session)
    except FileRefused:
        with pytest.raises(NotADayFile):
            read_day(content, session)
        return
    require_sound(result)
    require_agreement(result, content, session)


@seed(SEED)
@given(WHICH, st.lists(mutations.TEXT_EDITS, max_size=2), mutations.PACKINGS, PACKED_EDITS)
@examples(150)
@each_bounded
def test_a_spoilt_gzip_file_is_refused_or_gives_what_gzip_gives(
    which: int, edits: list[Edit], packing: Edit, packed_edits: list[Edit]
):
    session, text = files()[which % len(files())]
    data = applied(packed_edits, packing(applied(edits, text)))
    with suppress(CandlelakeError):
        result = cleaned(data, session)
        require_sound(result)
        require_agreement(result, gzip.decompress(data), session)


@pytest.mark.thorough
@seed(SEED)
@given(WHICH, TEXT_EDITS, st.lists(mutations.PACKED_EDITS, max_size=1), st.integers(1, 5000))
@examples(100)
@each_bounded
def test_the_reader_for_notebooks_refuses_a_spoilt_file_or_reads_what_is_written(
    tmp_path_factory: pytest.TempPathFactory,
    which: int,
    edits: list[Edit],
    packed_edits: list[Edit],
    batch: int,
):
    session, text = files()[which % len(files())]
    path = Path(tmp_path_factory.getbasetemp(), "spoilt.csv.gz")
    path.write_bytes(applied(packed_edits, gzip.compress(applied(edits, text), mtime=0)))
    with suppress(FileRefused), warnings.catch_warnings():
        warnings.simplefilter("ignore", ExtraColumns)
        rows = read_flat_file(path, Dataset.DAY_AGGS, batch=batch).fill_null("").rows()
        content = gzip.decompress(path.read_bytes())
        if b"\r" not in content and b"\0" not in content:
            delivered = read_day(content, session).delivered
            assert rows == [tuple(numbers(cells)[name] for name in COLUMNS) for cells in delivered.values()]


def answer_of(content: bytes) -> bytes:
    """Return the rows of a day file in the form of the REST API."""
    header, *lines = content.decode().splitlines()
    names = header.split(",")
    rows = []
    for line in lines:
        ticker, *cells = line.split(",")
        letters = {LETTERS[name]: float(cell) for name, cell in zip(names[1:], cells, strict=True)}
        rows.append({"T": ticker} | letters | {"t": int(letters["t"]) // 10**6})
    return json.dumps({"status": "OK", "adjusted": False, "resultsCount": len(rows), "results": rows}).encode()


@seed(SEED)
@given(WHICH, st.lists(mutations.JSON_EDITS, min_size=1, max_size=4))
@examples(100)
@each_bounded
def test_a_spoilt_answer_of_the_rest_api_is_refused_or_sound(which: int, edits: list[Edit]):
    session, text = files()[which % REAL]
    body = applied(edits, answer_of(text))
    with suppress(CandlelakeError):
        require_sound(clean_grouped_daily(pack(body), session, "key", "version", 1.0))
