"""The options of a benchmark run."""

from dataclasses import dataclass
from pathlib import Path

from pipeline.sample.full_market import TICKERS

DATA = Path("data/benchmarks")
"""Where markets are kept between two runs; beside it everything is temporary."""


@dataclass(frozen=True)
class Options:
    """How large the work is, how often it is repeated, and where there is room for it."""

    sessions: int = 63
    """Sessions of history. 1,260 are five years, and the full size."""
    tickers: int = TICKERS
    rounds: int = 3
    data: Path = DATA
    """Folder for markets, which stay, and for lakes, which do not."""
