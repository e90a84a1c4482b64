"""Code spelled so that every way to write it reads the same, and hashed together with all the code that it refers to.

Comments and layout are not in a syntax tree; docstrings, annotations and the words of errors are left out of it.
Variables are numbered in the order in which they appear, and so are the definitions that are referred to (as Unison
does), so that renaming or moving one changes nothing. The spelling is our own, since that of Python's `ast.dump`
changes with its version.
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
"""Text, and in it the definitions that it refers to."""

_UNSPOKEN = {"annotation", "returns", "type_comment", "type_params", "type_ignores", "ctx", "kind"}
"""Fields of a syntax tree without a meaning."""

_FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


def is_plain(value: object) -> bool:
    """Return whether a value is a number, a text, or a tuple of such: one that reads the same everywhere."""
    if isinstance(value, tuple):
        return all(is_plain(one) for one in value)
    return type(value) in {bool, int, float, str, bytes, date}


@dataclass(frozen=True, eq=False)
class Speller:
    """How far code is followed."""

    leave: frozenset[str] = frozenset()
    """Names of definitions that count by their name only."""
    handed: tuple[Definition, ...] = ()
    """Classes whose objects the code is given, though it does not name them; not what they are built on themselves."""
    _spelled: dict[Definition, Pieces] = field(default_factory=dict)

    def digest(self, pieces: Iterable[str | Definition]) -> str:
        """Return the SHA-256 of `pieces` and of all that they refer to, as 64 hexadecimal digits."""
        numbers: dict[Definition, int] = {}
        waiting: deque[Definition] = deque()
        hashed = hashlib.sha256()

        def take(some: Iterable[str | Definition]) -> None:
            for piece in some:
                if isinstance(piece, Definition) and piece not in numbers:
                    numbers[piece] = len(numbers)
                    waiting.append(piece)
                hashed.update(piece.encode() if isinstance(piece, str) else b"#%d" % numbers[piece])

        take(pieces)
        while waiting:
            hashed.update(b"\n")
            take(self.spelled(waiting.popleft()))
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
    """Return `pieces` with each stretch of text as one."""
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
    """One piece of code as it is spelled: variables get their number at the first mention."""

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
                for one in values:
                    yield from () if isinstance(one, ast.Constant) and one.value == "" else self.of(one)
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
            if name in _UNSPOKEN or value is None or value == [] or (name == "name" and isinstance(node, _FUNCTION)):
                continue
            yield f" {name}="
            for one in value if isinstance(value, list) else [value]:
                if isinstance(one, ast.AST):
                    yield from self.of(one)
                else:
                    yield f" {one!r}"
        yield ")"

    def _name(self, name: str) -> Iterator[str | Definition]:
        meant = self.module.stands_for(name)
        if name in self.bound:
            yield f" %{self.numbers.setdefault(name, len(self.numbers))}"
            if not isinstance(meant, Definition):
                return  # else it may be this one's name in one place and the variable's in another
        yield from self._meant(name, meant)

    def _meant(self, name: str, meant: Definition | Module | Elsewhere | None) -> Iterator[str | Definition]:
        match meant:
            case Definition() if meant.name not in self.speller.leave:
                yield meant
            case Definition():
                yield f" {meant.name}"
            case Elsewhere():
                yield f" {meant.name or meant.module}"
                if is_plain(meant.value):
                    yield f"={meant.value!r}"
            case Module():
                yield " module"
            case _:
                yield f" {name}"

    def _attribute(self, node: ast.Attribute) -> Iterator[str | Definition]:
        owner = self._owner(node.value)
        if isinstance(owner, Module):
            yield from self._meant(node.attr, owner.stands_for(node.attr))
            return
        if isinstance(owner, Definition) and (given := owner.argument(node.attr)):
            yield from self.speller.code(given.module, given.nodes)
            return
        yield "(."
        yield from self.of(node.value)
        yield f" {node.attr}"
        if not isinstance(owner, Elsewhere):
            # Whose attribute it is, is not known before it runs: that of any class that may be meant counts.
            yield from self._methods(node.attr)
        yield ")"

    def _owner(self, node: ast.AST) -> Definition | Module | Elsewhere | None:
        """Return what is known of that whose attribute is asked for."""
        match node:
            case ast.Name(id=name) if name not in self.bound:
                return self.module.stands_for(name)
            case ast.Attribute(attr=name):
                of = self._owner(node.value)
                return of.stands_for(name) if isinstance(of, Module) else of if isinstance(of, Elsewhere) else None
            case _:
                return None

    def _methods(self, name: str) -> Iterator[Definition]:
        handed = (one for one in self.speller.handed if self.module.name not in one.module.beneath)
        for one in dict.fromkeys((*self.module.classes, *handed)):
            if name in one.methods:
                yield one.methods[name]

    def _class(self, node: ast.ClassDef) -> Iterator[str | Definition]:
        """Yield a class's bases, fields and special methods; other methods count where they are called."""
        yield "(Class"
        for one in (*node.decorator_list, *node.bases, *node.keywords):
            yield from self.of(one)
        for one in node.body:
            match one:
                case ast.AnnAssign(target=ast.Name(id=name), value=value):
                    yield f" {name}="
                    yield from self.of(value) if value else ()
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    yield f" {name}="
                    yield from self.of(value)
                case ast.FunctionDef(name=name) if name.startswith("__"):
                    yield f" {name}="
                    yield from self.speller.code(self.module, [one])
                case _:
                    pass
        yield ")"


def _bound_in(node: ast.AST) -> set[str]:
    """Return the names of variables, parameters and inner functions."""
    if isinstance(node, ast.ClassDef):
        return set()
    names = set[str]()
    for one in ast.walk(node):
        match one:
            case ast.arg(arg=name) | ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                names.add(name)
            case ast.ExceptHandler(name=str() as name) | ast.MatchAs(name=str() as name):
                names.add(name)
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) if one is not node:
                names.add(name)
            case _:
                pass
    return names
