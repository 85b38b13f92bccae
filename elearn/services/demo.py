"""Fills an empty database with the people of a fictional Model District, so that everything can be tried at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from elearn.domain.course import Course
from elearn.domain.labs import LABS
from elearn.domain.questions import Given, Numeric, Question
from elearn.domain.roles import RoleName
from elearn.domain.status import Record, needed
from elearn.services import accounts, learning, library, people, quizzes

DOMAIN = "demo.test"
PASSWORD = "ai-for-governance"  # noqa: S105 - known to everybody, for people who do not exist
EVERYTHING = 1000
READING = timedelta(minutes=9)  # for each lesson: what somebody takes who reads it


class NotForDemo(RuntimeError):
    """This database holds people who are not the demo's. Accounts with a known password are not added to it."""


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """Somebody invented: `name` stands before the @; `role` comes with the office it holds in, None for everywhere."""

    name: str
    names: dict[str, str]
    number: str
    office: str
    designation: str
    role: tuple[RoleName, str | None] | None = None
    signs_in: bool = False
    route: str = ""
    lessons: int = 0  # done so far; with all of them the lab, the quizzes and the final too


# (code, name, name in Hindi, code of the office above)
OFFICES = (
    ("MD", "Model District", "आदर्श ज़िला", None),
    ("MD-COL", "Collectorate", "कलेक्टरेट", "MD"),
    ("MD-BLK", "Block Office", "प्रखंड कार्यालय", "MD"),
    ("MD-LGL", "Legal Cell", "विधि प्रकोष्ठ", "MD"),
)

SIGN_INS = (
    DemoPerson(
        "officer",
        {"en": "Meera Devi", "hi": "मीरा देवी", "bn": "মীরা দেবী", "mni-Mtei": "ꯃꯤꯔꯥ ꯗꯦꯕꯤ"},
        "MD-0142",
        "MD-COL",
        "Section Officer",
        signs_in=True,
    ),
    DemoPerson(
        "officer2", {"en": "Rohan Lal", "hi": "रोहन लाल"}, "MD-0031", "MD-BLK", "Block Programme Officer", signs_in=True
    ),
    DemoPerson(
        "supervisor",
        {"en": "Asha Rani", "hi": "आशा रानी"},
        "MD-0007",
        "MD-COL",
        "Deputy Collector",
        role=("supervisor", "MD-COL"),
        signs_in=True,
    ),
    DemoPerson(
        "trainer",
        {"en": "Tara Kiran", "hi": "तारा किरण"},
        "MD-0012",
        "MD",
        "Training Officer",
        role=("trainer", None),
        signs_in=True,
    ),
    DemoPerson(
        "admin",
        {"en": "Arun Prakash", "hi": "अरुण प्रकाश"},
        "MD-0001",
        "MD",
        "System Administrator",
        role=("administrator", None),
        signs_in=True,
    ),
)

# Without a password: they are on lists, and nobody can enter as them.
OTHERS = (
    DemoPerson("kavita", {"en": "Kavita Bala", "hi": "कविता बाला"}, "MD-0150", "MD-COL", "Assistant", lessons=2),
    DemoPerson(
        "naveen", {"en": "Naveen Kishor", "hi": "नवीन किशोर"}, "MD-0151", "MD-COL", "Assistant", lessons=EVERYTHING
    ),
    DemoPerson(
        "thoibi",
        {"en": "Thoibi Leima", "mni-Mtei": "ꯊꯣꯏꯕꯤ ꯂꯩꯃꯥ"},
        "MD-0077",
        "MD-COL",
        "Head Clerk",
        route="implementer",
        lessons=EVERYTHING,
    ),
    DemoPerson("sunil", {"en": "Sunil Mohan", "hi": "सुनील मोहन"}, "MD-0152", "MD-COL", "Accountant", lessons=3),
    DemoPerson("rekha", {"en": "Rekha Mala", "hi": "रेखा माला", "bn": "রেখা মালা"}, "MD-0153", "MD-COL", "Record Keeper"),
    DemoPerson("officer07", {"en": "Officer 07"}, "MD-0160", "MD-COL", "Data Entry Operator", route="implementer"),
    DemoPerson(
        "anita", {"en": "Anita Rekha", "hi": "अनीता रेखा"}, "MD-0210", "MD-BLK", "Extension Officer", lessons=EVERYTHING
    ),
    DemoPerson("deepak", {"en": "Deepak Chand", "hi": "दीपक चंद"}, "MD-0211", "MD-BLK", "Extension Officer", lessons=2),
    DemoPerson("officer11", {"en": "Officer 11"}, "MD-0212", "MD-BLK", "Data Entry Operator", route="implementer"),
    DemoPerson(
        "jyoti", {"en": "Jyoti Prabha", "hi": "ज्योति प्रभा"}, "MD-0310", "MD-LGL", "Legal Assistant", lessons=EVERYTHING
    ),
    DemoPerson("vivek", {"en": "Vivek Anand", "hi": "विवेक आनंद"}, "MD-0311", "MD-LGL", "Law Officer", lessons=1),
    DemoPerson("officer14", {"en": "Officer 14"}, "MD-0312", "MD-LGL", "Typist"),
)


