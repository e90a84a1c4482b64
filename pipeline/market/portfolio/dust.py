"""What is too little to be a holding. Pure.

A 1:7 reverse split makes 14.285714… shares of 100. A statement says 14.2857, and the sale of all of them says so too:
the rest is no holding.
"""

from pipeline.contracts.portfolio import POSITIONS
from pipeline.market.prices.exact import exact

SMALLEST = POSITIONS.venue.smallest_holding
"""Fewer shares than this are no holding."""


def is_held(shares: float) -> bool:
    """Return whether a number of shares is a holding."""
    return shares >= SMALLEST


def is_more(shares: float, others: float) -> bool:
    """Return whether `shares` are more than `others` by as much as can be held."""
    return is_held(exact(shares - others, shares))
