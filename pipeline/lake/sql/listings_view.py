"""SQL of listings: `reference.listings`, which security had a ticker when, and `stocks.series`, its bars by FIGI.

The same as `market.listings.listings`, which has the rules; a test compares both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.lake.sql.delta_scan import rows_of

if TYPE_CHECKING:
    from pipeline.lake.lake import Lake

BARS, TICKERS, TICKER_EVENTS = "stocks/daily_bars", "reference/tickers", "reference/ticker_events"

COLUMNS = {
    "ticker": "Ticker as the vendor writes it; case matters.",
    "composite_figi": "FIGI of the security, the same through its renames; null when unknown.",
    "type": "The vendor's code of its type; null when unknown.",
    "first_day": "First day under the ticker; null when unknown.",
    "last_day": "Last day under the ticker; null when unknown, or when it is listed.",
}

THE_ONLY_TYPE = "CASE WHEN count(*) = count(type) AND count(DISTINCT type) = 1 THEN min(type) END"
LAST_DAY = "CASE WHEN count(*) = count(last_day) THEN max(last_day) END"


def listings(lake: Lake) -> str:
    """Return the SELECT of the listings."""
    return f"""
        WITH ended AS (
            SELECT ticker, composite_figi AS figi, type, CASE WHEN NOT active THEN delisted_on - 1 END AS last_day
            FROM ({rows_of(lake, TICKERS)})
            WHERE withdrawn_at IS NULL AND (active OR delisted_on IS NOT NULL)
        ),
        securities AS (
            SELECT ticker, figi, {THE_ONLY_TYPE} AS type, {LAST_DAY} AS last_day
            FROM ended WHERE figi IS NOT NULL GROUP BY ticker, figi
            UNION ALL
            SELECT ticker, NULL, {THE_ONLY_TYPE}, last_day FROM ended WHERE figi IS NULL GROUP BY ticker, last_day
        ),
        taken AS (
            SELECT DISTINCT composite_figi AS figi, ticker, since AS first_day
            FROM ({rows_of(lake, TICKER_EVENTS)}) WHERE withdrawn_at IS NULL
        ),
        days AS (SELECT DISTINCT figi, first_day FROM taken),
        spans AS (
            SELECT figi, first_day, lead(first_day) OVER (PARTITION BY figi ORDER BY first_day) - 1 AS last_day
            FROM days
        ),
        types AS (SELECT figi, {THE_ONLY_TYPE} AS type FROM securities GROUP BY figi),
        claims AS (
            SELECT
                ticker, figi, types.type, first_day,
                least(spans.last_day, CASE WHEN own.last_day >= first_day THEN own.last_day END) AS last_day
            FROM taken JOIN spans USING (figi, first_day)
            LEFT JOIN types USING (figi) LEFT JOIN securities AS own USING (figi, ticker)
            UNION ALL
            SELECT ticker, figi, type, NULL, last_day FROM securities ANTI JOIN taken USING (figi, ticker)
        ),
        uncontested AS (
            SELECT * FROM claims WHERE true
            QUALIFY count(*) OVER (PARTITION BY ticker, first_day, last_day) = 1
        ),
        {_in_turn("uncontested", "ticker")},
        by_figi AS (
            SELECT *, figi IS NOT NULL AND count(*) OVER (PARTITION BY figi, first_day, last_day) = 1 AS is_known
            FROM uncontested_in_turn
        ),
        known AS (SELECT * FROM by_figi WHERE is_known),
        {_in_turn("known", "figi")}
        SELECT ticker, figi AS composite_figi, type, first_day, last_day FROM known_in_turn
        UNION ALL
        SELECT ticker, NULL, type, first_day, last_day FROM by_figi WHERE NOT is_known
    """  # noqa: S608 (names of ours, and quoted addresses)


def _in_turn(claims: str, claimed: str) -> str:
    """Return the common table expressions that end in `claims`_in_turn, where no two rows of a `claimed` overlap."""
    unknown, open_end = "DATE '0001-01-01'", "DATE '9999-12-31'"
    return f"""
        {claims}_begun AS (
            SELECT
                * EXCLUDE (first_day),
                row_number() OVER in_order AS place,
                CASE
                    WHEN coalesce(first_day, {unknown}) <= max(coalesce(first_day, {unknown})) OVER before
                    THEN coalesce(lag(last_day) OVER in_order + 1, first_day)
                    ELSE first_day
                END AS first_day
            FROM {claims}
            WINDOW
                in_order AS (
                    PARTITION BY {claimed} ORDER BY coalesce(last_day, {open_end}), coalesce(first_day, {unknown})
                ),
                before AS (in_order ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
        ),
        {claims}_ended AS (
            SELECT * EXCLUDE (last_day, place), least(last_day, min(first_day) OVER following - 1) AS last_day
            FROM {claims}_begun
            WINDOW following AS (
                PARTITION BY {claimed} ORDER BY place ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
            )
        ),
        {claims}_in_turn AS (
            SELECT * FROM {claims}_ended WHERE first_day IS NULL OR last_day IS NULL OR first_day <= last_day
        )"""  # noqa: S608 (names of ours)


def series(lake: Lake) -> str:
    """Return the SELECT of a macro with the parameter `asked`, a FIGI: its bars, each as traded at the time.

    The parameter must not have the name of a column, which it would hide.
    """
    return f"""
        SELECT bars.* FROM ({rows_of(lake, BARS)}) AS bars JOIN ({listings(lake)}) AS listed USING (ticker)
        WHERE composite_figi = asked
            AND (first_day IS NULL OR bars.session >= first_day) AND (last_day IS NULL OR bars.session <= last_day)
    """  # noqa: S608 (names of ours, and quoted addresses)
