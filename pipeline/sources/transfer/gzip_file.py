"""The content of a .gz file, complete and checked, or an error that says why not."""

import zlib

from isal import igzip_lib

from pipeline.errors import FileRefused

LIMIT = 1 << 30
"""Default for the largest content accepted, bytes. A minute file has about 150 MB."""

REMEDY = "Fetch the file again; if it is the same, ask the vendor. The lake is unchanged."

_GZIP_MAGIC = b"\x1f\x8b"
_GZIP_ONLY = 16 + zlib.MAX_WBITS
"""Makes zlib expect a gzip header and trailer, and check the trailer's CRC and size."""
_PIECE = 1 << 14
"""Bytes passed to zlib at a time: after each member, it copies all remaining bytes of its input."""
_PLAIN_HEADERS = (_GZIP_MAGIC + b"\x08\x00", _GZIP_MAGIC + b"\x08\x08")
"""First bytes of a deflate member with a minimal header, or with the file's name in it."""
_SIZE_BYTES = 4
"""Bytes at the end of the trailer with the size of the content."""


def decompress(data: bytes, name: str, limit: int = LIMIT) -> bytes:
    """Return the whole content of the gzip file `data`; several members are joined, as the format requires (RFC 1952).

    `name` is for messages; `limit` is the largest content accepted, in bytes.
    Raises FileRefused when `data` is empty, not gzip, truncated, damaged (CRC or size of the content differ), followed
    by anything else, without content, or larger than `limit` once unpacked.
    """
    if not data:
        raise FileRefused(f"{name} is empty (0 bytes).", remedy=REMEDY)
    if not data.startswith(_GZIP_MAGIC):
        raise FileRefused(f"{name} is not a gzip file{page_hint(data)}.", remedy=REMEDY)
    if content := _of_one_member(data, limit):
        return content
    parts: list[bytes] = []
    room = limit
    at = 0
    while at < len(data):
        if not data.startswith(_GZIP_MAGIC, at):
            raise FileRefused(f"{name} has {len(data) - at:,} bytes after the end of its gzip content.", remedy=REMEDY)
        content, at = _member(data, at, name, room)
        room -= len(content)
        if room < 0:
            raise FileRefused(
                f"{name} unpacks to more than the {limit:,} bytes that such a file may have.", remedy=REMEDY
            )
        parts.append(content)
    if room == limit:
        raise FileRefused(f"{name} is a gzip file without content.", remedy=REMEDY)
    return b"".join(parts)


def _of_one_member(data: bytes, limit: int) -> bytes | None:
    """Return the content of a file that is one sound member of at most `limit` bytes; None for any other.

    ISA-L takes a third of zlib's time and checks CRC and size, too. Any other file is left to zlib, which says what is
    wrong with it.
    """
    size = int.from_bytes(data[-_SIZE_BYTES:], "little")
    if not data.startswith(_PLAIN_HEADERS) or size > limit:
        return None
    unpacker = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)
    try:
        content = unpacker.decompress(data, size + 1)
    except igzip_lib.IsalError:  # type: ignore[misc] # its stub calls it a value
        return None
    return content if unpacker.eof and not unpacker.unused_data else None


def page_hint(data: bytes) -> str:
    """Return " but looks like an HTML page" (or XML), when `data` begins like one; else an empty string."""
    start = data[:256].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return " but looks like an HTML page"
    if start.startswith(b"<"):
        return " but looks like an XML or HTML answer"
    return ""


def _member(data: bytes, at: int, name: str, room: int) -> tuple[bytes, int]:
    """Return the content of the gzip member at `at`, cut just beyond `room` bytes, and the end of the member."""
    unpacker = zlib.decompressobj(_GZIP_ONLY)
    view = memoryview(data)
    pieces: list[bytes] = []
    unpacked = 0
    while not unpacker.eof and at < len(data) and unpacked <= room:
        piece = view[at : at + _PIECE]
        try:
            pieces.append(unpacker.decompress(piece, room + 1 - unpacked))
        except zlib.error as damaged:
            raise FileRefused(f"{name} is a damaged gzip file: {damaged}.", remedy=REMEDY) from damaged
        at += len(piece) - len(unpacker.unused_data)
        unpacked += len(pieces[-1])
    if not unpacker.eof and unpacked <= room:
        raise FileRefused(f"{name} is truncated: its gzip content breaks off.", remedy=REMEDY)
    return b"".join(pieces), at
