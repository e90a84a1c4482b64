"""SQL of split-adjusted bars: `stocks.daily_bars_adjusted` on the newest session's basis, and as of any day.

The same as `market.adjust.adjusted` on the basis "split"; a test compares both: prices × Π split_from / Π split_to
over the splits executed after the bar's session, volumes × the inverse.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.lake.sql.delta_scan import rows_of

if TYPE_CHECKING:
    from pipeline.lake.lake import Lake

BARS, SPLITS = "stocks/daily_bars", "reference/splits"

PRICES = {"open": "First price", "high": "Highest price", "low": "Lowest price", "close": "Last price"}

COLUMNS = {
    "ticker": "Ticker as the vendor writes it; case matters.",
    "session": "Day of trading on the New York Stock Exchange.",
    **{name: f"{meaning}, USD, in shares of the newest session." for name, meaning in PRICES.items()},
    "volume": "Shares traded, in shares of the newest session.",
    "transactions": "Number of trades.",
    "split_factor": "What the prices as traded were multiplied by.",
}


def latest_basis(lake: Lake) -> str:
    """Return the SELECT of all bars on the basis of the newest session with bars."""
    newest = f"(SELECT max(session) FROM ({rows_of(lake, BARS)}))"  # noqa: S608 (quoted)
    return _adjusted(lake, newest)


def basis_of_day(lake: Lake) -> str:
    """Return the SELECT of a macro with the parameter `day`: the bars up to that day, on its basis."""
    return f"{_adjusted(lake, 'day')} WHERE bars.session <= day"


def _adjusted(lake: Lake, as_of: str) -> str:
    # Spans of days between splits, each with the product over the splits from its end on, so that a bar joins one span
    # at most: a hash join on the ticker, with pushdown of filters on tickers.
    prices = ", ".join(f"bars.{name} * coalesce(old, 1) / coalesce(new, 1) AS {name}" for name in PRICES)
    return f"""
        WITH spans AS (
            SELECT
                ticker, lag(execution_date, 1, DATE '0001-01-01') OVER in_order AS since, execution_date AS until,
                product(split_from) OVER onward AS old, product(split_to) OVER onward AS new
            FROM ({rows_of(lake, SPLITS)})
            WHERE withdrawn_at IS NULL AND doubt IS NULL AND execution_date <= {as_of}
            WINDOW
                in_order AS (PARTITION BY ticker ORDER BY execution_date),
                onward AS (in_order ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)
        )
        SELECT
            bars.ticker, bars.session, {prices},
            bars.volume * coalesce(new, 1) / coalesce(old, 1) AS volume,
            bars.transactions, coalesce(old, 1) / coalesce(new, 1) AS split_factor
        FROM ({rows_of(lake, BARS)}) AS bars
        LEFT JOIN spans ON bars.ticker = spans.ticker AND bars.session >= spans.since AND bars.session < spans.until
    """  # noqa: S608 (names of ours, and quoted addresses)
