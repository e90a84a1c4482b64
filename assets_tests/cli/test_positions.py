"""`candlelake positions`: purchases and sales typed, and what is shown of them."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from assets_tests.cli.conftest import Ask
from assets_tests.market.holdings import bars, day
from pipeline.contracts.bars import DAILY_BARS
from pipeline.contracts.reference import SPLITS
from pipeline.lake.tables import Lake
from pipeline.portfolio import recorded

LATEST = day(6)
"""The newest session so far; the lake has bars up to the one before."""

NOW = datetime(2024, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a home whose lake has six sessions of AAPL (which splits 2:1), HALT (which stops after two) and AAp."""
    home = tmp_path / "home"
    lake = Lake(home / "lake")
    rows = pl.concat(
        [
            bars("AAPL", {0: 100, 1: 104, 2: 55, 3: 56, 4: 57, 5: 50}, low={0: 90}, high={0: 110}),
            bars("HALT", {0: 20, 1: 21}),
            bars("AAp", dict.fromkeys(range(6), 7)),
        ]
    )
    lake.replace(DAILY_BARS, [day(number) for number in range(6)], [rows], run_id="test")
    split = {"ticker": "AAPL", "execution_date": day(2), "split_from": 1.0, "split_to": 2.0}
    seen = {"first_seen_at": NOW, "last_seen_at": NOW}
    lake.refresh(SPLITS, pl.DataFrame([split | seen], schema=SPLITS.columns), run_id="test")
    (home / "settings.env").write_text(f"CANDLELAKE_END={LATEST}\n")
    return home


@pytest.fixture
def ask(home: Path, ask_in: Callable[[Path], Ask]) -> Ask:
    """Return the way to ask about positions in that home."""
    asked = ask_in(home)
    return lambda *arguments: asked("positions", *arguments)


def book(home: Path) -> pl.DataFrame:
    return recorded(Lake(home / "lake"))


def test_a_purchase_is_recorded_with_all_that_was_said_of_it(ask: Ask, home: Path) -> None:
    terms = ("--stop", "90", "--target", "130", "--commission", "1.5", "--note", "mine", "--opened", str(day(0)))
    answer = ask("add", "AAPL", "2.5", "100", *terms)
    assert (answer.code, answer.data) == (0, "")
    assert answer.words == f"Position 1: 2.5 AAPL at 100 on {day(0)}.\n"
    (row,) = book(home).to_dicts()
    told = ("ticker", "quantity", "price", "opened", "stop", "target", "commission", "note")
    assert tuple(row[name] for name in told) == ("AAPL", 2.5, 100, day(0), 90, 130, 1.5, "mine")


def test_a_purchase_without_a_day_is_of_the_newest_session(ask: Ask, home: Path) -> None:
    assert ask("add", "AAPL", "1", "50").code == 0
    assert book(home)["opened"].to_list() == [LATEST]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("AAPL", "0", "100"), "the quantity 0 is not above 0"),
        (("AAPL", "nan", "100"), "the quantity nan"),
        (("AAPL", "ten", "100"), "valid number"),
        (("AAPL", "1", "1", "--opened", "2024-01-06"), "2024-01-06 is a Saturday without trading"),
        (("AAPL", "1", "1", "--opened", "2024-02-29"), "is yet to come"),
        (("AAPL", "1", "1", "--stop", "5", "--target", "4"), "the stop 5 is not below the target 4"),
    ],
)
def test_what_cannot_be_a_purchase_is_a_wrong_call(ask: Ask, home: Path, arguments, words: str) -> None:
    answer = ask("add", *arguments)
    assert answer.code == 2
    assert words in answer.words
    assert book(home).is_empty()


@pytest.mark.parametrize(
    ("ticker", "near"), [("aapl", "AAPL"), ("APPL", "AAPL"), ("AAP", "AAp"), ("HALLT", "HALT"), ("QQQQ", None)]
)
def test_a_ticker_that_the_lake_does_not_know_is_refused_with_those_near_it(ask: Ask, home, ticker, near) -> None:
    answer = ask("add", ticker, "1", "100", "--opened", str(day(0)))
    assert answer.code == 1
    assert f"{ticker} has no bar in the lake" in answer.words
    assert (f"(near it: {near}" in answer.words) if near else ("near it" not in answer.words)
    assert "--force" in answer.words
    assert book(home).is_empty()


