"""The user's rulings on splits, and what they make of the vendor's history. Pure.

A ruling acts through the rows of `reference/splits` alone: the vendor's row ends at the moment of the ruling, and the
same row with the ruling begins. A split that the vendor does not tell is a row of the user's own, and so is a day
without a split. Whatever reads the splits that hold, or held at a moment, needs to know nothing of rulings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime

import polars as pl

from pipeline.contracts.reference import SPLITS
from pipeline.contracts.split_rulings import ADD, CONFIRM, REJECT, SPLIT_RULINGS, WITH_A_RATIO, WITHDRAW
from pipeline.market.securities.reference import HOLDS, SAME_RATIO, is_users_own

DAY = ["ticker", "execution_date"]
RATIO = ["split_from", "split_to"]

_DUE = "due_ruling"


@dataclass(frozen=True)
class Ruling:
    """What the user says of one ticker and day."""

    ticker: str
    execution_date: date
    verdict: str
    """A code of `VERDICTS`."""
    split_from: float | None = None
    """Old shares; None unless the verdict names a ratio."""
    split_to: float | None = None
    note: str | None = None

    def with_ratio_of(self, told: Sequence[tuple[float, float]]) -> Ruling:
        """Return it with the only ratio in `told`, if it confirms a split without naming one."""
        if self.verdict != CONFIRM or self.split_from is not None or len(told) != 1:
            return self
        return replace(self, split_from=told[0][0], split_to=told[0][1])

    def as_confirmation_of(self, told: Sequence[tuple[float, float]]) -> Ruling:
        """Return it as a confirmation, if it adds a split whose ratio is in `told`."""
        if self.verdict != ADD or self.split_from is None or self.split_to is None:
            return self
        is_told = any(is_same_ratio((self.split_from, self.split_to), ratio) for ratio in told)
        return replace(self, verdict=CONFIRM) if is_told else self


def in_force(rulings: pl.DataFrame) -> pl.DataFrame:
    """Return the rulings that hold: the newest of each ticker and day, unless it withdraws the one before.

    `rulings` are rows of `reference/split_rulings`; the result has their columns, by ticker and day.
    """
    newest = rulings.sort("ruled_at", "number").unique(DAY, keep="last", maintain_order=True)
    return newest.filter(pl.col("verdict") != WITHDRAW).sort(DAY)


def with_ruling(rulings: pl.DataFrame, ruling: Ruling, *, ruled_by: str, ruled_at: datetime) -> pl.DataFrame:
    """Return the rulings with one more, recorded at the moment `ruled_at` (UTC)."""
    row = asdict(ruling) | {"ruled_by": ruled_by, "ruled_at": ruled_at}
    return with_rulings_of(rulings, pl.DataFrame([row], schema_overrides=_without_number()))


def with_rulings_of(rulings: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    """Return the rulings with those of `others` that are not among them, numbered on, the earliest first.

    `others` have the columns of the table but `number`, such as rulings of another lake.
    """
    columns = list(_without_number())
    new = others.select(columns).unique(maintain_order=True).join(rulings, on=columns, how="anti", nulls_equal=True)
    highest: int = rulings.select(pl.col("number").max().fill_null(0)).item()
    numbered = new.sort("ruled_at", maintain_order=True).with_columns(number=pl.int_range(1, pl.len() + 1) + highest)
    return pl.concat([rulings, numbered.select(rulings.columns)])


def _without_number() -> dict[str, pl.DataType]:
    return {name: dtype for name, dtype in SPLIT_RULINGS.columns.items() if name != "number"}


def ruled(history: pl.DataFrame, rulings: pl.DataFrame, at: datetime) -> pl.DataFrame:
    """Return the history of `reference/splits` with the `rulings` in force applied from the moment `at` (UTC) on.

    A row whose ruling changes ends at `at`, and its successor begins then; one that the vendor told at `at` for the
    first time just gets its ruling. Rows on which nothing changes stay as they are, so that a second call changes
    nothing. `at` is not before any moment of `history`, and after all but those of a refresh at `at` itself. Doubts are
    to be worked out afterwards.
    """
    verdicts = in_force(rulings)
    now = pl.lit(at).cast(history.schema["last_seen_at"])
    past, holding = history.filter(~HOLDS), history.filter(HOLDS)
    told, own = holding.filter(~is_users_own()), holding.filter(is_users_own())
    due = _with_due_ruling(told, verdicts)
    stays = pl.col("ruling").eq_missing(pl.col(_DUE))
    is_new = pl.col("first_seen_at") == now
    replaced = due.filter(~stays & ~is_new)
    as_due = pl.col(_DUE).alias("ruling")
    own_due = _own_rows(verdicts, told)
    identity = [*DAY, *RATIO, "ruling"]
    return pl.concat(
        [
            past,
            due.filter(stays),
            due.filter(~stays & is_new).with_columns(as_due),
            replaced.with_columns(withdrawn_at=now),
            replaced.with_columns(as_due, first_seen_at=now, last_seen_at=now),
            own.join(own_due, on=identity, how="semi", nulls_equal=True),
            own.join(own_due, on=identity, how="anti", nulls_equal=True).with_columns(withdrawn_at=now),
            own_due.join(own, on=identity, how="anti", nulls_equal=True).with_columns(
                first_seen_at=now, last_seen_at=now
            ),
        ],
        how="diagonal",
    ).select(history.columns)


def _with_due_ruling(told: pl.DataFrame, verdicts: pl.DataFrame) -> pl.DataFrame:
    """Return the vendor's rows with the ruling that each must have, null for none, as `due_ruling`."""
    said = verdicts.select(*DAY, "verdict", said_from="split_from", said_to="split_to")
    joined = told.join(said, on=DAY, how="left", maintain_order="left")
    ruling = (
        pl.when(pl.col("verdict").is_null())
        .then(pl.lit(None, pl.String))
        .when((pl.col("verdict") != REJECT) & _same_ratio())
        .then(pl.lit("confirmed"))
        .otherwise(pl.lit("rejected"))
    )
    return joined.with_columns(ruling.alias(_DUE)).select(*told.columns, _DUE)


