"""The last good version of each course: what officers are shown whatever happens to the files and the disk."""

from __future__ import annotations

import logging
import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from flask import Flask

from elearn.authoring import compiled
from elearn.domain.course import Course
from elearn.services import library
from elearn.services.library import NotServed
from tests.at_once import at_once
from tests.conftest import CONTENT
from tests.given import COURSE, Given

TODAY = date(2026, 11, 23)


class Shelf:
    """A content folder that trainers edit, and the data folder of an installation that serves it."""

    def __init__(self, folder: Path, compiled_already: Path) -> None:
        self.content, self.data, self.private = folder / "content", folder / "data", folder / "private"
        shutil.copytree(CONTENT, self.content)
        shutil.copytree(compiled_already, self.data / "compiled")

    @property
    def cache(self) -> Path:
        return self.data / "compiled"

    def start(self) -> Flask:
        """A fresh process that opens the library."""
        app = Flask("a-process")
        library.open_library(app, self.content, self.private, self.data, TODAY)
        return app

    def served(self) -> Course:
        with self.start().app_context():
            return library.course(COURSE)

    def edit(self, before: str, after: str, name: str = "course.yaml") -> None:
        path = self.content / COURSE / name
        text = path.read_text()
        assert before in text
        path.write_text(text.replace(before, after, 1))

    def retitle(self, before: str, after: str) -> None:
        self.edit(f"en: {before}", f"en: {after}")

    def break_it(self) -> None:
        self.edit("modules: [", "modules: [no-such-module, ")

    def mend_it(self) -> None:
        self.edit("modules: [no-such-module, ", "modules: [")

    def kept(self) -> Path:
        """The file in the cache that the course as it stands is read from."""
        self.served()
        return self.cache / (self.cache / f"{COURSE}.last-good").read_text()

    def files(self) -> set[str]:
        return {path.name for path in self.cache.iterdir()}


TITLE = "AI for Good Governance"


@pytest.fixture
def shelf(tmp_path: Path, sqlite_template: Path) -> Shelf:
    """As the first test of the session compiled it; so only an edit makes the compiler work again."""
    return Shelf(tmp_path, sqlite_template / "compiled")


# What is served


def test_courses_lessons_and_pictures_are_served(app: Flask, given: Given) -> None:
    assert [course.id for course in library.courses()] == [COURSE]
    course = library.course(COURSE)
    first = course.lessons()[0]
    assert library.lesson(COURSE, first.module_id, first.id) == (course, course.modules[0], first)
    picture = course.pictures[0]
    assert library.picture(COURSE, picture.hash) == (picture.data, picture.media_type)


def test_what_is_not_there_is_not_served(app: Flask, given: Given) -> None:
    first = given.course.lessons()[0]
    with pytest.raises(NotServed):
        library.course("no-such-course")
    for path in (
        ("no-such", first.module_id, first.id),
        (COURSE, "no-such", first.id),
        (COURSE, first.module_id, "no"),
    ):
        with pytest.raises(NotServed):
            library.lesson(*path)
    for course_id, name in ((COURSE, "0" * 64), (COURSE, ""), ("no-such", given.course.pictures[0].hash)):
        with pytest.raises(NotServed):
            library.picture(course_id, name)


def test_a_private_folder_lies_over_the_course(shelf: Shelf) -> None:
    """A State's own final bank, outside any public repository."""
    open_one = shelf.served()
    for language in open_one.languages:
        name = f"final/questions.{language}.md"
        private = shelf.private / COURSE / name
        private.parent.mkdir(parents=True, exist_ok=True)
        private.write_text((shelf.content / COURSE / name).read_text().replace("{#", "{#own-"))
    own = shelf.served()
    final = {course.version: course.quiz("final") for course in (open_one, own)}
    banks = [{q.id for q in quiz.bank} for quiz in final.values() if quiz]
    assert len(banks) == 2
    assert banks[1] == {f"own-{question_id}" for question_id in banks[0]}


# The cache


def test_a_start_from_the_cache_gives_an_equal_course(shelf: Shelf) -> None:
    shutil.rmtree(shelf.cache)
    fresh = shelf.served()
    assert len(shelf.files()) == 2  # the course, and which one was the last good one
    assert shelf.served() == fresh


def test_what_is_cached_is_not_compiled_again(shelf: Shelf) -> None:
    kept = shelf.kept()
    kept.write_bytes(compiled.dump(replace(shelf.served(), title={"en": "Read from the cache"})))
    assert shelf.served().title == {"en": "Read from the cache"}


