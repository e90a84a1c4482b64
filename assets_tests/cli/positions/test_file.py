from datetime import date

import pytest

from pipeline.cli.positions.file import read_openings
from pipeline.errors import PositionRefused
from pipeline.market.portfolio.book import Opening

LATEST = date(2024, 2, 29)
DAY = date(2024, 1, 2)
HEADER = "ticker,quantity,price,opened\n"


def read(tmp_path, content):
    file = tmp_path / "held.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_openings(file, LATEST)


def test_every_column_is_read_and_columns_may_stand_in_any_order(tmp_path):
    (row,) = read(
        tmp_path,
        "note,opened,price,quantity,ticker,commission,target,stop\n"
        '"first, ""try""",2024-01-02,1e2,.5,BRK.A,1.25,+130,90.\n',
    )
    assert row.opening == Opening("BRK.A", 0.5, 100.0, DAY, 90.0, 130.0, 1.25, 'first, "try"')
    assert (row.line, row.faults) == (2, ())


def test_optional_cells_may_be_empty_and_tickers_are_text(tmp_path):
    rows = read(
        tmp_path,
        "ticker,quantity,price,opened,stop\n"
        + "".join(f"{ticker},1,1,2024-01-02,\n" for ticker in ("NA", "TRUE", "1E5", "null")),
    )
    assert [row.opening.ticker for row in rows] == ["NA", "TRUE", "1E5", "null"]
    assert {row.opening.stop for row in rows} == {None}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_byte_order_mark_any_line_ends_capitals_and_spaces_are_fine(tmp_path, end):
    lines = ["Ticker, QUANTITY ,price,opened", " AAPL , 1 ,2, 2024-01-02 ", "", " , , , ", "IBM,1,2,2024-01-03"]
    rows = read(tmp_path, b"\xef\xbb\xbf" + end.join(lines).encode())
    assert [(row.line, row.opening.ticker) for row in rows] == [(2, "AAPL"), (5, "IBM")]


def test_a_row_is_named_by_the_line_on_which_it_begins(tmp_path):
    rows = read(tmp_path, 'ticker,quantity,price,opened,note\nA,1,1,2024-01-02,"two\nlines"\nB,x,1,2024-01-02,\n')
    assert [(row.line, bool(row.faults)) for row in rows] == [(2, False), (4, True)]


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("AAPL,1,1", "it has 3 cells, the first line 4"),
        ("AAPL,1,1,2024-01-02,5", "it has 5 cells, the first line 4"),
        (",1,1,2024-01-02", "ticker is empty"),
        ("AAPL,,1,2024-01-02", "quantity is empty"),
        ('AAPL,"1,000",1,2024-01-02', "quantity '1,000' is not a number like 1234.5"),
        ("AAPL,1_000,1,2024-01-02", "quantity '1_000' is not a number like 1234.5"),
        ("AAPL,nan,1,2024-01-02", "quantity 'nan' is not a number like 1234.5"),
        ("AAPL,1,$5,2024-01-02", "price '$5' is not a number like 1234.5"),
        ("AAPL,1,=1+1,2024-01-02", "price '=1+1' is not a number like 1234.5"),
        ("AAPL,1,\uff11,2024-01-02", "price '\uff11' is not a number like 1234.5"),
        ("AAPL,1,1,01/02/2024", "opened '01/02/2024' is not a day like 2024-01-05"),
        ("AAPL,1,1,2024-02-30", "opened '2024-02-30' is not a day like 2024-01-05"),
        ("AAPL,-1,1,2024-01-02", "the quantity -1 is not above 0 and below 1e+12"),
        ("AAPL,1e300,1,2024-01-02", "the quantity 1e+300 is not above 0 and below 1e+12"),
        ("A A,1,1,2024-01-02", "the ticker is empty, or has spaces or signs beyond ASCII"),
    ],
)
def test_a_bad_row_says_why(tmp_path, row, fault):
    good, bad = read(tmp_path, f"{HEADER}AAPL,1,1,2024-01-02\n{row}\n")
    assert good.opening
    assert (bad.line, bad.opening, bad.faults) == (3, None, (fault,))


def test_every_fault_of_a_row_is_reported(tmp_path):
    (row,) = read(tmp_path, f"{HEADER}AAPL,x,y,z\n")
    assert len(row.faults) == 3


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "does not name ticker, quantity, price, opened"),
        (HEADER, "it has no row"),
        ("ticker,quantity,price\nA,1,1\n", "does not name opened"),
        ("ticker;quantity;price;opened\nA;1;1;2024-01-02\n", "does not name"),
        ("ticker,quantity,price,opened,short\n", "names 'short'"),
        ("ticker,quantity,price,opened,price\n", "names a column twice"),
        (HEADER.encode("utf-16"), "not UTF-8 text"),
        ("ticker,quantity,price,opened\n\xe9".encode("latin-1"), "not UTF-8 text"),
        (f'{HEADER}A,"1,1,2024-01-02\n', "line 2 cannot be read"),
    ],
)
def test_a_file_that_cannot_be_read_as_a_whole_says_why_and_what_is_expected(tmp_path, content, words):
    with pytest.raises(PositionRefused, match=words) as refused:
        read(tmp_path, content)
    assert "comma-separated UTF-8" in refused.value.remedy
