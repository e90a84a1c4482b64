"""Modules that have moved, under the names that people may have typed: each works for one more version, with a warning.

A settings file, a notebook or a home of the version before may name them.
"""

import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

MOVED = {
    "pipeline.lake.tables": "pipeline.lake.lake",
    "pipeline.market.adjust": "pipeline.market.prices.adjust",
    "pipeline.market.dividends": "pipeline.market.prices.dividends",
    "pipeline.market.reference": "pipeline.market.securities.reference",
    "pipeline.market.sell": "pipeline.market.portfolio.sell",
    "pipeline.market.sell.rule": "pipeline.market.portfolio.sell.rule",
    "pipeline.market.sell.rules": "pipeline.market.portfolio.sell.rules",
    "pipeline.market.splits": "pipeline.market.prices.splits",
    "pipeline.sources.flat_files": "pipeline.sources.port",
    "pipeline.sources.frames": "pipeline.sources.massive.frames",
}
"""The names that documents showed, and where their modules are now."""

NAMED_IN_HOMES = {"pipeline.event_log": "pipeline.orchestration.patches.event_log"}
"""The names that `dagster.yaml` of an older home holds. Nobody typed them, so there is no warning."""

EVERY_MOVE = MOVED | NAMED_IN_HOMES


class MovedModules(MetaPathFinder, Loader):
    """Finds a module under its old name, warns, and gives what the new one holds."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,  # noqa: ARG002 (as Python calls it)
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        """Return where to load `fullname` from when it has moved; None for any other module."""
        if fullname not in EVERY_MOVE:
            return None
        is_package = any(name.startswith(f"{fullname}.") for name in MOVED)
        return ModuleSpec(fullname, self, is_package=is_package)

    def exec_module(self, module: ModuleType) -> None:
        """Fill `module` with what the module at the new place holds, and warn with its name."""
        old = module.__name__
        if old in MOVED:
            warnings.warn(f"{old} has moved: import {MOVED[old]} instead.", DeprecationWarning, stacklevel=2)
        content = vars(import_module(EVERY_MOVE[old]))
        vars(module).update({name: value for name, value in content.items() if not name.startswith("__")})


def find_moved_modules() -> None:
    """Let imports find the modules that have moved."""
    sys.meta_path.insert(0, MovedModules())
