import gzip
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import FileRefused
from pipeline.sources.transfer.gzip_file import decompress

CONTENT = b"ticker,volume\nAAPL,1\n" * 50
PACKED = gzip.compress(CONTENT)


def refusal(data: bytes, **limits: int) -> str:
    with pytest.raises(FileRefused) as refused:
        decompress(data, "2024-01-05.csv.gz", **limits)
    assert refused.value.remedy
    assert "2024-01-05.csv.gz" in refused.value.message
    return refused.value.message


def test_the_content_comes_back_whole():
    assert decompress(PACKED, "a.gz") == CONTENT


def test_several_members_are_joined():
    assert decompress(PACKED + gzip.compress(b"more") + gzip.compress(b"") + PACKED, "a.gz") == (
        CONTENT + b"more" + CONTENT
    )


def test_a_hundred_thousand_members_are_read_as_fast_as_their_bytes():
    # Were what follows a member copied for each, this would copy a hundred gigabytes.
    assert decompress(gzip.compress(b"") * 100_000 + PACKED, "a.gz") == CONTENT


def test_a_member_that_gzip_wrote_with_a_file_name_is_read(tmp_path):
    path = tmp_path / "named.csv.gz"
    with gzip.open(path, "wb") as file:
        file.write(CONTENT)
    assert decompress(path.read_bytes(), "a.gz") == CONTENT


def test_no_bytes_are_refused_as_empty():
    assert "is empty" in refusal(b"")


def test_gzip_of_nothing_is_refused():
    assert "without content" in refusal(gzip.compress(b""))


def test_plain_text_is_refused_as_not_gzip():
    assert "is not a gzip file." in refusal(CONTENT)


@pytest.mark.parametrize("page", [b"<!DOCTYPE html><html>", b"\n\n  <HTML><body>Sign in", b"\xef\xbb\xbf<html>"])
def test_an_html_page_is_named_as_such(page):
    assert "looks like an HTML page" in refusal(page)


def test_an_xml_error_of_a_server_is_named_as_such():
    assert "XML" in refusal(b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>')


def test_every_truncation_is_refused():
    for length in range(1, len(PACKED)):
        refusal(PACKED[:length])


def test_a_second_member_cut_short_is_refused():
    for length in range(1, len(PACKED)):
        refusal(PACKED + PACKED[:length])


def test_a_wrong_checksum_is_refused():
    crc_at = len(PACKED) - 8
    assert "damaged" in refusal(PACKED[:crc_at] + bytes([PACKED[crc_at] ^ 1]) + PACKED[crc_at + 1 :])


def test_a_wrong_size_is_refused():
    assert "damaged" in refusal(PACKED[:-1] + bytes([PACKED[-1] ^ 1]))


@pytest.mark.parametrize("rest", [b"x", b"\0" * 512, b"\nAAPL,1\n"])
def test_anything_after_the_end_is_refused(rest):
    assert f"{len(rest)} bytes after the end" in refusal(PACKED + rest)


def test_content_of_just_the_limit_is_accepted_and_one_byte_more_is_not():
    assert decompress(PACKED, "a.gz", limit=len(CONTENT)) == CONTENT
    assert f"more than the {len(CONTENT) - 1:,} bytes" in refusal(PACKED, limit=len(CONTENT) - 1)


def test_the_limit_counts_all_members_together():
    assert decompress(PACKED + PACKED, "a.gz", limit=2 * len(CONTENT)) == CONTENT + CONTENT
    assert "more than" in refusal(PACKED + PACKED, limit=2 * len(CONTENT) - 1)


def test_a_bomb_is_refused_by_its_content_not_its_size():
    assert "more than the 1,000,000 bytes" in refusal(gzip.compress(bytes(50_000_000)), limit=1_000_000)


@given(st.lists(st.binary(max_size=200), min_size=1, max_size=4).filter(any))
def test_any_content_in_any_number_of_members_comes_back(contents):
    assert decompress(b"".join(map(gzip.compress, contents)), "a.gz") == b"".join(contents)


@given(st.integers(0, len(PACKED) * 8 - 1))
def test_a_flipped_bit_never_changes_the_content(bit):
    damaged = bytearray(PACKED)
    damaged[bit // 8] ^= 1 << bit % 8
    with suppress(FileRefused):
        # A bit of the header's time or system may pass: it does not concern the content.
        assert decompress(bytes(damaged), "a.gz") == CONTENT


@given(st.binary(max_size=60), st.integers(0, 80), st.integers(0, 255))
def test_a_file_is_accepted_exactly_when_zlib_reads_it_to_its_end(content, at, byte):
    data = bytearray(gzip.compress(content + b"."))
    data[at % len(data)] = byte
    reader = zlib.decompressobj(16 + zlib.MAX_WBITS)
    try:
        read = reader.decompress(data)
    except zlib.error:
        read = None
    if read is None or not reader.eof or reader.unused_data:
        refusal(bytes(data))
    else:
        assert decompress(bytes(data), "a.gz") == read
