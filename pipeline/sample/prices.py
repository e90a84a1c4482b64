"""The synthetic market's trading, session by session: returns, prices within the day, volumes. Pure."""

from dataclasses import dataclass
from datetime import date

import numpy as np

from pipeline.sample.actions import Dividends, Splits, dividends_due, draw_splits, draw_yields
from pipeline.sample.news import Attention, News, draw_news
from pipeline.sample.universe import SECTORS, Flags, Floats, Ints, Universe, stream

MARKET_RISK, SECTOR_RISK = 0.008, 0.005
"""Daily standard deviation of the market's and of each sector's return, in calm times."""
TAIL = 4.0
"""Degrees of freedom of Student's t: how often a return is extreme."""
LARGEST_MOVE = 0.7
"""A day's log-return is cut here (a doubling, or a halving)."""
OVERNIGHT = 0.4
"""Share of the day's return that comes before the open, before noise."""
CHEAPEST = 0.02
"""USD. No price falls below."""
TICK_CHANGES_AT = 1.0
"""USD. Ticks are one cent from here on, and 0.0001 below."""
PATHS, ACTIONS, YIELDS, NEWS = 21, 22, 23, 24
"""Streams of random numbers."""


@dataclass(frozen=True)
class Day:
    """One session's bars, in the byte order of the tickers, and the splits, dividends and news before it opened."""

    session: date
    position: Ints
    """The tickers' places in the universe."""
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    """Shares, with fractions to six decimals."""
    transactions: Ints
    splits: Splits
    dividends: Dividends
    news: News


