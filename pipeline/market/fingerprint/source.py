"""The source of our own code: what a module defines, and what a name in it stands for. Nothing is imported."""

from __future__ import annotations

import ast
import builtins
import importlib
import importlib.util
import linecache
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property
from types import UnionType

MARKET = __name__.rsplit(".", 2)[0]
"""The package whose code is followed wherever it is used."""

OURS = MARKET.partition(".")[0]


Span = tuple[int | None, int | None, int | None, int | None]
"""First and last line, first and last column."""


def is_within(module: str, package: str) -> bool:
    """Return whether a module is a package, or lies in it."""
    return f"{module}.".startswith(f"{package}.")


@dataclass(frozen=True, eq=False)
class Definition:
    """The definition behind a name at the top level of a module, or a method of a class there."""

    module: Module
    name: str
    nodes: tuple[ast.AST, ...]
    """As written; more than one where it is written several times, as in an `if`."""
    element: int | None = None
    """Which element of them, where they are unpacked into several names."""

    @property
    def class_node(self) -> ast.ClassDef | None:
        """Return the class it stands for, if it is one."""
        return self.nodes[0] if isinstance(self.nodes[0], ast.ClassDef) else None

    def argument(self, name: str) -> Definition | None:
        """Return the value of a keyword argument, if this is an object of one of our classes; None if not."""
        match self.nodes:
            case (ast.Call(func=ast.Name(id=class_name), keywords=keywords),):
                cls = self.module.stands_for(class_name)
                arguments = {keyword.arg: keyword.value for keyword in keywords}
                if isinstance(cls, Definition) and cls.class_node and name in arguments:
                    return Definition(self.module, f"{self.name}.{name}", (arguments[name],))
        return None

    @cached_property
    def methods(self) -> dict[str, Definition]:
        """Return the methods and properties of the class it stands for, by name."""
        if self.class_node is None:
            return {}
        functions = [node for node in self.class_node.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
        return {node.name: Definition(self.module, f"{self.name}.{node.name}", (node,)) for node in functions}


@dataclass(frozen=True)
class Elsewhere:
    """A name that is defined in code that is not followed."""

    module: str
    name: str | None
    """None stands for the module itself."""

    @property
    def value(self) -> object:
        """Return its value if it is a constant of our own package; else None."""
        if self.name is None or not is_within(self.module, OURS):
            return None
        return getattr(importlib.import_module(self.module), self.name, None)


@dataclass(frozen=True, eq=False)
class Module:
    """One source file."""

    name: str
    tree: ast.Module
    definitions: dict[str, Definition] = field(default_factory=dict)
    imports: dict[str, Elsewhere] = field(default_factory=dict)
    """By the name used in this file, wherever the import stands."""
    _resolved: dict[str, Definition | Module | Elsewhere] = field(default_factory=dict)
    """Imports that were resolved already."""

    def stands_for(self, name: str) -> Definition | Module | Elsewhere | None:
        """Return what a name of the module's top level stands for; None for one that it does not have."""
        if name in self.definitions:
            return self.definitions[name]
        if name in self.imports and name not in self._resolved:
            self._resolved[name] = self._resolve(self.imports[name])
        return self._resolved.get(name)

    def _resolve(self, imported: Elsewhere) -> Definition | Module | Elsewhere:
        if not self._follows(imported.module):
            return imported
        if imported.name is None:
            return module_named(imported.module) or imported
        origin = module_named(imported.module)
        definition = origin.stands_for(imported.name) if origin else None
        return definition or module_named(f"{imported.module}.{imported.name}") or imported

    def _follows(self, other: str) -> bool:
        own = self.name.partition(".")[0]
        return is_within(other, MARKET) or (own != OURS and is_within(other, own))

    @cached_property
    def classes(self) -> list[Definition]:
        """Return the classes that the module defines or imports."""
        # The spelling of a name shows whether it may be a class: to look at each would read every module.
        capital = [name for name in self.imports if name.lstrip("_")[:1].isupper() and not name.isupper()]
        candidates = (self.stands_for(name) for name in [*self.definitions, *capital])
        return [item for item in candidates if isinstance(item, Definition) and item.class_node]

    @cached_property
    def imported_names(self) -> set[str]:
        """Return the full names of the modules and definitions that it imports directly."""
        imported = self.imports.values()
        return {item.module for item in imported} | {f"{item.module}.{item.name}" for item in imported if item.name}

    @cached_property
    def calls(self) -> dict[Span, ast.Call]:
        """Return the calls made once, when the module is loaded, by position."""
        return {
            (node.lineno, node.end_lineno, node.col_offset, node.end_col_offset): node
            for node in _outside_of(self.tree, _OWN_SCOPE)
            if isinstance(node, ast.Call)
        }

    def resolves_all_names(self, code: ast.AST) -> bool:
        """Return whether the module knows every name in some code at its top level."""
        names = [node for node in ast.walk(code) if isinstance(node, ast.Name)]
        bound = {name.id for name in names if not isinstance(name.ctx, ast.Load)}
        bound |= {node.arg for node in ast.walk(code) if isinstance(node, ast.arg)}
        return all(
            name.id in bound or hasattr(builtins, name.id) or self.stands_for(name.id) is not None for name in names
        )

    @cached_property
    def functions(self) -> dict[int, list[ast.AST]]:
        """Return all functions and lambdas, by the line on which they begin for Python."""
        by_line: dict[int, list[ast.AST]] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Lambda):
                by_line.setdefault(node.lineno, []).append(node)
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                first = min(part.lineno for part in (node, *node.decorator_list))
                by_line.setdefault(first, []).append(node)
        return by_line


