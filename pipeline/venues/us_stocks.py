"""US stocks: the sessions of the New York Stock Exchange, in which all exchanges of the country trade."""

from datetime import date, time
from zoneinfo import ZoneInfo

from pipeline.venues.venue import Hours, Venue
from pipeline.venues.xnys import CLOSED_WEEKDAYS, EARLY_CLOSES

US_STOCKS = Venue(
    name="US stocks",
    market="stocks",
    city="New York",
    zone=ZoneInfo("America/New_York"),
    closures=CLOSED_WEEKDAYS,
    hours=Hours(
        first=time(4),
        last=time(20),
        regular=((time(9, 30), time(16)),),
        early_close=time(13),
        early_closes=EARLY_CLOSES,
    ),
    currency="USD",
    # The vendor's history begins on it.
    first_session=date(2003, 9, 10),
)
