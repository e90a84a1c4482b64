"""The deliveries of the corpus that no editor would leave alone: awkward bytes, awkward gzip, awkward sizes."""

import bz2
import gzip
import io
import zipfile
import zlib
from codecs import BOM_UTF8
from collections.abc import Callable
from functools import cache, partial

HEADER = "ticker,volume,open,close,high,low,window_start,transactions"
CELLS = "4198800,83.1,83.36,83.72,82.99,1143176400000000000,23327"
AAPL = "AAPL,38285000,60.27,59.96,60.94,59.03,1143176400000000000,212695"
IBM = f"IBM,{CELLS}"
MSFT = "MSFT,69157600,26.72,27.01,27.21,26.62,1143176400000000000,384209"

MILLION = 1_000_000
PAGE = b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>Please sign in.</body></html>\n"
XML = b'<?xml version="1.0"?>\n<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>'


def text(*rows: str, header: str = HEADER, end: str = "\n") -> str:
    return "".join(f"{line}{end}" for line in (header, *rows))


def packed(content: str | bytes) -> bytes:
    return gzip.compress(content.encode() if isinstance(content, str) else content, mtime=0)


GOOD = text(AAPL, IBM, MSFT)
PACKED = packed(GOOD)
WINDOWS = GOOD.replace("\n", "\r\n")


def with_tickers(*tickers: str) -> bytes:
    """Return a file with two good rows and, between them, a row for each of `tickers`."""
    return packed(text(AAPL, *(f"{ticker},{CELLS}" for ticker in tickers), MSFT))


def with_columns(count: int) -> bytes:
    """Return a file with one row and `count` columns."""
    extra = count - HEADER.count(",") - 1
    return packed(text(IBM + ",1" * extra, header=HEADER + "".join(f",x{number}" for number in range(extra))))


def with_ticker_last() -> str:
    first = [",".join([*line.split(",")[1:], line.split(",")[0]]) for line in (AAPL, IBM, MSFT)]
    return text(*first, header=HEADER.removeprefix("ticker,") + ",ticker", end="\r\r\n").replace("\r", "", 1)


def members(*contents: str | bytes) -> bytes:
    return b"".join(map(packed, contents))


def with_byte(data: bytes, at: int, flipped: int) -> bytes:
    """Return `data` with the bits `flipped` of the byte `at` (negative: from the end) turned over."""
    changed = bytearray(data)
    changed[at] ^= flipped
    return bytes(changed)


def named_member() -> bytes:
    """Return what the program gzip writes when it packs a file: name, comment and time."""
    flags = bytes([0b11000])
    return PACKED[:3] + flags + b"\x00\xb4\x23\x44" + PACKED[8:10] + b"2006-03-24.csv\0packed\0" + PACKED[10:]


def zip_archive() -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr(zipfile.ZipInfo("2006-03-24.csv"), GOOD)
    return archive.getvalue()


