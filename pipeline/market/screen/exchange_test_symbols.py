"""Tickers that the exchanges list only to test their systems. Their prices mean nothing.

Sources: the rows marked `Test Issue = Y` in Nasdaq's symbol directory (nasdaqlisted.txt and otherlisted.txt, which
cover Nasdaq, NYSE, NYSE American, NYSE Arca, Cboe BZX and IEX), and Nasdaq's list of FINRA/Nasdaq TRF test securities
(TRF-Chicago-Test-Securities.xlsx). The vendor's feed carries them like any other ticker.
"""

from datetime import date

import polars as pl

PATTERNS = (
    r"Z[A-Z]ZZT",  # Nasdaq: ZAZZT ZBZZT ZCZZT ZJZZT ZVZZT ZWZZT ZXZZT
    r"[A-Z]?TEST(?:[._\-p].*)?",  # NYSE NTEST, American ATEST, Arca PTEST, Chicago MTEST, National CTEST, Cboe ZTEST …
)
"""Families of test symbols, each with the suffixes of its share classes (`NTEST.A`). Matched whole, case-sensitive."""

SYMBOLS = (
    *("CBO", "CBX", "IBO", "IGZ", "ZVV", "ZZK", "ZZV"),  # NYSE and NYSE Arca
    *("ZBZX", "ZTST"),  # Cboe
    *("ZEXIT", "ZIEXT", "ZXIET"),  # IEX
    *("ZVZZC", "ZXYZ.A"),  # Nasdaq
)
"""Test symbols that follow no pattern."""

RETIRED = {"ZZZ": date(2023, 1, 1)}
"""Test symbols that became a security's ticker, and the first day on which they no longer count as a test."""


def is_exchange_test_symbol() -> pl.Expr:
    """Return whether `ticker` was a test symbol on `session`. `ZTSTF`, `CONTEST` and `zvzzt` are not."""
    ticker = pl.col("ticker")
    matches = ticker.str.contains(f"^(?:{'|'.join(PATTERNS)})$") | ticker.is_in(SYMBOLS)
    for symbol, reused in RETIRED.items():
        matches |= (ticker == symbol) & (pl.col("session") < reused)
    return matches
