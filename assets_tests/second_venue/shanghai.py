"""Shanghai as a venue: a lunch break, a calendar and zone of its own, CNY, and day files with other column names."""

from datetime import date, time
from zoneinfo import ZoneInfo

from pipeline.contracts.delivered import FileFormat
from pipeline.sources.massive.day_aggs import cleaning_of
from pipeline.venues.venue import Hours, Venue

SHANGHAI = Venue(
    name="Shanghai stocks",
    market="shanghai",
    city="Shanghai",
    zone=ZoneInfo("Asia/Shanghai"),
    # Two years, as the exchange announced them.
    closures={
        2023: "01-02 01-23 01-24 01-25 01-26 01-27 04-05 05-01 05-02 05-03 06-22 06-23 09-29 10-02 10-03 10-04 "
        "10-05 10-06",
        2024: "01-01 02-09 02-12 02-13 02-14 02-15 02-16 04-04 04-05 05-01 05-02 05-03 06-10 09-16 09-17 10-01 10-02 "
        "10-03 10-04 10-07",
    },
    hours=Hours(first=time(9, 15), last=time(15), regular=((time(9, 30), time(11, 30)), (time(13), time(15)))),
    currency="CNY",
    first_session=date(2023, 1, 3),
)

DAY_FILES = "sse/daily"
"""The dataset: one CSV a session, as `sse/daily/2024/01/2024-01-05.csv.gz`."""

FORMAT = FileFormat(
    names={"ticker": "code", "volume": "vol", "open": "open_px", "close": "close_px", "high": "hi", "low": "lo"},
    absent=("window_start", "transactions"),
)

EDITIONS = {DAY_FILES: cleaning_of(SHANGHAI, FORMAT)}
