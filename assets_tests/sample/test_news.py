"""The synthetic market has honest jumps: results, a buy-out, an approval, a halt. None is a split, nor told as one."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pytest

from pipeline.sample.full_market import last_sessions
from pipeline.sample.news import KINDS, LONGEST_HALT, NAMES, NEWS_AT, NEWS_EVERY, SHORTEST_HALT, draw_news
from pipeline.sample.prices import Day, Market
from pipeline.sample.universe import draw_universe

TICKERS, SEED = 300, 11
SESSIONS = last_sessions(NEWS_AT + 3 * NEWS_EVERY + LONGEST_HALT + 10)


@dataclass(frozen=True)
class Bar:
    close: float
    open: float
    volume: float


def bars(days: list[Day], position: int) -> dict[int, Bar]:
    """Return the bars of the ticker at a position, by number of the session."""
    found = {}
    for number, day in enumerate(days):
        place = np.flatnonzero(day.position == position)
        if place.size:
            values = (float(getattr(day, name)[place[0]]) for name in ("close", "open", "volume"))
            found[number] = Bar(*values)
    return found


@pytest.fixture(scope="module")
def days() -> list[Day]:
    trading = Market(draw_universe(TICKERS, len(SESSIONS), SEED), SEED)
    return [trading.trade(session) for session in SESSIONS]


def certain(days: list[Day], kind: str) -> tuple[int, int]:
    """Return the session and the position of the news of that kind that every market has."""
    number = NEWS_AT + NEWS_EVERY * NAMES.index(kind)
    news = days[number].news
    return number, int(news.position[news.kind == NAMES.index(kind)][0])


@pytest.mark.parametrize("kind", ["earnings", "buy-out", "approval"])
def test_news_moves_the_price_overnight_and_brings_many_shares_to_market(days, kind):
    number, position = certain(days, kind)
    traded = bars(days, position)
    before = [traded[earlier] for earlier in sorted(traded) if earlier < number][-20:]

    declared = KINDS[NAMES.index(kind)]
    assert traded[number].open / before[-1].close == pytest.approx(declared.price, rel=0.3)
    usual = np.median([bar.volume for bar in before])
    assert traded[number].volume > declared.volume / 4 * usual
    assert position not in days[number].splits.position
    assert position not in days[number].dividends.position


def test_after_a_buy_out_is_offered_the_price_sticks_to_it(days):
    number, position = certain(days, "buy-out")
    closes = [bar.close for later, bar in bars(days, position).items() if number <= later < number + 15]
    assert max(closes) / min(closes) < 1.02


def test_a_halt_lasts_for_weeks_and_ends_with_another_price(days):
    number, position = certain(days, "halt")
    news = days[number].news
    sessions = int(news.sessions[news.position == position][0])
    traded = bars(days, position)

    assert SHORTEST_HALT <= sessions <= LONGEST_HALT
    assert not [halted for halted in traded if number <= halted < number + sessions]
    resumed = traded[number + sessions]
    usual = np.median([bar.volume for earlier, bar in traded.items() if earlier < number][-20:])
    assert resumed.volume > usual


def test_news_comes_as_often_as_declared_and_only_where_it_may():
    eligible = np.arange(1_000_000) % 2 == 0
    news = draw_news(np.random.default_rng(1), 0, eligible)
    counts = Counter(NAMES[number] for number in news.kind.tolist())
    for kind in KINDS:
        expected = 500_000 * kind.chance
        assert abs(counts[kind.name] - expected) <= 5 * np.sqrt(expected)
    assert not np.any(news.position % 2)
    assert set(news.sessions[~news.is_halt].tolist()) == {0}


def test_a_market_without_eligible_tickers_has_no_news_even_when_it_is_due():
    assert not draw_news(np.random.default_rng(1), NEWS_AT, np.zeros(50, dtype=bool)).position.size
