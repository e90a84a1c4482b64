"""`candlelake explain`: where a ticker's numbers of a session come from."""

from dataclasses import fields
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.dates import parse_date, require_session
from pipeline.cli.rows import dump
from pipeline.cli.terminal import one_line, out, say, say_warning

if TYPE_CHECKING:
    from pipeline.queries.explanation import Explanation

FEW = 5
"""Newest bars shown; --json has all of the window."""

SIGNIFICANT = 8
"""Digits of a number shown; --json has all of them."""


def explain(
    ticker: Annotated[str, typer.Argument(help="Ticker as the vendor writes it; case matters.")],
    day: Annotated[date, typer.Argument(parser=parse_date, metavar="YYYY-MM-DD", help="Session.")],
    as_json: Annotated[bool, typer.Option("--json", metavar="", help="As JSON, with every bar and file.")] = False,
) -> None:
    """Show what a ticker's numbers of a session were computed from, back to the vendor's files."""
    require_session(day)
    from pipeline.lake.lake import Lake
    from pipeline.mine.in_force import stocks_of
    from pipeline.queries.explanation import explanation
    from pipeline.settings import load_settings

    settings = load_settings()
    explained = explanation(Lake(settings.lake), stocks_of(settings), ticker, day)
    if as_json:
        dump({field.name: plain(getattr(explained, field.name)) for field in fields(explained)})
    else:
        show(explained)


def plain(value: Any) -> Any:
    """Return a frame as a list of objects, anything else as it is."""
    return value.to_dicts() if hasattr(value, "to_dicts") else value


def show(explained: "Explanation") -> None:
    """Write the explanation to stdout, from the list back to the files."""
    console = out()
    console.print(one_line(f"{explained.ticker} · {explained.session}"), style="bold")
    for section in (lists, indicators, window, splits, doubts, file, versions):
        console.print()
        for line in section(explained):
            indent = line[: len(line) - len(line.lstrip())]
            console.print(indent + one_line(line), soft_wrap=True)
    for words in explained.gone:
        say_warning(words)
    for reason in explained.outdated:
        say(f"\nComputed again, this row would differ ({reason}): `candlelake restate` brings it up to date.")


def lists(explained: "Explanation") -> list[str]:
    """Return the ranks of the ticker in the lists, with each factor's share of the score and the reasons."""
    lines = [] if len(explained.candidates) else ["On no list: no model ranks it among its best."]
    for row in explained.candidates.iter_rows(named=True):
        lines.append(
            f"{row['model']} (version {row['model_version']}): rank {row['rank']} of {row['passed']:,} that passed, "
            f"{row['scanned']:,} scanned; score {row['score']:+.4f}"
        )
        lines += [
            f"  {part['factor']} {number(part['value'])}: z-score {part['zscore']:+.4f} × weight "
            f"{part['weight']:+g} = {part['contribution']:+.4f}"
            for part in row["contributions"]
        ]
        lines += [f"  {reason}" for reason in row["reasons"]]
    return lines


def indicators(explained: "Explanation") -> list[str]:
    """Return every indicator of the session."""
    values = {name: value for name, value in explained.indicators.items() if name not in ("ticker", "session")}
    known_values = [f"{name} {number(value)}" for name, value in values.items() if value is not None]
    unknown_names = [name for name, value in values.items() if value is None]
    lines = ["Indicators, prices on the session's own basis:", *(f"  {text}" for text in known_values)]
    return lines + ([f"  not enough bars for {', '.join(unknown_names)}"] if unknown_names else [])


def window(explained: "Explanation") -> list[str]:
    """Return the span of the look-back window and its newest bars."""
    bars = explained.bars
    first, last = bars["session"][0], bars["session"][-1]
    former = bars.filter(bars["ticker"] != explained.ticker)
    renamed = f", {len(former):,} of them as {', '.join(former['ticker'].unique())}" if len(former) else ""
    lines = [f"Computed from {len(bars):,} bars as traded{renamed}, {first} to {last}; the newest:"]
    return lines + [
        f"  {row['session']}  open {row['open']:g}  high {row['high']:g}  low {row['low']:g}  close {row['close']:g}"
        f"  volume {row['volume']:,.0f}" + (f"  × {row['split_factor']:g}" if row["split_factor"] != 1 else "")
        for row in bars.tail(FEW).iter_rows(named=True)
    ]


