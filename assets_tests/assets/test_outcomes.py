"""The job `outcomes` over a small lake: lists of six tickers, drawn up for real from indicators and models made up."""

from collections.abc import Sequence
from datetime import date

import polars as pl
import pytest
from dagster import AssetKey, DagsterInstance, ExecuteInProcessResult
from polars.testing import assert_frame_equal

from assets_tests.dagster_runs import QUIET, failure_of, instance, rows, span_tags
from assets_tests.own_models import OWN, STRONG, rank_by
from assets_tests.stocks import INDICATORS_TABLE
from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.candidates import CANDIDATES
from pipeline.contracts.outcomes import CANDIDATE_OUTCOMES, COMPLETE, MODEL_SCORES, RUNNING, SESSION_SCORES
from pipeline.contracts.reference import SPLITS
from pipeline.definitions import build_definitions
from pipeline.lake.lake import Lake
from pipeline.market.screen.rank import candidates, scores
from pipeline.progress import Progress
from pipeline.settings import Settings
from pipeline.tables import OUTCOME_TABLES
from pipeline.venues.us_stocks import US_STOCKS

SESSIONS = US_STOCKS.calendar.between(date(2024, 1, 2), date(2024, 4, 12))
LISTED = SESSIONS[:5]
TICKERS = [f"T{number}" for number in range(6)]


def bars(sessions: Sequence[date]) -> pl.DataFrame:
    """Return bars of tickers that rise by 0, 1, 2 … USD a session from 100."""
    made = [
        {
            "ticker": ticker,
            "session": session,
            **dict.fromkeys(("open", "high", "low", "close"), 100.0 + rise * SESSIONS.index(session)),
            "volume": 1e6,
            "transactions": 100,
        }
        for session in sessions
        for rise, ticker in enumerate(TICKERS)
    ]
    return pl.DataFrame(made, schema=DAILY_BARS.columns)


def indicators(sessions: Sequence[date]) -> pl.DataFrame:
    """Return indicators by which the tickers rank in the order of their rise, T5 first."""
    unknown = dict.fromkeys(INDICATORS_TABLE.columns)
    made = [
        unknown
        | {"ticker": ticker, "session": session, "return_60": rise / 10, "dollar_volume_20": 1e8, "bars": 300}
        | {"candle_high": 1.0, "candle_low": 1.0, "candle_mid": 1.0, "candle_color": 0, "td_setup": 0}
        for session in sessions
        for rise, ticker in enumerate(TICKERS)
    ]
    return pl.DataFrame(made, schema=INDICATORS_TABLE.columns)


def fill(lake: Lake, stored: Sequence[date] = SESSIONS, listed: Sequence[date] = LISTED) -> None:
    """Fill the lake as the daily job would: bars and indicators of `stored`, lists of `listed`."""
    lake.replace(DAILY_BARS, stored, [bars(stored)], run_id="earlier")
    lake.replace(INDICATORS_TABLE, stored, [indicators(stored)], run_id="earlier")
    day = bars(listed).join(indicators(listed), on=["ticker", "session"])
    lake.replace(CANDIDATES, listed, [candidates(day, OWN)], run_id="earlier")


def look_back(
    settings: Settings,
    sessions: Sequence[date],
    *,
    dagster: DagsterInstance,
    progress: Progress | None = None,
    raises: bool = True,
) -> ExecuteInProcessResult:
    """Run the job `outcomes` for a range, or for one session."""
    job = build_definitions(settings, progress).resolve_job_def("outcomes")
    partitions = {"tags": span_tags(sessions)} if len(sessions) > 1 else {"partition_key": str(sessions[0])}
    return job.execute_in_process(instance=dagster, run_config=QUIET, raise_on_error=raises, **partitions)


def of_strong(table: pl.DataFrame, **where: object) -> pl.DataFrame:
    return table.filter(pl.col("model") == STRONG.name, **where)


@pytest.fixture(scope="module", autouse=True)
def own_models():
    with pytest.MonkeyPatch.context() as patched:
        rank_by(OWN, patched)
        yield


@pytest.fixture(scope="module")
def looked_back(tmp_path_factory):
    """A home with the outcomes of its lists, computed in one range: settings, result and warnings."""
    settings = Settings(home=tmp_path_factory.mktemp("outcomes"))
    fill(Lake(settings.lake))
    progress = Progress()
    with instance() as dagster:
        yield settings, look_back(settings, SESSIONS[:10], dagster=dagster, progress=progress), progress.warnings


