"""Splits and dividends of the synthetic market: which tickers have one on a session, and how large. Pure."""

from dataclasses import dataclass

import numpy as np

from pipeline.sample.universe import Flags, Floats, Ints, Universe

FORWARD_FROM, FORWARD_CHANCE = 120.0, 0.0004
"""A stock at or above this price (USD) splits with this chance per session (a tenth of them per year)."""
REVERSE_BELOW, REVERSE_CHANCE = 1.0, 0.008
"""A stock below this price consolidates with this chance per session: an exchange would delist it otherwise."""
SPLIT_EVERY, SPLIT_AT = 10, 7
"""Sessions 7, 17, 27 … have a split in any case, so that a small market has some too."""
CERTAIN_FORWARD_FROM = 20.0
"""Price (USD) from which that certain split is a forward one."""

PAYERS = 0.35
"""Share of the common stocks, funds and preferreds that pay a dividend."""
QUARTER = 63
"""Sessions between two dividends."""


@dataclass(frozen=True)
class Splits:
    """The splits of one session: `split_from` old shares become `split_to` new ones before it opens."""

    position: Ints
    split_from: Ints
    split_to: Ints

    @property
    def price_factor(self) -> Floats:
        """Return the factor for a price."""
        return self.split_from / self.split_to


@dataclass(frozen=True)
class Dividends:
    """The dividends with their ex-date on one session, in USD per share."""

    position: Ints
    amount: Floats


def draw_splits(random: np.random.Generator, number: int, price: Floats, splittable: Flags) -> Splits:
    """Return the splits before session `number`, given the last prices and which tickers may split.

    2:1 (three in four) or 3:1 for expensive stocks, 1:10 or 1:20 for cheap ones.
    """
    luck, ratio = random.random(len(price)), random.random(len(price))
    forward = splittable & (price >= FORWARD_FROM) & (luck < FORWARD_CHANCE)
    reverse = splittable & (price < REVERSE_BELOW) & (luck < REVERSE_CHANCE)
    if number % SPLIT_EVERY == SPLIT_AT and splittable.any():
        certain = np.flatnonzero(splittable)[np.argmin(luck[splittable])]
        forward[certain] = price[certain] >= CERTAIN_FORWARD_FROM
        reverse[certain] = not forward[certain]
    position = np.flatnonzero(forward | reverse)
    is_forward, draw = forward[position], ratio[position]
    return Splits(
        position=position,
        split_from=np.where(is_forward, 1, np.where(draw < 0.6, 10, 20)),
        split_to=np.where(is_forward, np.where(draw < 0.75, 2, 3), 1),
    )


def draw_yields(random: np.random.Generator, universe: Universe) -> Floats:
    """Return each ticker's dividend per quarter as a share of its price; 0 for tickers without one."""
    pays = random.random(len(universe.ticker)) < PAYERS
    yearly = np.exp(np.log(0.02) + 0.6 * np.clip(_scores(universe), -2.0, 2.0))
    return np.where(pays & universe.of_type("CS", "ETF", "PFD"), yearly / 4, 0.0)


def _scores(universe: Universe) -> Floats:
    """Return a standard score of calm: the calmer the ticker, the more it pays."""
    return (np.log(0.015) - np.log(universe.own_risk)) / 0.7


def dividends_due(number: int, price: Floats, quarterly_yield: Floats, eligible: Flags) -> Dividends:
    """Return the dividends that go ex on session `number`; a dividend below one cent is not paid."""
    positions = np.arange(len(price))
    due = eligible & ((number + positions) % QUARTER == 0)
    amount = np.round(price * quarterly_yield, 2)
    position = np.flatnonzero(due & (amount >= 0.01))
    return Dividends(position=position, amount=amount[position])
