"""The tickers of the synthetic market: security types, risk, listings and delistings. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from string import ascii_uppercase

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

ODD_TICKERS = (
    "NA", "TRUE", "NAN", "NULL", "INF", "1E5", "AAP", "AAp", "BRK.A", "BRK.B", "KIMpL", "XYZ.WS", "XYZ.U",
)  # fmt: skip
"""Tickers that readers damage: read as nulls, booleans or numbers, folded in case, cut at a dot."""

TEST_SYMBOLS = ("ZVZZT", "ZWZZT", "ZXZZT", "ZJZZT", "ZBZX", "ZTEST", "ZTST", "CBO", "CBX", "IBO")
"""Symbols that the exchanges use to test their systems."""

PERMANENT = ODD_TICKERS + TEST_SYMBOLS
"""Listed before the first session, never delisted, never split."""

SECTORS = 11
TURNOVER = 0.0002
"""Share of the tickers that are delisted, and newly listed, per session (5 % per year)."""
LEAST_TURNOVER = 0.05
"""Listings per session in a market too small for TURNOVER to matter."""

TYPES = ("CS", "ETF", "ADRC", "PFD", "WARRANT", "UNIT", "RIGHT")
TYPE_SHARES = (0.50, 0.33, 0.04, 0.06, 0.04, 0.02, 0.01)
SUFFIX = {"PFD": "p{letter}", "WARRANT": ".WS", "UNIT": ".U", "RIGHT": "r"}
OWN_RISK = {"CS": 0.022, "ETF": 0.005, "ADRC": 0.020, "PFD": 0.006, "WARRANT": 0.060, "UNIT": 0.008, "RIGHT": 0.070}
"""Median daily standard deviation of the return that is the ticker's own."""
MEDIAN_PRICE = {"CS": 18.0, "ETF": 32.0, "ADRC": 15.0, "PFD": 23.0, "WARRANT": 0.8, "UNIT": 10.3, "RIGHT": 0.5}
"""USD, at the first session or the listing."""
PRICE_SPREAD = {"CS": 1.4, "ETF": 0.8, "ADRC": 1.2, "PFD": 0.15, "WARRANT": 1.0, "UNIT": 0.05, "RIGHT": 0.8}
"""Standard deviation of the logarithm of that price."""
ODD_TYPES = {"BRK.A": "CS", "BRK.B": "CS", "KIMpL": "PFD", "XYZ.WS": "WARRANT", "XYZ.U": "UNIT"}
ODD_PRICES = {"BRK.A": 742_000.0, "BRK.B": 495.0}

MEDIAN_DOLLAR_VOLUME = {
    "CS": 3e6, "ETF": 2e6, "ADRC": 2e6, "PFD": 1e5, "WARRANT": 3e4, "UNIT": 5e4, "RIGHT": 1e4,
}  # fmt: skip
"""USD traded on a typical day, at the first session or the listing."""
DOLLAR_VOLUME_SPREAD = 2.4
MOST_DOLLARS, MOST_SHARES = 1e10, 5e7
"""Typical day of the busiest ticker."""
SPARSE_BELOW = -1.405
"""Standard score of the dollar volume below which a ticker does not trade every session: 8 % of the tickers."""


@dataclass(frozen=True)
class Universe:
    """All tickers of all sessions, by position; the first `tickers` are listed before the first session."""

    ticker: list[str]
    type: list[str]
    sector: Ints
    beta: Floats
    own_risk: Floats
    first_price: Floats
    shares: Floats
    """Shares traded on a typical day, at the first session or the listing."""
    trade_size: Floats
    """Typical shares in one trade."""
    trade_chance: Floats
    """Chance that a session has any trade; 1 except for sparse tickers."""
    listed: Ints
    """Number of the first session, counted from 0."""
    delisted: Ints
    """Number of the first session without it."""
    alphabetical: Ints
    """Positions in the byte order of the tickers, as the vendor sorts its rows."""

    def known(self, session_number: int) -> int:
        """Return how many tickers have been listed up to a session."""
        return int(np.searchsorted(self.listed, session_number, side="right"))

    def alive(self, session_number: int) -> Flags:
        """Return which tickers are listed in a session, of those listed up to then."""
        return self.delisted[: self.known(session_number)] > session_number

    def of_type(self, *types: str) -> Flags:
        """Return which tickers are securities of these types, without the permanent tickers."""
        flags = np.isin(np.array(self.type), types)
        flags[: len(PERMANENT)] = False
        return flags


def stream(seed: int, *purpose: int) -> np.random.Generator:
    """Return the random numbers of one purpose, independent of all other draws."""
    return np.random.Generator(np.random.PCG64([seed, *purpose]))


