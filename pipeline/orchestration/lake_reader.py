"""Loads the inputs of an asset lazily from the lake: the sessions of its partition mapping, or all rows.

Assets write with `Lake.replace` themselves, since a range is one commit with numbers for each of its sessions.
"""

from collections.abc import Iterable
from datetime import date
from typing import NoReturn

from dagster import InputContext, IOManager, OutputContext

from pipeline.contracts.table import Table
from pipeline.lake.delta.commits import Reading
from pipeline.lake.lake import Lake
from pipeline.orchestration.table_metadata import asset_key


class LakeReader(IOManager):
    """Loads an asset as the rows of its table, as they are in the lake when the step starts."""

    def __init__(self, lake: Lake, tables: Iterable[Table]) -> None:
        self._lake = lake
        self._tables = {asset_key(table): table for table in tables}

    def load_input(self, context: InputContext) -> Reading:
        """Return the rows of the requested sessions, or all rows of a table that is refreshed whole, and their version.

        Raises TableMissing when a table by session was never written; a table refreshed whole has no rows then.
        """
        table = self._tables[context.asset_key]
        if table.session is None:
            return self._lake.read(table)
        keys = context.asset_partition_key_range
        return self._lake.read(table, date.fromisoformat(keys.start), date.fromisoformat(keys.end))

    def handle_output(self, context: OutputContext, obj: object) -> NoReturn:
        """Refuse: an asset must give its rows to the lake, not to Dagster."""
        raise NotImplementedError(
            f"{context.asset_key.to_user_string()} must write its rows with Lake.replace or refresh."
        )
