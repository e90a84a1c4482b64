"""`candlelake positions import`: a file whole, or nothing of it."""

from pathlib import Path

from assets_tests.cli.conftest import Ask
from assets_tests.cli.positions.conftest import book
from assets_tests.market.holdings import day


def test_a_file_is_imported_whole(ask: Ask, home: Path, tmp_path: Path) -> None:
    file = tmp_path / "held.csv"
    file.write_text(f"ticker,quantity,price,opened,note\nAAPL,10,100,{day(0)},first\nAAp,1,7,{day(3)},\n")
    answer = ask("import", str(file))
    assert answer.code == 0
    assert "Imported 2 positions" in answer.words
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
    assert lines[0] == "line 3: quantity 'x' is not a number like 1234.5"
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


def test_a_price_that_was_not_traded_is_warned_of_with_its_line_and_the_split_it_would_be_right_after(
    ask: Ask, home: Path, tmp_path: Path
) -> None:
    file = tmp_path / "held.csv"
    file.write_text(f"ticker,quantity,price,opened\nAAp,1,7,{day(3)}\nAAPL,20,50,{day(0)}\nAAPL,1,10,{day(0)}\n")
    answer = ask("import", str(file))
    assert answer.code == 0
    assert answer.words.splitlines()[:2] == [
        f"warning: line 3: AAPL traded between 90 and 110 on {day(0)}, not at 50. "
        f"×2: as after the split of {day(2)}? In the shares of that day it was 10 at 100.",
        f"warning: line 4: AAPL traded between 90 and 110 on {day(0)}, not at 10.",
    ]
    assert book(home).height == 3


def test_a_broker_s_file_is_imported_by_options_and_what_it_leaves_out_is_counted(
    ask: Ask, home: Path, tmp_path: Path
) -> None:
    file = tmp_path / "history.csv"
    month, number = f"{day(0):%m/%d/%Y}", "1,250"
    file.write_text(f'Date,Action,Symbol,Qty,Price\n{month},Buy,AAPL,"{number}",$100\n{month},Sell,AAPL,5,$100\n')
    columns = ("--columns", "ticker=Symbol,quantity=Qty,price=Price,opened=Date")
    refused = ask("import", str(file), *columns)
    assert refused.code == 1
    assert f"line 2: quantity '1,250' is not a number like 1234.5; opened '{month}' is not a day" in refused.words
    assert "--date-format" in refused.words
    answer = ask(
        "import", str(file), *columns, "--only", "Action=Buy", "--date-format", "MM/DD/YYYY", "--thousands", ","
    )
    assert answer.words.splitlines()[-1] == f"Imported 1 position from {file}; 1 other row of the file left out."
    assert book(home).select("quantity", "price", "opened").rows() == [(1250, 100, day(0))]
    assert ask("import", str(file), "--thousands", ".").code == 1


def test_every_only_counts_with_our_own_names_too_and_one_that_nothing_has_is_refused(
    ask: Ask, home: Path, tmp_path: Path
) -> None:
    file = tmp_path / "history.csv"
    file.write_text(
        f"Side,Cur,Symbol,Qty,Price,Date\nBuy,USD,AAPL,1,100,{day(0)}\nBuy,EUR,AAPL,2,100,{day(0)}\n"
        f"Sell,USD,AAPL,3,100,{day(0)}\n"
    )
    columns = ("--columns", "ticker=Symbol,quantity=Qty,price=Price,opened=Date")
    assert ask("import", str(file), *columns, "--only", "Side=Buy", "--only", "Cur=USD").code == 0
    assert book(home)["quantity"].to_list() == [1]
    nothing = ask("import", str(file), *columns, "--only", "Side=BUY")
    assert nothing.code == 1
    assert "none of the 3 rows" in nothing.words
    file.write_text(f"ticker,quantity,price,opened\nAAPL,4,100,{day(0)}\nAAp,5,7,{day(3)}\n")
    assert "no column Foo" in ask("import", str(file), "--only", "Foo=x").words
    assert ask("import", str(file), "--only", "ticker=AAp").code == 0
    assert book(home)["quantity"].to_list() == [1, 5]
