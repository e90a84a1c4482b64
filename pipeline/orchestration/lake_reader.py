"""How an asset gets its inputs: lazily, from the lake, the sessions that its partition mapping names, or all rows.

Assets write by `Lake.replace` themselves, since a range is one commit with numbers for each session in it.
"""

from collections.abc import Iterable
from datetime import date
from typing import NoReturn

from dagster import InputContext, IOManager, OutputContext

from pipeline.contracts.table import Table
from pipeline.lake.delta.commits import Reading
from pipeline.lake.tables import Lake
from pipeline.orchestration.table_metadata import asset_key


class LakeReader(IOManager):
    """Loads an asset as the rows of its table, as the lake holds them when the step starts."""

    def __init__(self, lake: Lake, tables: Iterable[Table]) -> None:
        self._lake = lake
        self._tables = {asset_key(table): table for table in tables}

    def load_input(self, context: InputContext) -> Reading:
        """Return the rows of the sessions asked for, or all of a table that is refreshed whole, and their version.

        Raises TableMissing when sessions were never written; a table refreshed whole has no rows then.
        """
        table = self._tables[context.asset_key]
        if table.session is None:
            return self._lake.read(table)
        keys = context.asset_partition_key_range
        return self._lake.read(table, date.fromisoformat(keys.start), date.fromisoformat(keys.end))

    def handle_output(self, context: OutputContext, obj: object) -> NoReturn:
        """Refuse: an asset that hands its rows to Dagster instead of the lake is a mistake."""
        raise NotImplementedError(
            f"{context.asset_key.to_user_string()} must write its rows by Lake.replace or refresh."
        )