def seed(now: datetime) -> bool:
    """Adds the demo's offices and people; returns whether there was anything to add. Raises NotForDemo.

    Officers are enrolled in every course that is served; supervisor, trainer and administrator are not. The
    administrator's password comes last, so that whoever was interrupted before that goes on where they were.
    """
    if _is_done():
        return False
    if people.is_anybody_outside(DOMAIN):
        raise NotForDemo("The database holds people who are not the demo's.")
    here = {office.code for office in people.offices()}
    for code, name, name_hi, above in OFFICES:
        if code not in here:
            people.add_office(code, name, above, name_hi=name_hi, now=now)
    courses = library.courses()
    for person in (*OTHERS, *SIGN_INS):
        _add(person, courses, now)
    return True


def sign_in_lines() -> list[str]:
    """Whom one can sign in as, for whoever started the demo."""
    lines = []
    for person in SIGN_INS:
        role = person.role[0] if person.role else "officer"
        lines.append(f"{_email(person):22} {role:14} {person.names['en']}, {person.designation}")
    return lines


def _is_done() -> bool:
    try:
        return accounts.has_password(people.find_officer(_email(SIGN_INS[-1])))
    except people.NoSuchOfficer:
        return False


def _add(person: DemoPerson, courses: Sequence[Course], now: datetime) -> None:
    try:
        officer_id = people.find_officer(_email(person))
    except people.NoSuchOfficer:
        officer_id = people.add_officer(
            _email(person),
            person.names,
            employee_number=person.number,
            office=person.office,
            designation=person.designation,
            courses=() if person.role else courses,
            route=person.route,
            now=now,
        )
    if person.role:
        people.grant_role(officer_id, *person.role, now=now)
    if person.signs_in:
        accounts.set_password(officer_id, PASSWORD, now)
    # Numbers spread the demo's people over the days before, so that a list shows different dates.
    began = now - timedelta(days=1 + int(person.number[-2:]) % 6, hours=4)
    for course in courses if person.lessons else ():
        _learn(officer_id, course, person, began)


def _learn(officer_id: int, course: Course, person: DemoPerson, at: datetime) -> None:
    """Takes the course as an officer does who reads it and knows the answers, as far as she has come."""
    needs = needed(course, course.route(person.route), Record())
    lessons = [lesson for lesson in course.lessons() if lesson.path in needs.lessons]
    for lesson in lessons[: person.lessons]:
        for check in lesson.checks:
            at += READING / len(lesson.checks)
            learning.answer_check(officer_id, course, lesson, check, _right(check), at)
        learning.mark_lesson_done(officer_id, course, lesson, "en", at)
    if person.lessons < len(lessons):
        return
    for lab in needs.labs:
        home = course.lesson_of_lab(lab)
        assert home is not None, "the route names labs that the course has"
        for choices in LABS[lab].sample_runs("en"):
            at += timedelta(minutes=3)
            learning.run_lab(officer_id, course, home, lab, choices, at)
    for quiz_id in needs.quizzes:
        quiz = course.quiz(quiz_id)
        assert quiz is not None, "the route names quizzes that the course has"
        attempt = quizzes.start_attempt(officer_id, course, quiz, at)
        at += timedelta(minutes=6)
        answers = {question.id: _right(question) for question in quizzes.paper(officer_id, attempt).questions}
        quizzes.submit_attempt(officer_id, attempt, answers, at)


def _right(question: Question) -> Given:
    return str(question.answer) if isinstance(question, Numeric) else question.key()


def _email(person: DemoPerson) -> str:
    return f"{person.name}@{DOMAIN}"