def draw_universe(tickers: int, sessions: int, seed: int) -> Universe:
    """Return a universe with `tickers` listed at the first of `sessions` and a steady turnover from then on.

    A longer market of the same seed begins with the same universe: each trait has its own stream.
    """
    listings = max(tickers * TURNOVER, LEAST_TURNOVER)
    new = stream(seed, 1).poisson(listings, sessions)
    new[0] = 0
    listed = np.concatenate([np.zeros(tickers, np.int64), np.repeat(np.arange(sessions), new)])
    count = len(listed)
    types = _types(count, seed)
    names = _names(types, seed)
    liquidity = stream(seed, 2).standard_normal(count)
    liquidity[: len(PERMANENT)] = 1.0
    sparse = liquidity < SPARSE_BELOW
    first_price = _first_prices(names, types, seed)
    lifetime = 1 + stream(seed, 3).geometric(listings / tickers, count)
    lifetime[: len(PERMANENT)] = np.iinfo(np.int64).max // 2
    return Universe(
        ticker=names,
        type=types,
        sector=stream(seed, 4).integers(0, SECTORS, count),
        beta=np.clip(stream(seed, 5).normal(1.0, 0.4, count), 0.0, 2.5),
        own_risk=_by_type(OWN_RISK, types) * np.exp(0.45 * stream(seed, 6).standard_normal(count)),
        first_price=first_price,
        shares=_shares(types, liquidity, sparse, first_price),
        trade_size=stream(seed, 7).uniform(60.0, 250.0, count),
        trade_chance=np.where(sparse, stream(seed, 8).uniform(0.2, 0.9, count), 1.0),
        listed=listed,
        delisted=listed + lifetime,
        alphabetical=np.array(sorted(range(count), key=names.__getitem__), dtype=np.int64),
    )


def _types(count: int, seed: int) -> list[str]:
    steps = np.cumsum(TYPE_SHARES)[:-1]
    types = [TYPES[place] for place in np.searchsorted(steps, stream(seed, 9).random(count), side="right")]
    types[: len(PERMANENT)] = [ODD_TYPES.get(ticker, "CS") for ticker in PERMANENT]
    return types


def _names(types: list[str], seed: int) -> list[str]:
    """Return one ticker for each type: the permanent ones, then drawn words with the suffix of their type."""
    words = _words(seed)
    letters = iter(stream(seed, 10).integers(0, 26, len(types)).tolist())
    suffixes = (SUFFIX.get(kind, "").format(letter=ascii_uppercase[next(letters)]) for kind in types[len(PERMANENT) :])
    return [*PERMANENT, *(next(words) + suffix for suffix in suffixes)]


def _words(seed: int) -> Iterator[str]:
    """Yield distinct words of one to four capitals, mostly three and four, none a permanent ticker or its root."""
    random = stream(seed, 11)
    used = {ticker.partition(".")[0] for ticker in PERMANENT} | {"AA", "KIM"}
    unused = {length: iter(random.permutation(26**length).tolist()) for length in (1, 2, 3, 4)}
    while True:
        for length in random.choice([1, 2, 3, 4], p=[0.002, 0.028, 0.32, 0.65], size=1_000).tolist():
            number = next(unused[length], None)
            word = _word(number, length) if number is not None else _word(next(unused[4]), 4)
            if word not in used:
                yield word


def _word(number: int, length: int) -> str:
    return "".join(ascii_uppercase[number // 26**place % 26] for place in range(length))


def _by_type(values: dict[str, float], types: list[str]) -> Floats:
    return np.array([values[kind] for kind in types])


def _shares(types: list[str], liquidity: Floats, sparse: Flags, first_price: Floats) -> Floats:
    dollars = _by_type(MEDIAN_DOLLAR_VOLUME, types) * np.exp(DOLLAR_VOLUME_SPREAD * liquidity)
    dollars = np.where(sparse, dollars / 5.0, np.minimum(dollars, MOST_DOLLARS))
    return np.minimum(dollars / first_price, MOST_SHARES)


def _first_prices(names: list[str], types: list[str], seed: int) -> Floats:
    """Return USD prices: lognormal within a type, between 0.5 and 5,000."""
    scores = stream(seed, 12).standard_normal(len(types))
    prices = np.clip(_by_type(MEDIAN_PRICE, types) * np.exp(_by_type(PRICE_SPREAD, types) * scores), 0.5, 5_000.0)
    for ticker, price in ODD_PRICES.items():
        prices[names.index(ticker)] = price
    return prices
