"""Ways to spoil a file, as hypothesis strategies: of its text, of its packing. Each is a function of bytes to bytes."""

import gzip
import zlib
from collections.abc import Callable
from functools import partial

from hypothesis import strategies as st

from assets_tests.corpus.made import AAPL, HEADER, IBM, PAGE

Edit = Callable[[bytes], bytes]

ANYWHERE = st.integers(0, 1 << 20)
"""A place in a file, counted round and round."""

CELLS = ["", " ", "0", "-1", "-0", "nan", "inf", "1e400", "1e-400", "9007199254740993", "9223372036854775808", "1_0",
         "0x1", "+1.5", "1.", ".5", "e5", " 7 ", "7\t", "\u00a07", "NA", "NULL", "TRUE", "1E5", "AAp", " AAPL", '"',
         '""', '"A"', '"A,B"', '"A', 'A"B', "A\tB", "\ufeffA", "A\u200b", "\u2028", "Ü", "🚀", "A" * 300, "1143176400",
         "1143176400000", "1143176399999999999", "1143262800000000000", "1.1431764e18", "\r", "=1+1"]  # fmt: skip
PIECES = [b"", b"\n", b"\n\n", b"\r", b"\r\n", b",", b",,", b'"', b'""', b"\0", b"\xff", b"\xef\xbb\xbf", b"\x1f\x8b",
          b"-", b"e", b"nan", b" ", HEADER.encode(), b"\n" + AAPL.encode() + b"\n", IBM.encode(), PAGE]  # fmt: skip
BYTES = st.sampled_from(PIECES) | st.binary(max_size=6)


def flip(at: int, bit: int, data: bytes) -> bytes:
    if not data:
        return data
    at %= len(data)
    return data[:at] + bytes([data[at] ^ (1 << bit)]) + data[at + 1 :]


def put(at: int, cut: int, piece: bytes, data: bytes) -> bytes:
    at %= len(data) + 1
    return data[:at] + piece + data[at + cut :]


def break_off(at: int, data: bytes) -> bytes:
    return data[: at % (len(data) + 1)]


def repeat(at: int, length: int, data: bytes) -> bytes:
    at %= len(data) + 1
    return data[: at + length] + data[at:]


def swap_lines(one: int, other: int, data: bytes) -> bytes:
    lines = data.split(b"\n")
    one, other = one % len(lines), other % len(lines)
    lines[one], lines[other] = lines[other], lines[one]
    return b"\n".join(lines)


def repeat_line(one: int, other: int, data: bytes) -> bytes:
    lines = data.split(b"\n")
    lines.insert(other % (len(lines) + 1), lines[one % len(lines)])
    return b"\n".join(lines)


def contradict(line: int, one: int, cell: str, data: bytes) -> bytes:
    """Put a changed copy of a line above it."""
    return set_field(line, one, cell, repeat_line(line, line, data))


def drop_line(one: int, data: bytes) -> bytes:
    lines = data.split(b"\n")
    del lines[one % len(lines)]
    return b"\n".join(lines)


def swap_fields(line: int, one: int, other: int, data: bytes) -> bytes:
    lines = data.split(b"\n")
    fields = lines[line % len(lines)].split(b",")
    one, other = one % len(fields), other % len(fields)
    fields[one], fields[other] = fields[other], fields[one]
    lines[line % len(lines)] = b",".join(fields)
    return b"\n".join(lines)


def set_field(line: int, one: int, cell: str, data: bytes) -> bytes:
    lines = data.split(b"\n")
    fields = lines[line % len(lines)].split(b",")
    fields[one % len(fields)] = cell.encode()
    lines[line % len(lines)] = b",".join(fields)
    return b"\n".join(lines)


def reorder(one: int, other: int, data: bytes) -> bytes:
    """Exchange two columns, including their names in the header."""
    for line in range(data.count(b"\n") + 1):
        data = swap_fields(line, one % 8, other % 8, data)
    return data


def end_lines(ending: bytes, data: bytes) -> bytes:
    return data.replace(b"\n", ending)


def recode(encoding: str, data: bytes) -> bytes:
    return data.decode("utf-8", "replace").encode(encoding, "replace")


