"""JSON of others: a value, or one kind of error."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.contracts.foreign_json import NotJson, from_json

NO_JSON = {
    "nested deeply in lists": "[" * 100_000 + "]" * 100_000,
    "nested deeply in objects": '{"a":' * 100_000 + "1" + "}" * 100_000,
    "nested and broken off": "[" * 1_000_000,
    "a number of too many digits": "9" * 5_000,
    "half a character": r'{"ticker": "\ud800"}',
    "half a character as a name": r'{"\udfff": 1}',
    "nothing": "",
    "a word": "yes",
    "two values": "{} {}",
}


@pytest.mark.parametrize("what", NO_JSON)
def test_what_is_no_json_is_one_error(what):
    for text in (NO_JSON[what], NO_JSON[what].encode()):
        with pytest.raises(NotJson):
            from_json(text)


@pytest.mark.parametrize("body", [b"\xff\xfe\xfa", b'{"a": "\xed\xa0\x80"}', b"\x00", b"\x80"])
def test_bytes_that_are_no_text_are_the_same_error(body):
    with pytest.raises(NotJson):
        from_json(body)


def test_whole_characters_and_byte_order_marks_are_fine():
    assert from_json(r'"\ud83d\ude00"') == "😀"
    assert from_json('{"a": 1}'.encode("utf-8-sig")) == from_json('{"a": 1}'.encode("utf-16")) == {"a": 1}


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_any_text_is_a_value_or_that_error(text):
    with contextlib.suppress(NotJson):
        from_json(text)
