"""A quiz is taken: started, answered as it goes, submitted once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from secrets import token_hex
from typing import Any

from sqlalchemy import BindParameter, Connection, Row, bindparam, select, update

from elearn.authoring import compiled
from elearn.domain.course import Course, Quiz, QuizRules
from elearn.domain.grading import grade
from elearn.domain.ledger import Fact
from elearn.domain.paper import GRACE, deadline, draw, fitted, opens_again, taught
from elearn.domain.questions import Given, Question
from elearn.domain.status import FINAL, needed
from elearn.models.database import Moment, insert, insert_once, put, reading, writing
from elearn.models.learning import Answer, Attempt, CheckAnswer, KeptPicture, LessonRecord, QuestionText
from elearn.services import ledger, library, standing
from elearn.services.learning import after_act


class NotYours(LookupError):
    """No such attempt, or somebody else's: the answer is the same."""


class QuizClosed(Exception):
    """No attempt may begin now. `code`: `before-final`, `not-asked`, `wait` or `complete`; `opens_at` where time alone
    opens it."""

    def __init__(self, code: str, opens_at: datetime | None = None) -> None:
        super().__init__(code)
        self.code, self.opens_at = code, opens_at


class AlreadySubmitted(Exception):
    """The attempt is over; its result stands."""


class TimeIsUp(Exception):
    """The answer came after the attempt's end; what was saved before it counts."""


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """One attempt in the list of an officer's attempts."""

    id: str
    number: int
    started_at: datetime
    submitted_at: datetime | None
    earned: int | None
    possible: int
    percent: int | None
    passed: bool | None


@dataclass(frozen=True, slots=True)
class QuizView:
    """A quiz as its officer finds it. `closed` is "" or why no new attempt may begin now."""

    quiz: Quiz
    attempts: tuple[AttemptRow, ...]
    open_attempt: str | None
    closed: str
    opens_at: datetime | None


@dataclass(frozen=True, slots=True)
class Paper:
    """What an attempt asks, and the seed its option values come from."""

    seed: str
    deadline: datetime | None
    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True)
class AttemptView:
    """One attempt with its questions exactly as asked; `right` is empty until it is submitted."""

    id: str
    course_id: str
    quiz_id: str
    number: int
    seed: str
    version: str
    questions: tuple[Question, ...]
    answers: Mapping[str, Given]
    saved_at: datetime | None
    started_at: datetime
    deadline: datetime | None
    time_is_up: bool
    submitted_at: datetime | None
    earned: int | None
    possible: int
    percent: int | None
    passed: bool | None
    needed: int
    floors_missed: tuple[str, ...]
    right: Mapping[str, bool]


def quiz_view(officer_id: int, course: Course, quiz: Quiz, now: datetime) -> QuizView:
    """The officer's attempts at a quiz, and whether another may begin."""
    with reading() as connection:
        quiz = replace(quiz, rules=_on_route(connection, officer_id, course, quiz)[1])
        attempts = _attempts(connection, officer_id, course, quiz)
        running = next((a.id for a in attempts if a.submitted_at is None), None)
        code, opens_at = "", None
        if running is None:
            try:
                _refuse_if_closed(connection, officer_id, course, quiz, attempts, now)
            except QuizClosed as closed:
                code, opens_at = closed.code, closed.opens_at
    return QuizView(quiz, attempts, running, code, opens_at)


def start_attempt(officer_id: int, course: Course, quiz: Quiz, now: datetime) -> str:
    """Begins an attempt and returns its id; one that is running is returned again, so that two tabs share it.

    Raises QuizClosed. The limits are looked at inside the transaction: two starts at once are one attempt.
    """
    with writing() as connection:
        standing.lock_enrolment(connection, officer_id, course, now)
        attempts = _attempts(connection, officer_id, course, quiz)
        running = next((a for a in attempts if a.submitted_at is None), None)
        if running:
            return running.id
        _refuse_if_closed(connection, officer_id, course, quiz, attempts, now)
        attempt_id = _new_attempt(connection, officer_id, course, quiz, attempts, now)
        standing.mark_begun(connection, officer_id, course.id, now)
    return attempt_id


