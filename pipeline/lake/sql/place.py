"""Where a lake lies, as a child is told of it, and what it must reach to read it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from pipeline.errors import SettingsError
from pipeline.lake.sql.sandbox.places import readable_places, remote_environment, remote_ports

if TYPE_CHECKING:
    from pipeline.lake.storage.s3_prefix import S3Prefix
    from pipeline.lake.tables import Lake


def told_place(lake: Lake | Path | S3Prefix | str) -> dict[str, str]:
    """Return where a lake lies in words for the child. For a lake on S3 they hold its secret.

    Raises SettingsError when it is an address without credentials.
    """
    # Told apart without importing what reads tables: that is the child's work.
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


def place_from(told: dict[str, str]) -> Path | S3Prefix:
    """Return the place that `told_place` put into words."""
    if "folder" in told:
        return Path(told["folder"])
    from pydantic import SecretStr  # noqa: PLC0415 (not needed for a lake in a folder)

    from pipeline.lake.storage.s3_prefix import S3Prefix  # noqa: PLC0415

    return S3Prefix(**{**told, "secret": SecretStr(told["secret"])})  # type: ignore[arg-type]


def reach(told: dict[str, str]) -> dict[str, Any]:
    """Return what a child needs to read a lake: files, ports and variables, as parts of its setup."""
    if "folder" in told:
        return {"readable": readable_places(told["folder"])}
    return {
        "readable": readable_places(None),
        "ports": remote_ports(told["endpoint"]),
        "environment": remote_environment(),
    }
