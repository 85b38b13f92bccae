"""Markdown to clean HTML: the only caller of Markdown and of bleach.

The way of a text: bounds (prose.py), our own scan of what stands inside lines (inline.py), Markdown for the structure,
then bleach and nh3. Nothing is unescaped or inserted after the sanitisers.
"""

from __future__ import annotations

import re
import string
import unicodedata
from functools import cache
from threading import Lock
from xml.etree.ElementTree import Element

import bleach.sanitizer
import markdown
import nh3
from markdown import inlinepatterns
from markdown.extensions import Extension
from markdown.extensions.sane_lists import SaneListExtension
from markdown.extensions.tables import TableExtension
from markdown.treeprocessors import Treeprocessor
from markdown.util import AtomicString

from elearn.authoring.inline import LINK_OPENS, SAFE_SCHEMES, TOKEN_CLOSES, TOKEN_OPENS, Atom, Scan, is_safe_address
from elearn.authoring.page import Page
from elearn.authoring.prose import LONGEST_PASSAGE, look_at_lines, regular, within_bounds
from elearn.authoring.source import Fence, Passage, blocks, tell_unknown_block

LONGEST_HTML = 400_000

_NEEDS_MARKDOWN = re.compile(r"[\\`*_\[\]{}<>&!#|]|^(?:\s|[-+=~]|\d+[.)])|\s$")
_ONLY_PARAGRAPH = re.compile(r"<p>((?:(?!</?p>).)*)</p>", re.DOTALL)
_HEADINGS = frozenset(f"h{level}" for level in range(1, 7))
_TABLE = {"en": "Table", "hi": "तालिका"}

_NOT_OURS = (
    *("backtick", "reference", "link", "image_link", "image_reference", "short_reference", "short_image_ref"),
    *("autolink", "automail", "html", "entity", "not_strong", "em_strong", "em_strong2"),
)
"""What Python-Markdown looks for inside lines, except escapes and line breaks."""

_one_at_a_time = Lock()
"""Markdown and bleach keep what they are working on in themselves."""


# --- Markdown -----------------------------------------------------------------------------------------------------


class _Token(inlinepatterns.InlineProcessor):
    """Puts the elements of the scan where their tokens stand."""

    def __init__(self, opens: str, md: _Markdown) -> None:
        super().__init__(f"{opens}([0-9]+){TOKEN_CLOSES}", md)
        self._owner = md

    def handleMatch(self, m: re.Match[str], data: str) -> tuple[Element, int, int]:  # type: ignore[override]  # noqa: N802
        return _element(self._owner.atoms[int(m[1])]), m.start(0), m.end(0)


class _Marked(inlinepatterns.InlineProcessor):
    """`**strong**` and `*emphasis*` by one plain pattern each: Markdown's own patterns can take cubic time."""

    def __init__(self, sign: str, tag: str, md: markdown.Markdown) -> None:
        one, (before, after) = re.escape(sign[0]), (r"(?<!\w)", r"(?!\w)") if sign[0] == "_" else ("", "")
        mark = re.escape(sign)
        super().__init__(rf"{before}{mark}(?!\s)(?P<text>.+?)(?<!\s){mark}(?!{one}){after}", md)
        self._tag = tag

    def handleMatch(self, m: re.Match[str], data: str) -> tuple[Element, int, int]:  # type: ignore[override]  # noqa: N802
        element = Element(self._tag)
        element.text = m["text"]
        return element, m.start(0), m.end(0)


class _Finish(Treeprocessor):
    """Figures, scrolling tables and headings that can be pointed to."""

    def __init__(self, md: _Markdown) -> None:
        super().__init__(md)
        self._owner = md

    def run(self, root: Element) -> None:
        page = self._owner.page
        assert page
        for parent in list(root.iter()):
            for index, child in enumerate(list(parent)):
                if child.tag in _HEADINGS:
                    page.headings += 1
                    page.label = " ".join("".join(child.itertext()).split())
                    child.set("id", f"section-{page.headings}")
                elif child.tag == "table":
                    parent[index] = _scrolling(child, page)
                elif child.tag == "p":
                    _to_figure(child)
        for element in root.iter("img"):
            element.attrib.pop("caption", None)


