"""Any answers of the vendor, evening after evening: each can be recovered from the history."""

from collections import Counter

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from assets_tests.market.histories import DAY, evening, split, splits
from pipeline.contracts.reference import SPLITS
from pipeline.market.securities.reference import applicable_splits, as_known, merged, with_split_doubts

STATEMENT = st.builds(
    split,
    ticker=st.sampled_from("XY"),
    new=st.sampled_from([None, 0.0, 2.0, 3.0, 4.0]),
    old=st.sampled_from([1.0, 2.0]),
    id=st.sampled_from([None, "1", "2"]),
    execution_date=st.sampled_from([None, DAY]),
)
ANSWERS = st.lists(st.lists(STATEMENT, max_size=6), min_size=1, max_size=6)


def replayed(answers):
    known = SPLITS.empty()
    for number, answer in enumerate(answers):
        known = with_split_doubts(merged(known, splits(*answer), evening(number)))
    return SPLITS.enforce(known)


def as_set(rows):
    """Return the statements without their repetitions, computed in another way."""
    return {tuple(row[name] for name in sorted(row)) for row in rows}


@given(ANSWERS)
def test_each_state_is_the_vendor_s_answer_of_then(answers):
    history = replayed(answers)
    for number, answer in enumerate(answers):
        statements = as_known(history, evening(number)).select(splits().columns)
        assert len(statements) == len(as_set(answer))
        assert as_set(statements.to_dicts()) == as_set(answer)
    assert as_known(history).equals(as_known(history, evening(len(answers))))


@given(ANSWERS)
def test_the_same_answer_again_only_moves_the_moment_last_seen(answers):
    once, twice = replayed(answers), replayed([*answers, answers[-1]])
    key = [*splits().columns, "first_seen_at"]
    moved = pl.when(pl.col("withdrawn_at").is_null()).then(pl.lit(evening(len(answers)))).otherwise("last_seen_at")
    assert twice.sort(key).equals(once.with_columns(last_seen_at=moved).sort(key).cast(twice.schema))


@given(ANSWERS)
def test_nothing_is_ever_lost_and_the_order_of_an_answer_decides_nothing(answers):
    key = [*splits().columns, "first_seen_at"]
    history = replayed(answers).sort(key)
    assert history.equals(replayed([answer[::-1] for answer in answers]).sort(key))
    statements = set().union(*map(as_set, answers))
    assert as_set(history.select(splits().columns).to_dicts()) == statements


@given(ANSWERS)
def test_a_split_is_applied_when_every_sound_one_of_its_day_has_its_ratio(answers):
    history = replayed(answers)
    for number, answer in enumerate(answers):
        sound = [row for row in answer if row["execution_date"] and row["split_to"]]
        ratios = {ticker: {r["split_to"] / r["split_from"] for r in sound if r["ticker"] == ticker} for ticker in "XY"}
        expected = {ticker: found.pop() for ticker, found in ratios.items() if len(found) == 1}
        applied = applicable_splits(history, evening(number))
        assert {row["ticker"]: row["split_to"] / row["split_from"] for row in applied.to_dicts()} == expected
        assert Counter(applied["ticker"].to_list()).total() == len(expected)
