"""What prose may point to (terms, facts, pictures, lessons) and what one page has shown of it so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from elearn.authoring.findings import Place
from elearn.authoring.folder import SourceText
from elearn.authoring.inline import Atom
from elearn.authoring.pictures import NAME, Shown, in_other_language
from elearn.domain.course import Source


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact in one language: its source as shown, and its value if it has one."""

    source: Source
    value: str | None


@dataclass(frozen=True, slots=True)
class Library:
    """What prose may point to, in one language. `lessons` are addresses by file name inside the course."""

    course: str
    language: str
    terms: Mapping[str, str]
    facts: Mapping[str, Fact]
    lessons: Mapping[str, str]
    known_terms: frozenset[str] | None = frozenset()  # None if the file could not be read, so that nobody can tell
    known_facts: frozenset[str] | None = frozenset()


@dataclass(slots=True)
class Page:
    """One Markdown file being rendered: what it may point to, and what it has shown so far.

    In a lesson, terms and sources lead to entries on the same page; elsewhere a term is plain words and a source is a
    link to the document itself.
    """

    source: SourceText
    library: Library
    pictures: Mapping[str, Shown | None]
    title: str = ""
    in_lesson: bool = True
    heading_level: int = 1
    headings: int = 0
    label: str = ""
    cited: dict[str, Source] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    terms: dict[str, None] = field(default_factory=dict)
    shown: dict[str, Shown] = field(default_factory=dict)
    missed_picture: bool = False
    signs: int = 0
    full: bool = False

    def term(self, name: str, words: str, place: Place) -> Atom:
        if name not in self.library.terms:
            known = self.library.known_terms
            if known is not None and name not in known:
                self.source.tell(place, "unknown-term", value=name, known=known)
            return Atom("text", words or name)
        words = words or self.library.terms[name]
        if not self.in_lesson:
            return Atom("text", words)
        self.terms[name] = None
        return Atom("a", words, {"class": "term", "href": f"#term-{name}"})

    def _found(self, name: str, place: Place) -> Fact | None:
        fact, known = self.library.facts.get(name), self.library.known_facts
        if not fact and known is not None and name not in known:
            self.source.tell(place, "unknown-fact", value=name, known=known)
        return fact

    def cite(self, name: str, place: Place) -> Atom:
        fact = self._found(name, place)
        if not fact:
            return Atom("text", "")
        if not self.in_lesson:
            return Atom("cite", fact.source.title, {"href": fact.source.url, "rel": "noopener noreferrer"})
        self.cited.setdefault(name, fact.source)
        number = self.numbers.setdefault(name, len(self.cited))
        return Atom("cite", str(number), {"href": f"#source-{name}"})

    def fact(self, name: str, place: Place) -> Atom:
        fact = self._found(name, place)
        if fact and fact.value is None:
            self.source.tell(place, "fact-without-value", fact=name, language=self.library.language)
        return Atom("text", fact.value or "" if fact else "")

    def picture(self, alt: str, name: str, caption: str, place: Place) -> Atom:
        if not alt:
            self.source.tell(place, "alt-missing")
        if not NAME.fullmatch(name):
            self.source.tell(place, "picture-name", name=name)
        elif name not in self.pictures:
            self.source.tell(place, "picture-missing", name=name, known=self.pictures)
        elif other := in_other_language(name, self.library.language, self.pictures):
            self.source.tell(place, "picture-other-language", name=other)
        shown = self.pictures.get(name)
        if not shown:
            self.missed_picture = True
            return Atom("text", "")
        self.shown[shown.picture.hash] = shown
        address = f"/courses/{self.library.course}/media/{shown.picture.hash}/{shown.picture.name}"
        size = {"width": str(shown.width), "height": str(shown.height)}
        attributes = {"src": address, "alt": alt, **size, "loading": "lazy", "decoding": "async"}
        return Atom("img", "", attributes, caption)

    def lesson_address(self, url: str, place: Place) -> str:
        folder = self.source.name.rpartition("/")[0].split("/")
        steps = url.split("/")
        while steps[:1] in (["."], [".."]):
            if steps.pop(0) == "..":
                folder = folder[:-1]
        address = self.library.lessons.get("/".join([*folder, *steps]), "")
        if not address:
            self.source.tell(place, "link-broken", url=url)
        return address
