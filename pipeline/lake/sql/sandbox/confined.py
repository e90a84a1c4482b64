"""A child together with its folder of temporary files: both exist, or neither."""

import os
import sys
from typing import Any

from pipeline.lake.sql.sandbox.places import module_folders
from pipeline.lake.sql.sandbox.process import Child
from pipeline.lake.sql.sandbox.spill import Spill
from pipeline.lake.sql.sandbox.terms import Limits, Setup, Walls


class Confined:
    """A running child. `end` may be called at any time and repeatedly."""

    def __init__(self, place: dict[str, str], reach: dict[str, Any], limits: Limits, walls: Walls) -> None:
        self.spill = Spill()
        self._process = os.getpid()
        try:
            self.child = Child(
                Setup(
                    place=place,
                    spill=str(self.spill.folder),
                    modules=module_folders(),
                    parent=self._process,
                    may_compile=not sys.dont_write_bytecode,
                    limits=limits,
                    walls=walls,
                    **reach,
                )
            )
        except BaseException:
            self.spill.remove()
            raise

    @property
    def is_usable(self) -> bool:
        """Return whether the child runs and belongs to this process: after a fork it belongs to the parent."""
        return self._process == os.getpid() and self.child.is_alive

    def end(self) -> None:
        """End the child at once and remove its temporary files."""
        if self._process == os.getpid():
            self.child.end()
            self.spill.remove()