class Market:
    """The state of the market between two sessions; `trade` advances it by one.

    Prices follow r = β·market + sector + own: Student-t shocks whose size clusters in time, for the whole market and
    for each ticker. A session depends only on the seed and the sessions before it.
    """

    def __init__(self, universe: Universe, seed: int) -> None:
        self.universe = universe
        self.seed = seed
        self.number = 0
        self.price = universe.first_price.copy()
        self.shares = universe.shares.copy()
        self.turbulence = np.ones(len(universe.ticker))
        self.market_turbulence = 0.0
        self.splittable = universe.of_type("CS", "ETF")
        self.sold_in_fractions = universe.of_type("CS", "ETF")
        self.makes_news = universe.of_type("CS")
        self.attention = Attention(len(universe.ticker))
        self.quarterly_yield = draw_yields(stream(seed, YIELDS), universe)

    def trade(self, session: date) -> Day:
        """Return the bars of the next session, dated `session`."""
        alive = self.universe.alive(self.number)
        count = len(alive)
        alive &= ~self.attention.is_halted(self.number, count)
        established = alive & (self.universe.listed[:count] < self.number)
        random = stream(self.seed, ACTIONS, session.toordinal())
        splits = draw_splits(random, self.number, self.price[:count], self.splittable[:count] & established)
        self._apply(splits)
        established[splits.position] = False
        news = self._take_in_news(session, established & self.makes_news[:count])
        established[news.position] = False
        dividends = dividends_due(self.number, self.price[:count], self.quarterly_yield[:count], established)
        self.price[dividends.position] -= dividends.amount
        alive[news.position[news.is_halt]] = False
        day = self._bars(session, alive, splits, dividends, news)
        self.number += 1
        return day

    def _apply(self, splits: Splits) -> None:
        self.price[splits.position] *= splits.price_factor
        self.shares[splits.position] /= splits.price_factor

    def _take_in_news(self, session: date, eligible: Flags) -> News:
        is_back = self.attention.resumes[: len(eligible)] == self.number
        news = draw_news(stream(self.seed, NEWS, session.toordinal()), self.number, eligible & ~is_back)
        positions, factors = self.attention.advance(self.number, news)
        self.price[positions] *= factors
        return news

    def _bars(self, session: date, alive: Flags, splits: Splits, dividends: Dividends, news: News) -> Day:
        count = len(alive)
        random = stream(self.seed, PATHS, session.toordinal())
        before = self.price[:count].copy()
        returns, risk = self._returns(random, count)
        close = np.maximum(before * np.exp(returns), CHEAPEST)
        self.price[:count] = close
        gap = OVERNIGHT * returns + 0.4 * risk * random.standard_normal(count)
        opening = np.maximum(before * np.exp(gap), CHEAPEST)
        reach = 0.5 * risk * np.abs(random.standard_normal((2, count)))
        high = np.maximum(opening, close) * np.exp(reach[0])
        low = np.minimum(opening, close) * np.exp(-reach[1])
        volume, transactions = self._activity(random, returns / risk, count)
        trades = alive & (random.random(count) < self.universe.trade_chance[:count])
        order = self.universe.alphabetical[self.universe.alphabetical < count]
        order = order[trades[order]]
        opening, high, low = _as_few_trades(transactions, opening, high, low, close)
        return Day(
            session=session,
            position=order,
            open=on_tick(opening[order]),
            high=on_tick(high[order]),
            low=on_tick(low[order]),
            close=on_tick(close[order]),
            volume=volume[order],
            transactions=transactions[order],
            splits=splits,
            dividends=dividends,
            news=news,
        )

    def _returns(self, random: np.random.Generator, count: int) -> tuple[Floats, Floats]:
        """Return each listed ticker's log-return and its expected standard deviation, and update the turbulence."""
        universe = self.universe
        self.market_turbulence = 0.95 * self.market_turbulence + 0.12 * random.standard_normal()
        heat = np.exp(self.market_turbulence)
        market = MARKET_RISK * heat * _student(random, 1)[0]
        sector = SECTOR_RISK * heat * _student(random, SECTORS)
        own_risk = universe.own_risk[:count] * np.sqrt(0.5 + 0.5 * self.turbulence[:count])
        shock = _student(random, count)
        self.turbulence[:count] = 0.9 * self.turbulence[:count] + 0.1 * np.minimum(shock * shock, 20.0)
        beta = universe.beta[:count]
        risk = np.sqrt(own_risk**2 + (beta * MARKET_RISK * heat) ** 2 + (SECTOR_RISK * heat) ** 2)
        # Less half the variance: an expected price that grows by 5 % a year, not by its own noise.
        drift = 0.0002 - 0.5 * risk**2
        returns = drift + beta * market + sector[universe.sector[:count]] + own_risk * shock
        moves = self.attention.moves[:count]
        return moves * np.clip(returns, -LARGEST_MOVE, LARGEST_MOVE), moves * risk

    def _activity(self, random: np.random.Generator, surprise: Floats, count: int) -> tuple[Floats, Ints]:
        """Return the shares and the trades of the day; both grow with the size of the move in standard deviations."""
        excitement = 0.3 * np.minimum(np.abs(surprise), 6.0) + 0.25 * self.market_turbulence
        typical = self.shares[:count] * self.attention.volume[:count]
        shares = typical * np.exp(excitement + 0.5 * random.standard_normal(count) - 0.3)
        whole = np.maximum(np.floor(shares), 1.0)
        fraction = np.where(self.sold_in_fractions[:count], np.floor(random.random(count) * 1e6) / 1e6, 0.0)
        size = self.universe.trade_size[:count] * np.exp(0.15 * random.standard_normal(count))
        trades = np.clip(np.ceil(whole / size), 1.0, whole).astype(np.int64)
        return whole + fraction, trades


def _student(random: np.random.Generator, count: int) -> Floats:
    """Return Student-t shocks scaled to a standard deviation of 1."""
    return random.standard_t(TAIL, count) * np.sqrt((TAIL - 2.0) / TAIL)


def _as_few_trades(
    transactions: Ints, opening: Floats, high: Floats, low: Floats, close: Floats
) -> tuple[Floats, Floats, Floats]:
    """Return open, high and low such that one trade has one price, and two trades only open and close."""
    opening = np.where(transactions == 1, close, opening)
    few = transactions <= 2
    high = np.where(few, np.maximum(opening, close), high)
    low = np.where(few, np.minimum(opening, close), low)
    return opening, high, low


def on_tick(price: Floats) -> Floats:
    """Return prices in USD rounded to the tick: one cent from 1 USD on, 0.0001 below."""
    return np.where(price >= TICK_CHANGES_AT, np.round(price, 2), np.round(price, 4))
