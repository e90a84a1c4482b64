"""What surrounds a page's own contents: stylesheet, scripts and security policy, beside the page or inside it."""

import base64
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib.metadata import distribution, version
from importlib.resources import files
from pathlib import Path

from markupsafe import Markup

from pipeline.reports.ticker_page import CHARTED

ASSETS = "assets"
"""Folder of what all pages share. Names carry a version or a hash, so that old pages keep what they were made with."""

SESSIONS = "sessions.js"
"""The list of sessions that have pages, by which older pages find newer ones."""

SEAL = "\n// sha256 "
"""Before the hash with which a sealed script ends."""

DIGITS = 12
"""Hexadecimal digits of a hash that names carry."""


@dataclass(frozen=True)
class Asset:
    """A stylesheet or script that pages use."""

    name: str
    make: Callable[[], str] = field(compare=False, repr=False)

    @cached_property
    def text(self) -> str:
        """Return its text."""
        return self.make()

    @property
    def digest(self) -> str:
        """Return its SHA-256 as a content security policy names it."""
        return f"'sha256-{base64.b64encode(hashlib.sha256(self.text.encode()).digest()).decode()}'"

    def is_whole_at(self, place: Path) -> bool:
        """Return whether all of it lies at `place`: its name stands for one text, but a disk may have damaged it."""
        return place.exists() and place.stat().st_size == len(self.text.encode())


class SealedAsset(Asset):
    """An asset that ends with the hash of its text: whether a copy is whole is told without making it."""

    @cached_property
    def text(self) -> str:
        """Return its text with the seal."""
        text = self.make()
        return f"{text}{SEAL}{_hash(text.encode())}\n"

    def is_whole_at(self, place: Path) -> bool:
        """Return whether what lies at `place` keeps its seal."""
        text, _, seal = (place.read_bytes() if place.exists() else b"").rpartition(SEAL.encode())
        return seal.strip() == _hash(text).encode()


@dataclass(frozen=True)
class Shell:
    """How a page gets its looks and its scripts."""

    policy: str
    style: Markup
    scripts: Markup
    root: str | None
    """The way from the page to the folder of all pages; None for a page that stands alone and links to none."""


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

    Its name tells what it is made of, not its text: to make the document, Bokeh must be loaded, which takes longer
    than to write all pages of a session, and hardly any run needs it.
    """
    parts = [_static(name) for name in ("figures.js", "dates.js", "overlay.js", "chart.js")]
    document_from = [_bokeh_version(), " ".join(CHARTED), _resource("chart.py")]
    stem = _hash("\n".join([*document_from, *parts]).encode())[:DIGITS]
    return SealedAsset(f"chart-{stem}.js", lambda: "\n".join([_chart(), *parts]))


def _chart() -> str:
    from pipeline.reports.chart import chart_document  # noqa: PLC0415

    return f"globalThis.candlelake = {{ chart: {chart_document()} }};"


@cache
def bokeh_script() -> Asset:
    """Return Bokeh's own script, as the installed package has it."""
    return Asset(f"bokeh-{_bokeh_version()}.min.js", _bokeh)


def _bokeh() -> str:
    # Where `bokeh.util.paths.bokehjs_path` says, without loading Bokeh.
    script = distribution("bokeh").locate_file("bokeh/server/static/js/bokeh.min.js")
    return Path(str(script)).read_text(encoding="utf-8")


def _bokeh_version() -> str:
    # As `bokeh.__version__` is, without loading it.
    return version("bokeh")


def shared_assets() -> tuple[Asset, ...]:
    """Return everything that lies in ASSETS."""
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
    """Return the shell of a page that carries everything in itself."""
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
    """Return the script without what would end it, or hide its end, inside a page; it means the same."""
    return Asset(script.name, lambda: script.text.replace("</script", "<\\/script").replace("<!--", "<\\!--"))


def _draws(scripts: Sequence[Asset]) -> bool:
    """Return whether Bokeh is among the scripts: it sets its styles in the page."""
    return bokeh_script() in scripts


def _policy(scripts: str, styles: str) -> str:
    """Return a content security policy under which a page loads these and its own pictures, and sends nothing."""
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
    return _resource("static", name)


def _resource(*path: str) -> str:
    return files("pipeline.reports").joinpath(*path).read_text(encoding="utf-8")


def _hashed(name: str, text: str) -> Asset:
    stem, ending = name.rsplit(".", 1)
    return Asset(f"{stem}-{_hash(text.encode())[:DIGITS]}.{ending}", lambda: text)


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
