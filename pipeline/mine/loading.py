"""Runs the user's files and collects what they declare, in the order in which they declare it."""

from __future__ import annotations

import importlib
import linecache
import sys
import traceback
from collections.abc import Iterable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from hashlib import sha256
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

from pipeline.errors import CandlelakeError, MineError
from pipeline.market.declarations import Declarations, joined
from pipeline.market.indicators import Indicator
from pipeline.market.portfolio.sell.rule import Rule
from pipeline.market.screen.model import Model
from pipeline.mine.folder import MineFile

PACKAGE = "mine_"
"""Begin of the name of the package that the files of a folder make together: they may import each other with a dot."""


@dataclass(frozen=True)
class DeclaredFile:
    """What one file declares."""

    file: MineFile
    indicators: tuple[Indicator, ...]
    models: tuple[Model, ...]
    rules: tuple[Rule, ...]

    @property
    def names(self) -> list[str]:
        """Return the names of its columns, models and rules."""
        return [name for names in self.names_by_kind.values() for name in names]

    @property
    def names_by_kind(self) -> dict[str, list[str]]:
        """Return its names by what they name; an indicator has one for each column."""
        return {
            "indicator": [column.name for indicator in self.indicators for column in indicator.columns],
            "model": [model.name for model in self.models],
            "rule": [rule.name for rule in self.rules],
        }


def with_files(built_in: Declarations, files: Sequence[MineFile]) -> tuple[Declarations, list[DeclaredFile]]:
    """Return `built_in` with what `files` declare, and what each of them declares.

    Raises MineError, naming the file, the line and the remedy, when a file fails or declares what cannot be.
    """
    package = _package(files)
    together, declared = built_in, list[DeclaredFile]()
    helpers = [file for file in files if file.is_helper]
    for file in (file for file in files if not file.is_helper):
        found = _declared(file, _run(package, file), known=together)
        _require_own_names(found, declared)
        together = _joined(together, found, helpers)
        declared.append(found)
    return together, declared


class _Importer(MetaPathFinder, Loader):
    """Imports the files of one package from the bytes whose hash is noted; no compiled file is left beside them."""

    def __init__(self, package: str, files: Sequence[MineFile]) -> None:
        self._files = {f"{package}.{file.path.stem}": file for file in files}

    def find_spec(self, fullname: str, path: object, target: object = None) -> ModuleSpec | None:  # noqa: ARG002
        """Return how to import one of the files; None for any other module."""
        if fullname not in self._files:
            return None
        spec = ModuleSpec(fullname, self, origin=str(self._files[fullname].path))
        spec.has_location = True
        return spec

    def exec_module(self, module: ModuleType) -> None:
        """Run the file."""
        file = self._files[module.__name__]
        linecache.checkcache(str(file.path))
        exec(compile(file.content, str(file.path), "exec", dont_inherit=True), vars(module))  # noqa: S102 (the user's)


def _package(files: Sequence[MineFile]) -> str:
    """Return the name of a new package of these files: other content has another name, so nothing stale is found."""
    name = PACKAGE + sha256("".join(f"{file.path} {file.sha256}\n" for file in files).encode()).hexdigest()[:16]
    if files and name not in sys.modules:
        package = ModuleType(name)
        package.__path__ = []
        sys.modules[name] = package
        sys.meta_path.append(_Importer(name, files))
    return name


def _run(package: str, file: MineFile) -> ModuleType:
    try:
        # What a file prints must not mix with a command's data.
        with redirect_stdout(sys.stderr):
            return importlib.import_module(f"{package}.{file.path.stem}")
    except KeyboardInterrupt:
        raise
    except BaseException as failed:
        raise _error(file, failed, _line_in(file.path, failed)) from failed


def _declared(file: MineFile, module: ModuleType, known: Declarations) -> DeclaredFile:
    """Return the declarations among the module's values, each once, and none that was known before."""
    before = {id(one) for one in (*known.indicators, *known.models, *known.rules)}
    values = {id(value): value for value in _values(module)}
    new = [value for key, value in values.items() if key not in before]
    return DeclaredFile(
        file,
        tuple(value for value in new if isinstance(value, Indicator)),
        tuple(value for value in new if isinstance(value, Model)),
        tuple(value for value in new if isinstance(value, Rule)),
    )


def _values(module: ModuleType) -> Iterable[object]:
    """Yield the values at the module's top level; of lists and tuples, their items."""
    for value in list(vars(module).values()):
        if isinstance(value, list | tuple):
            yield from value
        else:
            yield value


def _require_own_names(found: DeclaredFile, earlier: Sequence[DeclaredFile]) -> None:
    """Return if no earlier file declares a name of `found`, of the same kind. Raises MineError, naming both files."""
    for other in earlier:
        for kind, names in found.names_by_kind.items():
            shared = [name for name in names if name in other.names_by_kind[kind]]
            if shared:
                raise MineError(
                    f"{found.file.path} and {other.file.path} both declare the {kind} {', '.join(shared)}.",
                    remedy="Give one of them another name. To run without it, move one of the files out of the folder.",
                )


def _joined(together: Declarations, found: DeclaredFile, helpers: Sequence[MineFile]) -> Declarations:
    source = "\n".join(f"{file.name} {file.sha256}" for file in (found.file, *helpers))
    try:
        return joined(together, found.indicators, found.models, found.rules, dict.fromkeys(found.names, source))
    except CandlelakeError as failed:
        raise _error(found.file, failed, None) from failed


def _line_in(path: Path, failed: BaseException) -> int | None:
    """Return the line of the file where an error came from: the last of its own lines on the way."""
    if isinstance(failed, SyntaxError) and failed.filename == str(path):
        return failed.lineno
    lines = [frame.lineno for frame in traceback.extract_tb(failed.__traceback__) if frame.filename == str(path)]
    return lines[-1] if lines else None


def _error(file: MineFile, failed: BaseException, line: int | None) -> MineError:
    where = f"{file.path}, line {line}" if line else f"{file.path}"
    ours = isinstance(failed, CandlelakeError)
    what = failed.message if isinstance(failed, CandlelakeError) else f"{type(failed).__name__}: {failed}"
    first = (what.strip().splitlines() or [type(failed).__name__])[0]
    remedy = failed.remedy if isinstance(failed, CandlelakeError) else "Correct the line."
    return MineError(
        f"{where}: {first if ours else first.rstrip('.') + '.'}",
        remedy=f"{remedy} To run without it, move the file out of the folder.",
    )
