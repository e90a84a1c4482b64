"""A market: a venue, what is declared for it, and the tables that follow from both. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property

from pipeline.contracts.bars import daily_bars
from pipeline.contracts.candidates import candidates
from pipeline.contracts.deliveries import deliveries
from pipeline.contracts.indicators import indicators_table
from pipeline.contracts.price_doubts import price_doubts_table
from pipeline.contracts.quarantine import quarantine
from pipeline.contracts.table import Table
from pipeline.market.declarations import Declarations
from pipeline.market.portfolio.sell.rule import Rule
from pipeline.market.screen.model import Model
from pipeline.venues.calendar import Calendar
from pipeline.venues.venue import Venue


@dataclass(frozen=True, eq=False)
class Market:
    """A venue with the indicators, models and rules in force there, and its tables by day."""

    venue: Venue
    declarations: Declarations

    @property
    def calendar(self) -> Calendar:
        """Return the venue's sessions."""
        return self.venue.calendar

    @property
    def lookback(self) -> int:
        """Return how many sessions the window of a bar has, its own included."""
        return self.declarations.lookback

    @property
    def models(self) -> tuple[Model, ...]:
        """Return the models that rank each session."""
        return self.declarations.models

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Return the rules that say when to sell."""
        return self.declarations.rules

    @property
    def bars(self) -> Table:
        """Return the table of daily bars."""
        return daily_bars(self.venue)

    @property
    def quarantine(self) -> Table:
        """Return the table of rejected rows."""
        return quarantine(self.venue)

    @property
    def deliveries(self) -> Table:
        """Return the audit trail."""
        return deliveries(self.venue)

    @cached_property
    def indicators(self) -> Table:
        """Return the table of indicators: its columns are declared."""
        return indicators_table(self.venue, self.declarations.columns)

    @property
    def candidates(self) -> Table:
        """Return the table of ranked lists."""
        return candidates(self.venue)

    @property
    def price_doubts(self) -> Table:
        """Return the table of doubts about prices."""
        return price_doubts_table(self.venue)

    @property
    def by_day(self) -> tuple[Table, ...]:
        """Return the tables that the daily job writes for each session, in the order of the journey."""
        return (self.bars, self.quarantine, self.deliveries, self.indicators, self.price_doubts, self.candidates)

    def owns(self, table: Table) -> bool:
        """Return whether a table is about the securities of this venue, such as its splits or the positions in it."""
        return table.venue is self.venue

    def window(self, sessions: Sequence[date]) -> tuple[date, ...]:
        """Return `sessions`, in order, and the sessions of their look-back."""
        return self.calendar.between(self.calendar.offset(sessions[0], 1 - self.lookback), sessions[-1])


@cache
def market_of(venue: Venue, declarations: Declarations) -> Market:
    """Return the market of a venue with these declarations: one value for each pair, with one value of each table."""
    return Market(venue, declarations)
