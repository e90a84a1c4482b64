"""Receipts and log entries whose JSON was tampered with: refused as what they are."""

import pytest

from pipeline.errors import FileRefused
from pipeline.lake.log_entries import actions_of
from pipeline.lake.receipts import parsed

TAMPERED = [
    b"[" * 100_000,
    b'{"session":' * 100_000,
    b"9" * 5_000,
    b'{"session": "\\ud800"}',
    b"\xed\xa0\x80",
    b'{"add": {"size": 1, "size": 2}}',
]
WHOLE = b'{"session": "%s", "key": "k", "etag": "e", "size": 1, "last_modified": "%s", "sha256": "s"}'


@pytest.mark.parametrize("text", [*TAMPERED, WHOLE % (b"0000-00-00", b"2024-01-05"), WHOLE % (b"2024-01-05", b"99999")])
def test_a_receipt_is_refused_by_its_place(text):
    with pytest.raises(FileRefused, match="The receipt there is damaged"):
        parsed(text, "there")


@pytest.mark.parametrize("text", TAMPERED)
def test_a_log_entry_is_no_entry(text):
    with pytest.raises(ValueError, match=r".+"):
        actions_of(text)
