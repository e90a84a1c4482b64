"""JSON that somebody else wrote: read so that whatever is wrong with it is one kind of error."""

import json
import re
from collections.abc import Callable
from typing import Any

_HALF = re.compile(r"\\u[dD][89a-fA-F]")
"""How JSON writes half of a character beyond the first 65,536; two halves together are one."""

LONGEST_NAME = 100
"""Characters of a name that an error quotes."""


class NotJson(ValueError):
    """A text is no JSON, or holds what no table and no file can: it says what."""


class RepeatedName(NotJson):
    """An object has a name twice: who reads its first value and who reads its last do not read the same."""


def from_json(text: bytes | str, *, number: Callable[[str], Any] | None = None) -> Any:
    """Return the value of a JSON text. Raises NotJson, and nothing else, for any text that has none.

    Beyond what the standard library refuses, that is a text nested too deeply, one with half a character in it, and one
    with a name twice in an object (RepeatedName). `number` makes the value of a number from its text, an integer or a
    float when None.
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
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise RepeatedName(f'it has "{twice[:LONGEST_NAME]}" twice in one object')
    return found
