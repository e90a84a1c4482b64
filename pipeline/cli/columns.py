"""Which columns of a table a narrow terminal shows."""

from collections.abc import Iterable, Mapping, Sequence

GAP = 2
"""Blanks between two columns."""


def fitting(widths: Mapping[str, int], leave_out: Sequence[str], room: int, gap: int = GAP) -> list[str]:
    """Return the columns of a table that `room` characters can show, in the order of `widths`.

    As many as needed of `leave_out` are left out, the first of them first. The others stay, even where they do not fit.
    """
    shown = dict(widths)
    for name in leave_out:
        if sum(shown.values()) + gap * (len(shown) - 1) <= room:
            break
        shown.pop(name, None)
    return list(shown)


def widths_of(lines: Iterable[Mapping[str, str]], names: Iterable[str]) -> dict[str, int]:
    """Return the width of each column: that of its heading or of its longest cell. A line may lack some cells."""
    every = list(lines)
    return {name: max(len(name), *(len(line.get(name, "")) for line in every), 0) for name in names}
