"""Foreign JSON: parsed so that any fault in it raises one kind of error."""

import json
import re
from collections.abc import Callable
from typing import Any

_HALF = re.compile(r"\\u[dD][89a-fA-F]")
"""Half of a surrogate pair: JSON writes characters beyond the first 65,536 as two halves."""

LONGEST_NAME = 100
"""Most characters of a name quoted in an error."""


class NotJson(ValueError):
    """A text is not JSON, or contains something that no table or file can store; the message says what."""


class RepeatedName(NotJson):
    """An object has a name twice: readers may take its first value or its last."""


def from_json(text: bytes | str, *, number: Callable[[str], Any] | None = None) -> Any:
    """Return the value of a JSON text. Raises NotJson, and nothing else, for any invalid text.

    Besides texts that the standard library refuses, a text is invalid if it is nested too deeply, has half a character
    in it, or has a name twice in an object (RepeatedName). `number` converts the text of a number; by default to an
    integer or a float.
    """
    try:
        decoded = text if isinstance(text, str) else text.decode(json.detect_encoding(text))
        value = json.loads(
            decoded, object_pairs_hook=_object, parse_int=number, parse_float=number, parse_constant=number
        )
        if _HALF.search(decoded):
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError as deep:
        raise NotJson("it is nested too deeply") from deep
    except UnicodeEncodeError as half:
        raise NotJson("it holds half a character") from half
    except NotJson:
        raise
    except ValueError as invalid:
        raise NotJson(str(invalid)) from invalid
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise RepeatedName(f'it has "{repeated[:LONGEST_NAME]}" twice in one object')
    return value
