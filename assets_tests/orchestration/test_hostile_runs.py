"""The input of a run is data: a key that is no session, or unknown configuration, starts nothing."""

import pytest
from dagster import DagsterInvalidConfigError, DagsterUnknownPartitionError

from assets_tests.dagster_runs import instance
from pipeline.definitions import build_definitions
from pipeline.settings import Settings

FRI = "2024-01-05"


@pytest.fixture(scope="module")
def daily(tmp_path_factory):
    settings = Settings(home=tmp_path_factory.mktemp("hostile"), start=FRI, end="2024-01-08")
    return build_definitions(settings).resolve_job_def("stocks_by_day")


@pytest.mark.parametrize("key", ["2024-01-06", "../../etc", "2024-01-05'; DROP TABLE runs --", "{{ 7*7 }}"])
def test_a_key_that_is_no_session_starts_nothing(daily, key):
    with instance() as dagster:
        with pytest.raises(DagsterUnknownPartitionError):
            daily.execute_in_process(instance=dagster, partition_key=key)
        assert dagster.get_runs() == []


@pytest.mark.parametrize(
    "config",
    [
        {"resources": {"elsewhere": {"config": {}}}},
        {"resources": {"duckdb_catalog": {"config": {"database": "/elsewhere.duckdb"}}}},
        {"ops": {"stocks__indicators": {"config": {"ticker": "A"}}}},
        {"ops": {"../..": {}}},
    ],
)
def test_configuration_that_there_is_not_starts_nothing(daily, config):
    with instance() as dagster:
        with pytest.raises(DagsterInvalidConfigError):
            daily.execute_in_process(instance=dagster, partition_key=FRI, run_config=config)
        assert dagster.get_runs() == []
