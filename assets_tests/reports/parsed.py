"""Reading HTML back: a tree of elements, as little of it as the tests need."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"circle", "input", "line", "link", "meta", "path", "polyline", "rect"}
"""Elements without an end."""


@dataclass
class Element:
    tag: str
    attributes: dict[str, str | None] = field(default_factory=dict)
    children: "list[Element | str]" = field(default_factory=list)

    def all(self, tag: str | None = None, **attributes: str | None) -> "list[Element]":
        """Return the elements below, in order, of this tag and with these attributes (`data_key` for `data-key`).

        An attribute without a value has the value None.
        """
        wanted = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
        found = []
        for child in self.children:
            if isinstance(child, Element):
                if tag in (None, child.tag) and wanted.items() <= child.attributes.items():
                    found.append(child)
                found += child.all(tag, **attributes)
        return found

    def one(self, tag: str | None = None, **attributes: str | None) -> "Element":
        """Return the only such element."""
        (found,) = self.all(tag, **attributes)
        return found

    @property
    def text(self) -> str:
        """Return the text below, white space collapsed."""
        return " ".join(self._text().split())

    def _text(self) -> str:
        return "".join(child if isinstance(child, str) else child._text() for child in self.children)

    @property
    def tags(self) -> list[str]:
        """Return the tags of all elements below, in order."""
        return [element.tag for element in self.all()]


class _Tree(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open = [Element("")]

    def handle_starttag(self, tag, attrs):
        element = Element(tag, dict(attrs))
        self.open[-1].children.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag, attrs):
        self.open[-1].children.append(Element(tag, dict(attrs)))

    def handle_endtag(self, tag):
        closed = self.open.pop()
        assert closed.tag == tag, f"<{closed.tag}> is closed by </{tag}>"

    def handle_data(self, data):
        self.open[-1].children.append(data)


def parsed(html: str) -> Element:
    """Return the tree of a page. Raises AssertionError when its elements do not nest."""
    tree = _Tree()
    tree.feed(html)
    tree.close()
    (root,) = tree.open
    return root
