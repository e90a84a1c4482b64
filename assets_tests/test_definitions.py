"""All definitions for Dagster, in a file to read; and the ways in which people load them.

After a change that is meant, renew the file with the command that the test names, and read its diff.
"""

import os
import subprocess
import sys
from difflib import unified_diff
from pathlib import Path

import pytest

from assets_tests.definitions_snapshot import PROJECT, RENEW, SNAPSHOT, described, in_text
from assets_tests.stocks import EVERY_TABLE
from pipeline.definitions import build_definitions, defs
from pipeline.orchestration.instance import dagster_home
from pipeline.orchestration.table_metadata import asset_key
from pipeline.settings import Settings

BIN = Path(sys.executable).parent


def test_the_definitions_are_those_of_the_snapshot():
    kept, found = by_line(SNAPSHOT.read_text()), by_line(in_text(described(defs)))
    difference = "\n".join(unified_diff(kept, found, "snapshot", "definitions", lineterm=""))
    assert not difference, f"the definitions changed; if they should, run `{RENEW}`\n{difference}"


def by_line(text: str) -> list[str]:
    """Return the lines of the snapshot, each column of a table on its own."""
    return text.replace(", ", ",\n").splitlines()


DRAWN_KINDS = {"csv", "deltalake", "duckdb", "polars", "report", "s3"}
"""Kinds that the Dagster UI has an icon for, among many more."""

GROUPS = {"raw", "reference", "bars", "signals", "reports", "portfolio", "operations"}

ASSETS = [defs.resolve_asset_graph().get(key) for key in sorted(defs.resolve_asset_graph().get_all_asset_keys())]


@pytest.mark.parametrize("asset", ASSETS, ids=lambda asset: asset.key.to_user_string())
def test_every_asset_has_a_description_kinds_a_group_and_owners(asset):
    assert asset.description[0].isupper()
    assert asset.description.endswith(".")
    assert asset.kinds
    assert asset.kinds <= DRAWN_KINDS
    assert asset.group_name in GROUPS
    assert asset.owners


@pytest.mark.parametrize("table", EVERY_TABLE, ids=lambda table: table.sql_name)
def test_the_ui_shows_every_column_of_every_table_with_its_type_and_meaning(table):
    (asset,) = (one for one in ASSETS if one.key == asset_key(table))
    columns = asset.metadata["dagster/column_schema"].columns
    assert [column.name for column in columns] == list(table.columns)
    assert [column.name for column in columns if not (column.description or "").strip()] == []
    assert [column.type for column in columns if len(column.type) > 20] == []


def test_definitions_can_be_built_over_any_settings_without_touching_a_disk_or_asking_for_credentials(tmp_path):
    build_definitions(Settings(home=tmp_path / "nowhere", flat_files="s3://flatfiles")).resolve_all_job_defs()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.thorough
@pytest.mark.parametrize(
    "command",
    [["dagster", "definitions", "validate"], ["dg", "check", "defs"]],
    ids=" ".join,
)
def test_they_load_from_the_project_folder_with_nothing_set(command, tmp_path):
    # A home of its own keeps the command out of the ./data of the person who runs the tests.
    environment = {"CANDLELAKE_HOME": str(tmp_path), "DAGSTER_HOME": str(dagster_home(tmp_path))}
    done = subprocess.run(  # noqa: S603 (our own environment's commands)
        [BIN / command[0], *command[1:]],
        cwd=PROJECT,
        env={**os.environ, **environment, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
