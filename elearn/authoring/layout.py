"""Which file of a course's folder is what; tells files that nobody reads and folders that do not fit."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from elearn.authoring.findings import WHOLE_FILE, Findings
from elearn.authoring.folder import SourceFile
from elearn.domain.course import MODULE_QUIZ_RESERVED

QUIZ_FOLDERS = ("final", "pre-test")

_MODULE = re.compile(r"\d{1,4}-(?P<id>[a-z0-9][a-z0-9-]{0,59})")
_LESSON = re.compile(r"(?P<stem>(?P<number>\d{1,4})-[a-z0-9][a-z0-9-]*)\.(?P<language>[a-z]{2,3}[A-Za-z-]*)\.md")
_MODULE_HEAD = re.compile(r"module\.(?P<language>[a-z]{2,3}[A-Za-z-]*)\.md")
_BANK = re.compile(r"questions\.(?P<language>[a-z]{2,3}[A-Za-z-]*)\.md")
_PICTURE = re.compile(r".*\.(svg|png|jpe?g|webp)", re.IGNORECASE)
_FOR_PEOPLE = re.compile(r"(README|LICENSE|CHANGELOG|REVIEW)(\.md|\.txt)?")

_WHY_AT_TOP = "At the top of a course stand course.yaml, glossary.yaml, facts.yaml and the folders of its modules."
_WHY_IN_MODULE = (
    "Names are module.en.md, questions.en.md, 02-learning.en.md or a picture; correct it or remove the file."
)
_WHY_IN_QUIZ = "A quiz folder holds questions.en.md, its translations and pictures."
_WHY_DEEPER = "Folders inside a module are not read; put the file beside the lessons."

ByLanguage = dict[str, SourceFile]


@dataclass(slots=True)
class FolderFiles:
    """The files of one module or quiz, by what they are and by language. `shown` is the folder as told."""

    id: str
    name: str
    shown: str
    heads: ByLanguage = field(default_factory=dict)
    banks: ByLanguage = field(default_factory=dict)
    lessons: dict[str, ByLanguage] = field(default_factory=dict)
    pictures: dict[str, SourceFile] = field(default_factory=dict)


@dataclass(slots=True)
class Layout:
    """All files of a course, sorted."""

    top: dict[str, SourceFile] = field(default_factory=dict)
    modules: dict[str, FolderFiles] = field(default_factory=dict)
    quizzes: dict[str, FolderFiles] = field(default_factory=dict)


def languages_of(files: Collection[str]) -> list[str]:
    """Languages that file names speak of, for a course.yaml that does not say."""
    found = (_MODULE_HEAD.fullmatch(name.rpartition("/")[2]) for name in files)
    return sorted({match["language"] for match in found if match})


def lay_out(files: Mapping[str, SourceFile], languages: Collection[str], findings: Findings) -> Layout:
    """Sorts the files; the folders are in the order of their names, lessons in that of their numbers."""
    layout = Layout()
    folders: dict[str, FolderFiles | None] = {}
    for name, file in sorted(files.items()):
        top, slash, rest = name.partition("/")
        if not slash:
            _sort_top(layout, file, findings)
            continue
        if top not in folders:
            folders[top] = _open_folder(layout, top, file, findings)
        folder = folders[top]
        if folder and "/" in rest:
            findings.add(file.shown, WHOLE_FILE, "stray-file", name=rest, why=_WHY_DEEPER)
        elif folder:
            _sort_inside(folder, file, languages, findings)
    for folder in layout.modules.values():
        _look_at_numbers(folder, findings)
    return layout


def _sort_top(layout: Layout, file: SourceFile, findings: Findings) -> None:
    if file.base in ("course.yaml", "glossary.yaml", "facts.yaml"):
        layout.top[file.base] = file
    elif not _FOR_PEOPLE.fullmatch(file.base):
        findings.add(file.shown, WHOLE_FILE, "stray-file", name=file.base, why=_WHY_AT_TOP)


def _open_folder(layout: Layout, name: str, file: SourceFile, findings: Findings) -> FolderFiles | None:
    shown = file.shown
    for _ in range(file.name.count("/")):
        shown = os.path.dirname(shown)
    if name in QUIZ_FOLDERS:
        layout.quizzes[name] = FolderFiles(name, name, shown)
        return layout.quizzes[name]
    module = _MODULE.fullmatch(name)
    if not module:
        findings.add(shown, WHOLE_FILE, "bad-module-name", name=name)
        return None
    module_id = module["id"]
    if module_id in MODULE_QUIZ_RESERVED or module_id.startswith("fresh-"):
        findings.add(shown, WHOLE_FILE, "reserved-module", module=module_id)
        return None
    if module_id in layout.modules:
        findings.add(shown, WHOLE_FILE, "double-module", module=module_id, first=layout.modules[module_id].name)
        return None
    layout.modules[module_id] = FolderFiles(module_id, name, shown)
    return layout.modules[module_id]


def _sort_inside(folder: FolderFiles, file: SourceFile, languages: Collection[str], findings: Findings) -> None:
    is_module = folder.id not in QUIZ_FOLDERS
    head, bank, lesson = _MODULE_HEAD.fullmatch(file.base), _BANK.fullmatch(file.base), _LESSON.fullmatch(file.base)
    match = bank or (is_module and (head or lesson)) or None
    if match and match["language"] not in languages:
        findings.add(file.shown, WHOLE_FILE, "unlisted-language", language=match["language"])
    elif match and match is bank:
        folder.banks[match["language"]] = file
    elif match and match is head:
        folder.heads[match["language"]] = file
    elif match:
        folder.lessons.setdefault(match["stem"], {})[match["language"]] = file
    elif _PICTURE.fullmatch(file.base):
        folder.pictures[file.base] = file
    elif not _FOR_PEOPLE.fullmatch(file.base):
        why = _WHY_IN_MODULE if is_module else _WHY_IN_QUIZ
        findings.add(file.shown, WHOLE_FILE, "stray-file", name=file.base, why=why)


def _look_at_numbers(folder: FolderFiles, findings: Findings) -> None:
    """Sorts the lessons by their numbers and tells numbers used twice."""
    stems = sorted(folder.lessons, key=lambda stem: (int(stem.partition("-")[0]), stem))
    folder.lessons = {stem: folder.lessons[stem] for stem in stems}
    seen: dict[int, str] = {}
    for stem, files in folder.lessons.items():
        number = int(stem.partition("-")[0])
        first = seen.setdefault(number, stem)
        if first != stem:
            file = next(iter(files.values()))
            findings.add(file.shown, WHOLE_FILE, "double-number", number=number, first=first)
