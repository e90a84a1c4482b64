from datetime import date
from pathlib import Path

import pytest

from assets_tests.sample.conftest import SEED, SESSIONS, TICKERS, bytes_under, path_of
from pipeline.errors import SampleError
from pipeline.sample.full_market import last_sessions, lay_down_full_market


def test_the_same_arguments_give_the_same_bytes(market: Path, tmp_path: Path):
    lay_down_full_market(tmp_path / "again", sessions=SESSIONS, tickers=TICKERS, seed=SEED)
    assert bytes_under(tmp_path / "again") == bytes_under(market)


def test_another_seed_gives_another_market(market: Path, tmp_path: Path):
    lay_down_full_market(tmp_path / "other", sessions=SESSIONS[:3], tickers=TICKERS, seed=SEED + 1)
    for session in SESSIONS[:3]:
        assert path_of(tmp_path / "other", session).read_bytes() != path_of(market, session).read_bytes()


def test_a_longer_market_begins_with_the_shorter_one(market: Path, tmp_path: Path):
    lay_down_full_market(tmp_path / "short", sessions=SESSIONS[:31], tickers=TICKERS, seed=SEED)
    for session in SESSIONS[:31]:
        assert path_of(tmp_path / "short", session).read_bytes() == path_of(market, session).read_bytes()


def test_progress_counts_the_sessions_laid(tmp_path: Path):
    calls: list[tuple[int, int]] = []
    lay_down_full_market(tmp_path, sessions=SESSIONS[:3], tickers=50, progress=lambda *call: calls.append(call))
    assert calls[:3] == [(1, 3), (2, 3), (3, 3)]
    assert calls[-1] == (3, 3)


def test_the_default_sessions_end_on_a_fixed_day_and_are_enough_for_a_years_return():
    sessions = last_sessions()
    assert sessions[-1] == date(2026, 3, 31)
    assert len(sessions) == 300
    assert sessions == tuple(sorted(sessions))


@pytest.mark.parametrize(
    "sessions",
    [
        (),
        (date(2026, 1, 3),),  # a Saturday
        (date(2026, 1, 5), date(2026, 1, 7)),  # leaves out a session
        (date(2026, 1, 6), date(2026, 1, 5)),
    ],
)
def test_days_that_are_no_consecutive_sessions_are_refused(tmp_path: Path, sessions: tuple[date, ...]):
    with pytest.raises(SampleError, match="last_sessions"):
        lay_down_full_market(tmp_path, sessions=sessions)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("tickers", "seed"), [(49, 1), (100_001, 1), (50, -1)])
def test_impossible_sizes_and_seeds_are_refused(tmp_path: Path, tickers: int, seed: int):
    with pytest.raises(SampleError, match="50 to 100000 tickers"):
        lay_down_full_market(tmp_path, sessions=SESSIONS, tickers=tickers, seed=seed)


def test_the_sessions_known_to_the_calendar_bound_the_market(tmp_path: Path):
    outside = date(2001, 11, 28)
    with pytest.raises(SampleError, match="last_sessions"):
        lay_down_full_market(tmp_path, sessions=(outside,))


def test_a_market_whose_making_was_interrupted_is_made_whole_the_next_time(market: Path, tmp_path: Path):
    def interrupt(count: int, _all: int) -> None:
        if count == 17:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lay_down_full_market(tmp_path, sessions=SESSIONS, tickers=TICKERS, seed=SEED, progress=interrupt)
    assert bytes_under(tmp_path) != bytes_under(market)
    lay_down_full_market(tmp_path, sessions=SESSIONS, tickers=TICKERS, seed=SEED)
    assert bytes_under(tmp_path) == bytes_under(market)


def test_a_market_that_is_there_is_not_made_again_and_another_is_refused(market: Path):
    before = bytes_under(market)
    calls: list[tuple[int, int]] = []
    sample = lay_down_full_market(
        market, sessions=SESSIONS, tickers=TICKERS, seed=SEED, progress=lambda *call: calls.append(call)
    )
    assert calls == []
    assert (sample.first_session, sample.last_session, sample.files) == (SESSIONS[0], SESSIONS[-1], len(SESSIONS))
    with pytest.raises(SampleError, match="another sample market"):
        lay_down_full_market(market, sessions=SESSIONS, tickers=TICKERS, seed=SEED + 1)
    assert bytes_under(market) == before