def test_every_candidate_has_the_outcome_worked_out_by_hand(looked_back):
    settings, _, _ = looked_back
    listed = rows(settings, CANDIDATES).select("model", "session", "ticker")
    found = rows(settings, CANDIDATE_OUTCOMES)
    assert_frame_equal(found.select(listed.columns), listed, check_row_order=False)
    best = of_strong(found, session=SESSIONS[2], ticker="T5").row(0, named=True)
    # Bought at 100 + 5 × 3; T2 and T3, the middle of the market, at 106 and 109.
    assert (best["rank"], best["entry_session"], best["entry_open"]) == (1, SESSIONS[3], 115.0)
    assert best["return_5"] == pytest.approx(5 * 4 / 115)
    assert best["universe_5"] == pytest.approx((2 * 4 / 106 + 3 * 4 / 109) / 2)
    assert best["return_60"] == pytest.approx(5 * 59 / 115)
    assert (best["worst_60"], best["best_60"]) == (0.0, best["return_60"])
    assert (best["last_session"], best["fate"]) == (SESSIONS[62], COMPLETE)


def test_every_list_is_scored_over_each_horizon(looked_back):
    settings, _, _ = looked_back
    found = of_strong(rows(settings, SESSION_SCORES))
    assert found.select("session", "horizon").rows() == [(s, h) for s in LISTED for h in (1, 5, 20, 60)]
    # The rank by return is the rank by score; a flat session, open to close, has no outcome.
    assert found.filter(horizon=5)["ic"].to_list() == [1.0] * 5
    assert found.filter(horizon=1)["ic"].to_list() == [None] * 5
    assert found["turnover"].to_list() == [None] * 4 + [0.0] * 16
    assert set(found["ranked"]) == {6}


def test_the_sql_catalog_comes_last_and_names_the_tables_made_on_the_way(looked_back):
    _, result, _ = looked_back
    *_, catalog = result.get_asset_materialization_events()
    assert catalog.asset_key == AssetKey(["operations", "sql_catalog"])
    assert {table.sql_name for table in OUTCOME_TABLES} <= set(catalog.materialization.metadata)


def test_models_are_scored_by_month(looked_back):
    settings, _, _ = looked_back
    found = of_strong(rows(settings, MODEL_SCORES))
    assert found.select("month", "horizon", "sessions", "candidates").rows() == [
        ("2024-01", h, 5, 30) for h in (1, 5, 20, 60)
    ]
    # T3, T4 and T5 of six are above the median, always.
    assert found["hit_rate"].to_list() == [0.0, 0.5, 0.5, 0.5]


def test_a_list_is_scored_as_it_was_ranked(looked_back):
    settings, _, _ = looked_back
    day = bars(LISTED).join(indicators(LISTED), on=["ticker", "session"])
    key = ["model", "model_version", "session", "ticker", "score"]
    scored, listed = scores(day, OWN).select(key), rows(settings, CANDIDATES).select(key)
    assert_frame_equal(listed.join(scored, on=key), listed, check_exact=True, check_row_order=False)


def test_a_range_is_one_commit_a_table_with_a_record_of_what_it_was_made_from(looked_back):
    settings, result, _ = looked_back
    lake = Lake(settings.lake)
    for table in OUTCOME_TABLES:
        newest = lake.history(f"{table.market}/{table.name}").row(0, named=True)
        assert (newest["version"], newest["run_id"]) == (1, result.run_id)
    read = lake.history("stocks/session_scores")["read"][0]
    assert {"stocks.candidates", "stocks.daily_bars", "reference.splits"} <= {one["table"] for one in read}


def test_the_stored_rows_keep_their_contracts(looked_back):
    _, result, _ = looked_back
    checks = {one.asset_key.path[-1]: one.passed for one in result.get_asset_check_evaluations()}
    assert checks == dict.fromkeys((table.name for table in OUTCOME_TABLES), True)


def test_reference_data_that_was_never_fetched_is_reported(looked_back):
    _, _, warnings = looked_back
    assert [warning.split()[0] for warning in warnings] == ["reference.splits", "reference.dividends"]


