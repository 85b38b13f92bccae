"""The small course on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs.review.sheets import shipped
from elearn.domain.course import Course
from tests.authoring.course_maker import small_course, write


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """The folder of the small course."""
    return write(tmp_path / "small", small_course())


@pytest.fixture(scope="session")
def shipped_course() -> Course:
    """The course of the repository, compiled once."""
    return shipped()
