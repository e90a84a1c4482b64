"""Metadata for many partitions of a run at once.

Dagster 1.13 takes metadata one partition at a time, lists all partitions of the run to check the one, and copies all
earlier metadata: seconds for a range of five years, minutes for twenty. There is no public way around it, so this one
function of the assets uses a private class of Dagster; a test compares what both store.

Without it: seconds more for a run over five years, minutes for twenty.
"""

from collections.abc import Mapping
from typing import Any

from dagster import AssetExecutionContext, AssetKey
from dagster._core.execution.context.metadata_logging import AssetMetadataHandle, OutputMetadataAccumulator


def add_partition_metadata(
    context: AssetExecutionContext, key: AssetKey, by_partition: Mapping[str, Mapping[str, Any]]
) -> None:
    """Attach the metadata to each partition key in `by_partition`, as `context.add_asset_metadata` would one by one.

    Raises ValueError when a key is not a partition of the run.
    """
    foreign = by_partition.keys() - set(context.partition_keys)
    if foreign:
        raise ValueError(f"Not a partition of this run: {', '.join(sorted(foreign))}.")
    step = context.get_step_execution_context()
    before = step._metadata_accumulator.per_output_metadata  # noqa: SLF001
    merged = dict(before)
    for partition, metadata in by_partition.items():
        handle = AssetMetadataHandle(asset_key=key, partition_key=partition)
        merged[handle] = {**before.get(handle, {}), **metadata}
    step._metadata_accumulator = OutputMetadataAccumulator(per_output_metadata=merged)  # noqa: SLF001
