"""The protocol of parent and child: frames of a kind, a length and a body of limited size. Bodies are JSON or Arrow.

Data from the child are not trusted: they are never unpickled, and no frame larger than allowed is read.
"""

import json
import struct
from collections.abc import Callable
from enum import IntEnum
from typing import Any

HEADER = struct.Struct(">BQ")

LARGEST_JSON = 1 << 20

LARGEST_QUERY = 1 << 20
"""Bytes of a query's text."""


class Kind(IntEnum):
    """Kinds of frames."""

    SETUP = 1
    QUERY = 2
    READY = 3
    ROWS = 4
    DONE = 5
    FAILED = 6


class BrokenFrame(Exception):
    """The other side sent something that is not a frame, or ended."""


class SideEnded(BrokenFrame):
    """The other side ended."""


def write_json(write: Callable[[bytes], Any], kind: Kind, body: dict[str, Any]) -> None:
    """Send a frame of JSON."""
    text = json.dumps(body).encode()
    write(HEADER.pack(kind, len(text)) + text)


def write_rows(write: Callable[[bytes], Any], body: bytes) -> None:
    """Send rows as an Arrow IPC stream."""
    write(HEADER.pack(Kind.ROWS, len(body)))
    write(body)


def read_frame(read: Callable[[int], bytes], largest: Callable[[Kind], int]) -> tuple[Kind, bytes]:
    """Return the next frame. `read(n)` returns n bytes, fewer at the end; `largest` is the size limit of a kind.

    Raises BrokenFrame.
    """
    header = read(HEADER.size)
    if len(header) < HEADER.size:
        raise SideEnded("before a frame")
    number, size = HEADER.unpack(header)
    try:
        kind = Kind(number)
    except ValueError as unknown:
        raise BrokenFrame(f"unknown frame {number}") from unknown
    if size > largest(kind):
        raise BrokenFrame(f"a frame of {size} bytes is larger than allowed")
    body = read(size)
    if len(body) < size:
        raise SideEnded("in the middle of a frame")
    return kind, body


def json_of(body: bytes) -> dict[str, Any]:
    """Return a frame's JSON object. Raises BrokenFrame when the body is none."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as broken:
        raise BrokenFrame("a frame holds no JSON") from broken
    if not isinstance(content, dict):
        raise BrokenFrame("a frame holds other JSON than expected")
    return content
