"""Every function that DuckDB knows, called in the sandbox: the closed are refused, the open do no harm."""

import re
import shutil
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import duckdb
import pytest

from assets_tests.examples import first_quick
from assets_tests.lake.conftest import JAN_2, PRICES, prices
from assets_tests.lake.sql.sql_functions import Function, every_function
from pipeline.errors import QueryError
from pipeline.lake.lake import Lake
from pipeline.lake.sql import Sql
from pipeline.lake.sql.open_functions import FOLDER, KINDS, VERSION, open_functions, reviewed
from pipeline.lake.sql.review import differences, installed_names, main
from pipeline.lake.sql.sandbox.terms import Limits, Walls

PLANTED = "planted-secret"

OPEN = open_functions()
FUNCTIONS = every_function()

QUICK = Limits(processor_seconds=10)


every_so_many = pytest.mark.parametrize("step", first_quick([4, 1]))
"""Calls every fourth function in `make test`, and all in `make test-all`."""


def is_open(function: Function) -> bool:
    is_in_place_of_table = function.kind.startswith("table")
    return function.name in (OPEN.table_functions if is_in_place_of_table else OPEN.expressions)


class Place:
    """A lake, with a planted file beside it."""

    def __init__(self, folder: Path) -> None:
        self.lake = folder / "lake"
        Lake(self.lake).replace(PRICES, [JAN_2], [prices(JAN_2, A=1.0)], run_id="r")
        self.folder, self.secret, self.outside = folder, folder / "secret.txt", folder / "outside"
        self.secret.write_text(PLANTED)
        self._before = self.files()

    def files(self) -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in self.folder.rglob("*") if path.is_file()}

    def is_untouched(self) -> bool:
        return self.files() == self._before

    def hostile_texts(self) -> dict[str, str]:
        write = f"SELECT write_blob(''{self.outside}'', ''x''::BLOB)"
        return {
            "SQL that writes": f"'{write}'",
            "SQL that writes, as its tree": f"json_object('statements', '{write}')",
            "SQL that reads": f"'FROM read_text(''{self.secret}'')'",
            "a file": f"'{self.secret}'",
            "a file of the lake": f"'{self.lake}/stocks/prices'",
            "a new file": f"'{self.outside}'",
            "a setting": "'temp_directory'",
            "a variable of the environment": "'PLANTED'",
            "deep JSON": "repeat('[', 100000)",
            "a long text": "repeat('ab', 300)",
            "an odd text": "chr(0) || '%s%n{}' || chr(128512)",
        }


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(tmp_path_factory.mktemp("functions"))


@pytest.fixture
def sql(place: Place, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sql]:
    monkeypatch.setenv("PLANTED", PLANTED)
    with Sql(place.lake, limits=QUICK) as connected:
        yield connected


def outcome(sql: Sql, query: str) -> str:
    """Return the outcome of a query: its answer, or its error."""
    try:
        return str(sql.sql(query).rows())
    except QueryError as refused:
        return str(refused)


def assert_leaks_nothing(answer: str, query: str) -> None:
    """Fail when an answer holds the planted secret, or a setting: the folder for temporary files is one."""
    assert PLANTED not in answer, query
    assert "candlelake-sql-" not in answer, query


def without_most_collations(functions: list[Function]) -> list[Function]:
    """Return the functions without the order of every language but two: they are one function each, 150 times."""
    return [one for one in functions if not re.fullmatch(r"icu_collate_(?!de|en).*", one.name)]


def test_the_lists_were_reviewed_for_the_installed_duckdb() -> None:
    assert VERSION.read_text().strip() == duckdb.__version__
    assert all(not new and not gone for new, gone in differences().values())
    for kind in KINDS:
        for name, (state, reason) in reviewed(kind).items():
            assert (state, bool(reason)) in {("open", False), ("closed", True)}, (kind, name)


