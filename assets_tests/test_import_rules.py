"""Imports run one way: assets → (market, lake, sources, reports) → contracts. Read from the source files."""

import ast
from pathlib import Path

import pytest

import pipeline
from assets_tests.syntax import nodes

PACKAGE = Path(pipeline.__file__).parent
IO = {"boto3", "botocore", "deltalake", "duckdb", "http", "io", "os", "requests", "shutil", "socket", "subprocess"}
IO |= {"pathlib", "sqlite3", "tempfile", "urllib", "urllib3"}
CLOCK = {"time"}


def imports(module: Path) -> set[str]:
    """Return the full names of the modules that a source file imports anywhere, and of what it takes from them."""
    names = set()
    for node in nodes(module):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def offences(folder: str, forbidden: set[str]) -> list[str]:
    modules = sorted((PACKAGE / folder).rglob("*.py"))
    assert modules, f"there is no {folder}/"
    return [
        f"{module.relative_to(PACKAGE)} imports {name}"
        for module in modules
        for name in sorted(imports(module))
        if any(name == one or name.startswith(f"{one}.") for one in forbidden)
    ]


def ours(*names: str) -> set[str]:
    return {f"pipeline.{name}" for name in names}


ABOVE = ours("assets", "automation", "checks", "cli", "definitions", "execution", "instance", "event_log", "partitions")


@pytest.mark.parametrize(
    ("folder", "forbidden"),
    [
        ("market", {"dagster"} | IO | CLOCK | ABOVE | ours("lake", "sources", "sample", "settings", "tables")),
        ("contracts", {"dagster"} | IO | CLOCK | ABOVE | ours("market", "lake", "sources", "sample", "settings")),
        ("lake", {"dagster"} | ABOVE | ours("market", "sources", "sample", "settings")),
        ("sources", {"dagster"} | ABOVE | ours("lake", "sample")),
        ("sample", {"dagster"} | ABOVE | ours("lake")),
        ("reports", {"dagster"} | ABOVE | ours("lake", "sources", "sample", "settings", "tables")),
        ("alerts", {"dagster"} | ABOVE | ours("sources", "sample", "settings", "reports")),
    ],
)
def test_no_layer_imports_what_lies_above_or_beside_it(folder, forbidden):
    assert offences(folder, forbidden) == []


def test_no_asset_imports_the_command_line_or_the_definitions():
    assert offences("assets", ours("cli", "definitions", "execution", "instance", "automation", "checks")) == []


def test_dagster_s_private_modules_are_used_only_where_there_is_no_public_way():
    private = {"dagster._core", "dagster._serdes", "dagster._utils", "dagster_shared"}
    users = {offence.split()[0] for offence in offences(".", private)}
    assert users == {"event_log.py", "assets/partition_metadata.py"}


def test_market_asks_no_clock_what_time_it_is():
    for module in sorted((PACKAGE / "market").rglob("*.py")):
        for node in nodes(module):
            if isinstance(node, ast.Attribute):
                assert node.attr not in {"now", "today", "utcnow"}, f"{module.name}:{node.lineno}"
