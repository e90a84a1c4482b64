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
    "a name given twice": '{"close": 1, "close": 2}',
    "a name given twice, once escaped": r'{"close": 1, "\u0063lose": 2}',
    "a name given twice within": '{"results": [{"a": {"b": 1, "b": 1}}]}',
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


def test_a_name_twice_in_one_object_is_an_error_and_once_in_each_of_two_objects_is_fine():
    with pytest.raises(NotJson, match='it has "close" twice in one object'):
        from_json('[{"close": 1}, {"close": 2, "open": 1, "close": 3}]')
    assert from_json('[{"close": 1}, {"close": {"close": 2}}]') == [{"close": 1}, {"close": {"close": 2}}]


def test_numbers_can_be_read_as_they_were_written():
    assert from_json('{"a": 1.50, "b": 7, "c": NaN}', number=str) == {"a": "1.50", "b": "7", "c": "NaN"}
    with pytest.raises(NotJson, match='"a" twice'):
        from_json('{"a": 1, "a": 2}', number=str)


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_any_text_is_a_value_or_that_error(text):
    with contextlib.suppress(NotJson):
        from_json(text)
