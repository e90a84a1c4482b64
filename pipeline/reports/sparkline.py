"""Small lines of closes, as coordinates for an inline SVG."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT, INSET = 112, 22, 3
"""Size of the picture in its own units, and the margin on every side."""


@dataclass(frozen=True)
class Sparkline:
    """A line through closes, oldest first, scaled to fill the picture."""

    points: str
    """For `polyline`: `x,y x,y …`; empty when there are fewer than two closes."""
    last_x: float
    last_y: float
    closes: tuple[float, ...]

    @property
    def change(self) -> float | None:
        """Return last ÷ first − 1."""
        return self.closes[-1] / self.closes[0] - 1 if len(self.closes) > 1 else None


def sparkline(closes: Sequence[float]) -> Sparkline:
    """Return the line through `closes` (positive, oldest first); one that never moves lies in the middle."""
    if len(closes) < 2:
        return Sparkline("", 0.0, 0.0, tuple(closes))
    lowest, highest = min(closes), max(closes)
    step = (WIDTH - 2 * INSET) / (len(closes) - 1)
    reach = HEIGHT - 2 * INSET
    points = [
        (
            round(INSET + step * place, 1),
            round(INSET + reach * ((highest - close) / (highest - lowest) if highest > lowest else 0.5), 1),
        )
        for place, close in enumerate(closes)
    ]
    return Sparkline(" ".join(f"{x},{y}" for x, y in points), *points[-1], tuple(closes))
