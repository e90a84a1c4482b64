"""Our own source files as syntax trees, for the rules about what they may hold."""

import ast
import gc
from collections.abc import Iterator
from pathlib import Path


def nodes(module: Path) -> Iterator[ast.AST]:
    """Return every node of a source file.

    CPython 3.11 fails ("AST constructor recursion depth mismatch") when garbage is collected in the middle of parsing
    and another thread parses, too.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        return ast.walk(ast.parse(module.read_text()))
    finally:
        if was_enabled:
            gc.enable()