class _Prose(Extension):
    """Leaves of Python-Markdown only what prose needs; all else that stands inside lines is ours."""

    def extendMarkdown(self, md: markdown.Markdown) -> None:  # noqa: N802 - Markdown's own name
        assert isinstance(md, _Markdown)
        md.preprocessors.deregister("html_block")
        md.postprocessors.deregister("raw_html")
        for name in ("code", "setextheader", "reference"):
            md.parser.blockprocessors.deregister(name)
        md.ESCAPED_CHARS = list(string.punctuation)
        patterns = md.inlinePatterns
        for name in _NOT_OURS:
            patterns.deregister(name, strict=False)  # not every version has them all
        patterns.register(_Token(LINK_OPENS, md), "links", 200)
        patterns.register(_Token(TOKEN_OPENS, md), "atoms", 190)
        for rank, (sign, tag) in enumerate((("**", "strong"), ("__", "strong"), ("*", "em"), ("_", "em"))):
            patterns.register(_Marked(sign, tag, md), sign, 60 - rank)
        md.treeprocessors.register(_Finish(md), "finish", 15)


class _Markdown(markdown.Markdown):
    """Python-Markdown with our prose rules, and what it is rendering now."""

    def __init__(self) -> None:
        self.page: Page | None = None
        self.atoms: list[Atom] = []
        tables, lists, prose = TableExtension(use_align_attribute=True), SaneListExtension(), _Prose()  # type: ignore[no-untyped-call]
        super().__init__(extensions=[tables, lists, prose], output_format="html")  # type: ignore[no-untyped-call]


@cache
def _markdown() -> _Markdown:
    return _Markdown()


def _text(text: str) -> AtomicString:
    # Markdown's serialiser leaves alone what looks like an entity; here every `&` is meant as written.
    return AtomicString(unicodedata.normalize("NFC", text).replace("&", "&amp;"))


def _element(atom: Atom) -> Element:
    """The element of an atom. Text becomes a `span`, which the sanitisers take away again."""
    if atom.kind == "cite":
        # A number on this page, or the title of the document in brackets.
        element = Element("sup" if atom.attributes["href"].startswith("#") else "span")
        anchor = Element("a", {"class": "cite", **_attributes(atom)})
        anchor.text = _text(atom.text)
        element.append(anchor)
        if element.tag == "span":
            element.text, anchor.tail = AtomicString("("), AtomicString(")")
        return element
    element = Element({"text": "span", "link": "a"}.get(atom.kind, atom.kind), _attributes(atom))
    element.text = atom.text if atom.kind in ("link", "span") else _text(atom.text)
    if atom.caption:
        element.set("caption", atom.caption)
    return element


def _attributes(atom: Atom) -> dict[str, str]:
    return {name: _text(value) for name, value in atom.attributes.items()}


def _scrolling(table: Element, page: Page) -> Element:
    label = page.label or _text(page.title or _TABLE.get(page.library.language, _TABLE["en"]))
    wrapper = Element("div", {"class": "scroll", "tabindex": "0", "role": "group", "aria-label": label})
    wrapper.append(table)
    wrapper.tail, table.tail = table.tail, None
    return wrapper


def _to_figure(paragraph: Element) -> None:
    """A picture alone in its paragraph becomes a figure with its caption."""
    if len(paragraph) != 1 or paragraph[0].tag != "img" or (paragraph.text or "").strip():
        return
    picture = paragraph[0]
    if (picture.tail or "").strip():
        return
    paragraph.tag, paragraph.text, picture.tail = "figure", None, None
    caption = picture.attrib.pop("caption", "")
    if caption:
        words = Element("figcaption")
        words.text = _text(caption)
        paragraph.append(words)


# --- sanitising ---------------------------------------------------------------------------------------------------

