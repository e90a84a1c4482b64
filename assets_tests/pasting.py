"""The documents' examples of declarations, as files of the user's own folder."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.mine.folder import allow

ROOT = Path(__file__).parents[1]

DOCUMENTS = ("docs/indicators.md", "docs/models.md", "docs/positions.md")
"""The documents with examples."""

EXAMPLE = re.compile(
    # The text from the last heading or example on names the file, and the next block of code is its content.
    r"`mine/(?P<name>\w+)\.py`(?:(?!```|\n#).)*?```python\n(?P<code>.*?)```",
    re.DOTALL,
)


@dataclass(frozen=True)
class Example:
    """A block of code, and the name of its file and of what it declares."""

    document: str
    name: str
    code: str


def examples() -> list[Example]:
    """Return every example in the order of the documents."""
    return [
        Example(document, found["name"], found["code"])
        for document in DOCUMENTS
        for found in EXAMPLE.finditer((ROOT / document).read_text())
    ]


def pasted(chosen: Sequence[Example], home: Path) -> Path:
    """Write each example into the folder of a home, allow it, and return `home`."""
    folder = home / "mine"
    folder.mkdir(parents=True, exist_ok=True)
    for example in chosen:
        (folder / f"{example.name}.py").write_text(example.code)
    allow(folder)
    return home
