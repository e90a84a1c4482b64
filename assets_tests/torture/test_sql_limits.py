"""SQL with the limits that hold outside tests: every hog of memory, deep JSON, every overload of every function."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from assets_tests.lake.sql.sql_functions import every_function, hostile_calls
from assets_tests.lake.sql.sql_hogs import HOGS, JSON
from assets_tests.lake.sql.test_sql_functions import QUICK, Place, assert_leaks_nothing, is_open
from assets_tests.lake.sql.test_sql_functions import outcome as answer_to
from assets_tests.lake.sql.test_sql_limits import Watch, deep, outcome
from pipeline.lake.sql import Sql
from pipeline.lake.sql.sandbox.terms import Limits


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.mark.parametrize("what", HOGS)
def test_no_function_takes_more_than_four_gigabytes(place: Place, what: str) -> None:
    limits = Limits(processor_seconds=120)
    with Sql(place.lake, limits=limits) as sql:
        with Watch(sql) as watch:
            outcome(sql, HOGS[what])
        assert watch.most <= limits.memory
        assert sql.sql("SELECT count(*) FROM stocks.prices").item() == 1


@pytest.mark.parametrize("what", HOGS)
def test_every_one_of_them_ends_with_ctrl_c(place: Place, what: str) -> None:
    with Sql(place.lake) as sql:
        sql.standing()
        sent_at: list[float] = []

        def stop() -> None:
            sent_at.append(time.monotonic())
            os.kill(os.getpid(), signal.SIGINT)

        timer = threading.Timer(0.5, stop)
        timer.start()
        try:
            outcome(sql, HOGS[what])
            timer.cancel()
            timer.join()
        except KeyboardInterrupt:
            assert time.monotonic() - sent_at[0] < 10, "it goes on"
        assert sql.sql("SELECT count(*) FROM stocks.prices").item() == 1


@pytest.mark.parametrize("call", JSON)
@pytest.mark.parametrize("depth", [1_000, 30_000, 1_000_000])
def test_deep_json_is_survived(place: Place, call: str, depth: int) -> None:
    with Sql(place.lake, limits=Limits(processor_seconds=30)) as sql:
        outcome(sql, f"SELECT length(({call.format(deep(depth))})::VARCHAR)")
        assert sql.sql("SELECT 1").item() == 1


@pytest.mark.parametrize("what", ["SQL", "a file", "a setting", "deep JSON", "an odd text"])
def test_every_overload_of_every_open_function_does_no_harm(
    place: Place, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.setenv("PLANTED", "planted-secret")
    texts = [text for name, text in place.hostile_texts().items() if name.startswith(what)]
    numbers = ("-1", "1000000", "9223372036854775807")
    with Sql(place.lake, limits=QUICK) as sql:
        for function in every_function(each_overload=True):
            if is_open(function):
                for query in hostile_calls(function, texts, numbers):
                    assert_leaks_nothing(answer_to(sql, query), query)
    assert place.is_untouched()
