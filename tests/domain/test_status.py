"""Every state and every reason: what "complete" means, and what is said to whoever is not there yet."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elearn.domain.course import Course, Lesson, LessonText, Module, Needs, Quiz, QuizRules, Route
from elearn.domain.status import Best, Record, Requirement, Status, hurried_modules, modules_met, needed, status

PASSED = Best(90, True, 1)
FAILED = Best(40, False, 1)
WORDS = 1000
UNHURRIED = 600.0  # seconds for two lessons of a thousand words: 200 a minute


def lesson(module: str, name: str, labs: tuple[str, ...] = ()) -> Lesson:
    return Lesson(name, module, (), (), labs, {"en": LessonText(name, (), WORDS, 5)})


def module(name: str, *lessons: Lesson) -> Module:
    return Module(name, {}, {}, (), lessons, ())


def quiz(name: str, kind: str, percent: int, **floors: int) -> Quiz:
    return Quiz(name, kind, {}, QuizRules(10, percent, floors=floors), ())  # type: ignore[arg-type]


def route(name: str, lessons: tuple[str, ...], labs: tuple[str, ...], quizzes: tuple[str, ...]) -> Route:
    return Route(name, {}, Needs(lessons, labs, quizzes))


LESSONS = ("words/kinds", "words/learning", "law/rules", "law/rights")
ROUTE = route("manager", LESSONS, ("sorter",), ("words", "law", "final"))
COURSE = Course(
    id="ai",
    title={},
    description={},
    languages=("en",),
    outcomes={},
    domains={},
    modules=(
        module("words", lesson("words", "kinds"), lesson("words", "learning", ("sorter",))),
        module("law", lesson("law", "rules"), lesson("law", "rights")),
    ),
    routes=(ROUTE,),
    quizzes=(
        quiz("words", "module", 75),
        quiz("law", "module", 75),
        quiz("final", "final", 70, D=60),
        quiz("fresh-words", "fresh", 66),
        quiz("fresh-law", "fresh", 66),
    ),
    pictures=(),
    glossary={},
    facts={},
    fastest_words_per_minute=600,
    test_out_percent=90,
    version="v1",
)
ALL = Record(
    lessons=dict.fromkeys(LESSONS, WORDS),
    labs=frozenset({"sorter"}),
    best={"words": PASSED, "law": PASSED, "final": PASSED},
    seconds={"words": UNHURRIED, "law": UNHURRIED},
    begun=True,
)


def without_final(**more: Best) -> Record:
    return replace(ALL, best={"words": PASSED, "law": PASSED, **more})


def missing(record: Record, course: Course = COURSE, route: Route = ROUTE) -> list[Requirement]:
    return [r for r in status(course, route, record).requirements if not r.met]


# Every state


def test_everything_met_is_complete() -> None:
    found = status(COURSE, ROUTE, ALL)
    assert (found.state, found.met, found.total) == ("complete", 8, 8)
    assert (found.final_percent, found.evidence) == (90, "checked")
    assert all(r.met and r.reason == "" for r in found.requirements)


def test_nothing_done_is_not_begun() -> None:
    found = status(COURSE, ROUTE, Record())
    assert (found.state, found.met, found.total, found.final_percent, found.evidence) == ("not_begun", 0, 8, None, "")


def test_an_answered_check_is_a_beginning() -> None:
    found = status(COURSE, ROUTE, Record(begun=True))
    assert (found.state, found.met) == ("in_progress", 0)


@pytest.mark.parametrize(
    "record",
    [
        replace(ALL, lessons=dict.fromkeys(LESSONS[:-1], WORDS)),
        replace(ALL, labs=frozenset()),
        replace(ALL, best={"words": PASSED, "final": PASSED}),
        replace(ALL, best={"words": PASSED, "law": FAILED, "final": PASSED}),
        without_final(),
        without_final(final=FAILED),
        replace(ALL, seconds={"words": UNHURRIED, "law": 1.0}),
    ],
    ids=["lesson", "lab", "quiz not taken", "quiz failed", "final not taken", "final failed", "hurried"],
)
def test_one_thing_missing_is_in_progress(record: Record) -> None:
    found = status(COURSE, ROUTE, record)
    assert (found.state, found.evidence) == ("in_progress", "")
    assert found.met == found.total - 1


@pytest.mark.parametrize("record", [Record(), Record(begun=True), without_final(), ALL])
def test_the_exempt_are_exempt_whatever_they_did(record: Record) -> None:
    found = status(COURSE, ROUTE, replace(record, exempt=True))
    assert (found.state, found.evidence) == ("exempt", "")
    assert found.met == status(COURSE, ROUTE, record).met


def test_a_route_without_requirements_is_never_complete() -> None:
    empty = route("empty", (), (), ())
    assert status(COURSE, empty, ALL).state == "in_progress"
    assert status(COURSE, empty, Record()).state == "not_begun"


def test_a_supervised_final_says_so() -> None:
    final = Best(90, True, 1, "supervised")
    assert status(COURSE, ROUTE, replace(ALL, best={**ALL.best, "final": final})).evidence == "supervised"
    assert status(COURSE, ROUTE, without_final(final=replace(final, passed=False))).evidence == ""


def test_a_route_without_a_final_is_complete_without_one() -> None:
    short = route("leader", LESSONS[:1], (), ("words",))
    found = status(COURSE, short, Record({"words/kinds": WORDS}, best={"words": PASSED}, seconds={"words": UNHURRIED}))
    assert (found.state, found.final_percent, found.evidence) == ("complete", None, "checked")


# Every reason


def test_a_lesson_not_done() -> None:
    record = replace(ALL, lessons=dict.fromkeys(LESSONS[1:], WORDS))
    assert missing(record) == [Requirement("lesson", "words/kinds", False, "not-done")]


def test_a_lab_not_reached() -> None:
    assert missing(replace(ALL, labs=frozenset({"another"}))) == [Requirement("lab", "sorter", False, "not-reached")]


def test_a_quiz_not_begun_says_what_it_needs() -> None:
    record = replace(ALL, best={"words": PASSED, "final": PASSED})
    assert missing(record) == [Requirement("quiz", "law", False, "not-begun", {"needed": 75})]
    assert missing(without_final()) == [Requirement("final", "final", False, "not-begun", {"needed": 70})]


def test_a_failed_quiz_says_how_far_it_was() -> None:
    record = replace(ALL, best={**ALL.best, "law": Best(62, False, 3)})
    arguments = {"percent": 62, "needed": 75, "attempts": 3}
    assert missing(record) == [Requirement("quiz", "law", False, "below-pass", arguments)]


def test_a_final_below_a_floor_says_that_it_was_the_floor() -> None:
    arguments = {"percent": 80, "needed": 70, "attempts": 1}
    assert missing(without_final(final=Best(80, False, 1))) == [
        Requirement("final", "final", False, "below-floor", arguments)
    ]


def test_a_pass_once_is_a_pass_though_the_best_percent_failed() -> None:
    """The higher percent missed a floor, the lower one passed."""
    assert status(COURSE, ROUTE, without_final(final=Best(95, True, 2))).state == "complete"


def test_what_is_met_tells_the_percent_and_no_reason() -> None:
    final = status(COURSE, ROUTE, ALL).requirements[-1]
    assert final == Requirement("final", "final", True, "", {"percent": 90})


def test_a_quiz_that_left_the_course_is_still_asked_for_by_name() -> None:
    gone = replace(COURSE, quizzes=COURSE.quizzes[1:])
    assert missing(replace(ALL, best={"law": PASSED, "final": PASSED}), gone) == [
        Requirement("quiz", "words", False, "not-begun", {"needed": 0})
    ]


def test_requirements_come_in_the_order_of_the_work_and_the_final_last() -> None:
    hurried = replace(without_final(), seconds={})
    kinds = [(r.kind, r.subject) for r in status(COURSE, ROUTE, hurried).requirements]
    assert kinds == [
        *(("lesson", path) for path in LESSONS),
        ("lab", "sorter"),
        ("quiz", "words"),
        ("quiz", "law"),
        ("fresh", "fresh-words"),
        ("fresh", "fresh-law"),
        ("final", "final"),
    ]


# The pace


def test_a_hurried_module_asks_three_fresh_questions() -> None:
    record = replace(ALL, seconds={"words": UNHURRIED, "law": 199.0})
    assert hurried_modules(COURSE, ROUTE.needs, record) == ("law",)
    assert missing(record) == [Requirement("fresh", "fresh-law", False, "hurried")]
    failed = replace(record, best={**record.best, "fresh-law": Best(33, False, 1)})
    assert missing(failed) == [Requirement("fresh", "fresh-law", False, "hurried")]


def test_fresh_questions_answered_clear_it_for_good() -> None:
    record = replace(ALL, seconds={"words": UNHURRIED}, best={**ALL.best, "fresh-law": Best(66, True, 1)})
    found = status(COURSE, ROUTE, record)
    assert (found.state, found.met, found.total) == ("complete", 9, 9)
    later = replace(record, best={**record.best, "fresh-law": Best(66, True, 4)})
    assert status(COURSE, ROUTE, later).state == "complete"


def test_exactly_six_hundred_words_a_minute_is_not_hurried() -> None:
    assert hurried_modules(COURSE, ROUTE.needs, replace(ALL, seconds={"words": 200.0, "law": 200.0})) == ()
    assert hurried_modules(COURSE, ROUTE.needs, replace(ALL, seconds={"words": 199.9, "law": 200.0})) == ("words",)


def test_an_unfinished_module_is_not_judged() -> None:
    record = replace(ALL, lessons=dict.fromkeys(LESSONS[:3], WORDS), seconds={"words": UNHURRIED})
    assert hurried_modules(COURSE, ROUTE.needs, record) == ()


def test_the_words_are_those_that_were_read() -> None:
    """Read in the shorter language, or before the lesson grew."""
    lessons = {**ALL.lessons, "law/rules": 100, "law/rights": 100}
    record = replace(ALL, lessons=lessons, seconds={"words": 200.0, "law": 20.0})
    assert hurried_modules(COURSE, ROUTE.needs, record) == ()


def test_a_route_judges_the_lessons_it_asks_for() -> None:
    short = route("leader", ("words/kinds", "law/rules"), (), ("final",))
    record = Record({"words/kinds": WORDS}, seconds={"words": 50.0})
    assert hurried_modules(COURSE, short.needs, record) == ("words",)
    assert hurried_modules(COURSE, short.needs, replace(record, seconds={"words": 100.0})) == ()
    # A lesson beyond the route was read in that time too.
    beyond = replace(record, lessons={"words/kinds": WORDS, "words/learning": WORDS}, seconds={"words": 100.0})
    assert hurried_modules(COURSE, short.needs, beyond) == ("words",)


def test_a_module_beyond_the_route_is_not_judged() -> None:
    short = route("leader", ("words/kinds",), (), ())
    assert hurried_modules(COURSE, short.needs, replace(ALL, seconds={"words": UNHURRIED})) == ()


def test_zero_switches_the_pace_rule_off() -> None:
    free = replace(COURSE, fastest_words_per_minute=0)
    assert status(free, ROUTE, replace(ALL, seconds={})).state == "complete"


# The final


def test_the_final_opens_when_all_else_is_met() -> None:
    assert status(COURSE, ROUTE, without_final()).final_is_open()
    assert status(COURSE, ROUTE, without_final(final=FAILED)).final_is_open()


@pytest.mark.parametrize(
    "record",
    [
        Record(),
        replace(without_final(), lessons=dict.fromkeys(LESSONS[1:], WORDS)),
        replace(without_final(), labs=frozenset()),
        replace(without_final(), best={"words": PASSED}),
        replace(without_final(), seconds={"words": UNHURRIED}),
    ],
    ids=["nothing", "lesson", "lab", "quiz", "hurried"],
)
def test_the_final_stays_closed_while_anything_is_missing(record: Record) -> None:
    assert not status(COURSE, ROUTE, record).final_is_open()


# Always

bests = st.dictionaries(
    st.sampled_from(["words", "law", "final", "fresh-words", "fresh-law"]),
    st.builds(Best, st.integers(0, 100), st.booleans(), st.integers(1, 5)),
)
records = st.builds(
    Record,
    lessons=st.dictionaries(st.sampled_from(LESSONS), st.just(WORDS)),
    labs=st.frozensets(st.sampled_from(["sorter", "another"])),
    best=bests,
    seconds=st.dictionaries(st.sampled_from(["words", "law"]), st.floats(0, 1000)),
    begun=st.booleans(),
    exempt=st.booleans(),
)


@given(records)
def test_complete_means_that_every_requirement_is_met(record: Record) -> None:
    found: Status = status(COURSE, ROUTE, record)
    assert 0 <= found.met <= found.total
    assert (found.state == "complete") == (found.met == found.total and not record.exempt)
    assert (found.state == "exempt") == record.exempt
    assert (found.evidence != "") == (found.state == "complete")
    assert all((r.reason == "") == r.met for r in found.requirements)
    assert found.final_is_open() or found.state != "complete"


@given(records)
def test_doing_more_never_takes_a_met_requirement_away(record: Record) -> None:
    before = {r.subject for r in status(COURSE, ROUTE, record).requirements if r.met}
    more = replace(record, lessons=ALL.lessons, labs=ALL.labs | record.labs, best={**record.best, **ALL.best})
    after = {r.subject for r in status(COURSE, ROUTE, more).requirements if r.met}
    assert before <= after


# Knowing it already


def test_credited_lessons_are_met_and_called_so() -> None:
    record = Record(
        dict.fromkeys(LESSONS[:2], 0), dict.fromkeys(LESSONS[:2], 95), ALL.labs, {"words": PASSED}, begun=True
    )
    shown = [r for r in status(COURSE, ROUTE, record).requirements if r.kind == "lesson"]
    assert [(r.met, dict(r.arguments)) for r in shown[:2]] == [(True, {"credited": 95})] * 2
    assert [r.reason for r in shown[2:]] == ["not-done"] * 2
    assert hurried_modules(COURSE, ROUTE.needs, record) == ()


def test_a_lesson_that_was_read_is_not_called_credited() -> None:
    record = Record(dict.fromkeys(LESSONS[:2], WORDS), {LESSONS[1]: 95}, begun=True)
    first, second, *_ = status(COURSE, ROUTE, record).requirements
    assert (first.arguments, second.arguments) == ({}, {"credited": 95})


# Whole modules


def test_a_module_is_complete_with_its_lessons_labs_and_quiz() -> None:
    assert modules_met(COURSE, ALL) == ("words", "law")
    assert modules_met(COURSE, replace(ALL, labs=frozenset())) == ("law",)
    assert modules_met(COURSE, replace(ALL, lessons=dict.fromkeys(LESSONS[1:], WORDS))) == ("law",)
    assert modules_met(COURSE, replace(ALL, best={"law": PASSED, "words": FAILED})) == ("law",)


def test_a_module_gone_through_too_fast_is_complete_once_fresh_questions_are_answered() -> None:
    hurried = replace(ALL, seconds={"words": 1.0, "law": UNHURRIED})
    assert modules_met(COURSE, hurried) == ("law",)
    assert modules_met(COURSE, replace(hurried, best={**ALL.best, "fresh-words": PASSED})) == ("words", "law")


# Alternatives

WORDS_OR_LAW = {
    "words": Needs(LESSONS[:2], ("sorter",), ("words",)),
    "law": Needs(LESSONS[2:], (), ("law",)),
}
CHOICE = Route("manager", {}, Needs(quizzes=("final",)), (WORDS_OR_LAW,))


def test_of_alternatives_the_one_furthest_along_is_asked_for() -> None:
    assert needed(COURSE, CHOICE, Record()) == Needs(LESSONS[:2], ("sorter",), ("words", "final"))
    begun = Record({"law/rules": WORDS}, begun=True)
    assert needed(COURSE, CHOICE, begun) == Needs(LESSONS[2:], (), ("law", "final"))
    assert [r.subject for r in missing(begun, route=CHOICE)] == ["law/rights", "law", "final"]


def test_one_alternative_is_enough() -> None:
    record = Record(
        dict.fromkeys(LESSONS[2:], WORDS), best={"law": PASSED, "final": PASSED}, seconds={"law": UNHURRIED}
    )
    assert status(COURSE, CHOICE, record).state == "complete"
    assert status(COURSE, ROUTE, record).state != "complete"


def test_of_two_met_alternatives_the_one_not_hurried_through_counts() -> None:
    record = replace(ALL, seconds={"words": 1.0, "law": UNHURRIED})
    assert needed(COURSE, CHOICE, record).quizzes == ("law", "final")
    assert status(COURSE, CHOICE, record).state == "complete"