def test_an_edit_is_served_at_the_next_start(shelf: Shelf) -> None:
    before = shelf.served()
    shelf.retitle(TITLE, "Second edition")
    after = shelf.served()
    assert after.title["en"] == "Second edition"
    assert after.version != before.version


def test_a_damaged_cache_is_made_anew(shelf: Shelf, caplog: pytest.LogCaptureFixture) -> None:
    whole = shelf.served()
    kept = shelf.kept()
    for damaged in (kept.read_bytes()[:5000], b"", b"{}"):
        kept.write_bytes(damaged)
        caplog.clear()
        assert shelf.served() == whole
        assert str(kept) in caplog.text
        assert compiled.load(kept.read_bytes()) == whole


# A broken edit


def test_a_broken_edit_is_told_to_the_log_and_officers_go_on(shelf: Shelf, caplog: pytest.LogCaptureFixture) -> None:
    good = shelf.served()
    shelf.break_it()
    with caplog.at_level(logging.ERROR):
        assert shelf.served() == good
    place = f"{shelf.content / COURSE / 'course.yaml'}:"
    assert place in caplog.text
    assert "no-such-module" in caplog.text


def test_a_mended_edit_is_served_again(shelf: Shelf) -> None:
    good = shelf.served()
    shelf.break_it()
    shelf.served()
    shelf.mend_it()
    shelf.retitle(TITLE, "Mended edition")
    assert shelf.served().title["en"] == "Mended edition"
    assert shelf.served() != good


def test_the_last_good_one_is_the_one_served_last_not_the_one_compiled_last(shelf: Shelf) -> None:
    first = shelf.served()
    shelf.retitle(TITLE, "Second edition")
    shelf.served()
    shelf.retitle("Second edition", TITLE)  # taken back: found in the cache
    assert shelf.served() == first
    shelf.break_it()
    assert shelf.served() == first


def test_a_crash_between_the_two_files_of_the_cache_costs_nothing(shelf: Shelf) -> None:
    good = shelf.served()
    (pointer,) = shelf.cache.glob("*.last-good")
    pointer.unlink()
    assert shelf.served() == good
    shelf.break_it()
    assert shelf.served() == good


def test_a_course_that_never_compiled_is_not_served_and_the_others_are(
    shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    (shelf.content / "broken-course").mkdir()
    (shelf.content / "broken-course" / "course.yaml").write_text("modules: [")
    with caplog.at_level(logging.ERROR), shelf.start().app_context():
        assert [course.id for course in library.courses()] == [COURSE]
    assert "broken-course" in caplog.text


def test_a_last_good_one_that_is_gone_is_told_not_a_crash(shelf: Shelf, caplog: pytest.LogCaptureFixture) -> None:
    kept = shelf.kept()
    shelf.break_it()
    kept.unlink()
    with caplog.at_level(logging.ERROR), shelf.start().app_context():
        assert library.courses() == ()
    assert "if it ever did" in caplog.text


# The disk


@contextmanager
def a_disk_that_fills_up() -> Iterator[None]:
    """Every file that this process writes ends after the first few bytes, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_write_that_breaks_off_leaves_the_old_version_whole(shelf: Shelf, caplog: pytest.LogCaptureFixture) -> None:
    old, files = shelf.served(), shelf.files()
    shelf.retitle(TITLE, "Second edition")
    with a_disk_that_fills_up():
        assert shelf.served().title["en"] == "Second edition"  # officers get it all the same
    assert "could not be kept" in caplog.text
    assert shelf.files() == files  # nothing half is left behind
    shelf.break_it()
    assert shelf.served() == old


def test_what_a_crash_left_lying_is_not_read(shelf: Shelf) -> None:
    good = shelf.served()
    kept = shelf.kept()
    (shelf.cache / f".{kept.name}.0123456789abcdef").write_bytes(kept.read_bytes()[:5000])
    assert shelf.served() == good
    shelf.break_it()
    assert shelf.served() == good


def test_processes_that_start_at_once_serve_the_same(shelf: Shelf) -> None:
    shutil.rmtree(shelf.cache)
    served = at_once(Flask("starts"), [shelf.served] * 3)
    assert served[0] == served[1] == served[2] == shelf.served()
    assert len(shelf.files()) == 2
