import re
from collections import Counter
from datetime import date
from pathlib import Path

from assets_tests.sample.conftest import FAULTY, SESSIONS, ledger_of, midnight, path_of, rows_of
from pipeline.contracts.quarantine import REASONS
from pipeline.sources.massive.day_aggs import clean_day_file

Row = dict[str, str]


def naive_faults(session: date, rows: list[Row]) -> Counter[str]:
    """Name each row's defect by the plainest reading of the reason codes, the first that fits."""
    found: Counter[str] = Counter()
    seen: dict[str, Row] = {}
    for row in rows:
        prices = [row["open"], row["high"], row["low"], row["close"]]
        if row["transactions"] is None:
            found["malformed_row"] += 1
            continue
        if not row["ticker"] or row["ticker"] != row["ticker"].strip():
            found["malformed_ticker" if row["ticker"] else "missing_ticker"] += 1
            continue
        if row["ticker"] in seen:
            found["duplicate" if seen[row["ticker"]] == row else "conflicting_duplicate"] += 1
            continue
        seen[row["ticker"]] = row
        if not all(re.fullmatch(r"-?\d+(\.\d+)?", price) for price in prices):
            found["not_a_number"] += 1
            continue
        opening, high, low, close = map(float, prices)
        broken = {
            "wrong_session": int(row["window_start"]) != midnight(session),
            "non_positive_price": min(opening, high, low, close) <= 0,
            "high_below_low": high < low,
            "open_or_close_outside_range": max(opening, close) > high or min(opening, close) < low,
            "negative_volume": float(row["volume"]) < 0,
            "volume_too_large": float(row["volume"]) >= 2**53,
            "negative_transactions": int(row["transactions"]) < 0,
        }
        found.update([kind for kind, is_broken in broken.items() if is_broken][:1])
    return found


def test_the_ledger_agrees_with_a_naive_count_of_the_faults(market: Path):
    planted: Counter[tuple[date, str]] = Counter()
    for entry in ledger_of(market):
        planted[date.fromisoformat(entry["session"]), entry["kind"]] += int(entry["count"])
    found: Counter[tuple[date, str]] = Counter()
    for session in SESSIONS:
        counts = naive_faults(session, rows_of(market, session))
        found.update({(session, kind): count for kind, count in counts.items()})
    assert found == planted


def test_every_reason_and_duplicates_are_planted_and_most_files_are_clean(market: Path):
    ledger = ledger_of(market)
    assert {entry["kind"] for entry in ledger} == {*REASONS, "duplicate"}
    assert {date.fromisoformat(entry["session"]) for entry in ledger} == FAULTY


def test_the_ledger_names_the_tickers_of_the_damaged_rows(market: Path):
    for entry in ledger_of(market):
        tickers = [row["ticker"].strip() for row in rows_of(market, date.fromisoformat(entry["session"]))]
        assert entry["ticker"] in tickers
        assert (entry["ticker"] == "") == (entry["kind"] == "missing_ticker")


def test_rows_of_the_wrong_session_carry_the_next_sessions_date(market: Path):
    for entry in ledger_of(market):
        if entry["kind"] == "wrong_session":
            session = date.fromisoformat(entry["session"])
            (row,) = [row for row in rows_of(market, session) if row["ticker"] == entry["ticker"]]
            assert int(row["window_start"]) == midnight(SESSIONS[SESSIONS.index(session) + 1])


def test_the_gate_of_the_bars_rejects_what_was_planted_and_nothing_else(market: Path):
    ledger = ledger_of(market)
    for session in SESSIONS:
        planted = Counter[str]()
        for entry in ledger:
            planted[entry["kind"]] += int(entry["count"]) if entry["session"] == session.isoformat() else 0
        cleaned = clean_day_file(path_of(market, session).read_bytes(), session, key="file", etag="version")
        assert cleaned.duplicates == planted.pop("duplicate", 0)
        assert cleaned.quarantined == planted.total()
        reasons = Counter(reason for row in cleaned.quarantine["reasons"].to_list() for reason in row)
        assert planted <= reasons
