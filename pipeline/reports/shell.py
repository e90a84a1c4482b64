"""The frame of a page: stylesheet, scripts and security policy, beside the page or inside it."""

import base64
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib.metadata import version
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

from markupsafe import Markup

from pipeline.reports.ticker_page import CHARTED

ASSETS = "assets"
"""Folder of files shared by all pages. Names have a version or a hash, so that old pages keep their own versions."""

SESSIONS = "sessions.js"
"""The list of sessions that have pages, by which older pages find newer ones."""


@dataclass(frozen=True)
class Asset:
    """A stylesheet or script that pages use, identified by its name; the text is built when it is read."""

    name: str
    make: Callable[[], str] = field(compare=False)
    tail: str = field(compare=False)
    """The end of the text, known before it is built: nearly all of it, except the chart document."""

    @cached_property
    def text(self) -> str:
        """Return the whole text."""
        return self.make()

    def is_at(self, place: Path) -> bool:
        """Return whether the file at `place` has this name's text, as far as can be checked without building it."""
        return place.exists() and place.read_bytes().endswith(self.tail.encode())

    @property
    def digest(self) -> str:
        """Return its SHA-256 as a content security policy names it."""
        return f"'sha256-{base64.b64encode(hashlib.sha256(self.text.encode()).digest()).decode()}'"


@dataclass(frozen=True)
class Shell:
    """How a page gets its looks and its scripts."""

    policy: str
    style: Markup
    scripts: Markup
    root: str | None
    """The path from the page to the folder of all pages; None for a page that stands alone and links to none."""


@cache
def style() -> Asset:
    """Return the stylesheet of every page."""
    return _hashed("style.css", _static("style.css"))


@cache
def page_script() -> Asset:
    """Return the script that sorts and filters tables and finds the neighbouring sessions."""
    return _hashed("page.js", _static("page.js"))


@cache
def chart_script() -> Asset:
    """Return the script that draws the chart, with Bokeh's document in it.

    Its name is the hash of its sources: Bokeh takes a second to load, which a run that already has the script saves.
    """
    tail = "\n".join(map(_static, ("figures.js", "dates.js", "overlay.js", "chart.js")))
    drawn_by = files("pipeline.reports").joinpath("chart.py").read_text(encoding="utf-8")
    recipe = "\n".join([version("bokeh"), drawn_by, *CHARTED, tail])
    return Asset(_with_hash("chart.js", recipe), lambda: _chart_text(tail), tail)


@cache
def bokeh_script() -> Asset:
    """Return Bokeh's own script, as the installed package has it; Bokeh itself is not loaded for it."""
    package = find_spec("bokeh")
    if package is None or package.origin is None:
        raise ImportError("Bokeh is not installed; it draws the charts of the pages.")
    script = Path(package.origin).parent / "server" / "static" / "js" / "bokeh.min.js"
    text = script.read_text(encoding="utf-8")
    return Asset(f"bokeh-{version('bokeh')}.min.js", lambda: text, text)


def shared_assets() -> tuple[Asset, ...]:
    """Return all files of ASSETS."""
    return style(), page_script(), chart_script(), bokeh_script()


def beside(root: str, scripts: Sequence[Asset]) -> Shell:
    """Return the shell of a page in the folder of all pages, whose top is reached by `root` (`../`)."""
    sources = [f"{root}{SESSIONS}", *(f"{root}{ASSETS}/{script.name}" for script in scripts)]
    return Shell(
        # Browsers differ in whether a page opened from a disk is its own origin; hence `file:`.
        policy=_policy("'self' file:", "'self' file: 'unsafe-inline'" if _draws(scripts) else "'self' file:"),
        style=Markup('<link rel="stylesheet" href="{}{}/{}">').format(root, ASSETS, style().name),
        scripts=Markup("\n").join(Markup('<script src="{}"></script>').format(source) for source in sources),
        root=root,
    )


def alone(scripts: Sequence[Asset]) -> Shell:
    """Return the shell of a self-contained page."""
    inside = [_enclosed(script) for script in scripts]
    return Shell(
        policy=_policy(
            " ".join(script.digest for script in inside), "'unsafe-inline'" if _draws(scripts) else style().digest
        ),
        style=Markup(f"<style>{style().text}</style>"),  # noqa: S704 (our own file)
        scripts=Markup("\n").join(Markup(f"<script>{script.text}</script>") for script in inside),  # noqa: S704 (ditto)
        root=None,
    )


def _enclosed(script: Asset) -> Asset:
    """Return the script without text that would end it, or hide its end, inside a page; it does the same."""
    text = script.text.replace("</script", "<\\/script").replace("<!--", "<\\!--")
    return Asset(script.name, lambda: text, text)


def _draws(scripts: Sequence[Asset]) -> bool:
    """Return whether Bokeh is among the scripts: it sets its styles in the page."""
    return bokeh_script() in scripts


def _policy(scripts: str, styles: str) -> str:
    """Return a content security policy that lets a page load these and its own pictures, and send nothing."""
    rules = {
        "default-src": "'none'",
        "script-src": scripts,
        "style-src": styles,
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{rule} {sources}" for rule, sources in rules.items())


def _static(name: str) -> str:
    return files("pipeline.reports").joinpath("static", name).read_text(encoding="utf-8")


def _chart_text(tail: str) -> str:
    from pipeline.reports.chart import chart_document  # noqa: PLC0415

    return f"globalThis.candlelake = {{ chart: {chart_document()} }};\n{tail}"


def _hashed(name: str, text: str) -> Asset:
    return Asset(_with_hash(name, text), lambda: text, text)


def _with_hash(name: str, text: str) -> str:
    stem, ending = name.rsplit(".", 1)
    return f"{stem}-{hashlib.sha256(text.encode()).hexdigest()[:12]}.{ending}"
