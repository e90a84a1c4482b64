from pathlib import Path

import pytest

from assets_tests.examples import first_quick
from assets_tests.lake.conftest import JAN_2, JAN_3, JAN_4, PRICES, prices, stored_closes
from pipeline.errors import SettingsError
from pipeline.lake.delta.maintenance import compact
from pipeline.lake.lake import Lake
from pipeline.lake.sql import connect


def test_a_lake_may_lie_in_a_folder_with_a_quote(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "user's")
    lake.replace(PRICES, [JAN_2], [prices(JAN_2, A=1.0)], run_id="r")
    lake.replace(PRICES, [JAN_2], [prices(JAN_2, A=2.0)], run_id="r")
    assert stored_closes(lake) == {(JAN_2, "A"): 2.0}
    assert connect(lake).sql("SELECT close FROM stocks.prices").rows() == [(2.0,)]


@pytest.mark.thorough
@pytest.mark.parametrize("name", first_quick(["My Documents", "données", "a+b#c?"]))
def test_a_lake_may_lie_in_a_folder_whose_name_an_address_escapes(tmp_path: Path, name: str) -> None:
    lake = Lake(tmp_path / name)
    lake.replace(PRICES, [JAN_2], [prices(JAN_2, A=1.0)], run_id="r")
    lake.replace(PRICES, [JAN_2, JAN_3], [prices(JAN_2, A=2.0), prices(JAN_3, A=3.0)], run_id="r")
    lake.replace(PRICES, [JAN_4], [prices(JAN_4, A=4.0)], run_id="r")
    expected = {(JAN_2, "A"): 2.0, (JAN_3, "A"): 3.0, (JAN_4, "A"): 4.0}
    assert stored_closes(lake) == expected
    assert connect(lake).sql("SELECT sum(close) FROM stocks.prices").rows() == [(9.0,)]
    assert [month.rows for month in compact(lake, PRICES, run_id="r")] == [3]
    assert stored_closes(lake) == expected


def test_a_folder_with_a_percent_sign_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="CANDLELAKE_HOME"):
        Lake(tmp_path / "50%20")
