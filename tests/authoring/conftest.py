"""The small course on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.authoring.course_maker import small_course, write


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """The folder of the small course."""
    return write(tmp_path / "small", small_course())
