"""The documents' examples to paste, and a copy of the package that they are pasted into."""

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]

DOCUMENTS = ("docs/indicators.md", "docs/models.md", "docs/positions.md")
"""Where the documents say to paste."""

TOLD = re.compile(
    # The text from the last heading or example on names the module, and the next block of code is pasted there.
    r"end\s+of\s+`(?P<module>pipeline/[\w/]+\.py)`(?:(?!```|\n#).)*?```python\n(?P<code>.*?)```",
    re.DOTALL,
)


@dataclass(frozen=True)
class Example:
    """A block of code, and the module that it is pasted at the end of."""

    document: str
    module: str
    code: str

    @property
    def name(self) -> str:
        """Return the name that it adds, such as `RANGE_20`."""
        (added,) = re.findall(r"^\w+ \+= \((\w+),\)$", self.code, re.MULTILINE)
        return added


def examples() -> list[Example]:
    """Return every example in the order of the documents."""
    return [
        Example(document, found["module"], found["code"])
        for document in DOCUMENTS
        for found in TOLD.finditer((ROOT / document).read_text())
    ]


def package_with(pasted: Sequence[Example], folder: Path) -> Path:
    """Return `folder` with a copy of the package in it, with each example pasted in as the document says."""
    shutil.copytree(ROOT / "pipeline", folder / "pipeline")
    for example in pasted:
        with (folder / example.module).open("a") as module:
            module.write(f"\n{example.code}")
    return folder