def test_an_unknown_ticker_is_recorded_when_one_insists(ask: Ask, home: Path) -> None:
    assert ask("add", "QQQQ", "1", "100", "--force").code == 0
    assert book(home)["ticker"].to_list() == ["QQQQ"]


def test_an_empty_lake_objects_to_no_ticker(ask_in: Callable[[Path], Ask], tmp_path: Path) -> None:
    ask = ask_in(tmp_path / "empty")
    assert ask("positions", "add", "AAPL", "1", "100").code == 0
    answer = ask("positions")
    assert "no bar since it was opened" in answer.data
    assert "Splits and dividends are not known" in answer.words


def test_a_price_that_was_not_traded_on_the_day_is_warned_of(ask: Ask) -> None:
    answer = ask("add", "AAPL", "1", "10", "--opened", str(day(0)))
    assert answer.code == 0
    assert f"warning: AAPL traded between 90 and 110 on {day(0)}, not at 10." in answer.words
    assert "warning" not in ask("add", "AAPL", "1", "109", "--opened", str(day(0))).words


def test_what_is_held_is_shown_after_the_split_with_sums_in_eighty_columns(ask: Ask) -> None:
    ask("add", "AAPL", "10", "100", "--opened", str(day(0)), "--stop", "102", "--note", "[red]mine[/red]\x1b[2J")
    ask("add", "HALT", "5", "20", "--opened", str(day(0)))
    answer = ask()
    lines = answer.data.splitlines()
    assert answer.code == 0
    assert lines[0] == f"positions · {day(5)}"
    assert lines[2].split() == ["1", "AAPL", "20", "50.00", "1,000.00", "+0.00", "+0.0", "%", "+2.0", "%"]
    assert "high    new  Fell to 50.00; the stop is 51.00" in lines[3]
    assert "[red]mine[/red]" in answer.data
    assert "\x1b" not in answer.data
    assert f"no bar on {day(5)}: halted, delisted or renamed; last close {day(1)}" in answer.data
    assert lines[-1].split() == ["total", "1,105.00", "+5.00", "+0.5", "%"]
    assert max(map(len, lines)) <= 80


