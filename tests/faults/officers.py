"""What officers do over HTTP while things break, what they were told is kept, and whether it is."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from html import unescape
from http.client import HTTPException
from threading import Condition
from time import perf_counter
from typing import Any
from uuid import uuid4

from elearn.domain.labs import LABS
from elearn.domain.questions import Given as Answered
from elearn.domain.questions import Question
from elearn.models.learning import Answer, Attempt, CheckAnswer, LabRun, LessonRecord
from elearn.models.people import SignIn
from elearn.services import quizzes
from tests import records
from tests.faults.house import House
from tests.given import COURSE, PASSWORD, Person
from tests.records import broken_at
from tests.server import Answer as Response
from tests.server import Browser, Fields

JSON = {"Accept": "application/json"}
PAUSE = 0.2
"""Seconds until an act that could not be taken is sent again; a browser waits as long as Retry-After says."""

INPUT = re.compile(r"<input\b[^>]*>")
ATTRIBUTE = re.compile(r'\b(type|name|value)="([^"]*)"')


class NotNow(Exception):
    """The server said 503: come again. Whether the act was kept is not known."""


class Over(Exception):
    """The round is over; the act was not begun."""


class Round:
    """One round of work: counts what was acknowledged and what was put off, and ends it."""

    def __init__(self) -> None:
        self.acknowledged = self.put_off = 0
        self.over = False
        self._changed = Condition()

    def note(self, acknowledged: int = 0, put_off: int = 0) -> None:
        with self._changed:
            self.acknowledged += acknowledged
            self.put_off += put_off
            self._changed.notify_all()

    def end(self) -> None:
        with self._changed:
            self.over = True
            self._changed.notify_all()

    def pause(self) -> None:
        """Waits a little; less where the round ends meanwhile."""
        with self._changed:
            self._changed.wait_for(lambda: self.over, PAUSE)

    def wait_for(self, seconds: float, acknowledged: int = 0, put_off: int = 0) -> float:
        """Waits until so much more was acknowledged or put off; says how many seconds that took."""
        begun = perf_counter()
        with self._changed:
            acks, offs = self.acknowledged + acknowledged, self.put_off + put_off
            got_there = self._changed.wait_for(lambda: self.acknowledged >= acks and self.put_off >= offs, seconds)
        assert got_there, f"in {seconds} s: {self.acknowledged - acks} acknowledged, {self.put_off - offs} put off"
        return perf_counter() - begun


@dataclass(frozen=True)
class Act:
    """Something an officer sends that changes something, and what she notes once it is acknowledged."""

    path: str
    fields: Fields
    expected: int
    note: Callable[[Response], None]
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Officer:
    """Somebody at her browser. She notes what was acknowledged, and the one act of which she does not know."""

    person: Person
    browser: Browser
    token: str = ""
    round: Round = field(default_factory=Round)
    acknowledged: int = 0
    seconds: list[float] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    checks: dict[str, tuple[str, str, list[str]]] = field(default_factory=dict)  # act -> lesson, check, values
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)  # act -> choices
    done: Counter[str] = field(default_factory=Counter)
    attempts: set[str] = field(default_factory=set)
    answers: dict[tuple[str, str], list[list[str] | None]] = field(default_factory=dict)  # what may stand there
    submitted: set[str] = field(default_factory=set)
    sign_ins: int = 0
    sign_ins_in_doubt: int = 0
    doubtful: Act | None = None

    # At the door

    def sign_in(self) -> None:
        """Signs in on this browser."""
        self._sign_in_with(self.browser)
        self.token = token_on(self.browser.get("/account"))

    def sign_in_elsewhere(self) -> None:
        """Signs in on another device, which then opens the account page."""
        other = Browser(self.browser.url)
        self._sign_in_with(other)
        if not self.round.over and other.get("/account").status not in (200, 503):
            self.unexpected.append("/account: a sign-in that was just made does not hold")

    def _sign_in_with(self, browser: Browser) -> None:
        fields = {"email": self.person.email, "password": PASSWORD, "csrf_token": token_on(browser.get("/sign-in"))}
        self.sign_ins_in_doubt += 1
        answer = browser.post("/sign-in", fields)
        if answer.status == 503:
            self._put_off("/sign-in", answer)
        assert answer.status == 302, f"{self.person.email} could not sign in: {answer.status}"
        self.sign_ins_in_doubt -= 1
        self.sign_ins += 1
        self._acknowledged()

    # Learning

    def take_lesson(self, path: str) -> None:
        address = f"/courses/{COURSE}/{path}"
        page = self.page(address)
        for form in page.split("<form")[1:]:
            found = re.search(rf'action="{address}/checks/([^"]+)"', form)
            if found:
                self.answer_check(path, found[1], first_choice(form.split("</form>")[0]))
        self.do(Act(f"{address}/done", {}, 303, lambda _answer: self.done.update([path])))

    def answer_check(self, lesson: str, check: str, chosen: dict[str, str]) -> None:
        act, values = uuid4().hex, [chosen[check]]
        note = partial(self.checks.__setitem__, act, (lesson, check, values))
        fields = {check: values, "act_id": act}
        self.do(Act(f"/courses/{COURSE}/{lesson}/checks/{check}", fields, 303, lambda _answer: note()))

    def run_lab(self, lesson: str, lab: str) -> None:
        for choices in LABS[lab].sample_runs("en"):
            act = uuid4().hex
            note = partial(self.runs.__setitem__, act, choices)
            fields = {**LABS[lab].fields(choices), "act_id": act}
            self.do(Act(f"/courses/{COURSE}/{lesson}/labs/{lab}", fields, 303, lambda _answer, note=note: note()))

    def start_quiz(self, quiz: str) -> str:
        started: list[str] = []

        def note(answer: Response) -> None:
            started.append(answer.location.rpartition("/")[2])
            self.attempts.add(started[0])

        self.do(Act(f"/courses/{COURSE}/quizzes/{quiz}", {}, 303, note))
        return started[0]

    def take_quiz(self, quiz: str) -> None:
        attempt = self.start_quiz(quiz)
        page = self.page(f"/attempts/{attempt}")
        for question, value in first_choice(page.split('id="attempt"')[1]).items():
            self.save_answer(attempt, question, value)
        self.submit(attempt)

    def save_answer(self, attempt: str, question: str, value: str) -> None:
        where = (attempt, question)
        # Until this one is acknowledged, it or what might stand there before may; None: no answer yet.
        self.answers[where] = [*self.answers.get(where, [None]), [value]]
        fields = {"answer_of": question, question: value}
        note = partial(self.answers.__setitem__, where, [[value]])
        self.do(Act(f"/attempts/{attempt}/answers", fields, 200, lambda _answer: note(), JSON))

    def submit(self, attempt: str) -> None:
        """Nothing but the attempt: what was saved counts."""
        self.do(Act(f"/attempts/{attempt}", {}, 303, lambda _answer: self.submitted.add(attempt)))

    # What happens to an act on its way

    def page(self, path: str) -> str:
        """A page to read; again and again where it cannot be shown just now."""
        while True:
            self._go_on()
            answer = self.browser.get(path)
            if answer.status == 200:
                return answer.text
            try:
                self._put_off(path, answer)
            except NotNow:
                self.round.pause()

    def do(self, act: Act) -> None:
        """Sends an act until it is taken. Until its answer has come, nobody knows whether it was."""
        while True:
            self._go_on()
            self.doubtful = act
            try:
                return self._send(act)
            except NotNow:
                self.round.pause()

    def send_the_doubtful_again(self) -> None:
        """As the page's script does after a lost answer: the same act under the same id."""
        if self.doubtful:
            self._send(self.doubtful)

    def _send(self, act: Act) -> None:
        begun = perf_counter()
        answer = self.browser.post(act.path, {**act.fields, "csrf_token": self.token}, **act.headers)
        self.seconds.append(perf_counter() - begun)
        if answer.status != act.expected:
            self._put_off(act.path, answer)
        self.doubtful = None
        act.note(answer)
        self._acknowledged()

    def _acknowledged(self) -> None:
        self.acknowledged += 1
        self.round.note(acknowledged=1)

    def _go_on(self) -> None:
        if self.round.over:
            raise Over

    def _put_off(self, path: str, answer: Response) -> None:
        """Only 503 is a good answer to what could not be done, and it says when to come again. Raises NotNow."""
        if answer.status != 503 or not answer.headers.get("Retry-After", "").isdigit():
            self.unexpected.append(f"{path}: {answer.status}, {answer.headers.get('Retry-After')}")
            raise Over
        if "Traceback" in answer.text:
            self.unexpected.append(f"{path}: a trace in a 503")
        self.round.note(put_off=1)
        raise NotNow


