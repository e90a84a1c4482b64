"""Every text has enough contrast in both schemes (WCAG 2.2, level AA), and up differs from down by more than hue."""

import re

import pytest

from pipeline.reports.shell import style

LARGE_AND_DRAWN = 3.0
TEXT = 4.5

GROUNDS = ("ground", "panel", "raised")
TEXTS = ("text", "muted", "up", "down", "short", "long", "fast", "slow", "rsi")
DRAWN = ("band", "level", "mark")


def variables(scheme: str) -> dict[str, str]:
    dark, light = re.findall(r":root \{(.*?)\}", style().text, re.DOTALL)
    found = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", dark))
    return found if scheme == "dark" else found | dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", light))


def luminance(colour: str) -> float:
    """Return WCAG's relative luminance."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_contrast_is_measured_as_wcag_does():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("text", TEXTS)
def test_text_can_be_read_on_every_ground(scheme, ground, text):
    colours = variables(scheme)
    assert contrast(colours[text], colours[ground]) >= TEXT


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("line", DRAWN)
def test_lines_stand_out_from_the_panel(scheme, line):
    colours = variables(scheme)
    assert contrast(colours[line], colours["panel"]) >= LARGE_AND_DRAWN


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_warnings_and_tags_can_be_read(scheme):
    colours = variables(scheme)
    assert contrast(colours["warn"], colours["warn-ground"]) >= TEXT
    for ground in ("text", "up", "down"):
        assert contrast(colours["on-tag"], colours[ground]) >= TEXT


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_both_schemes_set_the_same_colours(scheme):
    assert variables(scheme).keys() == variables("dark").keys()


DICHROMATS = {
    "protanope": ((0.11238, 0.88762, 0.0), (0.11238, 0.88762, 0.0), (0.00401, -0.00401, 1.0)),
    "deuteranope": ((0.29275, 0.70725, 0.0), (0.29275, 0.70725, 0.0), (-0.02234, 0.02234, 1.0)),
}
"""What such eyes see of linear red, green and blue.

Source: Viénot, Brettel and Mollon, "Digital video colourmaps for checking the legibility of displays by dichromats".
"""


def seen(colour: str, eyes: str) -> tuple[float, ...]:
    linear = [((int(colour[at : at + 2], 16) / 255 + 0.055) / 1.055) ** 2.4 for at in (1, 3, 5)]
    rows = DICHROMATS[eyes]
    return tuple(sum(weight * channel for weight, channel in zip(row, linear, strict=True)) for row in rows)


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("eyes", DICHROMATS)
def test_up_and_down_differ_for_eyes_that_miss_red_or_green(scheme, eyes):
    colours = variables(scheme)
    up, down = seen(colours["up"], eyes), seen(colours["down"], eyes)
    # Far apart in blue, which these eyes do see.
    assert abs(up[2] - down[2]) > 0.4