def test_a_new_function_is_closed_until_it_is_reviewed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for kind in KINDS:
        shutil.copy(FOLDER / f"{kind}.csv", tmp_path)
    found = installed_names()
    found["scalar"].add("brand_new")
    found["macro"].discard("ago")
    monkeypatch.setattr("pipeline.lake.sql.open_functions.FOLDER", tmp_path)
    monkeypatch.setattr("pipeline.lake.sql.review.FOLDER", tmp_path)
    monkeypatch.setattr("pipeline.lake.sql.review.VERSION", tmp_path / "version.txt")
    monkeypatch.setattr("pipeline.lake.sql.review.installed_names", lambda: found)
    assert main(["--write"]) == 1
    assert "scalar: new: brand_new" in capsys.readouterr().out
    assert reviewed("scalar")["brand_new"][0] == "closed"
    assert "ago" not in reviewed("macro")
    assert "brand_new" not in open_functions().expressions
    assert main([]) == 0


def test_an_open_macro_calls_only_what_is_open() -> None:
    with duckdb.connect(":memory:") as connection:
        bodies = connection.execute(
            "SELECT lower(function_name), macro_definition FROM duckdb_functions() WHERE function_type = 'macro'"
        ).fetchall()
        names = {name for name, _ in bodies} & OPEN.expressions
        assert len(names) > 50
        for name, body in bodies:
            if name in names:
                tree = connection.execute("SELECT json_serialize_sql(?)", [f"SELECT {body}"]).fetchall()[0][0]
                called = set(re.findall(r'"function_name":"([^"]*)"', tree))
                assert called <= OPEN.expressions, name


@every_so_many
def test_what_is_not_open_is_refused_by_its_name(sql: Sql, place: Place, step: int) -> None:
    closed = [function for function in FUNCTIONS if not is_open(function)][::step]
    assert len(closed) > 150 / step
    for function in closed:
        for query in function.queries(function.harmless()):
            answer = outcome(sql, query)
            assert answer.startswith(f"{function.name} is not open to queries."), query
    assert place.is_untouched()


@pytest.mark.thorough
def test_no_pragma_is_answered(sql: Sql) -> None:
    with duckdb.connect(":memory:") as connection:
        names = connection.execute("SELECT function_name FROM duckdb_functions() WHERE function_type = 'pragma'")
        for (name,) in names.fetchall():
            answer = outcome(sql, f"PRAGMA {name}")
            assert "Only one SELECT" in answer or "cannot be read" in answer, name


@every_so_many
def test_every_open_function_works_or_explains_its_error(sql: Sql, place: Place, step: int) -> None:
    answered = 0
    opened = [function for function in FUNCTIONS if is_open(function)][::step]
    for function in opened:
        for query in function.queries(function.harmless()):
            answer = outcome(sql, query)
            assert_leaks_nothing(answer, query)
            assert "is not open" not in answer, query
            answered += answer.startswith("[")
    assert answered > len(opened) * 2 // 3
    assert place.is_untouched()


@every_so_many
def test_no_open_function_does_harm_with_hostile_arguments(sql: Sql, place: Place, step: int) -> None:
    texts = cycle(place.hostile_texts().values())
    for function in without_most_collations(FUNCTIONS)[::step]:
        if is_open(function):
            for query in function.queries(function.hostile(next(texts), "-9223372036854775808")):
                assert_leaks_nothing(outcome(sql, query), query)
    assert place.is_untouched()


@pytest.mark.thorough
def test_behind_the_kernel_s_walls_no_function_at_all_reads_or_writes(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLANTED", PLANTED)
    texts = place.hostile_texts()
    likely = cycle([texts["SQL that writes"], texts["a file"], texts["a new file"]])
    with Sql(place.lake, limits=QUICK, walls=Walls(open_functions=False)) as unguarded:
        if unguarded.standing()[0].landlock == 0:
            pytest.skip("this kernel has no Landlock, so that the review of functions is what holds")
        for function in without_most_collations(FUNCTIONS):
            query = function.queries(function.hostile(next(likely), "1"))[0]
            assert PLANTED not in outcome(unguarded, query), query
    assert place.is_untouched()
