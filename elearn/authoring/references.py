"""Reads glossary.yaml and facts.yaml: what prose may point to, in each language."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TypeVar

from pydantic import BaseModel

from elearn.authoring.course_source import ANY_LANGUAGE, FactSource, TermSource, is_id, read_model
from elearn.authoring.findings import Findings
from elearn.authoring.folder import SourceFile, read_text
from elearn.authoring.page import Fact, Library
from elearn.authoring.yaml_source import MOST_CHARACTERS, Path, YamlSource, read_group
from elearn.domain.course import Source

Model = TypeVar("Model", bound=BaseModel)


@dataclass(slots=True)
class References:
    """The glossary and the facts as read; `known` names also hold entries that could not be read, and are None if the
    whole file could not."""

    terms: dict[str, TermSource] = field(default_factory=dict)
    facts: dict[str, FactSource] = field(default_factory=dict)
    known_terms: frozenset[str] | None = frozenset()
    known_facts: frozenset[str] | None = frozenset()


def open_yaml(file: SourceFile | None, findings: Findings) -> YamlSource | None:
    """A YAML file of the course, or None if it is not there or cannot be read."""
    source = read_text(file, findings, MOST_CHARACTERS) if file else None
    return read_group(source, source.lines, 1) if source else None


def read_references(
    glossary: YamlSource | None, facts: YamlSource | None, languages: Sequence[str], today: date
) -> References:
    """Both files; a course may do without either."""
    references = References()
    if glossary:
        references.terms = _entries(glossary, TermSource)
        references.known_terms = frozenset(glossary.value)
        for key, term in references.terms.items():
            check_texts(glossary, (key, "term"), term.term, languages)
            check_texts(glossary, (key, "means"), term.means, languages)
            check_texts(glossary, (key, "status"), term.status, languages, complete=False)
    if facts:
        references.facts = _entries(facts, FactSource)
        references.known_facts = frozenset(facts.value)
        for key, fact in references.facts.items():
            _look_at_fact(facts, key, fact, languages, today)
    return references


def _entries(yaml: YamlSource, model: type[Model]) -> dict[str, Model]:
    found = {}
    for key in yaml.value:
        if not is_id(key):
            yaml.source.tell(yaml.key_place((key,)), "bad-id", value=key)
            continue
        entry = read_model(model, yaml, (key,))
        if entry:
            found[key] = entry
    return found


def _look_at_fact(yaml: YamlSource, key: str, fact: FactSource, languages: Sequence[str], today: date) -> None:
    check_texts(yaml, (key, "text"), fact.text, languages)
    check_texts(yaml, (key, "value"), fact.value, languages, complete=False)
    check_texts(yaml, (key, "source", "title"), fact.source.title, languages, complete=False)
    due = _review_by(fact)
    place = yaml.place((key, "verified_on"))
    if today > due:
        yaml.source.tell(place, "stale-fact", fact=key, due=due.isoformat())
    if fact.verified_on > today:
        yaml.source.tell(place, "verified-in-future", fact=key)


def check_texts(
    yaml: YamlSource, path: Path, texts: Mapping[str, str], languages: Collection[str], complete: bool = True
) -> None:
    """Tells languages that the course does not have, and those missing where all are needed."""
    for language in texts:
        if language not in languages and language != ANY_LANGUAGE:
            yaml.source.tell(yaml.key_place((*path, language)), "unknown-language", language=language)
    if complete and texts:
        for language in languages:
            if language not in texts:
                yaml.source.tell(yaml.key_place(path), "missing-words", language=language)


def _review_by(fact: FactSource) -> date:
    return fact.verified_on + timedelta(days=fact.review_after_days)


def sources(references: References, language: str, leading: str) -> dict[str, Source]:
    """Every fact in one language, by its id."""
    return {
        key: Source(
            id=key,
            text=_words(fact.text, language, leading),
            title=_words(fact.source.title, language, leading),
            url=fact.source.url,
            grade=fact.source.grade,
            verified_on=fact.verified_on,
            review_by=_review_by(fact),
        )
        for key, fact in references.facts.items()
    }


def _words(texts: Mapping[str, str], language: str, leading: str) -> str:
    return texts.get(language) or texts.get(ANY_LANGUAGE) or texts.get(leading) or next(iter(texts.values()), "")


def library(references: References, course: str, language: str, leading: str, lessons: Mapping[str, str]) -> Library:
    """What prose in one language may point to."""
    found = sources(references, language, leading)
    facts = {key: Fact(found[key], fact.value.get(language)) for key, fact in references.facts.items()}
    terms = {key: _words(term.term, language, leading) for key, term in references.terms.items()}
    return Library(course, language, terms, facts, lessons, references.known_terms, references.known_facts)
