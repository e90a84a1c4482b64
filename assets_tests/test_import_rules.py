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


ROOMS: dict[str, set[str]] = {
    "venues": set(),
    "contracts": {"venues"},
    "market": {"contracts", "venues"},
    "lake": {"contracts"},
    "sources": {"contracts", "market", "venues", "settings"},
    "mine": {"contracts", "lake", "market", "settings", "venues"},
    "sample": {"contracts", "market", "sources", "venues"},
    "reports": {"contracts", "market"},
    "ingest": {"contracts", "lake", "market", "sources", "venues", "progress"},
    "alerts": {"contracts", "lake", "market", "queries", "venues"},
    "queries": {"contracts", "lake", "market", "reports", "alerts", "venues", "progress", "tables"},
}
"""What each room without Dagster may import of the package, besides itself and the errors."""

WITH_DAGSTER = {"assets", "checks", "orchestration", "definitions"}


def rooms_imported(folder: str) -> set[str]:
    """Return the rooms and modules at the top that a room imports."""
    names = {name for module in (PACKAGE / folder).rglob("*.py") for name in imports(module)}
    return {name.split(".")[1] for name in names if name.startswith("pipeline.")} - {folder, "errors"}


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_what_lies_below_it(room: str):
    assert rooms_imported(room) <= ROOMS[room]


@pytest.mark.parametrize("room", ["assets", "checks", "orchestration"])
def test_no_asset_check_or_job_imports_the_command_line_or_the_web(room: str):
    assert rooms_imported(room) & {"cli", "web"} == set()


def test_few_modules_lie_outside_the_rooms():
    assert len(list(PACKAGE.glob("*.py"))) <= 7


def test_dagster_is_used_only_in_its_rooms_and_where_its_ui_is_served():
    users = {offence.split()[0] for offence in offences(".", {"dagster", "dagster_webserver", "dagster_graphql"})}
    elsewhere = {user for user in users if user.split("/")[0].removesuffix(".py") not in WITH_DAGSTER}
    assert elsewhere == {"web/dagster.py"}


@pytest.mark.parametrize("room", ["market", "contracts", "venues"])
def test_a_pure_room_does_no_input_or_output_and_has_no_clock(room: str):
    assert offences(room, IO | CLOCK) == []


def test_no_asset_imports_the_definitions_or_what_runs_it():
    above = ours("definitions", *(f"orchestration.{name}" for name in ("runs", "jobs", "schedules", "sensors")))
    assert offences("assets", above) == []


def test_dagster_s_private_modules_are_used_only_in_the_room_of_patches():
    private = {"dagster._core", "dagster._serdes", "dagster._utils", "dagster_shared"}
    users = {offence.split()[0] for offence in offences(".", private)}
    assert {user for user in users if not user.startswith("orchestration/patches/")} == set()


@pytest.mark.parametrize(
    "patch", sorted((PACKAGE / "orchestration/patches").glob("[!_]*.py")), ids=lambda one: one.stem
)
def test_each_patch_says_what_it_would_cost_to_lose_it(patch: Path):
    assert "\n\nWithout it: " in (ast.get_docstring(ast.parse(patch.read_text())) or "")


@pytest.mark.parametrize("module", sorted(PACKAGE.rglob("*.py")), ids=lambda one: one.stem)
def test_no_module_is_long(module: Path):
    assert len(module.read_text().splitlines()) <= 300


def test_market_reads_no_clock():
    for module in sorted((PACKAGE / "market").rglob("*.py")):
        for node in nodes(module):
            if isinstance(node, ast.Attribute):
                assert node.attr not in {"now", "today", "utcnow"}, f"{module.name}:{node.lineno}"