def attempt_view(officer_id: int, attempt_id: str, now: datetime) -> AttemptView:
    """The attempt as its officer sees it. Raises NotYours."""
    with reading() as connection:
        attempt = _attempt(connection, officer_id, attempt_id)
        questions = _questions(connection, attempt.paper)
        rows = connection.execute(select(Answer).where(Answer.attempt_id == attempt_id)).all()
    answers = {row.question_id: _given(row.given) for row in rows}
    over = attempt.submitted_at is not None
    score = grade(questions, answers, attempt.rules["pass"], attempt.rules["floors"]) if over else None
    return AttemptView(
        id=attempt.id,
        course_id=attempt.course,
        quiz_id=attempt.quiz,
        number=attempt.number,
        seed=attempt.seed,
        version=attempt.version,
        questions=questions,
        answers=answers,
        saved_at=max((row.received_at for row in rows), default=None),
        started_at=attempt.received_at,
        deadline=attempt.deadline,
        time_is_up=_time_is_up(attempt, now),
        submitted_at=attempt.submitted_at,
        earned=attempt.earned,
        possible=attempt.possible,
        percent=attempt.percent,
        passed=attempt.passed,
        needed=attempt.rules["pass"],
        floors_missed=score.floors_missed if score else (),
        right={row.question_id: bool(row.right) for row in rows} if over else {},
    )


def paper(officer_id: int, attempt_id: str) -> Paper:
    """What is needed to read the answers of a form. Raises NotYours."""
    with reading() as connection:
        attempt = _attempt(connection, officer_id, attempt_id)
        return Paper(attempt.seed, attempt.deadline, _questions(connection, attempt.paper))


def save_answers(
    officer_id: int, attempt_id: str, answers: Mapping[str, Given], now: datetime, said_at: datetime | None = None
) -> datetime:
    """Keeps answers as they are given and returns when they were received; the latest one to a question counts.

    Raises NotYours, AlreadySubmitted, TimeIsUp.
    """
    with writing() as connection:
        attempt = _attempt(connection, officer_id, attempt_id, lock=True)
        if attempt.submitted_at is not None:
            raise AlreadySubmitted(attempt_id)
        if _time_is_up(attempt, now):
            raise TimeIsUp(attempt_id)
        _keep(connection, attempt, answers, now, said_at)
    return now


def submit_attempt(officer_id: int, attempt_id: str, answers: Mapping[str, Given], now: datetime) -> None:
    """Marks the attempt, once: repeated, doubled or parallel, the first result stands.

    Answers that come with the submission are kept first, unless the time was up; then what was saved counts.
    Raises NotYours.
    """
    with writing() as connection:
        enrolled, course = _lock(connection, officer_id, attempt_id, now)
        attempt = _attempt(connection, officer_id, attempt_id, lock=True)
        if attempt.submitted_at is not None:
            return
        if not _time_is_up(attempt, now):
            _keep(connection, attempt, answers, now, None)
        questions = _questions(connection, attempt.paper)
        score = grade(questions, _answers(connection, attempt_id), attempt.rules["pass"], attempt.rules["floors"])
        connection.execute(
            update(Attempt)
            .where(Attempt.id == attempt_id)
            .values(submitted_at=now, earned=score.earned, percent=score.percent, passed=score.passed)
        )
        connection.execute(
            _MARK, [{"attempt": attempt_id, "question": q, "mark": mark} for q, mark in score.right.items()]
        )
        facts = {
            "course": attempt.course,
            "quiz": attempt.quiz,
            "attempt": attempt_id,
            "earned": score.earned,
            "possible": score.possible,
            "passed": score.passed,
            "version": attempt.version,
        }
        ledger.append(connection, officer_id, "attempt_submitted", attempt_id, facts, now)
        _credit_lessons(connection, officer_id, course, attempt, score.percent, now)
        after_act(connection, officer_id, course, enrolled, now)


# Built once: putting a statement together costs more than running it.
_ATTEMPT = select(Attempt.__table__).where(
    Attempt.id == bindparam("attempt"), Attempt.officer_id == bindparam("officer")
)
_OFFICER: BindParameter[int] = bindparam("officer")
_COURSE: BindParameter[str] = bindparam("course")
_DONE = select(LessonRecord.lesson).where(LessonRecord.officer_id == _OFFICER, LessonRecord.course == _COURSE)
_CHECKED = select(CheckAnswer.lesson).where(
    CheckAnswer.officer_id == _OFFICER,
    CheckAnswer.course == _COURSE,
    CheckAnswer.received_at >= bindparam("since", type_=Moment),
)
_ATTEMPT_TO_CHANGE = _ATTEMPT.with_for_update()
_MARK = (
    update(Answer)
    .where(Answer.attempt_id == bindparam("attempt"), Answer.question_id == bindparam("question"))
    .values(right=bindparam("mark"))
)


