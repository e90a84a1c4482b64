"""All definitions, as text to read and compare. Run as a module, it writes the snapshot again."""

import json
import os
from pathlib import Path
from typing import Any

from dagster import AssetKey, Definitions, SensorDefinition

PROJECT = Path(__file__).parents[1]
SNAPSHOT = Path(__file__).with_name("definitions.json")
RENEW = "python -m assets_tests.definitions_snapshot"
"""The command that writes the snapshot."""


def described(definitions: Definitions) -> dict[str, Any]:
    """Return assets with their checks, jobs, schedules, sensors and resources, in words and lists only."""
    repository = definitions.get_repository_def()
    jobs = [job for job in repository.get_all_jobs() if not job.name.startswith("__")]
    return {
        "assets": {
            key.to_user_string(): asset_in_words(definitions, key)
            for key in sorted(definitions.resolve_asset_graph().get_all_asset_keys())
        },
        "jobs": {job.name: in_words(job.asset_layer.executable_asset_keys) for job in sorted(jobs, key=by_name)},
        "schedules": {
            one.name: f"{one.job_name} at {one.cron_schedule} {one.execution_timezone}"
            for one in sorted(repository.schedule_defs, key=by_name)
        },
        "sensors": {
            one.name: f"{jobs_of(one)} every {one.minimum_interval_seconds} seconds"
            for one in sorted(repository.sensor_defs, key=by_name)
        },
        "resources": sorted(repository.get_top_level_resources()),
    }


def in_text(description: dict[str, Any]) -> str:
    """Return what `described` returns as the snapshot has it, a line for each word that may change."""
    return json.dumps(description, indent=1) + "\n"


def asset_in_words(definitions: Definitions, key: AssetKey) -> dict[str, Any]:
    graph = definitions.resolve_asset_graph()
    asset = graph.get(key)
    schema = asset.metadata.get("dagster/column_schema")
    policy = asset.backfill_policy
    checks = sorted(graph.get_check_keys_for_assets({key}), key=by_name)
    return {
        "group": asset.group_name,
        "kinds": ", ".join(sorted(asset.kinds)),
        "deps": in_words(asset.parent_keys),
        "code_version": asset.code_version,
        "partitioned_by_session": asset.is_partitioned,
        "range_in_one_run": policy is not None and policy.max_partitions_per_run is None,
        "columns": ", ".join(column.name for column in schema.columns) if schema else None,
        "checks": {check.name: "blocking" if graph.get(check).blocking else "told" for check in checks},
    }


def jobs_of(sensor: SensorDefinition) -> str:
    return ", ".join(job.name for job in sensor.jobs)


def in_words(keys: Any) -> list[str]:
    return sorted(key.to_user_string() for key in keys)


def by_name(definition: Any) -> str:
    return definition.name


if __name__ == "__main__":
    os.chdir("/")  # away from a `.env`
    from pipeline.definitions import defs

    SNAPSHOT.write_text(in_text(described(defs)))
