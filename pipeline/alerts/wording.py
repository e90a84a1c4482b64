"""How a message is written in each format that channels take: escaped, and cut to the length that they allow."""

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
    """One line: some words, the word that stands out, and what follows."""

    lead: str = ""
    strong: str = ""
    rest: str = ""


@dataclass(frozen=True)
class Section:
    """A heading with lines under it; of too many, only the first are told, and the number of the others."""

    heading: str
    lines: tuple[Line, ...] = ()
    notes: tuple[Line, ...] = ()
    """Lines that stay however short the message must be."""


@dataclass(frozen=True)
class Message:
    """What a channel is told. Its words are as they came; `written` makes them safe."""

    title: str
    """Words of ours only: services treat titles differently, so that nothing in one may need an escape."""
    sections: tuple[Section, ...]


@dataclass(frozen=True)
class Format:
    """A way to write: what is done to every word that is not markup, and the markup there is."""

    escaped: Callable[[str], str]
    strong: str
    """With `{}` for what stands out."""
    line_break: str
    empty_line: str = ""


def _text(words: str) -> str:
    # A name may not call anybody: an empty sign after @ leaves it readable.
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
"""Apprise takes lines without a sign out of what it sends to Telegram."""

MARKDOWN = Format(escaped=_markdown, strong="**{}**", line_break="  \n")


def plain(words: str, most: int) -> str:
    """Return `words` on one line of `most` characters; signs that are not shown, or turn the line, become a mark."""
    line = "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in " ".join(words.split()))
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}{CUT}"


def length(words: str) -> int:
    """Return how long `words` are as Telegram counts: UTF-16 units, two for a rare sign."""
    return len(words.encode("utf-16-le", "surrogatepass")) // 2


def written(message: Message, style: Format, most: int = LONGEST) -> str:
    """Return the message without its title in `style`, in at most `most` characters, markup counted.

    Every section is shortened to the same number of lines, as many as fit, and says how many it leaves out. What is
    still too long then ends after its last line that fits.
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
    kept = ""
    for line in lines:
        longer = f"{kept}{style.line_break}{line}" if kept else line
        if length(f"{longer}{style.line_break}{CUT}") > most:
            break
        kept = longer
    return f"{kept}{style.line_break}{CUT}" if kept else CUT