def token_on(page: Response) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert found, f"no form on the page, {page.status}"
    return unescape(found[1])


def first_choice(form: str) -> dict[str, str]:
    """The first offered value of each control of a form; a number where one is asked for."""
    chosen: dict[str, str] = {}
    for control in INPUT.findall(form):
        parts = dict(ATTRIBUTE.findall(control))
        if parts["type"] != "hidden":
            chosen.setdefault(unescape(parts["name"]), "42" if parts["type"] == "text" else parts["value"])
    return chosen


def signed_in(house: House, size: int) -> list[Officer]:
    officers = [Officer(person, house.server.browser()) for person in house.crowd(size)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(Officer.sign_in, officers))
    return officers


# Many of them, working


@contextmanager
def working(house: House, officers: Sequence[Officer]) -> Iterator[Round]:
    """All officers work, each in a thread, for as long as the block lasts."""
    current = Round()
    with ThreadPoolExecutor(len(officers)) as pool:
        try:
            for officer in officers:
                officer.round = current
            at_work = [pool.submit(_work, house, officer) for officer in officers]
            yield current
        finally:
            current.end()
    for one in at_work:
        one.result()
    for officer in officers:
        officer.round = Round()


def _work(house: House, officer: Officer) -> None:
    module = house.course.modules[0]
    try:
        while True:
            officer.take_quiz(module.id)
            for lesson in house.course.lessons():
                officer.take_lesson(lesson.path)
                for lab in lesson.labs[:1] if lesson in module.lessons else ():
                    officer.run_lab(lesson.path, lab)
                _sign_in_elsewhere(officer)
    except Over:
        return
    except (OSError, HTTPException) as gone:
        if not officer.round.over:
            officer.unexpected.append(f"the server hung up: {gone!r}")


