"""No pickle is read, from the lake or from elsewhere: reading one runs the code in it."""

import ast
import pickle
from datetime import date
from pathlib import Path

import pytest

import pipeline
from assets_tests.dagster_runs import SIGNALS, TO_BARS, run
from assets_tests.syntax import nodes
from assets_tests.vendor_day import VendorFolder, row
from pipeline.definitions import defs
from pipeline.lake.sql import connect
from pipeline.orchestration.instance import open_instance
from pipeline.orchestration.lake_reader import LakeReader

FRI = date(2024, 1, 5)
LOADERS = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}


class Trap:
    """Leaves a file when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self._mark = mark

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self._mark,)


def test_a_planted_pickle_is_never_loaded(tmp_path: Path) -> None:
    mark, vendor = tmp_path / "sprung", VendorFolder(tmp_path)
    vendor.lay(FRI, row(FRI, "NA"))
    settings = vendor.settings()
    trap = pickle.dumps(Trap(mark))
    with open_instance(settings.home) as dagster:
        run(settings, [FRI], instance=dagster, only=TO_BARS)
        tables = [path for path in settings.lake.glob("stocks/*") if path.is_dir()]
        for folder in [*tables, settings.home / "dagster" / "storage"]:
            # Where Dagster's own IO manager keeps what assets return, and where a reader might look.
            for name in ("daily_bars", str(FRI), "result", "data.pickle", "_delta_log/00000000000000000009.pkl"):
                if not (folder / name).exists():
                    (folder / name).parent.mkdir(parents=True, exist_ok=True)
                    (folder / name).write_bytes(trap)
        run(settings, [FRI], instance=dagster, only=[*TO_BARS, *SIGNALS], raises=False)
    assert connect(settings.lake).sql("SELECT count(*) FROM stocks.daily_bars").item() == 1
    assert not mark.exists()
    pickle.loads(trap)  # noqa: S301 (our own)
    assert mark.exists(), "the trap would have sprung"


def test_no_asset_uses_dagster_s_own_io_manager() -> None:
    assert isinstance(defs.resources["io_manager"], LakeReader)
    managers = {
        output.io_manager_key
        for assets in defs.resolve_asset_graph().assets_defs
        if assets.is_executable
        for output in assets.op.output_defs
    }
    assert managers == {"io_manager"}


@pytest.mark.parametrize("module", sorted(Path(pipeline.__file__).parent.rglob("*.py")), ids=lambda path: path.stem)
def test_no_module_of_ours_loads_a_pickle(module: Path) -> None:
    imported = set()
    for node in nodes(module):
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            imported.add(node.module.split(".")[0])
        assert not (isinstance(node, ast.keyword) and node.arg == "allow_pickle")
    if module.name == "values.py":  # it writes a pickle to hash it, and reads none
        assert "pickle.load" not in module.read_text()
        return
    assert not imported & LOADERS
