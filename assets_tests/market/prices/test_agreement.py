from datetime import date

import polars as pl

from pipeline.contracts.aggregates import AGGREGATES
from pipeline.market.prices.agreement import split_disagreements

THU, FRI, MON, LATER = (date(2024, 1, day) for day in (4, 5, 8, 19))


def aggregates(*rows):
    """Return bars as (ticker, session, basis, price, volume, fetched_on)."""
    names = ("ticker", "session", "basis", "price", "volume", "fetched_on")
    bars = [dict(zip(names, row, strict=True)) for row in rows]
    prices = [dict.fromkeys(("open", "high", "low", "close"), bar.pop("price")) | {"transactions": 1} for bar in bars]
    return pl.DataFrame([bar | of for bar, of in zip(bars, prices, strict=True)], schema=AGGREGATES.columns)


def splits(*rows):
    columns = {"ticker": pl.String, "execution_date": pl.Date, "split_from": pl.Float64, "split_to": pl.Float64}
    return pl.DataFrame(rows, schema=columns, orient="row")


def found(rows, *known):
    return split_disagreements(aggregates(*rows), splits(*known)).select("ticker", "session").rows()


HALVED = [("A", FRI, "none", 30.0, 100.0, LATER), ("A", FRI, "split", 15.0, 200.0, LATER)]


def test_a_split_that_both_know_agrees():
    assert found(HALVED, ("A", MON, 1, 2)) == []


def test_a_split_that_one_does_not_know_is_found_with_both_numbers():
    rows = split_disagreements(aggregates(*HALVED), splits()).rows()
    assert rows == [("A", FRI, 30.0, 15.0, 100.0, 200.0)]


def test_the_vendor_s_rounding_is_no_disagreement_and_a_cent_is_one():
    thirds = [("A", FRI, "none", 10.0, 100.0, LATER), ("A", FRI, "split", 3.3333, 300.0, LATER)]
    assert found(thirds, ("A", MON, 1, 3)) == []
    off = [("A", FRI, "none", 10.0, 100.0, LATER), ("A", FRI, "split", 3.34, 300.0, LATER)]
    assert found(off, ("A", MON, 1, 3)) == [("A", FRI)]


def test_a_volume_in_old_shares_is_found():
    assert found([HALVED[0], ("A", FRI, "split", 15.0, 100.0, LATER)], ("A", MON, 1, 2)) == [("A", FRI)]


def test_a_bar_on_one_basis_only_is_found():
    assert found(HALVED[:1]) == [("A", FRI)]
    assert found(HALVED[1:]) == [("A", FRI)]


def test_each_row_is_adjusted_to_the_day_it_was_fetched_on():
    before_the_split = [("A", THU, "none", 30.0, 100.0, FRI), ("A", THU, "split", 30.0, 100.0, FRI)]
    assert found([*before_the_split, *HALVED], ("A", MON, 1, 2)) == []


def test_no_aggregates_agree():
    assert found([]) == []
