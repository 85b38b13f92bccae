"""The last good version of each course, in memory.

Courses are compiled when the app starts. The compiled form is kept in DATA_DIR under the hash of the files it was
made from, so that the next start only reads it; and the last good one of each course is kept by name, so that a
broken edit is told to the log while officers go on with what compiled before.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from secrets import token_hex

from flask import Flask, current_app
from sqlalchemy import select

from elearn.authoring import compiled
from elearn.authoring.compiler import UnreadableContent, check_path, compile_course, content_hash
from elearn.authoring.report import as_github, as_json, as_text
from elearn.domain.course import Course, Lesson, Module, Picture
from elearn.domain.problems import Problem, has_errors
from elearn.models.database import reading
from elearn.models.learning import KeptPicture

log = logging.getLogger(__name__)

COMPILED = "compiled"
"""The folder below DATA_DIR where compiled courses are kept."""

FORMATS = {"text": as_text, "json": as_json, "github": as_github}


class NotServed(LookupError):
    """No such course, module, lesson or picture is being served."""


@dataclass(frozen=True)
class Library:
    """The courses being served, and their pictures by hash."""

    courses: Mapping[str, Course]
    pictures: Mapping[tuple[str, str], Picture]
    since: Mapping[str, float] = field(
        default_factory=dict
    )  # course: when it came to be as it is, seconds of the epoch


def open_library(app: Flask, content_dir: Path, overlay_dir: Path | None, data_dir: Path, today: date) -> None:
    """Reads every course under `content_dir` and serves what compiles, or else what compiled last."""
    courses = read_courses(content_dir, overlay_dir, data_dir, today)
    pictures = {(course.id, picture.hash): picture for course in courses.values() for picture in course.pictures}
    kept = data_dir / COMPILED
    since = {name: path.stat().st_mtime for name in courses if (path := kept / f"{name}.last-good").exists()}
    app.extensions["elearn.library"] = Library(courses, pictures, since)


def read_courses(content_dir: Path, overlay_dir: Path | None, data_dir: Path, today: date) -> dict[str, Course]:
    """Every course under `content_dir` that compiles, or else as it compiled last; compiled forms are in `data_dir`."""
    cache = data_dir / COMPILED
    cache.mkdir(parents=True, exist_ok=True)
    found = [_last_good(folder, overlay_dir, cache, today) for folder in course_folders(content_dir)]
    return {course.id: course for course in found if course}


def last_good_files(data_dir: Path) -> list[Path]:
    """What has to be kept so that a course is served although its files do not compile any more."""
    cache = data_dir / COMPILED
    names = sorted(cache.glob("*.last-good"))
    return [*names, *(made for name in names if (made := cache / name.read_text().strip()).is_file())]


def course_folders(content_dir: Path) -> list[Path]:
    return sorted(path.parent for path in content_dir.glob("*/course.yaml"))


def courses() -> tuple[Course, ...]:
    return tuple(_library().courses.values())


def served_since() -> tuple[tuple[str, float], ...]:
    """(course, when its content came to be as it is served, in seconds of the epoch)"""
    return tuple(_library().since.items())


def course(course_id: str) -> Course:
    try:
        return _library().courses[course_id]
    except KeyError:
        raise NotServed(course_id) from None


def lesson(course_id: str, module_id: str, lesson_id: str) -> tuple[Course, Module, Lesson]:
    found = course(course_id)
    module = found.module(module_id)
    one = found.lesson(module_id, lesson_id)
    if module is None or one is None:
        raise NotServed(f"{course_id}/{module_id}/{lesson_id}")
    return found, module, one


def picture(course_id: str, picture_hash: str) -> tuple[bytes, str]:
    """(bytes, media type) of a picture being served, or one that a past attempt keeps."""
    found = _library().pictures.get((course_id, picture_hash))
    if found:
        return found.data, found.media_type
    with reading() as connection:
        kept = connection.execute(
            select(KeptPicture.data, KeptPicture.media_type).where(KeptPicture.hash == picture_hash)
        ).one_or_none()
    if kept is None:
        raise NotServed(picture_hash)
    return kept.data, kept.media_type


def check(path: Path, today: date) -> list[Problem]:
    """What `elearn check` shows: every problem under `path`."""
    return check_path(path, today)


def problems_of(folder: Path, overlay_dir: Path | None, today: date) -> list[Problem]:
    """What is wrong with one course as it would be served: with what is laid over it."""
    try:
        _, problems = compile_course(folder, _overlay(folder, overlay_dir), today)
    except UnreadableContent as error:
        return [Problem(str(folder), 1, 1, "error", "unreadable", str(error))]
    return list(problems)


def _library() -> Library:
    library: Library = current_app.extensions["elearn.library"]
    return library


def _last_good(folder: Path, overlay_dir: Path | None, cache: Path, today: date) -> Course | None:
    """The course as its files are now; while these do not compile, as they were when they last did."""
    overlay = _overlay(folder, overlay_dir)
    good = cache / f"{folder.name}.last-good"
    try:
        kept = cache / f"{content_hash(folder, overlay)}.json"
        made = _kept(kept) or _made(folder, overlay, kept, today)
    except UnreadableContent as error:
        log.error("%s", error)
        made = None
    if made is None:
        log.error("%s is served as it was when it last compiled, if it ever did", folder)
        return _kept(cache / good.read_text().strip()) if good.exists() else None
    if kept.exists():
        _keep(good, kept.name.encode())
    return made


def _overlay(folder: Path, overlay_dir: Path | None) -> Path | None:
    return overlay_dir / folder.name if overlay_dir and (overlay_dir / folder.name).is_dir() else None


def _kept(path: Path) -> Course | None:
    try:
        return compiled.load(path.read_bytes())
    except FileNotFoundError:
        return None
    except compiled.UnreadableCompiled:
        log.warning("%s is damaged or of another version of this program; it is made anew", path)
        return None


def _made(folder: Path, overlay: Path | None, kept: Path, today: date) -> Course | None:
    made, problems = compile_course(folder, overlay, today)
    if made is None or has_errors(problems):
        log.error("content of %s does not compile\n%s", folder, as_text(problems))
        return None
    _keep(kept, compiled.dump(made))
    return made


def _keep(path: Path, data: bytes) -> None:
    """All of it or nothing: a crash in the middle must not leave half a course behind. A full disk costs the next
    start its time, not the officers their course."""
    if path.exists() and path.read_bytes() == data:
        return
    draft = path.with_name(f".{path.name}.{token_hex(8)}")
    try:
        with draft.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        log.warning("%s could not be kept: %s", path, error)
