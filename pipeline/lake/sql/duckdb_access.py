"""Gives a DuckDB connection access to a lake: extensions from installed packages, and the secret for S3."""

from pathlib import Path
from types import ModuleType

import duckdb
import duckdb_extension_delta
import duckdb_extension_httpfs

from pipeline.errors import QueryError
from pipeline.lake.lake import Lake
from pipeline.lake.sql.delta_scan import text
from pipeline.lake.storage.s3_prefix import S3Prefix
from pipeline.lake.storage.store import S3Store

ACCESS = "candlelake_lake"
"""Name of the DuckDB secret for a lake on S3."""


def give_access(connection: duckdb.DuckDBPyConnection, lake: Lake) -> None:
    """Let `connection` read the tables of `lake`; this uses no network yet.

    For a lake on S3 the connection gets a temporary secret for that prefix only; nothing is stored.
    Raises QueryError when the installed extensions were not built for the installed DuckDB.
    """
    load_delta(connection)
    if isinstance(lake.store, S3Store):
        _load(connection, duckdb_extension_httpfs, "httpfs")
        connection.execute(_secret(lake.store.place))


def load_delta(connection: duckdb.DuckDBPyConnection) -> None:
    """Let `connection` read Delta tables in a folder. Raises as `give_access` does."""
    _load(connection, duckdb_extension_delta, "delta")


def _load(connection: duckdb.DuckDBPyConnection, package: ModuleType, name: str) -> None:
    builds = Path(str(package.__file__)).parent / "extensions"
    extension = builds / f"v{duckdb.__version__}" / f"{name}.duckdb_extension"
    if not extension.exists():
        raise QueryError(
            f"DuckDB {duckdb.__version__} needs its own build of the {name} extension, {extension} is not there.",
            remedy=f"Install duckdb-extension-{name}=={duckdb.__version__}.",
        )
    connection.load_extension(str(extension))


def _secret(place: S3Prefix) -> str:
    options = {
        "KEY_ID": place.key_id,
        "SECRET": place.secret.get_secret_value(),
        "ENDPOINT": place.host,
        "REGION": place.region,
        "URL_STYLE": "path",
        "SCOPE": f"{place}/",
    }
    option_list = ", ".join(f"{name} {text(value)}" for name, value in options.items())
    return f"CREATE OR REPLACE TEMPORARY SECRET {ACCESS} (TYPE s3, {option_list}, USE_SSL {place.is_encrypted})"
