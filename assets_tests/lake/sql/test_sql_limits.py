"""What one query may take: memory, temporary files, rows, depth. Whatever function it calls, the limits are kept."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from assets_tests.examples import first_quick
from assets_tests.lake.conftest import JAN_2, PRICES, prices
from assets_tests.lake.sql.sql_hogs import HOGS, JSON, MONSTERS
from pipeline.errors import QueryError
from pipeline.lake.lake import Lake
from pipeline.lake.sql import Sql
from pipeline.lake.sql.sandbox.terms import Limits, Walls

SMALL = Limits(
    memory=1_200_000_000, engine_memory=100_000_000, spilled=1_000_000, answer=1 << 20, row=1 << 19, processor_seconds=3
)

QUICK_HOGS = ("damerau_levenshtein", "list_distinct", "array_to_string", "repeat", "to_json")
QUICK_JSON = JSON[:6]
"""`assets_tests/torture` tries all of them, with the limits that hold outside tests."""


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    filled = Lake(tmp_path_factory.mktemp("limits") / "lake")
    filled.replace(PRICES, [JAN_2], [prices(JAN_2, A=1.0, B=2.0)], run_id="r")
    return filled


@pytest.fixture(scope="module")
def small(lake: Lake) -> Iterator[Sql]:
    with Sql(lake, limits=SMALL) as bounded:
        yield bounded


def outcome(sql: Sql, query: str) -> str:
    """Return the message of our own error; an answer is right, too."""
    try:
        sql.sql(query)
    except QueryError as refused:
        return str(refused)
    return "an answer"


def deep(depth: int) -> str:
    """Return JSON nested so deep, as SQL makes it."""
    return f"(repeat('[', {depth}) || repeat(']', {depth}))"


class Watch:
    """The most memory that the child of a connection, whichever it is, took while a block ran."""

    def __init__(self, sql: Sql) -> None:
        self._sql, self.most = sql, 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.is_set():
            running = self._sql._running
            if running is not None:
                self.most = max(self.most, most_resident(running.child.number))
            time.sleep(0.005)


def most_resident(number: int) -> int:
    try:
        lines = Path(f"/proc/{number}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")), 0)


@pytest.mark.parametrize("what", first_quick(MONSTERS, quick=2))
def test_a_query_that_would_eat_all_there_is_is_an_error_of_ours(small: Sql, what: str) -> None:
    with pytest.raises(QueryError):
        small.sql(MONSTERS[what])
    if small._running is not None:
        spilled = small._running.spill.folder.rglob("*")
        assert sum(path.stat().st_size for path in spilled if path.is_file()) <= SMALL.spilled
    assert small.sql("SELECT count(*) FROM stocks.prices").item() == 2


@pytest.mark.parametrize("what", first_quick(QUICK_HOGS))
def test_no_function_takes_more_memory_than_is_promised(small: Sql, what: str) -> None:
    with Watch(small) as watch:
        outcome(small, HOGS[what])
    assert watch.most <= SMALL.memory
    assert small.sql("SELECT count(*) FROM stocks.prices").item() == 2


@pytest.mark.thorough
def test_memory_is_watched_where_the_system_sets_no_limit(lake: Lake) -> None:
    with Sql(lake, limits=SMALL, walls=Walls(limits=False)) as sql, pytest.raises(QueryError, match="GB of memory"):
        sql.sql("SELECT len(replace(repeat('a', 100000000), 'a', repeat('b', 50)))")


@pytest.mark.thorough
def test_after_a_query_that_took_much_the_next_has_all_its_memory_again(small: Sql) -> None:
    for _ in range(2):
        with pytest.raises(QueryError, match="more memory"):
            small.sql("SELECT len(list(range)) FROM range(100000000)")
        assert small.sql("SELECT len(repeat('x', 50000000))").item() == 50_000_000


@pytest.mark.parametrize("call", first_quick(QUICK_JSON, quick=2))
def test_deep_json_ends_in_an_answer_or_an_error_of_ours(small: Sql, call: str) -> None:
    for depth in (1_000, 200_000):
        outcome(small, f"SELECT length(({call.format(deep(depth))})::VARCHAR)")
    assert small.sql("SELECT 1").item() == 1


@pytest.mark.thorough
def test_an_answer_larger_than_allowed_is_refused_and_a_smaller_one_given(lake: Lake) -> None:
    query, size = "SELECT * FROM range(100000)", 800_000
    with Sql(lake, limits=Limits(answer=2 * size)) as sql:
        assert len(sql.sql(query)) == 100_000
    with Sql(lake, limits=Limits(answer=size // 2)) as sql, pytest.raises(QueryError, match="The answer is larger"):
        sql.sql(query)


@pytest.mark.thorough
def test_an_answer_in_many_pieces_comes_whole(lake: Lake) -> None:
    with Sql(lake) as sql:
        answer = sql.sql("SELECT range AS n, repeat('x', 100) || range AS t, CASE WHEN range % 2 = 0 THEN 'a' ELSE 'b' "
                         "END::ENUM('a', 'b') AS e, [range] AS l FROM range(700000) ORDER BY n")  # fmt: skip
    assert answer.n_chunks() > 1
    assert answer["n"].to_list() == list(range(700_000))
    assert answer.row(699_999) == (699_999, "x" * 100 + "699999", "b", [699_999])


@pytest.mark.thorough
def test_what_does_not_fit_into_memory_is_spilled_and_removed(lake: Lake) -> None:
    query = "SELECT count(*) FROM (SELECT row_number() OVER (ORDER BY hash(range)) FROM range(5000000))"
    with Sql(lake, limits=Limits(engine_memory=100_000_000)) as sql:
        assert sql.sql(query).item() == 5_000_000
        folder = sql._confined().spill.folder
        assert folder.exists()
    assert not folder.parent.exists()
