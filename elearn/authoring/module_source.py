"""A module or quiz as trainers write it: its head, its lessons and its bank of questions, in every language."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from pydantic import BaseModel

from elearn.authoring.course_source import BankFront, LessonFront, ModuleFront, read_model
from elearn.authoring.findings import WHOLE_FILE, Findings
from elearn.authoring.folder import SourceFile, SourceText, read_text
from elearn.authoring.layout import ByLanguage, FolderFiles
from elearn.authoring.lesson_source import LessonDraft, read_lesson_body
from elearn.authoring.markup import render
from elearn.authoring.page import Library, Page
from elearn.authoring.pictures import Shown, read_picture
from elearn.authoring.quiz_source import QuestionDraft, read_bank
from elearn.authoring.source import MOST_CHARACTERS, Passage, split_front_matter
from elearn.authoring.yaml_source import YamlSource

Front = TypeVar("Front", bound=BaseModel)


@dataclass(slots=True)
class HeadDraft:
    """module.<language>.md: title, outcomes, and why the module matters."""

    source: SourceText
    front: ModuleFront
    yaml: YamlSource | None
    body: Passage
    why: str = ""


@dataclass(slots=True)
class BankDraft:
    """questions.<language>.md."""

    source: SourceText
    front: BankFront
    body: Passage
    questions: list[QuestionDraft] = field(default_factory=list)


@dataclass(slots=True)
class FolderDraft:
    """A module, or a quiz folder (which has a bank only). Lessons by file stem, then by language."""

    files: FolderFiles
    heads: dict[str, HeadDraft] = field(default_factory=dict)
    lessons: dict[str, dict[str, LessonDraft]] = field(default_factory=dict)
    banks: dict[str, BankDraft] = field(default_factory=dict)
    pictures: dict[str, Shown | None] = field(default_factory=dict)
    shown: dict[str, Shown] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return self.files.id

    def lesson_id(self, stem: str) -> str:
        """The id of a lesson by its file; of a file that could not be read, the name it has."""
        by_language = self.lessons.get(stem)
        return next(iter(by_language.values())).id if by_language else stem.partition("-")[2]

    def has_unread_lessons(self) -> bool:
        """Whether the id of some lesson is not known."""
        read = [lesson for by_language in self.lessons.values() for lesson in by_language.values()]
        files = sum(len(by_language) for by_language in self.files.lessons.values())
        return len(read) < files or any(not lesson.front.id for lesson in read)


def open_folder(files: FolderFiles, languages: Sequence[str], findings: Findings) -> FolderDraft:
    """Reads heads and pictures of all files; bodies wait until every lesson's id is known."""
    draft = FolderDraft(files)
    is_quiz = files.id == files.name
    if not is_quiz:
        _look_for(files.heads, files, "module.{language}.md", "module-file-missing", languages, findings)
        if not files.lessons:
            findings.add(
                files.shown, WHOLE_FILE, "module-empty", module=files.id, folder=files.name, language=languages[0]
            )
    _look_for(files.banks, files, "questions.{language}.md", "bank-missing", languages, findings)
    for stem, by_language in files.lessons.items():
        _look_for(by_language, files, stem + ".{language}.md", "", languages, findings)
        draft.lessons[stem] = _open_all(by_language, languages, lambda file: _open_lesson(file, findings))
    draft.heads = _open_all(files.heads, languages, lambda file: _open_head(file, findings))
    draft.banks = _open_all(files.banks, languages, lambda file: _open_bank(file, findings))
    draft.pictures = {name: read_picture(file, findings) for name, file in files.pictures.items()}
    return draft


Draft = TypeVar("Draft")


def _open_all(
    files: ByLanguage, languages: Sequence[str], read: Callable[[SourceFile], Draft | None]
) -> dict[str, Draft]:
    """What could be read, in the order of the course's languages."""
    opened = {language: read(files[language]) for language in languages if language in files}
    return {language: draft for language, draft in opened.items() if draft is not None}


def _look_for(
    found: ByLanguage, files: FolderFiles, name: str, absent: str, languages: Sequence[str], findings: Findings
) -> None:
    """Tells which language of a file is missing: at the leading file, or at the folder if that one is missing."""
    leading = languages[0]
    full = {language: f"{files.name}/{name.format(language=language)}" for language in languages}
    if not found:
        if absent:
            arguments = {"module": files.id, "language": leading, "name": full[leading]}
            findings.add(files.shown, WHOLE_FILE, absent, **arguments)
    elif leading not in found:
        for file in found.values():
            findings.add(file.shown, WHOLE_FILE, "leading-file-missing", name=full[leading], language=leading)
    else:
        for language in languages:
            if language not in found:
                shown = found[leading].shown
                findings.add(shown, WHOLE_FILE, "missing-translation", name=full[language], language=language)


def _open(
    file: SourceFile, model: type[Front], findings: Findings
) -> tuple[SourceText, Front, YamlSource | None, Passage] | None:
    source = read_text(file, findings, MOST_CHARACTERS)
    if source is None:
        return None
    split = split_front_matter(source)
    if not split:
        return None
    yaml, body = split
    front = read_model(model, yaml) if yaml else None
    return source, front or model(), yaml, body


def _open_lesson(file: SourceFile, findings: Findings) -> LessonDraft | None:
    opened = _open(file, LessonFront, findings)
    if not opened:
        return None
    source, front, yaml, body = opened
    stem, language, _ = file.base.rsplit(".", 2)
    return LessonDraft(source, language, front, yaml, body, front.id or stem.partition("-")[2])


def _open_head(file: SourceFile, findings: Findings) -> HeadDraft | None:
    opened = _open(file, ModuleFront, findings)
    return HeadDraft(*opened) if opened else None


def _open_bank(file: SourceFile, findings: Findings) -> BankDraft | None:
    opened = _open(file, BankFront, findings)
    return BankDraft(opened[0], opened[1], opened[3]) if opened else None


def read_bodies(draft: FolderDraft, libraries: dict[str, Library], findings: Findings) -> None:
    """Renders everything in the folder."""

    def page(source: SourceText, language: str, title: str | None, in_lesson: bool) -> Page:
        return Page(source, libraries[language], draft.pictures, title or "", in_lesson)

    pages = []
    for language, head in draft.heads.items():
        pages.append(page(head.source, language, head.front.title, False))
        head.why = render(head.body, pages[-1])
    for by_language in draft.lessons.values():
        for language, lesson in by_language.items():
            pages.append(page(lesson.source, language, lesson.front.title, True))
            read_lesson_body(lesson, pages[-1])
    for language, bank in draft.banks.items():
        pages.append(page(bank.source, language, bank.front.title, False))
        bank.questions = read_bank(bank.body, pages[-1])
    for one in pages:
        draft.shown.update(one.shown)
    if not any(one.missed_picture for one in pages):
        _tell_unused(draft, findings)


def _tell_unused(draft: FolderDraft, findings: Findings) -> None:
    shown = {one.picture.name for one in draft.shown.values()}
    for name, picture in draft.pictures.items():
        if picture and name not in shown:
            findings.add(draft.files.pictures[name].shown, WHOLE_FILE, "picture-unused")