def test_a_wider_terminal_shows_the_entry_and_the_sessions_held(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    ask("add", "AAPL", "10", "100", "--opened", str(day(0)))
    monkeypatch.setenv("COLUMNS", "120")
    header, row = ask("list").data.splitlines()[1:3]
    assert header.split()[3:5] == ["entry", "close"]
    assert row.split()[3] == "50.00"
    assert row.split()[-1] == "5"


def test_colours_are_for_terminals(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    ask("add", "AAPL", "10", "100", "--opened", str(day(0)), "--stop", "102")
    plain = ask().data
    monkeypatch.setenv("FORCE_COLOR", "1")
    coloured = ask().data
    assert "\x1b[" not in plain
    assert "\x1b[1;31m" in coloured


def test_a_position_bought_after_the_newest_bars_is_shown_too(ask: Ask) -> None:
    ask("add", "AAPL", "1", "49")
    assert f"no bar since it was opened on {LATEST}: shown at the price paid" in ask().data


def test_an_earlier_session_shows_what_was_held_then(ask: Ask) -> None:
    ask("add", "AAPL", "10", "100", "--opened", str(day(0)))
    ask("add", "AAp", "1", "7", "--opened", str(day(3)))
    ask("close", "AAPL", "--price", "60", "--date", str(day(4)))
    tickers = {
        on: [row["ticker"] for row in json.loads(ask("--date", str(day(on)), "--json").data)] for on in (0, 3, 4)
    }
    assert tickers == {0: ["AAPL"], 3: ["AAPL", "AAp"], 4: ["AAp"]}


def test_a_session_that_the_lake_does_not_have_is_warned_of(ask: Ask) -> None:
    ask("add", "AAPL", "10", "100", "--opened", str(day(0)))
    assert f"warning: The lake has no bars of {LATEST}" in ask("--date", str(LATEST)).words
    assert "warning" not in ask("--date", str(day(5))).words


def test_json_has_every_column_and_signal(ask: Ask) -> None:
    ask("add", "AAPL", "10", "100", "--opened", str(day(0)), "--stop", "102")
    answer = ask("--json")
    (row,) = json.loads(answer.data)
    assert (row["quantity"], row["entry"], row["value"], row["opened"]) == (20, 50, 1000, str(day(0)))
    assert [signal["rule"] for signal in row["signals"]] == ["stop_hit"]
    assert row["signals"][0]["is_new"] is True
    assert answer.words == ""


def test_nothing_held_is_an_empty_answer_that_says_what_to_do(ask: Ask) -> None:
    assert json.loads(ask("--json").data) == []
    answer = ask()
    assert (answer.code, answer.data) == (0, "")
    assert f"Nothing is held on {day(5)}. `candlelake positions add" in answer.words


def test_a_sale_without_a_price_is_at_the_latest_close_and_tells_its_profit(ask: Ask, home: Path) -> None:
    ask("add", "AAPL", "10", "100", "--opened", str(day(0)), "--commission", "1")
    answer = ask("close", "AAPL", "--quantity", "15", "--commission", "2")
    assert answer.code == 0
    # 15 of 20 new shares at 50, less 2; three quarters of what was paid.
    assert answer.words == f"Sold AAPL at 50 on {day(5)}: -2.75 (-0.4 %).\n"
    rest = json.loads(ask("--json").data)
    assert [(row["position"], row["quantity"]) for row in rest] == [(1, 5)]
    assert "1 position sold: -2.75 (-0.4 %)" in ask().words


def test_a_sale_on_a_day_without_a_bar_is_at_the_last_close_and_warned_of(ask: Ask, home: Path) -> None:
    ask("add", "HALT", "10", "20", "--opened", str(day(0)))
    answer = ask("close", "HALT", "--date", str(day(4)))
    assert answer.code == 0
    assert f"warning: HALT has no bar on {day(4)}; it is taken as sold at its close of {day(1)}." in answer.words
    assert book(home).row(-1, named=True)["closing_price"] == 21


def test_the_close_before_a_split_is_put_on_the_shares_of_the_sale(ask: Ask, home: Path) -> None:
    lake = Lake(home / "lake")
    split = {"ticker": "HALT", "execution_date": day(3), "split_from": 1.0, "split_to": 3.0}
    seen = {"first_seen_at": NOW, "last_seen_at": NOW}
    lake.refresh(SPLITS, pl.DataFrame([split | seen], schema=SPLITS.columns), run_id="test")
    ask("add", "HALT", "10", "21", "--opened", str(day(0)))
    answer = ask("close", "HALT", "--date", str(day(4)))
    assert f"Sold HALT at 7 on {day(4)}: +0.00 (+0.0 %)." in answer.words


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("MSFT",), 1, "No MSFT is held"),
        (("MSFT", "--price", "1"), 1, f"All MSFT cannot be sold on {LATEST}: 0 are held then"),
        (("AAPL", "--quantity", "21"), 1, f"21 AAPL cannot be sold on {day(5)}: 20 are held then"),
        (("AAPL", "--position", "7"), 1, "in position 7 cannot be sold"),
        (("AAPL", "--price", "-1"), 2, "the price -1 is not 0 or more"),
        (("AAPL", "--price", "1", "--date", "2024-01-06"), 2, "Saturday without trading"),
        (("AAPL", "--quantity", "0"), 2, "the quantity 0"),
    ],
)
def test_a_sale_that_cannot_be_is_refused(ask: Ask, home: Path, arguments, code: int, words: str) -> None:
    ask("add", "AAPL", "10", "100", "--opened", str(day(0)))
    answer = ask("close", *arguments)
    assert (answer.code, answer.data) == (code, "")
    assert words in answer.words
    assert book(home).height == 1


def test_a_ticker_without_any_close_needs_a_price(ask: Ask) -> None:
    ask("add", "QQQQ", "1", "100", "--force", "--opened", str(day(0)))
    answer = ask("close", "QQQQ")
    assert answer.code == 1
    assert "no close of QQQQ" in answer.words
    assert "--price" in answer.words
    assert ask("close", "QQQQ", "--price", "0").code == 0


def test_a_stop_is_changed_from_a_session_on(ask: Ask) -> None:
    ask("add", "AAPL", "10", "100", "--opened", str(day(0)), "--stop", "90")
    assert ask("change", "1", "--stop", "49", "--target", "60", "--from", str(day(4))).code == 0
    stops = [json.loads(ask("--json", "--date", str(day(on))).data)[0]["stop"] for on in (1, 3, 5)]
    assert stops == [90, 45, 49]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("1",), 2, "nothing to change"),
        (("1", "--stop", "-1"), 2, "the stop -1"),
        (("2", "--stop", "1"), 1, "There is no position 2"),
        (("1", "--stop", "500", "--target", "400"), 1, "would not be below its target"),
    ],
)
def test_a_change_that_cannot_be_is_refused(ask: Ask, home: Path, arguments, code: int, words: str) -> None:
    ask("add", "AAPL", "10", "100", "--opened", str(day(0)))
    answer = ask("change", *arguments)
    assert answer.code == code
    assert words in answer.words
    assert book(home).height == 1