@cache
def repeated(before: str, unit: bytes, times: int, after: str) -> bytes:
    """Return, as one gzip member and in no time, `before`, `unit` again and again, and `after`."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    # After a full flush nothing refers to what came before, so that the packed unit can be repeated.
    first = deflate.compress(before.encode()) + deflate.flush(zlib.Z_FULL_FLUSH)
    middle = deflate.compress(unit) + deflate.flush(zlib.Z_FULL_FLUSH)
    last = deflate.compress(after.encode()) + deflate.flush()
    checksum = zlib.crc32(before.encode())
    for _ in range(times):
        checksum = zlib.crc32(unit, checksum)
    checksum = zlib.crc32(after.encode(), checksum)
    size = len(before.encode()) + len(unit) * times + len(after.encode())
    return PACKED[:10] + first + middle * times + last + checksum.to_bytes(4, "little") + size.to_bytes(4, "little")


MADE: dict[str, Callable[[], bytes]] = {
    # Tickers
    "ticker_10000_characters": partial(with_tickers, "A" * 10_000),
    "ticker_invisible_characters": partial(
        with_tickers, "AA\u200bPL", "\ufeffAAPL", "AA\u00adPL", "\u202eLPAA", "AA\u2028PL"
    ),
    "ticker_control_characters": partial(with_tickers, "AA\tPL", "AAPL\a", "\x1b[31mAAPL", "AA\x9bPL", "AAPL\x7f"),
    # Encodings and line ends
    "bom": lambda: packed(BOM_UTF8 + GOOD.encode()),
    "bom_twice": lambda: packed(BOM_UTF8 * 2 + GOOD.encode()),
    "bom_in_the_middle": lambda: packed(BOM_UTF8 + text(AAPL, IBM).encode() + BOM_UTF8 + text(MSFT).encode()),
    "bom_before_the_first_row": lambda: packed(text("\ufeff" + IBM, MSFT)),
    "crlf": lambda: packed(WINDOWS),
    "bom_and_crlf": lambda: packed(BOM_UTF8 + WINDOWS.encode()),
    "cr": lambda: packed(GOOD.replace("\n", "\r")),
    "cr_in_the_middle": lambda: packed(text(AAPL, f"{IBM}\r{MSFT}")),
    "cr_cr_lf": lambda: packed(WINDOWS.replace("\n", "\r\n").replace("\r", "", 1)),
    "cr_cr_lf_ticker_last": lambda: packed(with_ticker_last()),
    "mixed_line_ends": lambda: packed(text(AAPL) + f"{IBM}\r\n{MSFT}\n"),
    "utf16": lambda: packed(GOOD.encode("utf-16")),
    "utf16_without_bom": lambda: packed(GOOD.encode("utf-16-be")),
    "utf32": lambda: packed(GOOD.encode("utf-32")),
    "latin1": lambda: packed(text(f"AÜRO,{CELLS}").encode("latin-1")),
    "utf8_overlong": lambda: packed(text(f"A/B,{CELLS}").encode().replace(b"/", b"\xc0\xaf")),
    "utf8_surrogate": lambda: packed(text(f"A\ud800,{CELLS}").encode("utf-8", "surrogatepass")),
    "nul_bytes": lambda: packed(text(f"A\0B,{CELLS}")),
    "nul_bytes_at_the_end": lambda: packed(GOOD + "\0" * 100),
    "other_line_separators": partial(with_tickers, "A\vB", "A\fB", "A\u0085B", "A\u2029B"),
    # Header
    "header_of_65_columns": partial(with_columns, 65),
    "header_of_64_columns": partial(with_columns, 64),
    # Gzip
    "empty_object": lambda: b"",
    "not_gzip": GOOD.encode,
    "html_page": lambda: PAGE,
    "html_page_in_gzip": lambda: packed(PAGE),
    "xml_error": lambda: XML,
    "json_error": lambda: b'{"status":"ERROR","error":"Unknown API Key"}',
    "zip_archive": zip_archive,
    "bzip2": lambda: bz2.compress(GOOD.encode()),
    "gzip_of_gzip": lambda: packed(PACKED),
    "gzip_of_nothing": lambda: packed(b""),
    "gzip_header_only": lambda: PACKED[:7],
    "gzip_truncated": lambda: PACKED[: len(PACKED) // 2],
    "gzip_without_last_byte": lambda: PACKED[:-1],
    "gzip_wrong_checksum": lambda: with_byte(PACKED, -8, 1),
    "gzip_wrong_length": lambda: with_byte(PACKED, -4, 1),
    "gzip_flipped_bit": lambda: with_byte(PACKED, len(PACKED) // 2, 4),
    "gzip_with_file_name": named_member,
    "gzip_trailing_garbage": lambda: PACKED + b"garbage",
    "gzip_trailing_zeros": lambda: PACKED + b"\0" * 512,
    "gzip_trailing_text": lambda: PACKED + f"KO,{CELLS}\n".encode(),
    "gzip_several_members": lambda: members(GOOD[:70], GOOD[70:100], GOOD[100:]),
    "gzip_empty_members": lambda: members("", GOOD[:70], "", "", GOOD[70:], ""),
    "gzip_second_member_truncated": lambda: members(GOOD[:70], GOOD[70:])[:-9],
    "gzip_each_row_its_member": lambda: members(*GOOD.splitlines(keepends=True)),
    # Size
    "row_of_1_gb": lambda: repeated(f"{HEADER}\n", b"A" * MILLION, 1000, f",{CELLS}\n"),
    "gzip_bomb": lambda: repeated("", bytes(MILLION), 1000, ""),
    "gzip_bomb_of_members": lambda: packed(b"A" * MILLION) * 1000,
    "hundred_thousand_members": lambda: packed(b"") * 100_000,
    "ten_million_lines": lambda: repeated(f"{HEADER}\n{AAPL}\n", b"\n" * MILLION, 10, f"{IBM}\n{MSFT}\n"),
    "ten_million_columns": lambda: repeated(HEADER, b"," * MILLION, 10, f"\n{IBM}\n"),
    "row_of_4_mb": lambda: repeated(f"{HEADER}\n{AAPL}\n", b"A" * MILLION, 4, f"\n{MSFT}\n"),
}
"""Case to what makes its delivery."""
