"""Where a declaration was written, so that its expressions count by their source, and not by Polars' text of them."""

from __future__ import annotations

import ast
import sys
from dataclasses import Field, dataclass
from itertools import islice
from types import CodeType, FrameType
from typing import Any

from pipeline.market.fingerprint.source import Module, Span, module_named

WORDS = {"words": True}
"""Metadata of a dataclass's field that holds words for people: a fingerprint does not cover it."""


def is_words(field: Field[Any]) -> bool:
    """Return whether a field of a dataclass holds words for people."""
    return bool(field.metadata.get("words"))


@dataclass(frozen=True)
class Place:
    """Where a declaration was made: a call at the top level of a module."""

    module: str
    span: Span

    def argument(self, name: str) -> tuple[Module, list[ast.expr]] | None:
        """Return a keyword argument's code, or else the values of the dict that is the first argument, with the module.

        None when the source does not show it.
        """
        module = module_named(self.module)
        call = module.calls.get(self.span) if module else None
        if module is None or call is None:
            return None
        for keyword in call.keywords:
            if keyword.arg == name:
                return module, [keyword.value]
        first = call.args[0] if call.args else None
        return (module, first.values) if isinstance(first, ast.Dict) else None


def here() -> Place | None:
    """Return the position of the call that creates a dataclass, if it is at the top level of a module.

    Use it as the `default_factory` of a field, or call it in the function whose own call is meant.
    """
    # Two frames up: past this function, and past the function or `__init__` that called it.
    return _place(sys._getframe(2))  # noqa: SLF001 (as namedtuple and TypeVar learn where they are made)


def _place(frame: FrameType) -> Place | None:
    if frame.f_code.co_name != "<module>":
        return None  # it is built from variables, and the source does not show their values
    return Place(str(frame.f_globals.get("__name__")), _position(frame.f_code, frame.f_lasti))


def _position(code: CodeType, instruction: int) -> Span:
    return next(islice(code.co_positions(), instruction // 2, None))
