"""A replacement of single tickers: the rows of all others stay, and writers of other tickers are no conflict."""

import random
from threading import Barrier, Thread

import polars as pl
import pytest

from assets_tests.lake.conftest import FEB_1, JAN_2, JAN_3, PRICES, prices, stored_closes
from pipeline.errors import ContractBroken, WriteConflict
from pipeline.lake.lake import Lake
from pipeline.queries.session_writings import newest_writings, possible_writings


@pytest.fixture
def filled(lake: Lake) -> Lake:
    for session in (JAN_2, JAN_3, FEB_1):
        lake.replace(PRICES, [session], [prices(session, A=1.0, B=2.0, C=3.0)], run_id="whole")
    return lake


def replace(lake: Lake, sessions: list, tickers: list[str], *rows: pl.DataFrame, run_id: str = "scoped") -> None:
    lake.replace(PRICES, sessions, rows, run_id=run_id, tickers=tickers)


def test_the_rows_of_other_tickers_and_sessions_stay(filled: Lake) -> None:
    replace(filled, [JAN_2, JAN_3], ["A"], prices(JAN_2, A=10.0), prices(JAN_3, A=11.0))
    closes = stored_closes(filled)
    assert closes.pop((JAN_2, "A")) == 10.0
    assert closes.pop((JAN_3, "A")) == 11.0
    assert closes == {
        (session, ticker): close
        for session in (JAN_2, JAN_3, FEB_1)
        for ticker, close in (("A", 1.0), ("B", 2.0), ("C", 3.0))
        if ticker != "A" or session == FEB_1
    }


def test_a_ticker_may_lose_its_rows_and_one_that_is_new_may_get_some(filled: Lake) -> None:
    replace(filled, [JAN_2, JAN_3], ["A", "NEW"], prices(JAN_3, NEW=9.0))
    tickers = {ticker for session, ticker in stored_closes(filled) if session != FEB_1}
    assert tickers == {"B", "C", "NEW"}
    assert (JAN_2, "NEW") not in stored_closes(filled)


def test_a_row_of_another_ticker_is_refused_and_nothing_is_written(filled: Lake) -> None:
    before = stored_closes(filled)
    with pytest.raises(ContractBroken, match="A row of B came"):
        replace(filled, [JAN_2], ["A"], prices(JAN_2, A=5.0, B=5.0))
    assert stored_closes(filled) == before


@pytest.mark.parametrize("ticker", ["A' OR '1'='1", "A\nB", "\x00", "'"])
def test_a_ticker_that_could_end_the_text_it_is_in_is_refused(filled: Lake, ticker: str) -> None:
    before = stored_closes(filled)
    with pytest.raises(ContractBroken, match="cannot be named"):
        replace(filled, [JAN_2], [ticker])
    assert stored_closes(filled) == before


@pytest.mark.parametrize("ticker", ["AAp", "aap", "BRK.A", "NA", "1E5", "ÜÖ", 'A"B', "A\\B", "%", "A B"])
def test_an_unusual_ticker_is_exactly_itself(filled: Lake, ticker: str) -> None:
    filled.replace(PRICES, [JAN_2], [prices(JAN_2, **{ticker: 1.0, "AAP": 2.0})], run_id="whole")
    replace(filled, [JAN_2], [ticker], prices(JAN_2, **{ticker: 7.0}))
    closes = {name: close for (session, name), close in stored_closes(filled).items() if session == JAN_2}
    assert closes == {ticker: 7.0, "AAP": 2.0}


def test_the_commit_names_the_tickers_and_does_not_speak_for_the_session(filled: Lake) -> None:
    replace(filled, [JAN_2], ["C", "A"], prices(JAN_2, A=5.0))
    newest, *_ = filled.trail(PRICES).commits().to_dicts()
    assert newest["tickers"] == ["A", "C"]
    assert newest_writings(filled, PRICES).filter(session=JAN_2)["run_id"].to_list() == ["whole"]
    assert newest["version"] in possible_writings(filled, PRICES).filter(session=JAN_2)["version"].to_list()


def opened_before(lake: Lake) -> Lake:
    """Return another writer of the same lake that has the table open as it is now."""
    other = Lake(lake.root)
    other.read(PRICES, JAN_2, JAN_2).rows.collect()
    return other


def at_once(lake: Lake, *changes: tuple[list[str], float]) -> list[Exception]:
    """Replace tickers in one month by several writers at the same moment; return their errors."""
    barrier, failures = Barrier(len(changes)), list[Exception]()

    def write(tickers: list[str], close: float) -> None:
        rows = prices(JAN_2, **dict.fromkeys(tickers, close))

        def pieces():  # type: ignore[no-untyped-def]
            barrier.wait()
            yield rows

        try:
            Lake(lake.root).replace(PRICES, [JAN_2], pieces(), run_id=f"{tickers}", tickers=tickers)
        except Exception as failed:  # (the thread's own)
            failures.append(failed)

    threads = [Thread(target=write, args=change) for change in changes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failures


def test_writers_of_different_tickers_in_the_same_file_all_succeed(filled: Lake) -> None:
    assert at_once(filled, (["A"], 7.0), (["B"], 8.0), (["C"], 9.0), (["D"], 10.0)) == []
    closes = {ticker: close for (session, ticker), close in stored_closes(filled).items() if session == JAN_2}
    assert closes == {"A": 7.0, "B": 8.0, "C": 9.0, "D": 10.0}


def test_of_two_writers_of_one_ticker_the_later_learns_that_it_lost(filled: Lake) -> None:
    (failure,) = at_once(filled, (["A"], 7.0), (["A", "B"], 8.0))
    assert isinstance(failure, WriteConflict)
    assert "Another run changed the same rows" in str(failure)


def test_a_replacement_of_the_whole_session_is_a_conflict(filled: Lake) -> None:
    def pieces():  # type: ignore[no-untyped-def]
        opened_before(filled).replace(PRICES, [JAN_2], [prices(JAN_2, A=4.0)], run_id="whole again")
        yield prices(JAN_2, A=5.0)

    with pytest.raises(WriteConflict):
        filled.replace(PRICES, [JAN_2], pieces(), run_id="scoped", tickers=["A"])
    assert stored_closes(filled)[JAN_2, "A"] == 4.0


@pytest.mark.thorough
def test_any_order_of_replacements_gives_what_a_dictionary_gives(lake: Lake) -> None:
    chance = random.Random(7)  # noqa: S311 (a seed)
    expected: dict = {}
    sessions, tickers = [JAN_2, JAN_3, FEB_1], ["A", "B", "C"]
    for number in range(25):
        days = sorted(chance.sample(sessions, chance.randint(1, 3)))
        names = sorted(chance.sample(tickers, chance.randint(1, 3)))
        whole = chance.random() < 0.3 or not number
        rows = {day: {name: float(number + 1) for name in names if whole or chance.random() < 0.7} for day in days}
        pieces = [prices(day, **closes) for day, closes in rows.items() if closes]
        if whole:
            lake.replace(PRICES, days, pieces, run_id="r")
        else:
            lake.replace(PRICES, days, pieces, run_id="r", tickers=names)
        expected = {k: v for k, v in expected.items() if k[0] not in days or (not whole and k[1] not in names)}
        expected |= {(day, name): close for day, closes in rows.items() for name, close in closes.items()}
        assert stored_closes(lake) == expected
