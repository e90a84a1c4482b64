"""JSON that somebody else wrote: read so that whatever is wrong with it is one kind of error."""

import json
import re
from typing import Any

_HALF = re.compile(r"\\u[dD][89a-fA-F]")
"""How JSON writes half of a character beyond the first 65,536; two halves together are one."""


class NotJson(ValueError):
    """A text is no JSON, or holds what no table and no file can: it says what."""


def from_json(text: bytes | str) -> Any:
    """Return the value of a JSON text. Raises NotJson, and nothing else, for any text that has none.

    Beyond what the standard library refuses, that is a text nested too deeply, and one with half a character in it.
    """
    try:
        decoded = text if isinstance(text, str) else text.decode(json.detect_encoding(text))
        value = json.loads(decoded)
        if _HALF.search(decoded):
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError as deep:
        raise NotJson("it is nested too deeply") from deep
    except UnicodeEncodeError as half:
        raise NotJson("it holds half a character") from half
    except ValueError as invalid:
        raise NotJson(str(invalid)) from invalid
    return value