def _lock(connection: Connection, officer_id: int, attempt_id: str, now: datetime) -> tuple[standing.Enrolled, Course]:
    """Locks the enrolment before the attempt, as every act does, so that no two acts wait for each other."""
    course = library.course(_attempt(connection, officer_id, attempt_id).course)
    return standing.lock_enrolment(connection, officer_id, course, now), course


def _attempt(connection: Connection, officer_id: int, attempt_id: str, lock: bool = False) -> Row[Any]:
    query = _ATTEMPT_TO_CHANGE if lock else _ATTEMPT
    row = connection.execute(query, {"attempt": attempt_id, "officer": officer_id}).one_or_none()
    if row is None:
        raise NotYours(attempt_id)
    return row


def _attempts(connection: Connection, officer_id: int, course: Course, quiz: Quiz) -> tuple[AttemptRow, ...]:
    query = (
        select(
            Attempt.id,
            Attempt.number,
            Attempt.received_at,
            Attempt.submitted_at,
            Attempt.earned,
            Attempt.possible,
            Attempt.percent,
            Attempt.passed,
        )
        .where(Attempt.officer_id == officer_id, Attempt.course == course.id, Attempt.quiz == quiz.id)
        .order_by(Attempt.number)
    )
    return tuple(AttemptRow(*row) for row in connection.execute(query))


def _refuse_if_closed(
    connection: Connection,
    officer_id: int,
    course: Course,
    quiz: Quiz,
    attempts: Sequence[AttemptRow],
    now: datetime,
) -> None:
    failed = [a.submitted_at for a in attempts if a.submitted_at and not a.passed]
    opens_at = opens_again(quiz.rules, failed, now)
    if opens_at and not any(a.passed for a in attempts):
        raise QuizClosed("wait", opens_at)
    if quiz.kind == "fresh":
        _refuse_if_not_asked(connection, officer_id, course, quiz)
    if quiz.id != FINAL:
        return
    if any(a.passed for a in attempts):
        raise QuizClosed("complete")
    route = standing.route_of(connection, officer_id, course)
    if not standing.read_status(connection, officer_id, course, route).final_is_open():
        raise QuizClosed("before-final")


def _refuse_if_not_asked(connection: Connection, officer_id: int, course: Course, quiz: Quiz) -> None:
    """Fresh questions are asked of whoever went through a module too fast, and not in advance."""
    route = standing.route_of(connection, officer_id, course)
    found = standing.read_status(connection, officer_id, course, route)
    if not any(one.subject == quiz.id and not one.met for one in found.requirements):
        raise QuizClosed("not-asked")


def _new_attempt(
    connection: Connection,
    officer_id: int,
    course: Course,
    quiz: Quiz,
    attempts: Sequence[AttemptRow],
    now: datetime,
) -> str:
    attempt_id, seed = token_hex(16), token_hex(16)
    bank, rules = _on_route(connection, officer_id, course, quiz)
    seen = _times_seen(connection, officer_id, course)
    questions = [question.posed(seed) for question in draw(bank, rules, seed, seen)]
    hashes = _keep_questions(connection, course, questions)
    connection.execute(
        insert(connection, Attempt).values(
            id=attempt_id,
            officer_id=officer_id,
            course=course.id,
            quiz=quiz.id,
            number=len(attempts) + 1,
            seed=seed,
            paper=[{"id": q.id, "hash": h} for q, h in zip(questions, hashes, strict=True)],
            rules={"pass": rules.pass_percent, "floors": dict(rules.floors), "minutes": rules.minutes},
            received_at=now,
            version=course.version,
            deadline=deadline(quiz.rules, now),
            possible=len(questions),
        )
    )
    return attempt_id


def _on_route(
    connection: Connection, officer_id: int, course: Course, quiz: Quiz
) -> tuple[tuple[Question, ...], QuizRules]:
    """What the quiz asks of this officer: the final only what the lessons on her route teach."""
    if quiz.id != FINAL:
        return quiz.bank, quiz.rules
    route = course.route(standing.route_of(connection, officer_id, course))
    needs = needed(course, route, standing.read_record(connection, officer_id, course, route))
    return fitted(quiz.bank, quiz.rules, taught(course, needs))