LINE = st.integers(0, 200)
COLUMN = st.integers(0, 9)

TEXT_EDITS: st.SearchStrategy[Edit] = st.one_of(
    st.builds(partial, st.just(set_field), LINE, COLUMN, st.sampled_from(CELLS)),
    st.builds(partial, st.just(contradict), LINE, st.integers(1, 7), st.sampled_from(["1", "90", "1e9"])),
    st.builds(partial, st.just(swap_fields), LINE, COLUMN, COLUMN),
    st.builds(partial, st.just(swap_lines), LINE, LINE),
    st.builds(partial, st.just(repeat_line), LINE, LINE),
    st.builds(partial, st.just(drop_line), LINE),
    st.builds(partial, st.just(reorder), COLUMN, COLUMN),
    st.builds(partial, st.just(flip), ANYWHERE, st.integers(0, 7)),
    st.builds(partial, st.just(put), ANYWHERE, st.integers(0, 12), BYTES),
    st.builds(partial, st.just(repeat), ANYWHERE, st.integers(1, 90)),
    st.builds(partial, st.just(break_off), ANYWHERE),
    st.builds(partial, st.just(end_lines), st.sampled_from([b"\r\n", b"\r", b"\r\r\n", b"\n\n", b",\n", b'"\n'])),
    st.builds(partial, st.just(recode), st.sampled_from(["utf-8-sig", "utf-16", "utf-16-le", "latin-1", "ascii"])),
)


def members(at: int, data: bytes) -> bytes:
    at %= len(data) + 1
    return gzip.compress(data[:at], mtime=0) + gzip.compress(data[at:], mtime=0)


def flags(bits: int, packed: bytes) -> bytes:
    return packed[:3] + bytes([bits]) + packed[4:]


PACKINGS: st.SearchStrategy[Edit] = st.one_of(
    *(st.just(partial(gzip.compress, compresslevel=level, mtime=0)) for level in (0, 1, 6, 9)),
    st.builds(partial, st.just(members), ANYWHERE),
)

PACKED_EDITS: st.SearchStrategy[Edit] = st.one_of(
    st.builds(partial, st.just(flip), ANYWHERE, st.integers(0, 7)),
    st.builds(partial, st.just(put), ANYWHERE, st.integers(0, 12), BYTES),
    st.builds(partial, st.just(put), st.integers(0, 20), st.integers(0, 12), BYTES),
    st.builds(partial, st.just(repeat), ANYWHERE, st.integers(1, 400)),
    st.builds(partial, st.just(break_off), ANYWHERE),
    st.builds(partial, st.just(flags), st.integers(0, 255)),
    st.sampled_from([zlib.compress, gzip.compress]),
)


VALUES = ["null", "true", "NaN", "-Infinity", "1e400", "-1", '""', '"x"', '"\\ud800"', '"\\u0000"', "[]", "{}",
          '{"T":1}', "[" * 500 + "]" * 500, "1" * 5000, '"9007199254740993"', '"A\\nB"']  # fmt: skip
"""Pieces of JSON."""


def set_value(which: int, value: str, data: bytes) -> bytes:
    """Put `value` in the place of what follows one of the colons."""
    parts = data.split(b":")
    at = which % len(parts)
    rest = parts[at].lstrip(b' "').partition(b",") if at else (b"", b"", parts[at])
    parts[at] = value.encode() + rest[1] + rest[2] if at else parts[at]
    return b":".join(parts)


JSON_EDITS: st.SearchStrategy[Edit] = st.one_of(
    st.builds(partial, st.just(set_value), ANYWHERE, st.sampled_from(VALUES)),
    st.builds(partial, st.just(flip), ANYWHERE, st.integers(0, 7)),
    st.builds(partial, st.just(put), ANYWHERE, st.integers(0, 12), BYTES | st.sampled_from(VALUES).map(str.encode)),
    st.builds(partial, st.just(repeat), ANYWHERE, st.integers(1, 400)),
    st.builds(partial, st.just(break_off), ANYWHERE),
)


def applied(edits: list[Edit], data: bytes) -> bytes:
    """Return `data` after one edit and the next."""
    for edit in edits:
        data = edit(data)
    return data
