"""Compiled courses and questions as bytes and back, exactly."""

from __future__ import annotations

import json
from functools import cache
from hashlib import sha256
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError

from elearn.domain.course import Course
from elearn.domain.questions import Question


class UnreadableCompiled(ValueError):
    """The bytes are no compiled course or question: they were cut off, altered, or written by another version."""


# In a tuple, because pydantic takes a configuration for the dataclasses inside only there. Bytes travel as base64.
@cache
def _courses() -> TypeAdapter[tuple[Course]]:
    return TypeAdapter(tuple[Course], config=ConfigDict(ser_json_bytes="base64", val_json_bytes="base64"))


@cache
def _questions() -> TypeAdapter[Question]:
    return TypeAdapter(Question)


def dump(course: Course) -> bytes:
    """The course as JSON, pictures included."""
    return _courses().dump_json((course,))


def load(data: bytes) -> Course:
    """The course that was dumped. Raises UnreadableCompiled."""
    try:
        return _courses().validate_json(data)[0]
    except ValidationError as error:
        raise UnreadableCompiled("This is no compiled course.") from error


def fingerprint(course: Course) -> str:
    """SHA-256 over all that an officer can meet."""
    (plain,) = _courses().dump_python((course,), mode="json")
    del plain["version"]
    return sha256(_canonical(plain)).hexdigest()


def dump_question(question: Question) -> bytes:
    """One question as canonical JSON: the same question gives the same bytes, so that their hash names it."""
    return _canonical(_questions().dump_python(question, mode="json"))


def load_question(data: bytes) -> Question:
    """The question that was dumped. Raises UnreadableCompiled."""
    try:
        return _questions().validate_json(data)
    except ValidationError as error:
        raise UnreadableCompiled("This is no compiled question.") from error


def _canonical(plain: Any) -> bytes:
    return json.dumps(plain, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
