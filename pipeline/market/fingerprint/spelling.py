"""A canonical spelling of code, the same for every way to write it, hashed with all the code that it refers to.

Comments and layout are not in a syntax tree; docstrings, annotations and the words of errors are left out of it.
Variables, and the definitions that are referred to, are numbered in the order in which they appear (as in Unison), so
that renaming or moving one changes nothing. The spelling is our own, since that of Python's `ast.dump` changes with its
version.
"""

from __future__ import annotations

import ast
import hashlib
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date

from pipeline.market.fingerprint.source import Definition, Elsewhere, Module

Pieces = list[str | Definition]
"""Text, with the definitions that it refers to in between."""

_MEANINGLESS = {"annotation", "returns", "type_comment", "type_params", "type_ignores", "ctx", "kind"}
"""Fields of a syntax tree that do not change what code does."""

_FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


def is_plain(value: object) -> bool:
    """Return whether a value is a number, a text, or a tuple of such: it reads the same everywhere."""
    if isinstance(value, tuple):
        return all(is_plain(item) for item in value)
    return type(value) in {bool, int, float, str, bytes, date}


@dataclass(frozen=True, eq=False)
class Speller:
    """Spells code, and decides how far it is followed."""

    leave: frozenset[str] = frozenset()
    """Names of definitions that count by their name only."""
    received: tuple[Definition, ...] = ()
    """Classes whose objects the code receives without naming them; modules that they import themselves are left out."""
    _spelled: dict[Definition, Pieces] = field(default_factory=dict)

    def digest(self, pieces: Iterable[str | Definition]) -> str:
        """Return the SHA-256 of `pieces` and of all that they refer to, as 64 hexadecimal digits."""
        numbers: dict[Definition, int] = {}
        waiting: deque[Definition] = deque()
        hashed = hashlib.sha256()

        def add(more: Iterable[str | Definition]) -> None:
            for piece in more:
                if isinstance(piece, Definition) and piece not in numbers:
                    numbers[piece] = len(numbers)
                    waiting.append(piece)
                hashed.update(piece.encode() if isinstance(piece, str) else b"#%d" % numbers[piece])

        add(pieces)
        while waiting:
            hashed.update(b"\n")
            add(self.spelled(waiting.popleft()))
        return hashed.hexdigest()

    def spelled(self, definition: Definition) -> Pieces:
        """Return a definition, without its name."""
        if definition not in self._spelled:
            element = "" if definition.element is None else f"[{definition.element}]"
            pieces = [element, *self.code(definition.module, definition.nodes)]
            self._spelled[definition] = _joined(pieces)
        return self._spelled[definition]

    def code(self, module: Module, nodes: Iterable[ast.AST]) -> Pieces:
        """Return pieces of a module's code."""
        return [piece for node in nodes for piece in _Spelling(self, module, _bound_in(node)).of(node)]


def _joined(pieces: Pieces) -> Pieces:
    """Return `pieces` with neighbouring texts joined."""
    joined: Pieces = []
    text: list[str] = []
    for piece in pieces:
        if isinstance(piece, str):
            text.append(piece)
        else:
            joined += ["".join(text), piece]
            text = []
    return [*joined, "".join(text)]


