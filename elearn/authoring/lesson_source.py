"""A lesson as trainers write it: front matter, prose, checks and labs, read in one language."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from elearn.authoring.course_source import LabSource, LessonFront, read_model
from elearn.authoring.findings import Place
from elearn.authoring.folder import SourceText
from elearn.authoring.markup import code_block, render
from elearn.authoring.page import Page
from elearn.authoring.quiz_source import QuestionDraft, read_check
from elearn.authoring.source import Fence, Passage, blocks
from elearn.authoring.wordcount import count_words, text_of
from elearn.authoring.yaml_source import YamlSource, read_group
from elearn.domain.course import LessonText, Part
from elearn.domain.labs import LABS

WORDS_PER_MINUTE = 180
FEWEST_WORDS, MOST_WORDS = 500, 800


@dataclass(slots=True)
class LessonDraft:
    """One file of a lesson: its head, its body still unread, then what the body says."""

    source: SourceText
    language: str
    front: LessonFront
    yaml: YamlSource | None
    body: Passage
    id: str
    parts: list[Part] = field(default_factory=list)
    checks: list[QuestionDraft] = field(default_factory=list)
    labs: dict[str, Place] = field(default_factory=dict)
    words: int = 0
    page: Page | None = None

    def place(self, key: str) -> Place:
        return self.yaml.key_place((key,)) if self.yaml else Place(1, 1)

    def text(self) -> LessonText:
        assert self.page
        exercise = self.front.exercise_minutes or 0
        minutes = math.ceil(self.words / WORDS_PER_MINUTE) + exercise + math.ceil(len(self.checks) / 2)
        return LessonText(
            title=self.front.title or "",
            parts=tuple(self.parts),
            words=self.words,
            minutes=minutes,
            sources=tuple(self.page.cited.values()),
            terms=tuple(self.page.terms),
        )


def read_lesson_body(draft: LessonDraft, page: Page) -> None:
    """Reads and renders the body; everything wrong is told."""
    draft.page = page
    prose: list[str] = []
    for piece in blocks(draft.body):
        if isinstance(piece, Passage):
            html = render(piece, page)
            draft.words += count_words(text_of(html))
            prose.append(html)
        elif piece.name not in ("check", "lab"):
            prose.append(code_block(piece))
        else:
            _add_prose(draft, prose)
            if piece.name == "check":
                _add_check(draft, piece, page)
            else:
                _add_lab(draft, piece)
    _add_prose(draft, prose)
    if not FEWEST_WORDS <= draft.words <= MOST_WORDS:
        draft.source.tell(draft.place("title"), "lesson-length", words=draft.words, least=FEWEST_WORDS, most=MOST_WORDS)
    _look_at_review(draft)


def _add_prose(draft: LessonDraft, prose: list[str]) -> None:
    html = "\n".join(piece for piece in prose if piece)
    if html:
        draft.parts.append(Part("html", html))
    prose.clear()


def _add_check(draft: LessonDraft, fence: Fence, page: Page) -> None:
    check = read_check(fence.opening, fence.rest, fence.body, page)
    first = next((other for other in draft.checks if other.id and other.id == check.id), None)
    if first:
        place = check.attributes.where("id")
        draft.source.tell(place, "double-id", id=check.id, first=draft.source.named(first.place))
    draft.checks.append(check)
    draft.parts.append(Part("check", check.id))


def _add_lab(draft: LessonDraft, fence: Fence) -> None:
    source = draft.source
    if fence.rest.text.strip():
        source.tell(fence.rest.place, "unknown-attribute", value=fence.rest.text.strip())
    lines = fence.body.lines
    yaml = read_group(source, [line.text for line in lines], lines[0].number if lines else fence.opening.number)
    lab = read_model(LabSource, yaml) if yaml else None
    if not lab or not yaml:
        return
    if lab.name not in LABS:
        source.tell(yaml.place(("name",)), "lab-not-built", value=lab.name, known=LABS)
    if lab.name in draft.labs:
        first = source.named(draft.labs[lab.name])
        source.tell(yaml.place(("name",)), "double-lab", lab=lab.name, first=first)
    draft.labs.setdefault(lab.name, yaml.place(("name",)))
    draft.parts.append(Part("lab", lab.name))


def _look_at_review(draft: LessonDraft) -> None:
    reviewed = draft.front.reviewed
    if not draft.yaml or ("reviewed",) not in draft.yaml.keys or ("reviewed",) in draft.yaml.unread:
        return  # told already
    if not reviewed.by:
        draft.source.tell(draft.place("reviewed"), "not-reviewed")
    elif not reviewed.on:
        draft.source.tell(draft.place("reviewed"), "reviewed-without-date")
