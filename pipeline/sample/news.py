"""News in the synthetic market: honest jumps that no split explains, and halts. Pure."""

from dataclasses import dataclass

import numpy as np

from pipeline.sample.universe import Flags, Floats, Ints

HALT = "halt"


@dataclass(frozen=True)
class Kind:
    """A kind of news about a common stock: what it does to the price overnight, and to the trading of the day."""

    name: str
    price: float
    """Factor of the price; after a halt, the median of many."""
    volume: float
    """Factor of the shares traded that day; half of what it adds is left the day after, and so on."""
    chance: float
    """Chance per common stock and session."""


KINDS = (
    Kind("earnings", price=0.55, volume=8.0, chance=5e-5),
    Kind("buy-out", price=2.8, volume=30.0, chance=1e-5),
    Kind("approval", price=10.0, volume=80.0, chance=4e-6),
    Kind(HALT, price=0.8, volume=6.0, chance=2e-5),
)
NAMES = [kind.name for kind in KINDS]
BUY_OUT = NAMES.index("buy-out")

NEWS_EVERY, NEWS_AT = 40, 21
"""Sessions 21, 61, 101 … have news in any case, the kinds in turn, so that a small market has some too."""

SHORTEST_HALT, LONGEST_HALT = 5, 30
"""Sessions without a bar."""

HALT_SPREAD = 0.4
"""Standard deviation of the logarithm of the price's factor after a halt."""

CALM = 0.02
"""Factor of all moves after a buy-out is offered: the price sticks to the offer."""


@dataclass(frozen=True)
class News:
    """The news before one session; a halt begins with it."""

    position: Ints
    kind: Ints
    """Numbers in KINDS."""
    price_factor: Floats
    """For a halt, the factor when trading resumes."""
    sessions: Ints
    """Sessions without a bar; 0 for all but halts."""

    @property
    def is_halt(self) -> Flags:
        """Return which of the news are halts."""
        return self.sessions > 0

    @property
    def volume_factor(self) -> Floats:
        """Return the factor for the shares traded."""
        return np.array([kind.volume for kind in KINDS])[self.kind]


def draw_news(random: np.random.Generator, number: int, eligible: Flags) -> News:
    """Return the news before session `number`, about tickers that are `eligible`."""
    luck, width = random.random(len(eligible)), random.standard_normal(len(eligible))
    length = random.integers(SHORTEST_HALT, LONGEST_HALT, len(eligible), endpoint=True)
    kind = np.searchsorted(np.cumsum([kind.chance for kind in KINDS]), luck, side="right")
    if number % NEWS_EVERY == NEWS_AT and eligible.any():
        kind[np.flatnonzero(eligible)[np.argmin(luck[eligible])]] = number // NEWS_EVERY % len(KINDS)
    position = np.flatnonzero(eligible & (kind < len(KINDS)))
    drawn = kind[position]
    is_halt = drawn == NAMES.index(HALT)
    spread = np.where(is_halt, np.exp(HALT_SPREAD * width[position]), 1.0)
    return News(
        position=position,
        kind=drawn,
        price_factor=np.array([kind.price for kind in KINDS])[drawn] * spread,
        sessions=np.where(is_halt, length[position], 0),
    )


class Attention:
    """What news leaves behind: halts that last, trading that is still busy, prices that stick to an offer."""

    def __init__(self, tickers: int) -> None:
        self.resumes = np.zeros(tickers, np.int64)
        """Number of the session with which trading resumes; 0 for tickers never halted."""
        self._after_halt = np.ones(tickers)
        self.volume = np.ones(tickers)
        """Factor of the shares traded."""
        self.moves = np.ones(tickers)
        """Factor of the size of all moves."""

    def is_halted(self, number: int, count: int) -> Flags:
        """Return which of the first `count` tickers do not trade in session `number`."""
        return self.resumes[:count] > number

    def advance(self, number: int, news: News) -> tuple[Ints, Floats]:
        """Return the positions whose price jumps before session `number`, with the factors, and take in its news."""
        self.volume = 1 + (self.volume - 1) / 2
        halts, others = news.position[news.is_halt], news.position[~news.is_halt]
        self.resumes[halts] = number + news.sessions[news.is_halt]
        self._after_halt[halts] = news.price_factor[news.is_halt]
        self.moves[news.position[news.kind == BUY_OUT]] = CALM
        resumed = np.flatnonzero((self.resumes == number) & (number > 0))
        self.volume[others] = news.volume_factor[~news.is_halt]
        self.volume[resumed] = KINDS[NAMES.index(HALT)].volume
        positions = np.concatenate([others, resumed])
        return positions, np.concatenate([news.price_factor[~news.is_halt], self._after_halt[resumed]])
