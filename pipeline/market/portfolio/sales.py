"""Sales: which positions one takes from, when a ticker may have meant several securities. Pure."""

from datetime import date

import polars as pl

from pipeline.market.portfolio.book import open_positions, played
from pipeline.market.portfolio.lots import SaleEntry


def meant_by(  # noqa: PLR0913, PLR0917 (the book, and what is said of the sale)
    history: pl.DataFrame,
    splits: pl.DataFrame,
    listed: pl.DataFrame,
    ticker: str,
    day: date,
    position: int | None = None,
) -> pl.DataFrame:
    """Return the open positions that a sale of `ticker`, or of one `position` in it, on `day` takes from, oldest first.

    They are all of one security: the one held that has the ticker that day, had it before, or was bought under it.
    Arguments are those of `book.with_sale`. Raises PositionRefused when several are held.
    """
    lots = played(history, splits, listed)
    security = lots.security_sold(ticker, day, position)
    entry = SaleEntry(ticker, security, day, price=0, commission=0, quantity=None, position=position, part=None)
    numbers = [lot.row["position"] for lot, _ in lots.available(entry)]
    return open_positions(lots.settled()).filter(pl.col("position").is_in(numbers))
