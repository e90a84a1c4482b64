"""File names for tickers: unique for each ticker, and valid on every system.

Capital letters and digits stay, a dot becomes a hyphen, and every other byte (of UTF-8) is written `_` and two hex
digits. Such a name can be decoded even in lower case, so no two tickers share one where `aap.html` and `AAP.html` are
the same file.
"""

import hashlib
import re

LONGEST = 100
"""Most characters of a name that spells its ticker; a longer one is cut and ends in the ticker's SHA-256."""

EMPTY = "_"

_RESERVED = re.compile(r"CON|PRN|AUX|NUL|COM[0-9]|LPT[0-9]")
"""Names that Windows reserves for devices, whatever follows the dot."""

_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")


def file_stem(ticker: str) -> str:
    """Return the name, without an ending, of the file about `ticker`: `BRK.A` gives `BRK-A`, `AAp` gives `AA_70`.

    Names consist of A–Z, 0–9, `-`, `_` and a–f, and differ for different tickers even when case is ignored.
    """
    spelt = "".join(_spelt(byte) for byte in ticker.encode("utf-8", "surrogatepass"))
    if len(spelt) > LONGEST:
        digest = hashlib.sha256(ticker.encode("utf-8", "surrogatepass")).hexdigest()
        # No other name has two underscores in a row.
        return f"{spelt[: LONGEST // 2].rstrip('_')}__{digest}"
    if _RESERVED.fullmatch(spelt):
        return f"{_escaped(ord(spelt[0]))}{spelt[1:]}"
    return spelt or EMPTY


def _spelt(byte: int) -> str:
    if byte in _PLAIN:
        return chr(byte)
    return "-" if byte == ord(".") else _escaped(byte)


def _escaped(byte: int) -> str:
    return f"_{byte:02x}"
