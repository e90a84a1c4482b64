"""Modules written by tests, and loaded as a user's own would be."""

import importlib
import itertools
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from types import ModuleType

Write = Callable[[str], ModuleType]

_NUMBERS = itertools.count()


def writer(folder: Path, beneath: list[str]) -> Write:
    """Return what writes a module into `folder`, where Python looks, and loads it. Each has a name of its own."""
    beneath.insert(0, str(folder))

    def write(source: str) -> ModuleType:
        name = f"written_{next(_NUMBERS)}"
        (folder / f"{name}.py").write_text(dedent(source))
        importlib.invalidate_caches()
        try:
            return importlib.import_module(name)
        finally:
            sys.modules.pop(name, None)

    return write