def _same_ratio() -> pl.Expr:
    """Return whether the vendor's ratio is the one that was said, up to nine digits; not where it is missing."""
    told, said = pl.col("split_to") / pl.col("split_from"), pl.col("said_to") / pl.col("said_from")
    return ((told / said - 1).abs() <= SAME_RATIO).fill_null(value=False)


def _own_rows(verdicts: pl.DataFrame, told: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of the user's own that must hold: what the vendor's rows `told` cannot express."""
    said = verdicts.select(*DAY, "verdict", said_from="split_from", said_to="split_to")
    days, ratios = told.select(DAY).unique(), told.select(*DAY, *RATIO)
    names_ratio = pl.col("verdict").is_in(WITH_A_RATIO)
    agreeing = said.filter(names_ratio).join(ratios, on=DAY).filter(_same_ratio()).select(DAY).unique()
    added = said.filter(names_ratio).join(agreeing, on=DAY, how="anti")
    without_split = said.filter(~names_ratio).join(days, on=DAY, how="anti")
    rows = [
        added.select(*DAY, split_from="said_from", split_to="said_to", ruling=pl.lit("added")),
        without_split.select(*DAY, split_from="said_from", split_to="said_to", ruling=pl.lit("rejected")),
    ]
    return pl.concat(rows).cast({"ruling": SPLITS.columns["ruling"]})


def ratios_told(history: pl.DataFrame, ticker: str, day: date) -> list[tuple[float, float]]:
    """Return the ratios that the vendor tells now for a ticker and day, as (old, new) shares, each once.

    Ratios that are missing or not positive are left out. `history` are rows of `reference/splits`.
    """
    is_told = HOLDS & ~is_users_own() & (pl.col("ticker") == ticker) & (pl.col("execution_date") == day)
    rows = history.filter(is_told).select(RATIO).drop_nulls().filter(pl.min_horizontal(RATIO) > 0).sort(RATIO)
    ratios: list[tuple[float, float]] = []
    for old, new in rows.iter_rows():
        if not any(is_same_ratio((old, new), other) for other in ratios):
            ratios.append((old, new))
    return ratios


def is_same_ratio(one: tuple[float, float], other: tuple[float, float]) -> bool:
    """Return whether two ratios of (old, new) shares are the same up to nine digits, such as 2:1 and 4:2."""
    return abs(one[1] / one[0] * other[0] / other[1] - 1) <= SAME_RATIO


def faults(ruling: Ruling, told: Sequence[tuple[float, float]], rulings: pl.DataFrame) -> list[str]:
    """Return why a ruling makes no sense, in words, none if it does.

    `told` are the ratios that the vendor tells for that day (`ratios_told`), `rulings` those recorded so far.
    """
    which = f"{ruling.ticker} on {ruling.execution_date}"
    if ruling.verdict == WITHDRAW:
        standing = in_force(rulings).filter(
            pl.col("ticker") == ruling.ticker, pl.col("execution_date") == ruling.execution_date
        )
        return [] if len(standing) else [f"no ruling on {which} holds"]
    if ruling.verdict == REJECT:
        return []
    if ruling.split_from is None or ruling.split_to is None:
        which_ones = f"the vendor tells {len(told)} ratios for {which}: name the one that is right, {_in_words(told)}"
        return [which_ones if told else f"the vendor tells no split of {which}: `candlelake splits add` adds one"]
    return _ratio_faults((ruling.split_from, ruling.split_to), told, which, confirms=ruling.verdict == CONFIRM)


def _ratio_faults(
    ratio: tuple[float, float], told: Sequence[tuple[float, float]], which: str, *, confirms: bool
) -> list[str]:
    """Return why a ratio cannot be confirmed or added, in words, none if it can."""
    if min(ratio) <= 0:
        return [f"{ratio[0]:g} old shares for {ratio[1]:g} new ones is no ratio: both must be above 0"]
    if is_same_ratio(ratio, (1.0, 1.0)):
        return ["as many new shares as old ones is no split"]
    is_told = any(is_same_ratio(ratio, other) for other in told)
    if confirms and not is_told:
        what = f"tells {_in_words(told)}" if told else "tells no split"
        return [f"the vendor {what} for {which}: `candlelake splits add` adds another ratio"]
    if not confirms and is_told:
        return [f"the vendor tells that split of {which}: `candlelake splits confirm` confirms it"]
    return []


def _in_words(ratios: Sequence[tuple[float, float]]) -> str:
    return " or ".join(f"{old:g} {new:g}" for old, new in ratios)
