"""The data of a ticker page's chart: numbers and dates only, no foreign text."""

from datetime import date
from typing import Any

from pipeline.reports.ticker_page import CHARTED, TickerPage

NINTH = 9
"""The count at which a TD setup is complete."""


def chart_data(page: TickerPage) -> dict[str, Any]:
    """Return the chart's data as JSON values: columns by bar, and the positions of marks among the bars.

    A number that is missing is None. Trades and listings of a session without a bar are left to the page's tables.
    """
    sessions = page.bars["session"].to_list()
    place = {session: at for at, session in enumerate(sessions)}
    counts = enumerate(page.bars["td_setup"])
    return {
        "sessions": [session.isoformat() for session in sessions],
        "columns": {name: page.bars[name].to_list() for name in CHARTED},
        "listed": [place[session] for session in page.listed_on if session in place],
        "setups": [[at, 1 if count > 0 else -1] for at, count in counts if count is not None and abs(count) == NINTH],
        "trades": [[place[trade.session], trade.side, trade.price] for trade in page.trades if trade.session in place],
        "splits": [
            [_opening(split.session, sessions), split.split_from, split.split_to]
            for split in page.splits or ()
            if sessions and sessions[0] < split.session <= sessions[-1]
        ],
        "support": page.latest.get("support"),
        "resistance": page.latest.get("resistance"),
    }


def _opening(day: date, sessions: list[date]) -> float:
    """Return the position between bars at which `day` opens."""
    return next(at for at, session in enumerate(sessions) if session >= day) - 0.5
