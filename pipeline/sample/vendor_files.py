"""Files in the vendor's format: the CSV of a session, gzip, and the REST answers. Pure."""

import json
import struct
import zlib
from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from pipeline.contracts.delivered import DELIVERED_BAR
from pipeline.sample.prices import Day
from pipeline.venues.us_stocks import US_STOCKS

HEADER = tuple(column.name for column in DELIVERED_BAR if not column.is_optional)
"""Columns of a day file, in order."""
SIX_DECIMALS_FROM = date(2026, 2, 23)
"""From this session on volume and prices have six decimals, and volume is fractional; shortest form before."""
GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
"""Deflate, no file name, no time, unknown system: the same bytes on every machine."""
GZIP_LEVEL = 4


def window_start(session: date) -> int:
    """Return midnight New York of `session`, in nanoseconds since 1970 UTC."""
    return int(US_STOCKS.bounds(session)[0].timestamp()) * 1_000_000_000


def day_csv(day: Day, tickers: pl.Series) -> str:
    """Return the session's file as text, in the number format of its date. `tickers` are the universe's."""
    fractional = day.session >= SIX_DECIMALS_FROM
    volume = day.volume if fractional else np.floor(day.volume).astype(np.int64)
    rows = pl.DataFrame(
        {
            "ticker": tickers.gather(day.position),
            "volume": volume,
            "open": day.open,
            "close": day.close,
            "high": day.high,
            "low": day.low,
        }
    ).with_columns(window_start=pl.lit(window_start(day.session), pl.Int64), transactions=pl.Series(day.transactions))
    if fractional:
        return rows.select(HEADER).write_csv(float_precision=6)
    return rows.select(HEADER).write_csv(float_scientific=False)


def number_text(session: date, value: float) -> str:
    """Return one price or volume as text in the vendor's format of `session`."""
    if session >= SIX_DECIMALS_FROM:
        return f"{value:.6f}"
    return np.format_float_positional(value, trim="-")


def gzipped(content: bytes) -> bytes:
    """Return `content` as one gzip member without time or system."""
    deflate = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = deflate.compress(content) + deflate.flush()
    return GZIP_HEADER + body + struct.pack("<LL", zlib.crc32(content), len(content) & 0xFFFFFFFF)


def rest_answer(results: Sequence[dict[str, Any]]) -> bytes:
    """Return the results as a single page of the vendor's REST interface."""
    page = {"status": "OK", "request_id": "sample", "count": len(results), "results": list(results)}
    return json.dumps(page, indent=1).encode()
