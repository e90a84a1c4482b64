"""Reading one dated file as a frame: exact types, exact tickers, and a refusal of anything else."""

import gzip
from collections.abc import Collection
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import FileRefused, NotPublished
from pipeline.sources.massive.frames import LONGEST_REST, SCHEMAS, ExtraColumns, read_day, read_flat_file
from pipeline.sources.port import Dataset, key_of
from pipeline.sources.transfer.folder import FolderFlatFiles

DAY, TRADES, QUOTES = Dataset.DAY_AGGS, Dataset.TRADES, Dataset.QUOTES
HEADERS = {
    DAY: "ticker,volume,open,close,high,low,window_start,transactions",
    Dataset.MINUTE_AGGS: "ticker,volume,open,close,high,low,window_start,transactions",
    TRADES: "ticker,conditions,correction,exchange,id,participant_timestamp,price,sequence_number,sip_timestamp,size,"
    "tape,trf_id,trf_timestamp",
    QUOTES: "ticker,ask_exchange,ask_price,ask_size,bid_exchange,bid_price,bid_size,conditions,indicators,"
    "participant_timestamp,sequence_number,sip_timestamp,tape,trf_timestamp",
}
"""As the vendor's specification gives them."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "2024-01-05.csv.gz"


def write(path: Path, dataset: Dataset, *rows: str) -> Path:
    path.write_bytes(gzip.compress("\n".join([HEADERS[dataset], *rows, ""]).encode()))
    return path


def bar(ticker: str, volume: str = "100") -> str:
    return f"{ticker},{volume},1.5,1.6,1.7,1.4,1704430800000000000,7"


@pytest.mark.parametrize("dataset", list(Dataset))
def test_columns_stand_in_the_vendors_order(dataset: Dataset) -> None:
    assert ",".join(SCHEMAS[dataset].names()) == HEADERS[dataset]


def test_a_minute_row_is_read_exactly(path: Path) -> None:
    write(path, Dataset.MINUTE_AGGS, "AAPL,2036584.149027,61.680000,61.7,62,61.5,1704445200000000000,12")

    assert read_flat_file(path, Dataset.MINUTE_AGGS).rows() == [
        ("AAPL", 2036584.149027, 61.68, 61.7, 62.0, 61.5, 1704445200000000000, 12)
    ]


def test_a_trade_is_read_exactly(path: Path) -> None:
    write(
        path,
        TRADES,
        'A,"12,37",0,11,9223372036854775809,1704448801123456789,111.5,12345678901,1704448801123456790,1,1,0,0',
        "A,,0,4,52983575627601,1704448801123456791,111.510000,7,1704448801123456792,0.125000,1,202,1704448801123456000",
        "A,12,,4,x9,1704448801123456791,111.51,8,1704448801123456793,3,1,,",
    )

    frame = read_flat_file(path, TRADES)

    assert frame.schema == SCHEMAS[TRADES]
    assert frame["id"].to_list() == ["9223372036854775809", "52983575627601", "x9"]
    assert frame["conditions"].to_list() == ["12,37", None, "12"]
    assert frame["size"].to_list() == [1.0, 0.125, 3.0]
    assert frame["sip_timestamp"].to_list() == [1704448801123456790, 1704448801123456792, 1704448801123456793]
    assert frame["sequence_number"].to_list() == [12345678901, 7, 8]
    assert frame["trf_timestamp"].to_list() == [0, 1704448801123456000, None]
    assert frame["correction"].to_list() == [0, 0, None]


def test_a_quote_is_read_exactly(path: Path) -> None:
    write(path, QUOTES, 'NA,12,115.0,2,11,110,1.500000,"1,81",604,1704448801123456789,5,1704448801123456790,2,0')

    frame = read_flat_file(path, QUOTES)

    assert frame.schema == SCHEMAS[QUOTES]
    assert frame.rows() == [
        ("NA", 12, 115.0, 2.0, 11, 110.0, 1.5, "1,81", "604", 1704448801123456789, 5, 1704448801123456790, 2, 0)
    ]


def test_columns_are_taken_by_name_in_any_order_and_extra_ones_are_reported(path: Path) -> None:
    header = "transactions,otc,ticker,volume,open,close,high,low,window_start"
    path.write_bytes(gzip.compress(f"{header}\n7,true,TRUE,100,1.5,1.6,1.7,1.4,1704430800000000000\n".encode()))

    with pytest.warns(ExtraColumns, match="otc"):
        frame = read_flat_file(path, DAY)

    assert frame.schema == SCHEMAS[DAY]
    assert frame.rows() == [("TRUE", 100.0, 1.5, 1.6, 1.7, 1.4, 1704430800000000000, 7)]


@pytest.mark.parametrize(
    ("tickers", "expected"),
    [
        (["AAp"], ["AAp"]),
        (["NA", "1E5"], ["1E5", "NA"]),
        ("AAP", ["AAP"]),
        ({"AAP", "nowhere"}, ["AAP"]),
        (["nowhere"], []),
        ([], []),
    ],
)
def test_a_subset_holds_exactly_the_requested_tickers(
    path: Path, tickers: Collection[str], expected: list[str]
) -> None:
    write(path, DAY, *(bar(ticker) for ticker in ("1E5", "AAP", "AAp", "NA", "NULL")))

    frame = read_flat_file(path, DAY, tickers)

    assert frame["ticker"].to_list() == expected
    assert frame.schema == SCHEMAS[DAY]


def test_a_row_without_a_ticker_is_there_with_none(path: Path) -> None:
    write(path, DAY, ",0,0,0,0,0,1704430800000000000,0", bar("A"))

    assert read_flat_file(path, DAY)["ticker"].to_list() == [None, "A"]


@pytest.mark.parametrize("batch", [1, 7, 64, 100, 1000, 1 << 20])
def test_batches_of_any_size_give_the_same_frame(path: Path, batch: int) -> None:
    rows = [f'T{n},"{n},37",0,4,{n},1,1.{n},{n},{n + 1},{n},1,0,0' for n in range(40)]
    write(path, TRADES, *rows)

    frame = read_flat_file(path, TRADES, batch=batch)
    some = read_flat_file(path, TRADES, ["T3", "T39"], batch=batch)

    assert frame["ticker"].to_list() == [f"T{n}" for n in range(40)]
    assert frame["conditions"].to_list() == [f"{n},37" for n in range(40)]
    assert some.equals(frame[[3, 39]])


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("last", [True, False], ids=["last line ended", "last line open"])
def test_line_endings_do_not_touch_the_values(path: Path, ending: str, last: bool) -> None:
    text = ending.join([HEADERS[TRADES], 'A,12,0,4,i,1,1.5,2,3,4,1,0,"0"', "B,12,0,4,j,1,1.5,2,3,4,1,0,9"])
    path.write_bytes(gzip.compress((text + ending * last).encode()))

    frame = read_flat_file(path, TRADES)

    assert frame.select("ticker", "id", "trf_timestamp").rows() == [("A", "i", 0), ("B", "j", 9)]


def test_several_gzip_members_are_one_file(path: Path) -> None:
    parts = [f"{HEADERS[DAY]}\n{bar('A')}\nB,1", f"00,1,1,1,1,5,7\n{bar('C')}\n"]
    path.write_bytes(b"".join(gzip.compress(part.encode()) for part in parts))

    assert read_flat_file(path, DAY)["ticker"].to_list() == ["A", "B", "C"]


@given(
    tickers=st.lists(
        st.text(st.characters(codec="utf-8", exclude_characters='\x00\r\n,"', exclude_categories=["Cs"]), min_size=1),
        min_size=1,
        max_size=8,
    )
)
def test_any_ticker_survives(tmp_path_factory: pytest.TempPathFactory, tickers: list[str]) -> None:
    path = write(tmp_path_factory.mktemp("any") / "x.csv.gz", DAY, *(bar(ticker) for ticker in tickers))

    assert read_flat_file(path, DAY)["ticker"].to_list() == tickers


def packed(text: str) -> bytes:
    return gzip.compress(text.encode())


HEADER = HEADERS[DAY]
GOOD = packed(f"{HEADER}\n{bar('A')}\n{bar('B')}\n")
WRONG_FILES = {
    "an empty file": (b"", "has the columns"),
    "text named gz": (b"ticker,volume\nA,1\n", "not a whole gzip"),
    "a web page": (b"<html>Please log in</html>", "not a whole gzip"),
    "cut in the middle": (GOOD[:-20], "not a whole gzip"),
    "cut by a byte": (GOOD[:-1], "not a whole gzip"),
    "something left over": (GOOD + b"left over", "not a whole gzip"),
    "a wrong checksum": (GOOD[:-8] + b"\0\0\0\0" + GOOD[-4:], "not a whole gzip"),
    "nothing packed": (packed(""), "has the columns"),
    "a web page packed": (packed("<html>Please log in</html>"), "has the columns"),
    "a header only": (packed(f"{HEADER}\n"), "no row"),
    "another dataset": (packed(f"{HEADERS[TRADES]}\nA\n"), "without exactly one volume, open"),
    "a column twice": (packed(f"{HEADER},ticker\n{bar('A')},A\n"), "without exactly one ticker"),
    "a short row": (packed(f"{HEADER}\n{bar('A')}\nB,1,1,1\n{bar('C')}\n"), "end too soon"),
    "a short first row": (packed(f"{HEADER}\nB,1,1,1\n"), "end too soon"),
    "a long row": (packed(f"{HEADER}\n{bar('A')},more\n"), "not valid CSV"),
    "a line without end": (packed(f"{HEADER}\n{bar('A')}\n{'B' * (LONGEST_REST + 1)}"), "end within 1,048,576 bytes"),
    "a long header": (packed(f"{HEADER}{',x' * LONGEST_REST}\n{bar('A')}\n"), "columns, more than the 64"),
    "a name of the reader's own": (packed(f"{HEADER},row number\n{bar('A')},1\n"), "named 'row number'"),
    "a mark among the rows": (packed(f"{HEADER}\n{bar('A')}\n{bar(chr(0xFEFF) + 'B')}\n"), "a byte order mark among"),
    "a line end in quotes": (packed(f'{HEADER}\n"A\n,,,,,,,B",1,1,1,1,1,1,1\n'), "a quote that runs over"),
    "a blank row": (packed(f"{HEADER}\n{bar('A')}\n\n{bar('B')}\n"), "end too soon"),
    "no UTF-8": (gzip.compress(f"{HEADER}\n".encode() + b"\xff\xfe,1,1,1,1,1,1,1\n"), "not valid CSV"),
}


@pytest.mark.parametrize(("body", "fault"), WRONG_FILES.values(), ids=WRONG_FILES)
def test_a_wrong_file_is_refused_with_its_fault(path: Path, body: bytes, fault: str) -> None:
    path.write_bytes(body)

    with pytest.raises(FileRefused, match=fault) as refused:
        read_flat_file(path, DAY)
    assert refused.value.message.startswith("2024-01-05.csv.gz")


@pytest.mark.parametrize("volume", ["", "n/a", "NaN", "inf", "1_000", " 1"])
def test_an_unreadable_number_is_refused_with_its_row(path: Path, volume: str) -> None:
    write(path, DAY, bar("A"), bar("B", volume))

    with pytest.raises(FileRefused, match="no readable volume in row 2"):
        read_flat_file(path, DAY)
    with pytest.raises(FileRefused, match="no readable volume in row 2"):
        read_flat_file(path, DAY, ["B"], batch=60)


def test_an_integer_that_is_none_is_refused_even_where_it_may_be_empty(path: Path) -> None:
    write(path, TRADES, "A,12,0,4,i,1,1.5,2,3,4,1,0,0", "A,12,0.5,4,i,1,1.5,2,3,4,1,0,0")

    with pytest.raises(FileRefused, match=r"no readable correction in row 2: '0\.5'"):
        read_flat_file(path, TRADES)


def test_a_subset_is_not_refused_for_another_tickers_number(path: Path) -> None:
    write(path, DAY, bar("A"), bar("B", "n/a"))

    assert read_flat_file(path, DAY, ["A"])["ticker"].to_list() == ["A"]


def test_a_day_is_read_from_a_source_and_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    path = tmp_path / key_of(DAY, date(2024, 1, 5))
    path.parent.mkdir(parents=True)
    write(path, DAY, bar("A"), bar("B"))
    source = FolderFlatFiles(tmp_path)

    frame = read_day(source, DAY, date(2024, 1, 5), ["B"])

    assert frame.select(pl.col("ticker"), pl.col("close")).rows() == [("B", 1.6)]
    assert not list(scratch.iterdir())
    with pytest.raises(NotPublished):
        read_day(source, DAY, date(2024, 1, 8))