_OWN_SCOPE = (
    ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
)


def _outside_of(node: ast.AST, kinds: UnionType) -> Iterator[ast.AST]:
    """Yield the parts of some code that lie outside all nodes of some kinds."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, kinds):
            yield from _outside_of(child, kinds)


@cache
def module_named(name: str) -> Module | None:
    """Return a module by its full name; None when there is none, or no source of it."""
    try:
        loaded = sys.modules.get(name)
        spec = loaded.__spec__ if loaded else importlib.util.find_spec(name)
    except ModuleNotFoundError:  # its parent is a module, not a package: the name is one of a definition
        return None
    if spec is None or spec.origin is None:
        return None
    lines = linecache.getlines(spec.origin, {"__name__": name, "__loader__": spec.loader})
    if not lines:
        return None
    tree = ast.parse("".join(lines))
    package = name if spec.submodule_search_locations else name.rpartition(".")[0]
    module = Module(name, tree, imports=dict(_imports(tree, package)))
    module.definitions.update(_definitions(module))
    return module


def _imports(tree: ast.Module, package: str) -> Iterator[tuple[str, Elsewhere]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            origin = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            for alias in node.names:
                yield alias.asname or alias.name, Elsewhere(origin, alias.name)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                full = alias.name if alias.asname else alias.name.partition(".")[0]
                yield alias.asname or full, Elsewhere(full, None)


def _definitions(module: Module) -> dict[str, Definition]:
    definitions: dict[str, Definition] = {}
    for name, node, element in _defined(module.tree.body):
        before = definitions[name].nodes if name in definitions else ()
        definitions[name] = Definition(module, name, (*before, node), element)
    return definitions


def _defined(body: Iterable[ast.stmt]) -> Iterator[tuple[str, ast.AST, int | None]]:
    """Yield each name that statements of a top level define, with what it stands for."""
    for node in body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name, node, None
            case ast.Assign(targets=targets):
                for target in targets:
                    yield from _unpacked(target, node.value)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                yield name, value, None
            case ast.AugAssign(target=ast.Name(id=name)):
                yield name, node, None
            case ast.If() | ast.Try():
                handled = [statement for handler in getattr(node, "handlers", []) for statement in handler.body]
                yield from _defined([*node.body, *handled, *node.orelse, *getattr(node, "finalbody", [])])
            case _:
                pass


def _unpacked(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.AST, int | None]]:
    if isinstance(target, ast.Name):
        yield target.id, value, None
    elif isinstance(target, ast.Tuple | ast.List):
        for place, element in enumerate(target.elts):
            if isinstance(element, ast.Name):
                yield element.id, value, place
