"""Compiled modules of ours, stored before the walls are up: behind them the child could not, at every start."""

from importlib.util import cache_from_source
from pathlib import Path


def compile_ahead(package: Path) -> None:
    """Compile those modules that queries need and that are newer than what is stored."""
    stale = [source for source in [*package.glob("*.py"), *(package / "lake").rglob("*.py")] if _is_stale(source)]
    if not stale:
        return
    import py_compile  # noqa: PLC0415 (rarely needed, and every start counts)

    try:
        for source in stale:
            py_compile.compile(str(source), doraise=True)
    except (OSError, py_compile.PyCompileError):
        return  # a folder that cannot be written to: the child compiles for itself


def _is_stale(source: Path) -> bool:
    stored = Path(cache_from_source(str(source)))
    return not stored.exists() or stored.stat().st_mtime_ns < source.stat().st_mtime_ns