@dataclass
class _Spelling:
    """The spelling of one piece of code: variables get their number where they first appear."""

    speller: Speller
    module: Module
    bound: set[str]
    numbers: dict[str, int] = field(default_factory=dict)

    def of(self, node: ast.AST) -> Iterator[str | Definition]:
        match node:
            case ast.Name(id=name):
                yield from self._name(name)
            case ast.Attribute():
                yield from self._attribute(node)
            case ast.Constant(value=value):
                yield f" {type(value).__name__}:{value!r}"
            case ast.arg(arg=name):
                yield from self._name(name)
            case ast.Raise():
                yield "(Raise)"
            case ast.ClassDef():
                yield from self._class(node)
            case ast.Expr(value=ast.Constant(value=str())) | ast.Import() | ast.ImportFrom():
                pass
            case ast.JoinedStr(values=values):
                # Python 3.12 ends some with an empty text.
                yield "(JoinedStr"
                for part in values:
                    yield from () if isinstance(part, ast.Constant) and part.value == "" else self.of(part)
                yield ")"
            case ast.AnnAssign(value=None):
                pass
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                yield from self._tree(ast.Assign(targets=[target], value=value))
            case _:
                yield from self._tree(node)

    def _tree(self, node: ast.AST) -> Iterator[str | Definition]:
        yield f"({type(node).__name__}"
        for name in node._fields:
            value = getattr(node, name, None)
            if name in _MEANINGLESS or value is None or value == [] or (name == "name" and isinstance(node, _FUNCTION)):
                continue
            yield f" {name}="
            for item in value if isinstance(value, list) else [value]:
                if isinstance(item, ast.AST):
                    yield from self.of(item)
                else:
                    yield f" {item!r}"
        yield ")"

    def _name(self, name: str) -> Iterator[str | Definition]:
        target = self.module.stands_for(name)
        if name in self.bound:
            yield f" %{self.numbers.setdefault(name, len(self.numbers))}"
            if not isinstance(target, Definition):
                return  # else the name may mean the definition in one place and the variable in another
        yield from self._target(name, target)

    def _target(self, name: str, target: Definition | Module | Elsewhere | None) -> Iterator[str | Definition]:
        match target:
            case Definition() if target.name not in self.speller.leave:
                yield target
            case Definition():
                yield f" {target.name}"
            case Elsewhere():
                yield f" {target.name or target.module}"
                if is_plain(target.value):
                    yield f"={target.value!r}"
            case Module():
                yield " module"
            case _:
                yield f" {name}"

    def _attribute(self, node: ast.Attribute) -> Iterator[str | Definition]:
        owner = self._owner(node.value)
        if isinstance(owner, Module):
            yield from self._target(node.attr, owner.stands_for(node.attr))
            return
        if isinstance(owner, Definition) and (argument := owner.argument(node.attr)):
            yield from self.speller.code(argument.module, argument.nodes)
            return
        yield "(."
        yield from self.of(node.value)
        yield f" {node.attr}"
        if not isinstance(owner, Elsewhere):
            # The class is not known before the code runs: the method of every class that it may be counts.
            yield from self._methods(node.attr)
        yield ")"

    def _owner(self, node: ast.AST) -> Definition | Module | Elsewhere | None:
        """Return what an attribute belongs to, as far as the source shows it."""
        match node:
            case ast.Name(id=name) if name not in self.bound:
                return self.module.stands_for(name)
            case ast.Attribute(attr=name):
                owner = self._owner(node.value)
                if isinstance(owner, Module):
                    return owner.stands_for(name)
                return owner if isinstance(owner, Elsewhere) else None
            case _:
                return None

    def _methods(self, name: str) -> Iterator[Definition]:
        received = (item for item in self.speller.received if self.module.name not in item.module.imported_names)
        for class_ in dict.fromkeys((*self.module.classes, *received)):
            if name in class_.methods:
                yield class_.methods[name]

    def _class(self, node: ast.ClassDef) -> Iterator[str | Definition]:
        """Yield a class's bases, fields and special methods; other methods count where they are called."""
        yield "(Class"
        for part in (*node.decorator_list, *node.bases, *node.keywords):
            yield from self.of(part)
        for statement in node.body:
            match statement:
                case ast.AnnAssign(target=ast.Name(id=name), value=value):
                    yield f" {name}="
                    yield from self.of(value) if value else ()
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    yield f" {name}="
                    yield from self.of(value)
                case ast.FunctionDef(name=name) if name.startswith("__"):
                    yield f" {name}="
                    yield from self.speller.code(self.module, [statement])
                case _:
                    pass
        yield ")"


def _bound_in(node: ast.AST) -> set[str]:
    """Return the names of variables, parameters and inner functions."""
    if isinstance(node, ast.ClassDef):
        return set()
    names = set[str]()
    for child in ast.walk(node):
        match child:
            case ast.arg(arg=name) | ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                names.add(name)
            case ast.ExceptHandler(name=str() as name) | ast.MatchAs(name=str() as name):
                names.add(name)
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) if child is not node:
                names.add(name)
            case _:
                pass
    return names
