"""Files as brokers export them: columns, rows, signs and days are said by options, and nothing is guessed."""

from datetime import date

import pytest

from pipeline.cli.positions.file import read_openings
from pipeline.cli.positions.layout import Layout, mapping
from pipeline.errors import PositionRefused
from pipeline.market.portfolio.book import Opening

LATEST = date(2024, 2, 29)

SCHWAB = """"Date","Action","Symbol","Description","Quantity","Price","Fees & Comm","Amount"
"01/05/2024","Buy","AAPL","APPLE INC","1,250","$185.10","$4.95","-$231,379.95"
"01/08/2024","Cash Dividend","AAPL","APPLE INC","","","","$312.50"
"02/01/2024","Buy","BRK.B","BERKSHIRE HATHAWAY","12.5","$1,385.00","","-$17,312.50"
"Transactions Total","","","","","","","-$248,379.95"
"""

FIDELITY = """


Run Date,Account,Action,Symbol,Description,Type,Quantity,Price ($),Commission ($),Settlement Date
 Jan-05-2024,X12345678,YOU BOUGHT APPLE INC,AAPL,APPLE INC,Cash,10.5,185.10,0.00,Jan-09-2024,
 Jan-08-2024,X12345678,DIVIDEND RECEIVED,AAPL,APPLE INC,Cash,0.000,,,,

"The data and information in this spreadsheet is provided to you solely for your use"
"""

IBKR = """Statement,Header,Field Name,Field Value
Statement,Data,BrokerName,Interactive Brokers
Trades,Header,DataDiscriminator,Asset Category,Currency,Symbol,Date/Time,Quantity,T. Price,Comm/Fee
Trades,Data,Order,Stocks,USD,AAPL,"2024-01-05, 10:31:07","1,250",185.1,-1.05
Trades,Data,Order,Stocks,EUR,SAP,"2024-01-05, 10:31:07",10,140.2,-4
Trades,SubTotal,,Stocks,USD,AAPL,,"1,250",,-1.05
"""

EUROPEAN = """Titel;Stück;Kurs;Datum;Gebühr
AAPL;1.250,5;185,10;05.01.2024;4,95
"""

LAYOUTS = {
    "schwab": (
        SCHWAB,
        {
            "columns": mapping(
                "ticker=Symbol,quantity=Quantity,price=Price,opened=Date,commission=Fees & Comm", "--columns"
            ),
            "only": {"Action": frozenset({"Buy"})},
            "days": "MM/DD/YYYY",
            "thousands": ",",
        },
        [
            Opening("AAPL", 1250.0, 185.1, date(2024, 1, 5), commission=4.95),
            Opening("BRK.B", 12.5, 1385.0, date(2024, 2, 1)),
        ],
        2,
    ),
    "fidelity": (
        FIDELITY,
        {
            "columns": mapping("ticker=Symbol,quantity=Quantity,price=Price ($),opened=Run Date", "--columns"),
            "only": {"Action": frozenset({"YOU BOUGHT APPLE INC"})},
            "days": "MON-DD-YYYY",
        },
        [Opening("AAPL", 10.5, 185.1, date(2024, 1, 5))],
        2,
    ),
    "interactive brokers": (
        IBKR,
        {
            "columns": mapping(
                "ticker=Symbol,quantity=Quantity,price=T. Price,opened=Date/Time,commission=-Comm/Fee", "--columns"
            ),
            "only": {"DataDiscriminator": frozenset({"Order"}), "Currency": frozenset({"USD"})},
            "days": "YYYY-MM-DD, *",
            "thousands": ",",
        },
        [Opening("AAPL", 1250.0, 185.1, date(2024, 1, 5), commission=1.05)],
        2,
    ),
    "european": (
        EUROPEAN,
        {
            "columns": mapping("ticker=Titel,quantity=Stück,price=Kurs,opened=Datum,commission=Gebühr", "--columns"),
            "days": "DD.MM.YYYY",
            "thousands": ".",
            "decimal": ",",
            "delimiter": ";",
        },
        [Opening("AAPL", 1250.5, 185.1, date(2024, 1, 5), commission=4.95)],
        0,
    ),
}


def read(tmp_path, text, **layout):
    file = tmp_path / "export.csv"
    file.write_text(text)
    return read_openings(file, LATEST, Layout(**layout))


@pytest.mark.parametrize(("text", "layout", "expected", "left_out"), LAYOUTS.values(), ids=LAYOUTS)
def test_a_broker_s_export_is_read_by_its_layout(tmp_path, text, layout, expected, left_out):
    rows = read(tmp_path, text, **layout)
    assert [row.opening for row in rows if not row.is_left_out] == expected
    assert sum(row.is_left_out for row in rows) == left_out


