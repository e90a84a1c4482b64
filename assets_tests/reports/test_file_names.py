import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.reports.file_names import LONGEST, file_stem

TICKERS = st.one_of(
    st.text(max_size=12),
    st.text(alphabet="ACONUXPRLTM019apo._-/\\:~ ", max_size=8),
    st.text(alphabet="Aa_0", min_size=LONGEST - 10, max_size=2 * LONGEST),
)

RESERVED = {"CON", "PRN", "AUX", "NUL", *(f"{port}{n}" for port in ("COM", "LPT") for n in range(10))}


@pytest.mark.parametrize(
    ("ticker", "stem"),
    [
        ("AAPL", "AAPL"),
        ("BRK.A", "BRK-A"),
        ("BRK-A", "BRK_2dA"),
        ("AAp", "AA_70"),
        ("../x", "--_2f_78"),
        ("CON", "_43ON"),
        ("LPT1", "_4cPT1"),
        ("A_B", "A_5fB"),
        ("", "_"),
    ],
)
def test_a_ticker_is_spelt_as_one_would_type_it_where_that_is_safe(ticker, stem):
    assert file_stem(ticker) == stem


@given(TICKERS, TICKERS)
@example("AAP", "AAp")
@example("BRK.A", "BRK-A")
@example("CON", "_43ON")
@example("", "_")
@example("É", "E\u0301")
@example("A" * LONGEST + "x", "A" * LONGEST + "X")
def test_no_two_tickers_share_a_file_even_where_case_and_accents_fold(one, other):
    folded = [unicodedata.normalize("NFKD", file_stem(ticker).casefold()) for ticker in (one, other)]
    assert (folded[0] == folded[1]) == (one == other)


@given(TICKERS)
@example("." * 300)
@example("\x00")
@example("con")
@example("COM0")
def test_every_name_is_one_that_every_system_takes(ticker):
    stem = file_stem(ticker)
    assert re.fullmatch(r"[A-Z0-9a-f_-]+", stem)
    assert len(stem) + len(".html") <= 128
    assert stem.upper() not in RESERVED


@given(st.text(max_size=12))
def test_a_name_that_is_not_cut_spells_its_ticker(ticker):
    spelt = re.sub(rb"_([0-9a-f]{2})|-", _byte, file_stem(ticker).encode()) if ticker else b""
    assert spelt.decode() == ticker


def _byte(match: re.Match[bytes]) -> bytes:
    return bytes.fromhex(match[1].decode()) if match[1] else b"."
