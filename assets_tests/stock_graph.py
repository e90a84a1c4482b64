"""The assets, jobs, schedules and sensors of US stocks, for tests that hold one of them."""

from assets_tests.stocks import STOCKS
from pipeline.definitions import graph_of
from pipeline.orchestration.partitions import session_partitions
from pipeline.orchestration.schedules import schedules_of
from pipeline.orchestration.sensors import sensors_of
from pipeline.sources.port import PUBLICATION
from pipeline.venues.us_stocks import US_STOCKS

STOCK_SESSIONS = session_partitions(US_STOCKS)
GRAPH = graph_of(STOCKS, STOCK_SESSIONS)
SCHEDULES = {schedule.name: schedule for schedule in schedules_of(STOCKS, GRAPH.jobs, PUBLICATION)}
SENSORS = {sensor.name: sensor for sensor in sensors_of(STOCKS, GRAPH.jobs)}
