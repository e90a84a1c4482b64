"""Formats a message for each kind of channel: escaped, and cut to the allowed length."""

import html
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

LONGEST = 4096
"""Characters of the longest message: Telegram takes no more."""

CUT = "…"

_MARKDOWN = re.compile(r"([\\`*_\[\]<>~|#&])")

_MENTION = re.compile(r"@(?=\w)")


@dataclass(frozen=True)
class Line:
    """One line: a lead, an emphasised part, and the rest."""

    lead: str = ""
    strong: str = ""
    rest: str = ""


@dataclass(frozen=True)
class Section:
    """A heading with lines under it; of too many lines, only the first are shown, and the number of the others."""

    heading: str
    lines: tuple[Line, ...] = ()
    notes: tuple[Line, ...] = ()
    """Lines that stay however short the message must be."""


@dataclass(frozen=True)
class Message:
    """A message to a channel. Its texts are raw; `written` escapes them."""

    title: str
    """Our own words only: services treat titles differently, so nothing in a title may need escaping."""
    sections: tuple[Section, ...]


@dataclass(frozen=True)
class Format:
    """A format: how text is escaped, and the markup."""

    escaped: Callable[[str], str]
    strong: str
    """With `{}` for the emphasised text."""
    line_break: str
    empty_line: str = ""


def _text(words: str) -> str:
    # A name must not mention anybody: a zero-width space after @ leaves it readable.
    return _MENTION.sub("@\N{ZERO WIDTH SPACE}", words)


def _markdown(words: str) -> str:
    return _text(_MARKDOWN.sub(r"\\\1", words))


TEXT = Format(escaped=_text, strong="{}", line_break="\n")
HTML = Format(
    escaped=lambda words: html.escape(words, quote=False),
    strong="<b>{}</b>",
    line_break="<br>",
    empty_line="\N{ZERO WIDTH SPACE}",
)
"""`empty_line`: apprise removes lines without a character from messages to Telegram."""

MARKDOWN = Format(escaped=_markdown, strong="**{}**", line_break="  \n")


def plain(words: str, most: int) -> str:
    """Return `words` on one line of `most` characters; invisible and direction-changing characters become U+FFFD."""
    line = "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in " ".join(words.split())
    )
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}{CUT}"


def length(words: str) -> int:
    """Return how long `words` are as Telegram counts: UTF-16 units, two for a rare character."""
    return len(words.encode("utf-16-le", "surrogatepass")) // 2


def written(message: Message, style: Format, most: int = LONGEST) -> str:
    """Return the message without its title in `style`, in at most `most` characters, markup counted.

    Every section is shortened to the same number of lines, as many as fit, and shows how many it leaves out. If it
    is still too long, it ends after the last line that fits.
    """
    longest = max((len(section.lines) for section in message.sections), default=0)
    for lines in range(longest, -1, -1):
        whole = style.line_break.join(_lines(message, style, lines))
        if length(whole) <= most:
            return whole
    return _ended(_lines(message, style, 0), style, most)


def _lines(message: Message, style: Format, most: int) -> Iterator[str]:
    for place, section in enumerate(message.sections):
        if place:
            yield style.empty_line
        yield _line(Line(strong=section.heading), style)
        for line in section.lines[:most]:
            yield _line(line, style)
        if len(section.lines) > most:
            yield _line(Line(f"{CUT} and {len(section.lines) - most} more"), style)
        for note in section.notes:
            yield _line(note, style)


def _line(line: Line, style: Format) -> str:
    strong = style.strong.format(style.escaped(line.strong)) if line.strong else ""
    return " ".join(part for part in (style.escaped(line.lead), strong, style.escaped(line.rest)) if part)


def _ended(lines: Iterator[str], style: Format, most: int) -> str:
    text = ""
    for line in lines:
        longer = f"{text}{style.line_break}{line}" if text else line
        if length(f"{longer}{style.line_break}{CUT}") > most:
            break
        text = longer
    return f"{text}{style.line_break}{CUT}" if text else CUT