@pytest.mark.thorough
def test_a_session_alone_gives_what_a_range_gives(looked_back, tmp_path):
    in_range, _, _ = looked_back
    alone = Settings(home=tmp_path)
    fill(Lake(alone.lake))
    with instance() as dagster:
        for session in (SESSIONS[3], SESSIONS[2]):
            look_back(alone, [session], dagster=dagster)
    for table in (CANDIDATE_OUTCOMES, SESSION_SCORES):
        expected = rows(in_range, table).filter(pl.col("session").is_between(SESSIONS[2], SESSIONS[3]))
        assert_frame_equal(rows(alone, table), expected, check_exact=True)
    assert of_strong(rows(alone, MODEL_SCORES))["sessions"].to_list() == [2] * 4


@pytest.mark.thorough
def test_another_run_has_what_became_known_since(tmp_path):
    settings = Settings(home=tmp_path)
    lake = Lake(settings.lake)
    fill(lake, stored=SESSIONS[:8])
    with instance() as dagster:
        look_back(settings, LISTED, dagster=dagster)
        first = of_strong(rows(settings, CANDIDATE_OUTCOMES), session=SESSIONS[1], ticker="T5").row(0, named=True)
        assert (first["return_5"], first["return_20"], first["fate"]) == (pytest.approx(5 * 4 / 110), None, RUNNING)
        fill(lake)
        look_back(settings, LISTED, dagster=dagster)
    second = of_strong(rows(settings, CANDIDATE_OUTCOMES), session=SESSIONS[1], ticker="T5").row(0, named=True)
    assert (second["return_20"], second["fate"]) == (pytest.approx(5 * 19 / 110), COMPLETE)


@pytest.mark.thorough
def test_a_split_that_became_known_is_worked_in(tmp_path):
    settings = Settings(home=tmp_path)
    lake = Lake(settings.lake)
    fill(lake)
    split = {"ticker": "T0", "execution_date": SESSIONS[4], "split_from": 1.0, "split_to": 2.0}
    moment = pl.lit("2024-01-09").str.to_datetime("%Y-%m-%d", time_zone="UTC", time_unit="us")
    known = pl.DataFrame([dict.fromkeys(SPLITS.columns) | split], schema=SPLITS.columns)
    lake.refresh(SPLITS, known.with_columns(first_seen_at=moment, last_seen_at=moment), run_id="earlier")
    with instance() as dagster:
        look_back(settings, [SESSIONS[1]], dagster=dagster)
    flat = of_strong(rows(settings, CANDIDATE_OUTCOMES), ticker="T0").row(0, named=True)
    # The price did not halve, so that what was bought doubled.
    assert (flat["return_1"], flat["return_5"]) == (0.0, pytest.approx(1.0))


@pytest.mark.thorough
def test_sessions_without_candidates_have_no_outcomes(tmp_path):
    settings = Settings(home=tmp_path)
    fill(Lake(settings.lake), stored=SESSIONS[:3], listed=SESSIONS[:1])
    with instance() as dagster:
        result = look_back(settings, SESSIONS[1:3], dagster=dagster)
        expected = {str(session) for session in SESSIONS[1:3]}
        assert dagster.get_materialized_partitions(AssetKey(["stocks", "candidate_outcomes"])) == expected
    assert result.success
    assert [rows(settings, table).height for table in OUTCOME_TABLES] == [0, 0, 0]


@pytest.mark.thorough
def test_lists_of_another_version_are_reported_and_compared_with_nothing(tmp_path):
    settings = Settings(home=tmp_path)
    lake = Lake(settings.lake)
    fill(lake)
    old = lake.scan(CANDIDATES).with_columns(pl.col("model_version") + 1).collect()
    lake.replace(CANDIDATES, LISTED, [old], run_id="earlier")
    progress = Progress()
    with instance() as dagster:
        look_back(settings, LISTED, dagster=dagster, progress=progress)
    assert (
        "Lists of strong version 4 are compared with no universe: the model is version 3 now." in progress.warnings[-1]
    )
    found = rows(settings, CANDIDATE_OUTCOMES)
    assert found["return_5"].null_count() == 0
    assert found["excess_5"].null_count() == found.height


def test_a_lake_without_bars_is_refused_with_the_remedy(tmp_path):
    with instance() as dagster:
        result = look_back(Settings(home=tmp_path), LISTED, dagster=dagster, raises=False)
        assert not result.success
        assert "stocks.daily_bars does not exist" in failure_of(result)
