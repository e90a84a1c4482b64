"""The fingerprint of values: numbers and texts as they are, declarations field by field, functions by their code."""

from __future__ import annotations

import hashlib
import inspect
import pickle
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache, partial
from types import FunctionType, MethodType

import polars as pl

from pipeline.market.fingerprint.place import Place, is_words
from pipeline.market.fingerprint.source import Definition, module_named
from pipeline.market.fingerprint.spelling import Pieces, Speller, is_plain

DIGITS = 12
"""Hexadecimal digits of a fingerprint."""

WRITTEN = "written"
"""The field of a dataclass that says where it was written."""


def fingerprint(*values: object, leave: Iterable[str] = (), received: Iterable[tuple[str, str]] = ()) -> str:
    """Return a short hash of what `values` mean: 12 hexadecimal digits.

    A dataclass counts with all its fields but its `WORDS`. Its expressions count by their source if they were written
    in a call at the top level of a module, as its field `written` says; else by Polars' text of them, which may differ
    in another version of Polars. `leave` are names of definitions that count by their name only, since they have
    fingerprints of their own. `received` are classes, by module and name, whose objects the code receives without
    naming them.
    """
    speller = _speller(frozenset(leave), tuple(received))
    return speller.digest(_Meaning(speller).of(values))[:DIGITS]


@cache
def _speller(leave: frozenset[str], received: tuple[tuple[str, str], ...]) -> Speller:
    modules = ((module_named(module), name) for module, name in received)
    return Speller(leave, tuple(module.definitions[name] for module, name in modules if module))


class _Meaning:
    """Spells values one after another. A function that comes again is not followed again."""

    def __init__(self, speller: Speller) -> None:
        self._speller = speller
        self._numbers: dict[FunctionType, int] = {}

    def of(self, value: object) -> Iterator[str | Definition]:
        function = inspect.unwrap(value) if callable(value) else None
        match value:
            case _ if is_plain(value):
                yield f" {type(value).__name__}:{value!r}"
            case pl.Expr():
                yield f" expression:{value}"
            case Mapping():
                yield from self._all("{", [part for item in value.items() for part in item])
            case Set():
                yield f" {sorted(map(repr, value))}"
            case list() | tuple():
                yield from self._all("[", value)
            case MethodType():
                yield from self._all("(method", [value.__func__, value.__self__])
            case partial():
                yield from self._all("(partial", [value.func, value.args, value.keywords])
            case _ if is_dataclass(value) and not isinstance(value, type):
                yield from self._declared(value)
            case _ if isinstance(function, FunctionType):
                yield from self._function(function)
            case _:
                yield _by_name(value)

    def _all(self, kind: str, values: Iterable[object]) -> Iterator[str | Definition]:
        yield f" {kind}"
        for value in values:
            yield from self.of(value)
        yield ")"

    def _declared(self, value: object) -> Iterator[str | Definition]:
        names = [field.name for field in fields(value) if not is_words(field) and field.name != WRITTEN]  # type: ignore[arg-type]
        written: Place | None = getattr(value, WRITTEN, None)
        yield f" ({type(value).__name__}"
        if callable(value):
            yield from self.of(type(value).__call__)
        for name in names:
            yield f" {name}="
            content = getattr(value, name)
            source = self._source(written, name) if written and _is_of_expressions(content) else None
            yield from self.of(content) if source is None else source
        yield ")"

    def _source(self, written: Place, name: str) -> Pieces | None:
        """Return the source of a field's value; None if names in it cannot be resolved."""
        argument = written.argument(name)
        if argument is None:
            return None
        module, nodes = argument
        return self._speller.code(module, nodes) if all(module.resolves_all_names(node) for node in nodes) else None

    def _function(self, function: FunctionType) -> Iterator[str | Definition]:
        if function in self._numbers:
            yield f" again:{self._numbers[function]}"
            return
        self._numbers[function] = len(self._numbers)
        module = module_named(function.__module__)
        nodes = module.functions.get(function.__code__.co_firstlineno) if module else None
        if module and nodes:
            yield from self._speller.code(module, nodes)
        else:
            yield f" compiled:{function.__code__.co_code.hex()} {function.__code__.co_names}"
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            yield f" {name}="
            yield from self.of(cell.cell_contents)


def _is_of_expressions(value: object) -> bool:
    items = value if isinstance(value, Sequence) else [value]
    return any(isinstance(item, pl.Expr) for item in items)


def _by_name(value: object) -> str:
    """Return a value without following it: its name, the hash of its bytes, or else its type."""
    cls = value if isinstance(value, type) else type(value)
    if value is None or isinstance(value, Enum | pl.DataType | type) or callable(value):
        return f" {getattr(value, '__qualname__', value)}"
    try:
        return f" {cls.__qualname__}:{hashlib.sha256(pickle.dumps(value, protocol=4)).hexdigest()}"
    except (TypeError, AttributeError, pickle.PicklingError):  # such as a lock, or an object that holds a function
        return f" {cls.__qualname__}"
