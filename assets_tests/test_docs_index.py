"""The documents hang together: the index links every page, and no link leads to a missing file or heading."""

import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs").glob("*.md"))
INDEX = ROOT / "docs" / "index.md"

ELSEWHERE = re.compile(r"[a-z][a-z+.-]*:", re.IGNORECASE)
"""The beginning of a link that leads out of the project."""


def prose(page: Path) -> str:
    """Return the text of a page without its blocks of code."""
    return re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)


def links(page: Path) -> list[str]:
    """Return where the links and pictures of a page lead, as far as that is in the project."""
    text = re.sub(r"`[^`\n]*`", "`", prose(page))
    return [link for link in re.findall(r"\]\(([^()\s]+)\)", text) if not ELSEWHERE.match(link)]


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives to the headings of a page."""
    seen: Counter[str] = Counter()
    found = set()
    for heading in re.findall(r"^#{1,6} +(.+?) *$", prose(page), re.MULTILINE):
        said = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()
        anchor = re.sub(r"[^\w\- ]", "", said).replace(" ", "-")
        found.add(f"{anchor}-{seen[anchor]}" if seen[anchor] else anchor)
        seen[anchor] += 1
    return found


def broken(page: Path) -> list[str]:
    """Return the links of a page that lead nowhere."""
    found = []
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path) if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            found.append(link)
    return found


def test_the_index_links_every_page_once():
    linked = Counter(link for link in links(INDEX) if link.endswith(".md") and "/" not in link)
    assert linked == Counter(page.name for page in PAGES if page != INDEX)


AT_THE_TOP = sorted(ROOT.glob("*.md"))


@pytest.mark.parametrize("page", [*AT_THE_TOP, *PAGES], ids=lambda page: page.name)
def test_no_link_leads_nowhere(page: Path):
    assert broken(page) == []


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path):
    page = tmp_path / "page.md"
    page.write_text("# A `code` & more\n[a](#a-code--more) [b](#b) [c](page.md#a-code--more) [d](d.md) `[e](e.md)`\n")
    assert broken(page) == ["#b", "d.md"]


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 130
