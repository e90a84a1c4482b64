"""Compiles our modules before the walls are up: behind them the child could not store the result."""

from importlib.util import cache_from_source
from pathlib import Path


def compile_ahead(package: Path) -> None:
    """Compile the modules for queries that are newer than their stored compilation."""
    stale = [source for source in [*package.glob("*.py"), *(package / "lake").rglob("*.py")] if _is_stale(source)]
    if not stale:
        return
    import py_compile  # noqa: PLC0415 (rarely needed, and every start counts)

    try:
        for source in stale:
            py_compile.compile(str(source), doraise=True)
    except (OSError, py_compile.PyCompileError):
        return  # the folder is not writable: the child compiles in memory


def _is_stale(source: Path) -> bool:
    stored = Path(cache_from_source(str(source)))
    return not stored.exists() or stored.stat().st_mtime_ns < source.stat().st_mtime_ns
