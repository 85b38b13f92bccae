"""Derives again what follows from an officer's records, and compares every consequential row with the ledger."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, Row, func, select

from elearn.authoring import compiled
from elearn.domain.certificate import CertificateRecord
from elearn.domain.course import Course
from elearn.domain.grading import grade
from elearn.domain.ledger import Entry, Fact
from elearn.domain.questions import Question
from elearn.domain.status import FINAL, Status
from elearn.models.learning import (
    Answer,
    Attempt,
    CheckAnswer,
    Enrolment,
    KeptPicture,
    LabRun,
    LessonRecord,
    QuestionText,
    Standing,
    StandingHistory,
)
from elearn.models.people import Office, Posting, Role
from elearn.services import standing
from elearn.services.audit_findings import Chains, Finding

QUESTIONS_AT_ONCE = 500
MOST_REMEMBERED = 5000

GONE = "is missing; the ledger tells of it"

Mine = tuple[int, str]
"""(officer, course)."""


def kept_texts(connection: Connection, counts: Counter[str]) -> Iterator[Finding]:
    """Questions and pictures that are not what their hash says."""
    streamed = {"stream_results": True, "yield_per": 200}
    texts = select(QuestionText.hash, QuestionText.body)
    for name, body in connection.execute(texts, execution_options=streamed):
        counts["kept questions and pictures"] += 1
        if sha256(body.encode()).hexdigest() != name:
            yield Finding("question_text", name, "is not what its hash says")
    pictures = select(KeptPicture.hash, KeptPicture.data)
    for name, data in connection.execute(pictures, execution_options=streamed):
        counts["kept questions and pictures"] += 1
        if sha256(data).hexdigest() != name:
            yield Finding("kept_picture", name, "is not what its hash says")


def records(
    connection: Connection,
    chains: Chains,
    courses: Mapping[str, Course],
    certificates: Sequence[Row[Any]],
    signed: Mapping[str, CertificateRecord],
    counts: Counter[str],
) -> Iterator[Finding]:
    """Everything about these officers that does not hold beside their ledgers and their own acts."""
    lessons = _rows(connection, chains, LessonRecord)
    attempts = _rows(connection, chains, Attempt)
    counts["lessons"] += len(lessons)
    counts["attempts"] += len(attempts)
    yield from _lessons(chains, lessons)
    yield from _attempts(connection, chains, attempts)
    yield from _places(connection, chains)
    done = {(row.officer_id, row.id) for row in lessons}
    submitted = {(row.officer_id, row.id) for row in attempts if row.submitted_at}
    for gone in _missing(chains, "lesson_done", done):
        yield Finding("lesson_record", gone.reference, GONE)
    for gone in _missing(chains, "attempt_submitted", submitted):
        yield Finding("attempt", gone.reference, GONE)
    yield from _facts_of_certificates(chains, certificates, signed, attempts)
    yield from _Standings(connection, chains, courses, certificates, lessons, attempts).findings(counts)


def _rows(connection: Connection, chains: Chains, table: Any) -> Sequence[Row[Any]]:
    columns = table.__table__.columns
    query = select(*columns).where(chains.within(table.officer_id))
    return connection.execute(query.order_by(*table.__table__.primary_key.columns)).all()


def _missing(chains: Chains, kind: str, there: Set[tuple[int, str]]) -> Iterator[Entry]:
    """Entries about rows that are gone, although nobody was erased; `there` holds (officer, what her entry names)."""
    for officer, entries in chains.entries.items():
        if not chains.is_erased(officer):
            yield from (one for one in entries if one.kind == kind and (officer, one.reference) not in there)


# Lessons and places


def _lessons(chains: Chains, rows: Sequence[Row[Any]]) -> Iterator[Finding]:
    for row in rows:
        facts: dict[str, Fact] = {"course": row.course, "lesson": row.lesson, "version": row.version}
        if row.credited is None and not chains.says(row.officer_id, "lesson_done", row.id, facts):
            yield Finding("lesson_record", row.id, "is not in the ledger of its officer so")
        if row.credited is not None and not _was_credited(chains, row):
            yield Finding("lesson_record", row.id, f"was not credited with {row.credited} % by the ledger")


def _was_credited(chains: Chains, row: Row[Any]) -> bool:
    facts: dict[str, Fact] = {
        "course": row.course,
        "module": row.lesson.partition("/")[0],
        "percent": row.credited,
    }
    return any(
        entry.kind == "lessons_credited" and chains.committed(entry, {**facts, "attempt": entry.reference})
        for entry in chains.entries.get(row.officer_id, ())
    )


def _places(connection: Connection, chains: Chains) -> Iterator[Finding]:
    """Enrolments, roles and postings: what decides who sees whom."""
    enrolments = _rows(connection, chains, Enrolment)
    for gone in _missing(chains, "enrolled", {(row.officer_id, row.course) for row in enrolments}):
        yield Finding("enrolment", f"{gone.subject}/{gone.reference}", GONE)
    for row in enrolments:
        if not chains.says(row.officer_id, "enrolled", row.course, {"course": row.course, "route": row.route}):
            yield Finding("enrolment", f"{row.officer_id}/{row.course}", "is not in the ledger on this route")
    select_roles = select(Role.id, Role.officer_id, Role.role, Role.until, Office.code).outerjoin(Office)
    roles = connection.execute(select_roles.where(chains.within(Role.officer_id)).order_by(Role.id)).all()
    for gone in _missing(chains, "role_granted", {(role.officer_id, str(role.id)) for role in roles}):
        yield Finding("role", gone.reference, GONE)
    for role in roles:
        facts: dict[str, Fact] = {"role": role.role, "office": role.code or ""}
        if not chains.says(role.officer_id, "role_granted", role.id, facts):
            yield Finding("role", role.id, "was not granted so by the ledger")
        if (role.until is not None) != bool(chains.told(role.officer_id, "role_ended", role.id)):
            yield Finding("role", role.id, "has another end than in the ledger")
    select_posts = select(Posting.id, Posting.officer_id, Posting.designation, Posting.since, Posting.kind, Office.code)
    mine = chains.within(Posting.officer_id)
    posts = connection.execute(select_posts.join(Office).where(mine).order_by(Posting.id)).all()
    for gone in _missing(chains, "posted", {(post.officer_id, str(post.id)) for post in posts}):
        yield Finding("posting", gone.reference, GONE)
    for post in posts:
        facts = {
            "office": post.code,
            "designation": post.designation,
            "since": post.since.isoformat(),
            "kind": post.kind,
        }
        if not chains.says(post.officer_id, "posted", post.id, facts):
            yield Finding("posting", post.id, "is not in the ledger of its officer so")


# Attempts


def _attempts(connection: Connection, chains: Chains, rows: Sequence[Row[Any]]) -> Iterator[Finding]:
    for start in range(0, len(rows), QUESTIONS_AT_ONCE):
        part = rows[start : start + QUESTIONS_AT_ONCE]
        answers: dict[str, list[Row[Any]]] = defaultdict(list)
        query = select(*Answer.__table__.columns).where(Answer.attempt_id.in_([row.id for row in part]))
        for answer in connection.execute(query.order_by(Answer.attempt_id, Answer.question_id)):
            answers[answer.attempt_id].append(answer)
        questions = _questions(connection, {asked["hash"] for row in part for asked in row.paper})
        for row in part:
            yield from _attempt(chains, row, answers[row.id], questions)


def _attempt(
    chains: Chains, row: Row[Any], answers: Sequence[Row[Any]], questions: Mapping[str, Question]
) -> Iterator[Finding]:
    marked = [answer for answer in answers if answer.right is not None]
    if row.submitted_at is None:
        if marked or row.percent is not None or row.passed is not None:
            yield Finding("attempt", row.id, "has marks, but was not submitted")
        return
    facts: dict[str, Fact] = {
        "course": row.course,
        "quiz": row.quiz,
        "attempt": row.id,
        "earned": row.earned,
        "possible": row.possible,
        "passed": row.passed,
        "version": row.version,
    }
    if not chains.says(row.officer_id, "attempt_submitted", row.id, facts):
        yield Finding("attempt", row.id, "is not in the ledger of its officer with this result")
    asked = [questions.get(one["hash"]) for one in row.paper]
    known = [question for question in asked if question is not None]
    if len(known) < len(asked):
        yield Finding("attempt", row.id, "asks questions that are not kept")
        return
    given = {answer.question_id: _given(answer.given) for answer in answers}
    score = grade(known, given, row.rules["pass"], row.rules["floors"])
    result = (score.earned, score.possible, score.percent, score.passed)
    if result != (row.earned, row.possible, row.percent, row.passed):
        yield Finding("attempt", row.id, f"is marked {row.earned} of {row.possible}; its answers earn {score.earned}")
    for answer in answers:
        if answer.right != score.right.get(answer.question_id):
            yield Finding("answer", f"{row.id}/{answer.question_id}", "is marked otherwise than its question says")


_READ: dict[str, Question] = {}
"""A hash names its question for ever. One that does not fit its hash is named by `kept_texts`."""


def _questions(connection: Connection, hashes: set[str]) -> Mapping[str, Question]:
    found = {name: _READ[name] for name in hashes if name in _READ}
    missing = sorted(hashes - found.keys())
    if len(_READ) + len(missing) > MOST_REMEMBERED:
        _READ.clear()
    for start in range(0, len(missing), QUESTIONS_AT_ONCE):
        part = missing[start : start + QUESTIONS_AT_ONCE]
        query = select(QuestionText.hash, QuestionText.body).where(QuestionText.hash.in_(part))
        for name, body in connection.execute(query):
            try:
                found[name] = compiled.load_question(body.encode())
            except compiled.UnreadableCompiled:
                continue  # told as a question that is not kept
            if sha256(body.encode()).hexdigest() == name:
                _READ[name] = found[name]
    return found


def _given(kept: Any) -> Any:
    return tuple(kept) if isinstance(kept, list) else kept


# Certificates


def _facts_of_certificates(
    chains: Chains,
    rows: Iterable[Row[Any]],
    signed: Mapping[str, CertificateRecord],
    attempts: Sequence[Row[Any]],
) -> Iterator[Finding]:
    """A certificate needs a completion in the ledger at its moment, a statement a passed quiz of its module."""
    passed = {(row.officer_id, row.course, row.quiz) for row in attempts if row.passed}
    for row in rows:
        record = signed.get(row.serial)
        if record is None or chains.is_erased(row.officer_id):
            continue
        if row.module:
            if (row.officer_id, row.course, row.module) not in passed:
                yield Finding("certificate", row.serial, f"no attempt at {row.module} was passed")
            continue
        facts: dict[str, Fact] = {"course": row.course, "version": row.version, "evidence": record.evidence}
        told = chains.told(row.officer_id, "completed", row.course)
        if not any(entry.at == record.completed_at and chains.committed(entry, facts) for entry in told):
            yield Finding("certificate", row.serial, "the ledger has no such completion")


# Standings


class _Standings:
    """Compares what lists show with what the acts amount to."""

    def __init__(
        self,
        connection: Connection,
        chains: Chains,
        courses: Mapping[str, Course],
        certificates: Sequence[Row[Any]],
        lessons: Sequence[Row[Any]],
        attempts: Sequence[Row[Any]],
    ) -> None:
        self.connection, self.chains, self.courses = connection, chains, courses
        runs = connection.execute(
            select(LabRun.officer_id, LabRun.course, LabRun.received_at, LabRun.version).where(
                chains.within(LabRun.officer_id)
            )
        )
        acts = [
            *((row.officer_id, row.course, row.received_at, row.version) for row in (*lessons, *runs)),
            *((row.officer_id, row.course, row.submitted_at, row.version) for row in attempts if row.submitted_at),
        ]
        self.latest: dict[Mine, tuple[Any, str]] = {}
        self.versions: dict[Mine, set[str]] = defaultdict(set)
        for officer, course, at, version in acts:
            self.latest[officer, course] = max(self.latest.get((officer, course), (at, version)), (at, version))
            self.versions[officer, course].add(version)
        for row in certificates:
            self.versions[row.officer_id, row.course].add(row.version)
        self.begun = {*self.latest, *((row.officer_id, row.course) for row in attempts), *self._checked()}
        self.finals: dict[Mine, int] = {}
        for row in attempts:
            if row.quiz == FINAL and row.submitted_at:
                mine = (row.officer_id, row.course)
                self.finals[mine] = max(self.finals.get(mine, 0), row.percent or 0)
        self.certified = {row.serial: (row.officer_id, row.course) for row in certificates if not row.module}
        self.enrolments = {(row.officer_id, row.course): row for row in _rows(connection, chains, Enrolment)}

    def findings(self, counts: Counter[str]) -> Iterator[Finding]:
        history = self._history()
        seen: set[Mine] = set()
        for row in _rows(self.connection, self.chains, Standing):
            mine = (row.officer_id, row.course)
            seen.add(mine)
            counts["standings"] += 1
            if self.chains.is_erased(row.officer_id):
                continue
            why = self._differs_from_ledger(row) or self._differs_from_acts(row, counts)
            if not why and history.get(mine) != _plain(row):
                why = "differs from the last row of its history"
            if why:
                yield Finding("standing", f"{row.officer_id}/{row.course}", why)
        for officer, course in self.enrolments.keys() - seen:
            yield Finding("standing", f"{officer}/{course}", "is missing")

    def _checked(self) -> Iterable[Mine]:
        query = select(CheckAnswer.officer_id, CheckAnswer.course).where(self.chains.within(CheckAnswer.officer_id))
        return [(row.officer_id, row.course) for row in self.connection.execute(query.distinct())]

    def _history(self) -> Mapping[Mine, tuple[Any, ...]]:
        table = StandingHistory.__table__
        latest = (
            select(func.max(StandingHistory.id))
            .where(self.chains.within(StandingHistory.officer_id))
            .group_by(StandingHistory.officer_id, StandingHistory.course)
        )
        rows = self.connection.execute(select(*table.columns).where(StandingHistory.id.in_(latest)))
        return {(row.officer_id, row.course): _plain(row) for row in rows}

    def _differs_from_ledger(self, row: Row[Any]) -> str:
        told = self.chains.told(row.officer_id, "completed", row.course)
        if row.completed_at is None:
            return "is not complete; the ledger tells of a completion" if told and row.state != "exempt" else ""
        if not any(e.at == row.completed_at and self._was_completed(e, row) for e in told):
            return "is complete, but the ledger has no such completion"
        if self.certified.get(row.certificate) != (row.officer_id, row.course):
            return f"names the certificate {row.certificate!r}, which is none of this completion"
        return ""

    def _was_completed(self, entry: Any, row: Row[Any]) -> bool:
        return any(
            self.chains.committed(entry, {"course": row.course, "version": version, "evidence": row.evidence})
            for version in self.versions[row.officer_id, row.course]
        )

    def _differs_from_acts(self, row: Row[Any], counts: Counter[str]) -> str:
        mine = (row.officer_id, row.course)
        if (row.state == "not_begun") == (mine in self.begun) and row.state != "exempt":
            return f"is {row.state}, which the acts do not say"
        if row.final_percent != self.finals.get(mine):
            return f"says {row.final_percent} % in the final, the attempts {self.finals.get(mine)}"
        course, enrolment = self.courses.get(row.course), self.enrolments.get(mine)
        latest = self.latest.get(mine)
        if course is None or enrolment is None or latest is None:
            return ""
        if latest[1] != course.version:
            # What another release of the content asked is not known here any more.
            counts["standings reached on other content, judged by the ledger alone"] += 1
            return ""
        exempt = enrolment.exempted_at is not None
        afresh = standing.read_status(self.connection, row.officer_id, course, enrolment.route, exempt)
        return _differs(row, afresh)


def _differs(row: Row[Any], afresh: Status) -> str:
    """Whether fresh questions are asked depends on sign-ins, which are not kept for ever: with or without them will
    do. A completion stays as it was reached."""
    settled = [one for one in afresh.requirements if one.kind != "fresh"]
    if row.completed_at is not None:
        whole = all(one.met for one in settled) and row.requirements_met == row.requirements_total
        return "" if whole else "is complete, but its requirements are not met"
    possible = {(afresh.met, afresh.total), (sum(one.met for one in settled), len(settled))}
    if (row.requirements_met, row.requirements_total) in possible and row.evidence == "":
        return ""
    return f"says {row.requirements_met} of {row.requirements_total}, the acts {afresh.met} of {afresh.total}"


_STANDS = tuple(column.name for column in Standing.__table__.columns)


def _plain(row: Row[Any]) -> tuple[Any, ...]:
    return tuple(getattr(row, name) for name in _STANDS)
