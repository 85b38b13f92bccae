"""What officers do: acts, each with its own id, both its times and the content version it was done on."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from elearn.domain.status import EVIDENCE, STATES
from elearn.models.database import EMPTY, Base, Id, Json, Moment


class Enrolment(Base):
    """An officer has a course to take. This is the row that concurrent acts of one officer lock."""

    __tablename__ = "enrolment"

    officer_id: Mapped[int] = mapped_column(ForeignKey("officer.id", ondelete="CASCADE"), primary_key=True)
    course: Mapped[str] = mapped_column(String(80), primary_key=True)
    route: Mapped[str] = mapped_column(String(40))
    assigned_by: Mapped[int | None] = mapped_column(Id)
    due: Mapped[date | None] = mapped_column(Date)
    exempt_reason: Mapped[str] = mapped_column(String(400), default="", server_default=EMPTY)
    exempted_at: Mapped[datetime | None] = mapped_column(Moment)
    created_at: Mapped[datetime] = mapped_column(Moment)


class _Act:
    """`id` is the client's where it gives one, so that a repeat is recognised; `said_at` is when it happened by the
    client's word, `received_at` when the server received it, and only the latter counts for anything."""

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    course: Mapped[str] = mapped_column(String(80))
    said_at: Mapped[datetime | None] = mapped_column(Moment)
    received_at: Mapped[datetime] = mapped_column(Moment)
    version: Mapped[str] = mapped_column(String(64))


class CheckAnswer(_Act, Base):
    """One try at an inline check. Wrong tries are kept: they teach."""

    __tablename__ = "check_answer"
    __table_args__ = (Index("ix_check_answer_officer", "officer_id", "course", "lesson", "check_id"),)

    officer_id: Mapped[int] = mapped_column(ForeignKey("officer.id", ondelete="CASCADE"))
    lesson: Mapped[str] = mapped_column(String(120))  # module/lesson
    check_id: Mapped[str] = mapped_column(String(80))
    given: Mapped[Any] = mapped_column(Json)
    right: Mapped[bool]


class LabRun(_Act, Base):
    """One run of a practice lab: the officer's choices and the figures the server reached from them."""

    __tablename__ = "lab_run"
    __table_args__ = (Index("ix_lab_run_officer", "officer_id", "course", "lab"),)

    officer_id: Mapped[int] = mapped_column(ForeignKey("officer.id", ondelete="CASCADE"))
    lesson: Mapped[str] = mapped_column(String(120))
    lab: Mapped[str] = mapped_column(String(80))
    choices: Mapped[Any] = mapped_column(Json)
    figures: Mapped[Any] = mapped_column(Json)
    reached: Mapped[bool]


class LessonRecord(_Act, Base):
    """A lesson is done, once: read, or credited by its module's quiz, taken first."""

    __tablename__ = "lesson_record"
    __table_args__ = (UniqueConstraint("officer_id", "course", "lesson"),)

    officer_id: Mapped[int] = mapped_column(ForeignKey("officer.id", ondelete="CASCADE"))
    lesson: Mapped[str] = mapped_column(String(120))
    words: Mapped[int]  # of prose, in the language it was read in: what the pace is judged by
    credited: Mapped[int | None]  # percent of the module's quiz that credited the lesson; empty for one that was read


class Attempt(_Act, Base):
    """One sitting of a quiz. `received_at` is when it was started; `paper` names the questions and, by hash, their
    exact text, so that it is shown and marked for ever as it was."""

    __tablename__ = "attempt"
    __table_args__ = (
        CheckConstraint("(submitted_at IS NULL) = (earned IS NULL)", name="submitted"),
        CheckConstraint("earned IS NULL OR (earned >= 0 AND earned <= possible)", name="earned"),
        Index("ix_attempt_officer", "officer_id", "course", "quiz"),
        UniqueConstraint("officer_id", "course", "quiz", "number"),
    )

    officer_id: Mapped[int] = mapped_column(ForeignKey("officer.id", ondelete="CASCADE"))
    quiz: Mapped[str] = mapped_column(String(80))
    number: Mapped[int]  # 1 for the first attempt of this officer at this quiz
    seed: Mapped[str] = mapped_column(String(40))
    paper: Mapped[Any] = mapped_column(Json)  # [{"id": ..., "hash": ...}, ...]
    rules: Mapped[Any] = mapped_column(Json)  # pass mark, floors, minutes: as they were when it was started
    deadline: Mapped[datetime | None] = mapped_column(Moment)
    submitted_at: Mapped[datetime | None] = mapped_column(Moment)
    earned: Mapped[int | None]
    possible: Mapped[int]
    percent: Mapped[int | None]
    passed: Mapped[bool | None]


class Answer(Base):
    """The latest answer to one question of an attempt, saved as it is given; marked when the attempt is submitted."""

    __tablename__ = "answer"

    attempt_id: Mapped[str] = mapped_column(ForeignKey("attempt.id", ondelete="CASCADE"), primary_key=True)
    question_id: Mapped[str] = mapped_column(String(80), primary_key=True)
    given: Mapped[Any | None] = mapped_column(Json)  # empty: an answer that was taken back
    said_at: Mapped[datetime | None] = mapped_column(Moment)
    received_at: Mapped[datetime] = mapped_column(Moment)
    right: Mapped[bool | None]


class QuestionText(Base):
    """A compiled question in all its languages, under the hash of its bytes; kept once an attempt has used it."""

    __tablename__ = "question_text"

    hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    body: Mapped[str] = mapped_column(Text)


class KeptPicture(Base):
    """A picture of a kept question, under the hash of its bytes."""

    __tablename__ = "kept_picture"

    hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    media_type: Mapped[str] = mapped_column(String(40))
    data: Mapped[bytes] = mapped_column(LargeBinary)


class _Stands:
    state: Mapped[str] = mapped_column(String(12))
    requirements_met: Mapped[int]
    requirements_total: Mapped[int]
    final_percent: Mapped[int | None]
    evidence: Mapped[str] = mapped_column(String(12), default="", server_default=EMPTY)
    completed_at: Mapped[datetime | None] = mapped_column(Moment)
    certificate: Mapped[str] = mapped_column(String(26), default="", server_default=EMPTY)
    at: Mapped[datetime] = mapped_column(Moment)


class Standing(_Stands, Base):
    """What `status()` said after the last act. Lists, pages, certificates and exports read this one row."""

    __tablename__ = "standing"
    __table_args__ = (
        CheckConstraint(f"state IN {STATES!r}", name="state"),
        CheckConstraint(f"evidence IN {EVIDENCE!r}", name="evidence"),
        CheckConstraint("(state = 'complete') = (completed_at IS NOT NULL)", name="completed"),
        CheckConstraint("requirements_met >= 0 AND requirements_met <= requirements_total", name="met"),
        Index("ix_standing_course_state", "course", "state"),
    )

    officer_id: Mapped[int] = mapped_column(ForeignKey("officer.id", ondelete="CASCADE"), primary_key=True)
    course: Mapped[str] = mapped_column(String(80), primary_key=True)


class StandingHistory(_Stands, Base):
    """Every standing there was, so that a list can be told as of a past day."""

    __tablename__ = "standing_history"
    __table_args__ = (Index("ix_standing_history_officer", "officer_id", "course", "at"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    officer_id: Mapped[int] = mapped_column(ForeignKey("officer.id", ondelete="CASCADE"))
    course: Mapped[str] = mapped_column(String(80))