def test_a_removed_position_is_not_shown_but_in_the_history(ask: Ask) -> None:
    ask("add", "AAPL", "10", "100", "--opened", str(day(0)), "--note", "oops")
    assert ask("remove", "1").code == 0
    assert json.loads(ask("--json").data) == []
    lines = ask("--history").data.splitlines()
    assert [line.split()[2] for line in lines[1:]] == ["opened", "removed"]
    assert "oops" in lines[1]
    assert max(map(len, lines)) <= 80
    assert [row["event"] for row in json.loads(ask("--history", "--json").data)] == ["opened", "removed"]
    assert ask("remove", "1").code == 1


def test_an_empty_history_is_its_header(ask: Ask) -> None:
    assert len(ask("--history").data.splitlines()) == 1
    assert json.loads(ask("--history", "--json").data) == []


def test_a_file_is_imported_whole(ask: Ask, home: Path, tmp_path: Path) -> None:
    file = tmp_path / "held.csv"
    file.write_text(f"ticker,quantity,price,opened,note\nAAPL,10,100,{day(0)},first\nAAp,1,7,{day(3)},\n")
    answer = ask("import", str(file))
    assert answer.code == 0
    assert "2 positions are imported" in answer.words
    assert book(home).select("position", "ticker", "opened", "note").rows() == [
        (1, "AAPL", day(0), "first"),
        (2, "AAp", day(3), None),
    ]


def test_bad_rows_of_a_file_are_named_with_their_lines_and_nothing_is_imported(ask, home: Path, tmp_path: Path) -> None:
    file = tmp_path / "held.csv"
    rows = (f"AAPL,10,100,{day(0)}", f"AAPL,x,100,{day(0)}", f"aapl,1,100,{day(0)}", "AAPL,1,100,2024-01-06")
    file.write_text("\n".join(("ticker,quantity,price,opened", *rows)))
    answer = ask("import", str(file))
    assert (answer.code, answer.data) == (1, "")
    lines = answer.words.splitlines()
    assert lines[0] == "line 3: quantity 'x' is no number like 1234.5"
    assert lines[1].startswith("line 4: aapl has no bar in the lake at that time (near it: AAPL)")
    assert lines[2].startswith("line 5: 2024-01-06 is a Saturday")
    assert lines[3].startswith(f"error: 3 of 4 rows of {file} cannot be recorded; nothing was imported.")
    assert len(lines) == 4
    assert book(home).is_empty()


def test_a_file_imported_again_is_refused_unless_one_insists(ask: Ask, home: Path, tmp_path: Path) -> None:
    file = tmp_path / "held.csv"
    file.write_text(f"ticker,quantity,price,opened\nAAPL,10,100,{day(0)}\n")
    ask("import", str(file))
    answer = ask("import", str(file))
    assert answer.code == 1
    assert "line 2: it is recorded already, as position 1" in answer.words
    assert book(home).height == 1
    assert ask("import", str(file), "--force").code == 0
    assert book(home).height == 2


def test_many_bad_rows_are_counted(ask: Ask, tmp_path: Path) -> None:
    file = tmp_path / "held.csv"
    file.write_text("ticker,quantity,price,opened\n" + "AAPL,0,0,2024-01-02\n" * 30)
    lines = ask("import", str(file)).words.splitlines()
    assert len(lines) == 22
    assert lines[20] == "… and 10 more"


def test_a_file_that_is_not_there_is_a_wrong_call(ask: Ask) -> None:
    answer = ask("import", "nowhere.csv")
    assert answer.code == 2
    assert "nowhere.csv" in answer.words


def test_an_unknown_command_is_a_wrong_call(ask: Ask) -> None:
    assert ask("sell", "AAPL").code == 2


def test_the_demo_s_end_is_the_newest_session(ask: Ask) -> None:
    answer = ask("add", "AAPL", "1", "50", "--opened", "2024-01-11")
    assert date(2024, 1, 11) > LATEST
    assert f"is yet to come; the latest session is {LATEST}" in answer.words