_ALIGN = re.compile("left|right|center")
_ANY = re.compile(r".*", re.DOTALL)
_TAGS: dict[str, dict[str, re.Pattern[str]]] = {
    "a": {
        "class": re.compile("term|cite"),
        "href": re.compile(r"(?:https?://|mailto:)[^\s<>\"'\\]+|#(?:term|source)-[a-z0-9-]+|/courses/[a-z0-9/-]+"),
        "rel": re.compile("noopener noreferrer"),
    },
    "img": {
        "src": re.compile(r"/courses/[a-z0-9-]+/media/[0-9a-f]{16}/[A-Za-z0-9.-]+"),
        "alt": _ANY,
        "width": re.compile(r"\d{1,5}"),
        "height": re.compile(r"\d{1,5}"),
        "loading": re.compile("lazy"),
        "decoding": re.compile("async"),
    },
    "div": {
        "class": re.compile("scroll"),
        "tabindex": re.compile("0"),
        "role": re.compile("group"),
        "aria-label": _ANY,
    },
    "ol": {"start": re.compile(r"\d{1,9}")},
    "th": {"align": _ALIGN},
    "td": {"align": _ALIGN},
    **{f"h{level}": {"id": re.compile(r"section-\d+")} for level in range(2, 7)},
    **{tag: {} for tag in ("p", "ul", "li", "blockquote", "strong", "em", "code", "pre", "hr", "br", "sup")},
    **{tag: {} for tag in ("table", "thead", "tbody", "tr", "figure", "figcaption")},
}
"""Every element that may come out, with every attribute and the form its value must have."""


def _allowed(tag: str, name: str, value: str) -> bool:
    pattern = _TAGS.get(tag, {}).get(name)
    if not pattern or not pattern.fullmatch(value):
        return False
    return name != "href" or value.startswith(("#", "/courses/")) or is_safe_address(value)


def _filtered(tag: str, name: str, value: str) -> str | None:
    return value if _allowed(tag, name, value) else None


@cache
def _cleaner() -> bleach.sanitizer.Cleaner:
    return bleach.sanitizer.Cleaner(  # type: ignore[no-untyped-call]
        tags=frozenset(_TAGS), attributes=_allowed, protocols=SAFE_SCHEMES, strip=True, strip_comments=True
    )


def sanitize(html: str) -> str:
    """HTML with the allowed elements and attributes only.

    Both are asked: bleach because the house is built on it, though it is at the end of its life and has let odd
    addresses through; nh3 over its output because it is kept up.
    """
    return nh3.clean(
        _cleaner().clean(html),  # type: ignore[no-untyped-call]
        tags=set(_TAGS),
        attributes={tag: set(names) for tag, names in _TAGS.items()},
        attribute_filter=_filtered,
        url_schemes=set(SAFE_SCHEMES),
        link_rel=None,
        strip_comments=True,
    )


# --- rendering ----------------------------------------------------------------------------------------------------


def render(passage: Passage, page: Page, headings: bool = True) -> str:
    """Clean HTML of a stretch of Markdown; everything wrong in it is told. Empty if it may not be rendered."""
    pieces = []
    for piece in blocks(passage):
        if isinstance(piece, Fence):
            pieces.append(code_block(piece))
        elif within_bounds(piece, page):
            look_at_lines(piece, page, headings)
            pieces.append(_to_html(piece, page))
    html = "\n".join(pieces)
    if len(html) > LONGEST_HTML:
        passage.source.tell(passage.start, "passage-too-long", most=LONGEST_PASSAGE)
        return ""
    with _one_at_a_time:
        return sanitize(html).strip()


def render_short(passage: Passage, page: Page) -> str:
    """Clean HTML of a question's text: inline when it is one paragraph, else blocks that begin with `<`."""
    lines = passage.lines
    if len(lines) == 1 and not _NEEDS_MARKDOWN.search(lines[0].text):
        return lines[0].text  # a plain sentence is its own HTML, and most options and feedbacks are plain sentences
    html = render(passage, page, headings=False)
    only = _ONLY_PARAGRAPH.fullmatch(html)
    return only[1] if only else html


def _to_html(passage: Passage, page: Page) -> str:
    """HTML of prose without fences, not yet sanitised."""
    scan = Scan(passage, page)
    with _one_at_a_time:
        md = _markdown()
        md.page, md.atoms = page, scan.atoms
        return str(md.reset().convert("\n".join(regular(scan.text.split("\n")))))


def code_block(fence: Fence) -> str:
    """Clean HTML of a fenced block that is shown as it stands. Exercises are told: they are read elsewhere."""
    if fence.name in ("check", "lab"):
        fence.body.source.tell(fence.opening.place, "exercise-here", name=fence.name)
    elif fence.name not in ("", "text"):
        tell_unknown_block(fence)
    elif fence.rest.text.strip():
        fence.body.source.tell(fence.rest.place, "unknown-attribute", value=fence.rest.text.strip())
    escaped = fence.body.text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f"<pre><code>{escaped}</code></pre>"