def splits(explained: "Explanation") -> list[str]:
    """Return the splits that put earlier bars on the session's basis, and those that were left out."""
    lines = ["Splits applied to the bars before them:"] if len(explained.splits) else ["No split lies in the window."]
    lines += [
        f"  {row['execution_date']}  {row['split_to']:g} for {row['split_from']:g}  ({whose_word(row)})"
        for row in explained.splits.iter_rows(named=True)
    ]
    if len(explained.doubted):
        lines.append("Not applied, since they are in doubt, or you rejected them:")
    return lines + [
        f"  {row['execution_date']}  {number(row['split_to'])} for {number(row['split_from'])}: {row['doubt']}"
        for row in explained.doubted.iter_rows(named=True)
    ]


def whose_word(row: dict[str, Any]) -> str:
    """Return who says that there was a split, and since when."""
    since = f"{row['first_seen_at']:%Y-%m-%d %H:%M} UTC"
    if row["ruling"] == "added":
        return f"added by you, {since}"
    seen = f"confirmed by you, {since}" if row["ruling"] else f"first seen {since}"
    return f"{row['id'] or 'without id'}, {seen}"


def doubts(explained: "Explanation") -> list[str]:
    """Return what the prices of the window contradict."""
    rows = explained.price_doubts
    lines = ["Prices in doubt:"] if len(rows) else ["No price in the window is in doubt."]
    for row in rows.iter_rows(named=True):
        effect = "; not ranked while it lies in the window" if row["leaves_out"] else ""
        lines += [f"  {row['event_date']}  {row['reading']}{effect}", f"    {row['evidence']}"]
    return lines


def file(explained: "Explanation") -> list[str]:
    """Return the vendor's file that the session's own bar comes from."""
    own = explained.deliveries.filter(explained.deliveries["session"] == explained.session)
    lines = [f"The bars come from {len(explained.deliveries):,} files; that of the session is:"]
    for row in own.iter_rows(named=True):
        lines += [
            f"  {row['key']}, {row['size']:,} bytes, written {row['last_modified']:%Y-%m-%d %H:%M:%S} UTC",
            f"  etag {row['etag']}",
            f"  sha256 {row['sha256']}",
            f"  {row['rows_read']:,} rows read, {row['kept']:,} kept; run {row['run_id']}",
        ]
    return lines


def versions(explained: "Explanation") -> list[str]:
    """Return the commits that wrote the session's rows, each with the versions of the tables it read."""
    from pipeline.market.computed import FILE

    lines = ["Table versions:"]
    for table, commit in explained.commits.items():
        if not commit:
            lines.append(f"  {table}: no commit is known that wrote this session")
            continue
        versions_read = ", ".join(f"{name} {'(empty)' if at is None else at}" for name, at in commit["read"].items())
        lines.append(
            f"  {table} {commit['version']}, {commit['committed_at']:%Y-%m-%d %H:%M:%S} UTC, run {commit['run_id']}"
        )
        lines.append(f"    read {versions_read or 'versions not recorded'}")
        by = commit["computed_by"]
        files = [f"{part} ({by[part][:12]})" for part in by if part.startswith(FILE)]
        yours = f", with {', '.join(files)}" if files else ""
        lines.append(f"    computed by code version {commit['code_version'] or 'not recorded'}{yours}")
    return lines


def number(value: Any) -> str:
    """Return a value as text: a number with at most eight digits."""
    if value is None:
        return "unknown"
    return f"{value:.{SIGNIFICANT}g}" if isinstance(value, float) else str(value)
