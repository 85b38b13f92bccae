"""A folder becomes a course, or every problem at once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

from elearn.authoring.assembly import assemble
from elearn.authoring.course_source import CourseSource, is_id, read_model
from elearn.authoring.findings import WHOLE_FILE, Findings
from elearn.authoring.folder import SourceFile, UnreadableContent, content_digest, read_folder
from elearn.authoring.layout import languages_of, lay_out
from elearn.authoring.lint import (
    look_at_course,
    look_at_cues,
    look_at_drift,
    look_at_finals,
    look_at_ids,
    look_at_modules,
    look_at_outcomes,
    look_at_quizzes,
    look_at_routes,
)
from elearn.authoring.module_source import FolderDraft, open_folder, read_bodies
from elearn.authoring.references import References, library, open_yaml, read_references
from elearn.authoring.yaml_source import YamlSource
from elearn.domain.course import Course
from elearn.domain.problems import Problem, has_errors, in_reading_order

__all__ = ["COMPILER_VERSION", "UnreadableContent", "check_path", "compile_course", "content_hash"]

COMPILER_VERSION = "3"
"""Raised whenever the same files would compile to something else, so that what was kept is made anew."""


def compile_course(
    folder: Path, overlay: Path | None = None, today: date | None = None
) -> tuple[Course | None, list[Problem]]:
    """The course in a folder, with a private folder laid over it file by file, and every problem in reading order.

    There is no course exactly when there is an error. Paths in problems begin with the folder as given. `today` decides
    which facts have grown old; without it the clock is asked. Raises UnreadableContent.
    """
    findings = Findings()
    files = read_folder(folder, overlay, findings)
    today = today or datetime.now(UTC).date()
    course = _compile(os.path.basename(os.path.abspath(folder)), str(folder), files, findings, today)
    problems = in_reading_order(findings.problems)
    return (None if has_errors(problems) else course), problems


def content_hash(folder: Path, overlay: Path | None = None) -> str:
    """Changes whenever a file or this compiler does: the key under which a compiled course is kept.

    That facts grow old with the days is not in it. Raises UnreadableContent.
    """
    return content_digest(folder, overlay, f"elearn compiler {COMPILER_VERSION}")


def check_path(path: Path, today: date | None = None) -> list[Problem]:
    """Every problem of the content folder, course, module or file at `path`, with paths as given.

    Of a part, the whole course is read, and what concerns the part is told. Raises UnreadableContent.
    """
    whole = Path(os.path.abspath(path))
    if not os.path.lexists(path):
        raise UnreadableContent(f"There is no {path}.")
    course = next((place for place in (whole, *whole.parents) if (place / "course.yaml").is_file()), None)
    courses = [course] if course else _courses_below(path, whole)
    found = [problem for one in courses for problem in compile_course(one, None, today)[1]]
    told = [replace(problem, path=_as_given(problem.path, whole, path)) for problem in found if _is_in(problem, whole)]
    return in_reading_order(told)


def _courses_below(path: Path, whole: Path) -> list[Path]:
    try:
        courses = sorted(one.parent for one in whole.glob("*/course.yaml"))
    except OSError as error:
        raise UnreadableContent(f"{path} could not be read: {error.strerror}.") from error
    if not courses:
        raise UnreadableContent(f"{path} holds no course: there is no course.yaml in it, above it or just below it.")
    return courses


def _is_in(problem: Problem, whole: Path) -> bool:
    return Path(problem.path) == whole or whole in Path(problem.path).parents


def _as_given(shown: str, whole: Path, given: Path) -> str:
    return str(given / Path(shown).relative_to(whole))


def _compile(
    course_id: str, shown: str, files: Mapping[str, SourceFile], findings: Findings, today: date
) -> Course | None:
    """Every step goes as far as it can, so that one broken file does not hide what is wrong in the others."""
    if not is_id(course_id):
        findings.add(shown, WHOLE_FILE, "bad-course-name", name=course_id)
    if "course.yaml" not in files:
        findings.add(os.path.join(shown, "course.yaml"), WHOLE_FILE, "course-missing")
    yaml = open_yaml(files.get("course.yaml"), findings)
    course = (read_model(CourseSource, yaml) if yaml else None) or CourseSource()
    if not course.languages:
        course = course.model_copy(update={"languages": languages_of(files)})
    layout = lay_out(files, course.languages, findings)
    glossary, facts = (open_yaml(layout.top.get(name), findings) for name in ("glossary.yaml", "facts.yaml"))
    references = read_references(glossary, facts, course.languages, today)
    if "glossary.yaml" in layout.top and not glossary:
        references.known_terms = None
    if "facts.yaml" in layout.top and not facts:
        references.known_facts = None
    if not course.languages:
        return None
    listed = course.modules if yaml and ("modules",) not in yaml.unread else list(layout.modules)
    folders = {
        key: open_folder(layout.modules[key], course.languages, findings) for key in listed if key in layout.modules
    }
    folders |= {key: open_folder(files, course.languages, findings) for key, files in layout.quizzes.items()}
    _read_folders(course_id, course, folders, references, findings)
    if not yaml:
        return None
    look_at_course(yaml, course)
    look_at_modules(yaml, course, layout, findings)
    _look_across(yaml, course, folders)
    if has_errors(findings.problems):
        return None
    made = assemble(course_id, course, references, folders)
    look_at_finals(yaml, made)
    return made


def _read_folders(
    course_id: str, course: CourseSource, folders: Mapping[str, FolderDraft], references: References, findings: Findings
) -> None:
    addresses = {
        file.name: f"/courses/{course_id}/{folder.id}/{folder.lesson_id(stem)}"
        for folder in folders.values()
        for stem, by_language in folder.files.lessons.items()
        for file in by_language.values()
    }
    leading = course.languages[0]
    libraries = {
        language: library(references, course_id, language, leading, addresses) for language in course.languages
    }
    for folder in folders.values():
        read_bodies(folder, libraries, findings)


def _look_across(yaml: YamlSource, course: CourseSource, folders: Mapping[str, FolderDraft]) -> None:
    leading = course.languages[0]
    if ("modules",) not in yaml.unread:
        look_at_routes(yaml, course, folders)
    look_at_quizzes(yaml, course, folders)
    look_at_ids(list(folders.values()), leading)
    for folder in folders.values():
        look_at_outcomes(folder, yaml, course)
        look_at_drift(folder, leading)
        for bank in folder.banks.values():
            look_at_cues(bank)