def _sign_in_elsewhere(officer: Officer) -> None:
    try:
        officer.sign_in_elsewhere()
    except NotNow:
        officer.round.pause()


# What must be in the records afterwards


@dataclass
class Verdict:
    """What was found: acknowledged and not there; there and acknowledged to nobody, or twice; not as it must be."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        return not (self.lost or self.doubled or self.broken)


def judge(house: House, officers: Sequence[Officer]) -> Verdict:
    """Compares what the officers noted with what the records hold. What is in doubt may be there or not, but once."""
    verdict = Verdict()
    for officer in officers:
        verdict.broken += [f"{officer.person.email} {line}" for line in officer.unexpected]
        _judge_acts(officer, verdict)
        _judge_answers(house, officer, verdict)
        verdict.broken += broken_records(house, officer)
    damage = house.damage()
    verdict.broken += [damage] if damage else []
    return verdict


def _judge_acts(officer: Officer, verdict: Verdict) -> None:
    who, in_doubt = officer.person.id, int(officer.doubtful is not None)
    over = [row.id for row in records.rows(Attempt, officer_id=who) if row.submitted_at]
    kept = {
        "check": ([row.id for row in records.rows(CheckAnswer, officer_id=who)], set(officer.checks)),
        "lab run": ([row.id for row in records.rows(LabRun, officer_id=who)], set(officer.runs)),
        "lesson": ([row.lesson for row in records.rows(LessonRecord, officer_id=who)], set(officer.done)),
        "attempt": ([row.id for row in records.rows(Attempt, officer_id=who)], officer.attempts),
        "result": (over, officer.submitted),
        "result in the ledger": (_told_of(who, "attempt_submitted"), officer.submitted),
    }
    for kind, (there, acknowledged) in kept.items():
        times = Counter(there)
        verdict.lost += [f"{officer.person.email}: {kind} {one}" for one in acknowledged - set(times)]
        verdict.doubled += [f"{officer.person.email}: {kind} {one}" for one, n in times.items() if n > 1]
        strangers = set(times) - acknowledged
        if len(strangers) > in_doubt:
            verdict.doubled.append(f"{officer.person.email}: {kind}s that nobody was told of: {sorted(strangers)}")
    if sorted(over) != sorted(_told_of(who, "attempt_submitted")):
        verdict.broken.append(f"{officer.person.email}: results and the ledger's entries differ")
    if len(_told_of(who, "lesson_done")) != records.count(LessonRecord, officer_id=who):
        verdict.broken.append(f"{officer.person.email}: lessons and the ledger's entries differ")
    entered = records.count(SignIn, officer_id=who)
    if entered < officer.sign_ins:
        verdict.lost.append(f"{officer.person.email}: {officer.sign_ins - entered} sign-ins")
    if entered > officer.sign_ins + officer.sign_ins_in_doubt:
        verdict.doubled.append(f"{officer.person.email}: {entered} sign-ins for {officer.sign_ins}")


def _told_of(officer_id: int, kind: str) -> list[str]:
    return [entry.reference for entry in records.chain(officer_id) if entry.kind == kind]


def _judge_answers(house: House, officer: Officer, verdict: Verdict) -> None:
    """Whether each kept answer is the one that was given."""
    who = officer.person.id
    kept_checks = {row.id: row.given for row in records.rows(CheckAnswer, officer_id=who)}
    for act, (path, check_id, values) in officer.checks.items():
        lesson = house.course.lesson(*path.split("/"))
        assert lesson
        check = lesson.check(check_id)
        assert check
        if act in kept_checks and kept_checks[act] != as_kept(check, f"check/{who}", values):
            verdict.broken.append(f"check {act}: {kept_checks[act]}")
    kept_runs = {row.id: row.choices for row in records.rows(LabRun, officer_id=who)}
    for act, choices in officer.runs.items():
        if act in kept_runs and kept_runs[act] != json.loads(json.dumps(choices)):
            verdict.broken.append(f"lab run {act}: {kept_runs[act]}")
    papers = {attempt: quizzes.paper(who, attempt) for attempt in officer.attempts & {a for a, _ in officer.answers}}
    for attempt, paper in papers.items():
        questions = {question.id: question for question in paper.questions}
        kept = {row.question_id: row.given for row in records.rows(Answer, attempt_id=attempt)}
        for question_id, possible in ((q, values) for (a, q), values in officer.answers.items() if a == attempt):
            may = [values and as_kept(questions[question_id], paper.seed, values) for values in possible]
            if kept.get(question_id) not in may:
                verdict.lost.append(f"answer {attempt} {question_id}: {kept.get(question_id)}, not one of {may}")
        strangers = set(kept) - {q for a, q in officer.answers if a == attempt}
        verdict.doubled += [f"answer {attempt} {q}, given by nobody" for q in strangers if kept[q] is not None]


def as_kept(question: Question, seed: str, values: list[str]) -> Any:
    """An answer as the records keep it."""
    given: Answered = question.read(values, seed)
    return list(given) if isinstance(given, tuple) else given


def broken_records(house: House, officer: Officer) -> list[str]:
    """Chains that do not hold and standings that are not what the acts amount to."""
    who, found = officer.person.id, []
    chain = records.chain(who)
    if broken_at(chain) is not None or chain[-1].hash != records.head(who):
        found.append(f"{officer.person.email}: the chain is broken at {broken_at(chain)}")
    kept, afresh = records.standing_of(who), records.status_afresh(who, house.course)
    if (kept.state, kept.requirements_met, kept.requirements_total) != (afresh.state, afresh.met, afresh.total):
        found.append(f"{officer.person.email}: standing {kept.state} {kept.requirements_met}, acts say {afresh.met}")
    return found
