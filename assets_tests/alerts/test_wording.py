"""How messages are escaped and shortened. Markup is judged by parsers of other people where there are some."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets_tests.alerts.days import FRI, a_day, listed, signal, signals
from pipeline.alerts.message import session_message
from pipeline.alerts.wording import (
    HTML,
    LONGEST,
    MARKDOWN,
    TEXT,
    Line,
    Message,
    Section,
    length,
    plain,
    written,
)

EVIL = "<script>alert(1)</script> & <b>*bold*</b> _x_ `y` [a](http://x) @everyone \u202egnp ~~z~~ | # end"


class Reader(HTMLParser):
    """Reads HTML as a browser does: its tags in order, and the text between them."""

    def __init__(self, document):
        super().__init__()
        self.tags, self.words = [], []
        self.feed(document)
        self.close()

    def handle_starttag(self, tag, attributes):
        assert not attributes
        self.tags.append(tag)

    def handle_endtag(self, tag):
        self.tags.append(f"/{tag}")

    def handle_data(self, data):
        self.words.append(data)


def one_line(words):
    return Message("t", (Section("h", (Line("1", words, words),)),))


def test_each_format_writes_its_own_markup():
    message = Message("t", (Section("Sell", (Line("1", "AAPL", "stop hit"),), (Line(rest="note"),)), Section("Data")))
    assert written(message, TEXT) == "Sell\n1 AAPL stop hit\nnote\n\nData"
    assert written(message, HTML) == "<b>Sell</b><br>1 <b>AAPL</b> stop hit<br>note<br>\u200b<br><b>Data</b>"
    assert written(message, MARKDOWN) == "**Sell**  \n1 **AAPL** stop hit  \nnote  \n  \n**Data**"


def test_what_others_wrote_stays_text_in_html():
    page = Reader(written(one_line(EVIL), HTML))
    assert page.tags == ["b", "/b", "br", "b", "/b"]
    assert "".join(page.words) == f"h1 {EVIL} {EVIL}"


def test_foreign_text_mentions_no_one_and_makes_no_markup_in_markdown():
    body = written(one_line(EVIL), MARKDOWN).splitlines()[1]
    assert body.count("**") == 2, "only ours"
    for sign in "`_[]<>~|#&":
        assert body.count(sign) == body.count(f"\\{sign}"), sign
    assert "@everyone" not in body


def test_plain_text_is_left_as_it_is_but_mentions_no_one():
    assert written(one_line("<b>*a*"), TEXT) == "h\n1 <b>*a* <b>*a*"
    assert "@everyone" not in written(one_line(EVIL), TEXT)
    assert written(one_line("3 @ 4"), TEXT) == "h\n1 3 @ 4 3 @ 4"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("two\nlines\tand  more ", "two lines and more"),
        (
            "bell\x07 turn\u202e hide\u200b half\ud800",
            "bell\N{REPLACEMENT CHARACTER} turn\N{REPLACEMENT CHARACTER} "
            "hide\N{REPLACEMENT CHARACTER} half\N{REPLACEMENT CHARACTER}",
        ),
        ("x" * 40, "x" * 40),
        ("x" * 41, "x" * 39 + "…"),
        ("Ägypten €", "Ägypten €"),
    ],
)
def test_words_come_on_one_line_of_bounded_length_without_hidden_signs(words, expected):
    assert plain(words, 40) == expected


def test_length_counts_rare_signs_twice_as_telegram_does():
    assert length("aé€") == 3
    assert length("📈") == 2


def test_too_many_lines_are_shortened_alike_and_counted():
    sections = (
        Section("A", tuple(Line(rest=f"a{n} is a line") for n in range(5)), (Line(rest="stays"),)),
        Section("B", tuple(Line(rest=f"b{n} is a line") for n in range(3))),
    )
    assert written(Message("t", sections), TEXT, 90) == (
        "A\na0 is a line\na1 is a line\n… and 3 more\nstays\n\nB\nb0 is a line\nb1 is a line\n… and 1 more"
    )


def test_what_is_still_too_long_ends_after_a_whole_line():
    sections = tuple(Section(f"heading {n}") for n in range(9))
    assert written(Message("t", sections), HTML, 50) == "<b>heading 0</b><br>\u200b<br><b>heading 1</b><br>…"


def test_a_hundred_candidates_and_signals_of_the_longest_names_fit_telegram_s_limit():
    long = "&<>" * 100
    tickers = [f"{n:03}{long}" for n in range(100)]
    day = a_day(
        listed=listed(FRI, *tickers, reason=long),
        before=listed(FRI),
        signals=signals(*(signal(ticker, reasons=[long]) for ticker in tickers)),
        held_without_bar=tickers,
        doubtful_splits=[(ticker, FRI, "conflicting") for ticker in tickers],
    )
    message = session_message(day, ("trend", "pullback"), 50)
    for style in (TEXT, HTML, MARKDOWN):
        message_text = written(message, style)
        assert 0.5 * LONGEST < length(message_text) <= LONGEST
        assert "Sell: 100 new signals" in message_text
        assert "trend: 3,120 of 10,171 passed" in message_text
        assert "Data" in message_text


words = st.text(max_size=60)
messages = st.builds(
    Message,
    st.just("t"),
    st.lists(
        st.builds(
            Section,
            st.text(max_size=10),
            st.lists(st.builds(Line, words, words, words), max_size=6).map(tuple),
            st.lists(st.builds(Line, words), max_size=2).map(tuple),
        ),
        max_size=4,
    ).map(tuple),
)


@pytest.mark.thorough
@given(messages, st.integers(1, 500), st.sampled_from([TEXT, HTML, MARKDOWN]))
def test_no_message_is_longer_than_allowed(message, most, style):
    assert length(written(message, style, most)) <= most


@given(messages, st.integers(1, 500))
def test_html_has_only_our_tags_each_of_them_closed(message, most):
    tags = [tag for tag in Reader(written(message, HTML, most)).tags if tag != "br"]
    assert tags == ["b", "/b"] * (len(tags) // 2)