def _credit_lessons(
    connection: Connection, officer_id: int, course: Course, attempt: Row[Any], percent: int, now: datetime
) -> None:
    """Credits the lessons of a module to whoever knew it already: its quiz was taken before any of them was done, none
    of their checks was answered while it ran, every question was new, and nearly all answers were right.

    Those lessons and no others: one that is added later teaches something that nobody was asked.
    """
    module = course.module(attempt.quiz)
    if module is None or not course.test_out_percent or percent < course.test_out_percent:
        return
    paths = [lesson.path for lesson in module.lessons]
    mine = {"officer": officer_id, "course": course.id}
    if not set(connection.execute(_DONE, mine).scalars()).isdisjoint(paths):
        return
    if not set(connection.execute(_CHECKED, {**mine, "since": attempt.received_at}).scalars()).isdisjoint(paths):
        return
    seen = _times_seen(connection, officer_id, course)
    if any(seen[asked["id"]] > 1 for asked in attempt.paper):  # once is this attempt itself
        return
    for path in paths:
        record = {"id": token_hex(16), "officer_id": officer_id, "course": course.id, "lesson": path, "words": 0}
        insert_once(
            connection, LessonRecord, **record, credited=percent, received_at=now, said_at=None, version=course.version
        )
    facts: dict[str, Fact] = {"course": course.id, "module": module.id, "attempt": attempt.id, "percent": percent}
    ledger.append(connection, officer_id, "lessons_credited", attempt.id, facts, now)


def _times_seen(connection: Connection, officer_id: int, course: Course) -> Counter[str]:
    papers = connection.execute(
        select(Attempt.paper).where(Attempt.officer_id == officer_id, Attempt.course == course.id)
    ).scalars()
    return Counter(asked["id"] for paper in papers for asked in paper)


def _keep_questions(connection: Connection, course: Course, questions: Sequence[Question]) -> list[str]:
    """Stores what an attempt asks, with its pictures, under the hash of its bytes; returns the hashes in order."""
    bodies = [compiled.dump_question(question) for question in questions]
    hashes = [sha256(body).hexdigest() for body in bodies]
    shown = {picture_hash for question in questions for picture_hash in question.pictures}
    texts = {h: {"hash": h, "body": body.decode()} for h, body in zip(hashes, bodies, strict=True)}
    pictures = {
        p.hash: {"hash": p.hash, "media_type": p.media_type, "data": p.data} for p in course.pictures if p.hash in shown
    }
    for table, rows in ((QuestionText, texts), (KeptPicture, pictures)):
        if rows:
            # Sorted, or of two officers who start at once each waits for what the other has stored.
            connection.execute(insert(connection, table).on_conflict_do_nothing(), [rows[h] for h in sorted(rows)])
    return hashes


def _questions(connection: Connection, paper: Sequence[Mapping[str, str]]) -> tuple[Question, ...]:
    """The questions of a paper. A hash names its question for ever, so one that was read is kept in memory."""
    hashes = [asked["hash"] for asked in paper]
    found = {h: question for h in hashes if (question := _READ.get(h))}
    missing = [h for h in hashes if h not in found]
    if missing:
        query = select(QuestionText.hash, QuestionText.body).where(QuestionText.hash.in_(missing))
        found.update({h: compiled.load_question(body.encode()) for h, body in connection.execute(query)})
        if len(_READ) > MOST_READ:
            _READ.clear()
        _READ.update(found)
    return tuple(found[h] for h in hashes)


_READ: dict[str, Question] = {}
MOST_READ = 5000


def _answers(connection: Connection, attempt_id: str) -> dict[str, Given]:
    rows = connection.execute(select(Answer.question_id, Answer.given).where(Answer.attempt_id == attempt_id))
    return {question_id: _given(given) for question_id, given in rows}


def _keep(
    connection: Connection, attempt: Row[Any], answers: Mapping[str, Given], now: datetime, said_at: datetime | None
) -> None:
    asked = {one["id"] for one in attempt.paper}
    rows = [
        {"attempt_id": attempt.id, "question_id": q, "given": given, "said_at": said_at, "received_at": now}
        for q, given in answers.items()
        if q in asked
    ]
    if rows:
        put(connection, Answer, rows, ("attempt_id", "question_id"))


def _time_is_up(attempt: Row[Any], now: datetime) -> bool:
    return attempt.deadline is not None and attempt.submitted_at is None and now > attempt.deadline + GRACE


def _given(kept: Any) -> Given:
    return tuple(kept) if isinstance(kept, list) else kept
