"""Finds what stands inside lines of Markdown (links, pictures, terms, sources, facts, code, HTML), each at its place.

Each thing found is replaced by a token, so that Markdown sees prose with nothing in it that could mislead it, and what
is shown for a token is made here, out of escaped text. The work grows with the length of the text and no faster.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlsplit

from elearn.authoring.findings import Place
from elearn.authoring.folder import hidden_character
from elearn.authoring.source import Passage

TOKEN_OPENS, LINK_OPENS, TOKEN_CLOSES = "\ue000", "\ue001", "\ue002"
"""Private characters around the number of a token; folder.py lets none of them in. Links have a sign of their own
because Markdown has to look inside them."""

SAFE_SCHEMES = ("https", "http", "mailto")


@dataclass(frozen=True, slots=True)
class Atom:
    """What a token stands for: an element with its text and attributes. The text of `link` and `span` is Markdown."""

    kind: str
    text: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    caption: str = ""


class Shelf(Protocol):
    """What a page has to show for names found in prose. Each tells what is wrong at the place it is given."""

    def term(self, name: str, words: str, place: Place) -> Atom: ...
    def cite(self, name: str, place: Place) -> Atom: ...
    def fact(self, name: str, place: Place) -> Atom: ...
    def picture(self, alt: str, name: str, caption: str, place: Place) -> Atom: ...
    def lesson_address(self, url: str, place: Place) -> str: ...


_SPECIAL = re.compile(r"[\\`!\[<{&]")
_ESCAPE = re.compile(r"\\[!-/:-@\[-`{-~]")
_TICKS = re.compile(r"`+")
_BLANK = re.compile(r"\n[ \t]*\n")
_WORDS = r"(?P<words>(?:[^\[\]\\]|\\.){0,2000}?)"
_PLAIN_ADDRESS = r"[^\s()<>\"]{0,2000}(?:\([^\s()<>\"]{0,500}\)[^\s()<>\"]{0,500}){0,5}"
_TARGET = (
    rf"[ \t]*(?:<(?P<bracketed>[^<>\n]{{0,2000}})>|(?P<url>{_PLAIN_ADDRESS}))"
    r"(?:[ \t\n]+\"(?P<title>[^\"]{0,1000})\")?[ \t]*\)"
)
_LINK = re.compile(rf"!?\[{_WORDS}\]\(", re.DOTALL)
_LINK_TARGET = re.compile(_TARGET)
_TERM = re.compile(r"\[\[(?P<id>[^\[\]|\n]{1,200})(?:\|(?P<words>[^\[\]]{1,300}))?\]\]")
_SOURCE = re.compile(r"\[@(?P<id>[^\[\]\n]{1,200})\]")
_FACT = re.compile(r"\{\{(?P<id>[^{}\n]{1,200})\}\}")
_REFERENCE = re.compile(r"\[[^\[\]\n]{1,500}\](?:\[[^\[\]\n]{0,500}\]|:[ \t]+\S)")
_ADDRESS = re.compile(r"<(?P<url>[a-zA-Z][a-zA-Z0-9+.-]{1,20}:[^\s<>]{1,2000})>")
_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,2000}>|<[?!][^<>]{0,2000}>")
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:")


def is_safe_address(url: str) -> bool:
    """An absolute https, http or mailto address without tricks. Our own check: sanitisers have let odd ones through."""
    if any(ord(c) <= 0x20 or ord(c) == 0x7F or c in "\\\"'<>`" for c in url):
        return False
    try:
        parts = urlsplit(url)
        named = bool(parts.hostname)  # raises on a broken port or IPv6 address
    except ValueError:
        return False
    return parts.scheme in SAFE_SCHEMES and (named if parts.scheme != "mailto" else "@" in parts.path)


class Scan:
    """One pass over a passage: `text` is the prose with tokens, `atoms` what they stand for."""

    def __init__(self, passage: Passage, shelf: Shelf) -> None:
        self.atoms: list[Atom] = []
        self._passage, self._shelf = passage, shelf
        self._raw, self._base = passage.text, 0
        self._kept: list[str] = []
        self._block = 0  # where the block ends that was looked at last
        self._unclosed: set[tuple[int, int]] = set()  # (length of ticks, end of block) known to have no partner
        self._readers: dict[str, Callable[[int], int]] = {
            "\\": self._escape,
            "`": self._code,
            "!": self._picture,
            "[": self._bracket,
            "<": self._angle,
            "{": self._fact,
            "&": self._entity,
        }
        self.text = self._read()

    def _read_inside(self, start: int, end: int) -> str:
        """The words of a link, scanned by themselves: nothing in them may reach beyond them."""
        outer = self._raw, self._base, self._kept, self._block, self._unclosed
        self._raw, self._base, self._kept, self._block, self._unclosed = self._raw[start:end], start, [], 0, set()
        try:
            return self._read()
        finally:
            self._raw, self._base, self._kept, self._block, self._unclosed = outer

    def _read(self) -> str:
        at = 0
        while found := _SPECIAL.search(self._raw, at):
            self._kept.append(self._raw[at : found.start()])
            at = self._readers[found[0]](found.start())
        self._kept.append(self._raw[at:])
        return "".join(self._kept)

    def _place(self, at: int) -> Place:
        return self._passage.place(self._base + at)

    def _tell(self, at: int, code: str, **arguments: object) -> None:
        self._passage.source.tell(self._place(at), code, None, **arguments)

    def _keep(self, at: int, length: int = 1) -> int:
        self._kept.append(self._raw[at : at + length])
        return at + length

    def _put(self, atom: Atom, end: int) -> int:
        opens = LINK_OPENS if atom.kind in ("link", "span") else TOKEN_OPENS
        self._kept.append(f"{opens}{len(self.atoms)}{TOKEN_CLOSES}")
        self.atoms.append(atom)
        return end

    def _escape(self, at: int) -> int:
        if self._raw.startswith("\\&", at):
            self._kept.append("&amp;")
            return at + 2
        return self._keep(at, 2 if _ESCAPE.match(self._raw, at) else 1)

    def _block_end(self, at: int) -> int:
        if at >= self._block:
            blank = _BLANK.search(self._raw, at)
            self._block = blank.end() if blank else len(self._raw)
        return self._block

    def _code(self, at: int) -> int:
        ticks = _TICKS.match(self._raw, at)
        assert ticks
        length, block = len(ticks[0]), self._block_end(at)
        if (length, block) not in self._unclosed:
            for partner in _TICKS.finditer(self._raw, ticks.end(), block):
                if len(partner[0]) == length:
                    inside = " ".join(self._raw[ticks.end() : partner.start()].split("\n"))
                    return self._put(Atom("code", inside.strip(" ") or inside), partner.end())
            self._unclosed.add((length, block))
        return self._put(Atom("text", ticks[0]), ticks.end())

    def _picture(self, at: int) -> int:
        if not self._raw.startswith("![", at):
            return self._keep(at)
        link = self._link(at)
        if not link:
            return self._keep(at)
        words, url, title, end = link
        return self._put(self._shelf.picture(_one_line(words), url, _one_line(title), self._place(at)), end)

    def _bracket(self, at: int) -> int:
        if term := _TERM.match(self._raw, at):
            words = _one_line(term["words"] or "")
            return self._put(self._shelf.term(term["id"].strip(), words, self._place(at)), term.end())
        if source := _SOURCE.match(self._raw, at):
            return self._put(self._shelf.cite(source["id"].strip(), self._place(at)), source.end())
        if link := self._link(at):
            words, url, _, end = link
            if not words.strip():
                self._tell(at, "link-malformed")
            inside = self._read_inside(at + 1, at + 1 + len(words))
            return self._put(self._anchor(inside, url, at), end)
        if _REFERENCE.match(self._raw, at):
            self._tell(at, "reference-link")
        return self._keep(at)

    def _link(self, at: int) -> tuple[str, str, str, int] | None:
        """Words, address, title and end of `[words](address "title")`, with or without a `!` before it."""
        opened = _LINK.match(self._raw, at)
        if not opened or _BLANK.search(opened["words"]):
            return None
        target = _LINK_TARGET.match(self._raw, opened.end())
        if not target or not (target["bracketed"] or target["url"]):
            self._tell(at, "link-malformed")
            return None
        return opened["words"], html.unescape(target["bracketed"] or target["url"]), target["title"] or "", target.end()

    def _anchor(self, words: str, url: str, at: int) -> Atom:
        if _SCHEME.match(url) or url.startswith(("/", "\\", "#")):
            return self._outside(words, url, at)
        address = self._shelf.lesson_address(url, self._place(at))
        return Atom("link", words, {"href": address}) if address else Atom("span", words)

    def _outside(self, words: str, url: str, at: int) -> Atom:
        if not is_safe_address(url):
            self._tell(at, "link-scheme", url=url)
            return Atom("span", words)
        return Atom("link", words, {"href": url, "rel": "noopener noreferrer"})

    def _angle(self, at: int) -> int:
        if self._raw.startswith("<!--", at):
            end = self._raw.find("-->", at + 4)
            if end >= 0:
                self._tell(at, "raw-html", tag=self._raw[at : end + 3])
                return end + 3
        if address := _ADDRESS.match(self._raw, at):
            url = address["url"]
            safe = is_safe_address(url)
            if not safe:
                self._tell(at, "link-scheme", url=url)
            atom = Atom("a", url, {"href": url, "rel": "noopener noreferrer"}) if safe else Atom("text", url)
            return self._put(atom, address.end())
        if tag := _TAG.match(self._raw, at):
            self._tell(at, "raw-html", tag=tag[0])
            return tag.end()
        return self._keep(at)

    def _fact(self, at: int) -> int:
        if fact := _FACT.match(self._raw, at):
            return self._put(self._shelf.fact(fact["id"].strip(), self._place(at)), fact.end())
        return self._keep(at)

    def _entity(self, at: int) -> int:
        entity = _ENTITY.match(self._raw, at)
        meant = html.unescape(entity[0]) if entity else "&"
        if not entity or meant == entity[0]:
            self._kept.append("&amp;")
            return at + 1
        for index in range(len(meant)):
            if code := hidden_character(meant, index):
                self._tell(at, code, character=f"U+{ord(meant[index]):04X}")
                meant = "\ufffd"
        return self._put(Atom("text", meant), entity.end())


def _one_line(text: str) -> str:
    return " ".join(text.split())