@pytest.mark.parametrize(
    ("layout", "cell", "number"),
    [
        ({}, "1,250", None),
        ({"thousands": ","}, "1,250", 1250),
        ({"thousands": ","}, "1,25", None),
        ({"thousands": ","}, "12,50,000", None),
        ({"thousands": ","}, "1250.5", 1250.5),
        ({"thousands": ".", "decimal": ","}, "1.250", 1250),
        ({"thousands": ".", "decimal": ","}, "1.25", None),
        ({"thousands": ".", "decimal": ","}, "1.250,5", 1250.5),
        ({"decimal": ","}, "1250,5", 1250.5),
        ({"decimal": ","}, "1250.5", None),
        ({"thousands": "'"}, "1'250.5", 1250.5),
        ({"thousands": " ", "decimal": ","}, "1\N{NO-BREAK SPACE}250,5", 1250.5),
        ({}, "$5", None),
        ({"columns": {"price": "Price"}}, "$5", 5),
    ],
)
def test_a_number_has_the_signs_that_were_named_or_is_none(layout, cell, number):
    assert Layout(**layout).number(cell) == number


@pytest.mark.parametrize(
    ("days", "cell", "day"),
    [
        ("YYYY-MM-DD", "2024-1-5", None),
        ("MM/DD/YYYY", "02/01/2024", date(2024, 2, 1)),
        ("DD/MM/YYYY", "02/01/2024", date(2024, 1, 2)),
        ("MM/DD/YYYY", "1/5/2024", date(2024, 1, 5)),
        ("MM/DD/YYYY", "13/01/2024", None),
        ("MM/DD/YYYY", "01/05/24", None),
        ("YYYYMMDD", "20240105", date(2024, 1, 5)),
        ("YYYYMMDD", "2024115", None),
        ("YYYYMMDD;*", "20240105;103107", date(2024, 1, 5)),
        ("MON-DD-YYYY", "jan-05-2024", date(2024, 1, 5)),
        ("MON-DD-YYYY", "Xyz-05-2024", None),
        ("MON-DD-YYYY", "Jan-32-2024", None),
    ],
)
def test_a_day_has_the_order_that_was_named_or_is_none(days, cell, day):
    assert Layout(days=days).day(cell) == day


@pytest.mark.parametrize(
    ("layout", "words"),
    [
        ({"thousands": "."}, "thousands and decimals cannot both be separated by '.'.*--decimal"),
        ({"thousands": ";"}, "';' does not separate thousands"),
        ({"decimal": "-"}, "'-' does not separate decimal"),
        ({"days": "MM/DD"}, "'MM/DD' is no format of a date"),
        ({"days": "MM/MM/YYYY"}, "no format of a date"),
        ({"days": "MON MM DD YYYY"}, "no format of a date"),
        ({"delimiter": ""}, "does not separate columns"),
    ],
)
def test_a_layout_that_makes_no_sense_is_refused_with_a_remedy(layout, words):
    with pytest.raises(PositionRefused, match=words):
        Layout(**layout)


@pytest.mark.parametrize("text", ["Symbol", "ticker=", "=Symbol", "ticker=Symbol,", "ticker=A,ticker=B"])
def test_a_mapping_that_cannot_be_read_is_refused(text):
    with pytest.raises(PositionRefused, match="--columns"):
        mapping(text, "--columns")


COLUMNS = {"ticker": "Symbol", "quantity": "Quantity", "price": "Price", "opened": "Date"}


@pytest.mark.parametrize(
    ("columns", "header", "words"),
    [
        ({"ticker": "Symbol"}, "Symbol", "does not say which column is quantity, price, opened"),
        (COLUMNS | {"fee": "Fee"}, "Symbol,Quantity,Price,Date,Fee", "names 'fee', which a purchase does not have"),
        (COLUMNS, "Symbol,Qty,Price,Date", "no line of it names all of Date, Price, Quantity, Symbol"),
        (COLUMNS, "Symbol,Quantity,Price,Date,Price", "names the column Price twice"),
        (COLUMNS, "Symbol,Quantity,Price,Date", "it has no row"),
    ],
)
def test_columns_that_are_not_in_the_file_are_refused(tmp_path, columns, header, words):
    with pytest.raises(PositionRefused, match=words):
        read(tmp_path, f"{header}\n", columns=columns)


def test_a_row_that_is_too_short_or_ambiguous_is_named_with_its_line(tmp_path):
    rows = read(tmp_path, "Symbol,Quantity,Price,Date\nA,1\nA,1,5,01/05/2024\n", columns=COLUMNS)
    assert [(row.line, row.faults) for row in rows] == [
        (2, ("it has 2 cells, the first line 4",)),
        (3, ("opened '01/05/2024' is not a day like 2024-01-05",)),
    ]


def test_whether_orders_are_reduced_is_yes_or_no(tmp_path):
    text = "ticker,quantity,price,opened,do_not_reduce\n" + "".join(
        f"A,1,1,2024-01-05,{word}\n" for word in ("yes", "No", "", "maybe")
    )
    rows = read(tmp_path, text)
    assert [row.opening and row.opening.do_not_reduce for row in rows] == [True, False, None, None]
    assert rows[-1].faults == ("do_not_reduce 'maybe' is not yes or no",)
