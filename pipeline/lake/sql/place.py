"""The place of a lake as a description for the child, and what the child must reach to read it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from pipeline.errors import SettingsError
from pipeline.lake.sql.sandbox.places import readable_places, remote_environment, remote_ports

if TYPE_CHECKING:
    from pipeline.lake.lake import Lake
    from pipeline.lake.storage.s3_prefix import S3Prefix


def place_description(lake: Lake | Path | S3Prefix | str) -> dict[str, str]:
    """Return the description of a lake's place for the child. For a lake on S3 it contains the secret.

    Raises SettingsError when it is an address without credentials.
    """
    # Distinguished without importing the code that reads tables: that is the child's work.
    place: Any = lake
    if hasattr(place, "store"):
        place = getattr(place.store, "place", place.root)
    if isinstance(place, (str, Path)):
        if "://" in str(place):
            raise SettingsError(
                f"{place} needs an endpoint and credentials.", remedy="Give an S3Prefix, a Lake, or a folder's path."
            )
        return {"folder": str(Path(place).expanduser().resolve())}
    prefix = cast("S3Prefix", place)
    return {
        "bucket": prefix.bucket,
        "prefix": prefix.prefix,
        "endpoint": prefix.endpoint,
        "region": prefix.region,
        "key_id": prefix.key_id,
        "secret": prefix.secret.get_secret_value(),
    }


def place_from(description: dict[str, str]) -> Path | S3Prefix:
    """Return the place of a description by `place_description`."""
    if "folder" in description:
        return Path(description["folder"])
    from pydantic import SecretStr  # noqa: PLC0415 (not needed for a lake in a folder)

    from pipeline.lake.storage.s3_prefix import S3Prefix  # noqa: PLC0415

    return S3Prefix(**{**description, "secret": SecretStr(description["secret"])})  # type: ignore[arg-type]


def reach(description: dict[str, str]) -> dict[str, Any]:
    """Return what a child needs to read a lake: files, ports and variables, as parts of its setup."""
    if "folder" in description:
        return {"readable": readable_places(description["folder"])}
    return {
        "readable": readable_places(None),
        "ports": remote_ports(description["endpoint"]),
        "environment": remote_environment(),
    }
