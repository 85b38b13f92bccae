"""Proves what is claimed of the shipped course, claim by claim: `python -m docs.review.proof`.

Prints each claim, the figure it rests on and whether it holds; the exit status is 1 if one does not.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from docs import figures as drawn
from docs.review import cues, numbers
from docs.review.sheets import BLIND, SEED, SHIPPED, Answered, blind_answers, every_choice, every_question, shipped
from elearn.authoring.wordcount import count_words, text_of
from elearn.domain.course import Course, Quiz
from elearn.domain.questions import Numeric, Question

FEWEST_IN_BANK, FEWEST_IN_FINAL = 24, 8
LONGEST_FEEDBACK = 45
IN_A_BANK, IN_THE_FINAL = 2, 1  # questions on each outcome
LEAST_P = 0.01
POINTS = 10  # a strategy may be that far from chance
AGREEMENT = 97
GRADES = frozenset("PNS")


@dataclass(frozen=True, slots=True)
class Claim:
    """What is claimed, the figure it rests on, whether it holds, and what speaks against it."""

    claim: str
    figure: str
    holds: bool
    against: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """What the claims are made of."""

    course: Course
    folder: Path = SHIPPED
    blind: Path = BLIND
    today: date = field(default_factory=date.today)

    def banks(self) -> list[Quiz]:
        """The module banks and the final."""
        return [quiz for quiz in self.course.quizzes if quiz.kind in ("module", "final")]

    def final(self) -> tuple[Question, ...]:
        quiz = self.course.quiz("final")
        return quiz.bank if quiz else ()


# What content alone decides


def outcomes(case: Case) -> Iterator[Claim]:
    """Every outcome is taught and assessed."""
    lessons = Counter(outcome for lesson in case.course.lessons() for outcome in lesson.outcomes)
    banks = Counter(question.outcome for module in case.course.modules for question in module.bank)
    final = Counter(question.outcome for question in case.final())
    against = tuple(
        f"{one}: {lessons[one]} lessons, {banks[one]} questions in a bank, {final[one]} in the final"
        for one in case.course.outcomes
        if lessons[one] < 1 or banks[one] < IN_A_BANK or final[one] < IN_THE_FINAL
    )
    counts = (_range([count[one] for one in case.course.outcomes]) for count in (lessons, banks, final))
    met = len(case.course.outcomes) - len(against)
    figure = "{} of {}; {} lessons, {} and {} questions".format(met, len(case.course.outcomes), *counts)
    yield Claim("each outcome taught, asked twice in a bank and once in the final", figure, not against, against)


def banks(case: Case) -> Iterator[Claim]:
    """The banks are large enough, complete in each language, and every option has its feedback."""
    sizes = {module.id: len(module.bank) for module in case.course.modules}
    yield _at_least(f"{FEWEST_IN_BANK} or more questions in each module's bank", sizes, FEWEST_IN_BANK)
    asked = {m.id: sum(q.outcome in m.outcomes for q in case.final()) for m in case.course.modules}
    yield _at_least(f"{FEWEST_IN_FINAL} or more on each module in the final", asked, FEWEST_IN_FINAL)
    texts = list(_texts(case))
    empty = tuple(where for where, text, _ in texts if not text.strip())
    figure = f"{len(every_question(case.course))} questions, {len(texts)} texts in {', '.join(case.course.languages)}"
    yield Claim("each question, option and feedback in each language", figure, not empty, empty)
    feedback = [(count_words(text), where) for where, text, is_feedback in texts if is_feedback]
    long = tuple(f"{where}: {words} words" for words, where in feedback if words >= LONGEST_FEEDBACK)
    longest = f"longest {max(words for words, _ in feedback)} words"
    yield Claim(f"feedback of under {LONGEST_FEEDBACK} words to each option", longest, not long, long)


def _texts(case: Case) -> Iterator[tuple[str, str, bool]]:
    """(where, text, whether it is an option's feedback) of all that a question says."""
    for question in every_question(case.course):
        for tag in case.course.languages:
            where = f"{question.id}, {tag}"
            yield where, text_of(question.stem.get(tag, "")), False
            yield where, text_of(question.explanation.get(tag, "")), False
            for option in () if isinstance(question, Numeric) else question.options:
                yield where, text_of(option.text.get(tag, "")), False
                yield where, text_of(option.feedback.get(tag, "")), True


def places(case: Case, seed: str = "") -> Iterator[Claim]:
    """The right options stand anywhere, as authored or as a seed offers them."""
    found = {
        quiz.id: cues.places([q for q in quiz.bank if not isinstance(q, Numeric)], seed).p for quiz in case.banks()
    }
    overall = cues.places(every_choice(case.course), seed).p
    against = tuple(f"{name}: p = {p:.4f}" for name, p in {**found, "all": overall}.items() if p <= LEAST_P)
    figure = f"p {min(found.values()):.2f} to {max(found.values()):.2f} in {len(found)} banks, {overall:.2f} over all"
    yield Claim(
        f"place of the key as {'offered' if seed else 'authored'}: even within chance", figure, not against, against
    )


def lengths(case: Case) -> Iterator[Claim]:
    """The key is not the longest or shortest option more often than chance allows."""
    for tag in case.course.languages:
        for name in ("longest", "shortest"):
            found = cues.extreme(every_choice(case.course), tag, name == "longest")
            figure = f"{found.count} of {found.of}, by chance {found.expected:.0f}; p {found.p:.2f}"
            yield Claim(f"{tag}: key the only {name} option no more often than chance", figure, found.p > LEAST_P)


def strategies(case: Case) -> Iterator[Claim]:
    """Whoever sees the options alone and follows a rule of thumb does about as well as by lot."""
    for tag in case.course.languages:
        best, *_, worst = found = cues.reached(every_choice(case.course), tag)
        against = tuple(f"{tag}: {one.strategy} {one.points:+.1f} points" for one in found if abs(one.points) > POINTS)
        ends = f"{worst.points:+.1f} ({worst.strategy}) to {best.points:+.1f} ({best.strategy})"
        figure = f"{len(found)} rules, {ends}; chance {best.chance:.1f} %"
        claim = f"{tag}: rules of thumb on options alone within {POINTS} points of chance"
        yield Claim(claim, figure, not against, against)


def worked_out(case: Case) -> Iterator[Claim]:
    """Every number that is worked out is worked out again, and stands in the content."""
    languages, count, against = case.course.languages, 0, []
    for rows in numbers.MODULES.values():
        for row in rows():
            count += 1
            for file in numbers.missing(row, case.folder, languages):
                against.append(f"{file}: {row.what} ({', '.join(row.told)})")
    figure = f"{count} rows of numbers in {len(numbers.MODULES)} modules, in {', '.join(languages)}"
    yield Claim("numbers worked out again, and found in lessons and figures", figure, not against, tuple(against))


def sources(case: Case) -> Iterator[Claim]:
    """Every fact has a source with its grade, and the day on which somebody looked at it."""
    facts = {
        (source.id, source.title, source.url, source.grade)
        for tag in case.course.facts
        for source in case.course.facts[tag]
    }
    against = tuple(
        name
        for name, title, url, grade in sorted(facts)
        if not title or not url.startswith("http") or grade not in GRADES
    )
    grades = Counter(source.grade for source in case.course.facts[case.course.languages[0]])
    told = ", ".join(f"{grade} {grades[grade]}" for grade in "PNS")
    yield Claim("each fact has a source and a grade", f"{grades.total()} facts: {told}", not against, against)


def figures(case: Case) -> Iterator[Claim]:
    """The scripts draw exactly the figures that are shown."""
    count, scripts, against = 0, 0, []
    for name in sorted(module.name for module in iter_modules(drawn.__path__)):
        script = import_module(f"{drawn.__name__}.{name}")
        if not hasattr(script, "figures"):
            continue
        made, folder = script.figures(), case.folder / script.FOLDER.name
        kept = {path.name: path.read_text("utf-8") for path in folder.glob("*.svg")}
        count, scripts = count + len(made), scripts + 1
        against += [f"{name}: {file}" for file in sorted(made | kept) if made.get(file) != kept.get(file)]
    yield Claim(
        "figure scripts draw the figures as committed",
        f"{count} files of {scripts} scripts",
        not against,
        tuple(against),
    )


# What the day, a seed or a reader decides


def reviews(case: Case) -> Iterator[Claim]:
    """No source waits to be looked at again."""
    facts = case.course.facts[case.course.languages[0]]
    late = tuple(
        f"{one.id}: verified {one.verified_on}, due {one.review_by}"
        for one in facts
        if one.is_stale(case.today) or one.verified_on > case.today
    )
    due = min((one.review_by for one in facts), default=case.today)
    yield Claim(f"each source verified, no review overdue on {case.today}", f"first review due {due}", not late, late)


def offered(case: Case) -> Iterator[Claim]:
    """The places of the key in the order that the sheets' seed gives."""
    yield from places(case, SEED)


def blind(case: Case) -> Iterator[Claim]:
    """What readers answered who saw no key, and what those answered who did not even see the question."""
    answers = blind_answers(case.course, case.blind)
    for kind, claim in (("whole", _agreement), ("options", _by_options)):
        for tag in case.course.languages:
            yield claim(case, tag, [one for one in answers if (one.kind, one.language) == (kind, tag)])


def _agreement(case: Case, tag: str, answers: Sequence[Answered]) -> Claim:
    questions = every_question(case.course)
    current = [one for one in answers if one.question]
    share = _share(current)
    wrong = [f"{tag}: {one.question.id}, {one.reader}" for one in current if one.question and not one.right]
    unanswered = _unanswered(questions, current)
    holds = share >= AGREEMENT and not unanswered
    claim = f"{tag}: {AGREEMENT} % of blind answers to whole questions agree with the key"
    return Claim(claim, _told(answers, share, questions), holds, (*wrong, *unanswered))


def _by_options(case: Case, tag: str, answers: Sequence[Answered]) -> Claim:
    questions = every_choice(case.course)
    current = [one for one in answers if one.question]
    share = _share(current)
    chances = [
        cues.by_chance(one.question) for one in current if one.question and not isinstance(one.question, Numeric)
    ]
    chance = 100 * sum(chances) / len(chances) if chances else 0
    unanswered = _unanswered(questions, current)
    holds = abs(share - chance) <= POINTS and not unanswered
    figure = _told(answers, share, questions) + (f"; chance {chance:.1f} %" if chances else "")
    claim = f"{tag}: blind answers to options alone within {POINTS} points of chance"
    return Claim(claim, figure, holds, unanswered)


def _share(answers: Sequence[Answered]) -> float:
    return 100 * sum(one.right for one in answers) / len(answers) if answers else 0.0


def _unanswered(questions: Sequence[Question], answers: Sequence[Answered]) -> tuple[str, ...]:
    """A claim on all questions does not hold while some of them wait for an answer."""
    left = {question.id for question in questions} - {one.question.id for one in answers if one.question}
    return (f"{len(left)} of {len(questions)} questions wait for an answer",) if left else ()


def _told(answers: Sequence[Answered], share: float, questions: Sequence[Question]) -> str:
    """How many answers of how many readers; and how many are to questions that have been changed since."""
    current = [one for one in answers if one.question]
    if not current:
        return f"no answers ({len(answers)} to questions changed since)" if answers else "no answers yet"
    readers = len({one.reader for one in current})
    figure = f"{share:.1f} % of {len(current)} answers; readers: {readers}"
    outdated = len(answers) - len(current)
    return figure + (f" ({outdated} to questions changed since)" if outdated else "")


# The table


def _range(counts: Sequence[int]) -> str:
    return f"{min(counts)} to {max(counts)}"


def _at_least(claim: str, counts: dict[str, int], least: int) -> Claim:
    against = tuple(f"{name}: {count}" for name, count in counts.items() if count < least)
    return Claim(claim, ", ".join(f"{name} {count}" for name, count in counts.items()), not against, against)


BY_CONTENT: tuple[Callable[[Case], Iterator[Claim]], ...] = (
    outcomes,
    banks,
    places,
    lengths,
    strategies,
    worked_out,
    sources,
    figures,
)
BY_MORE: tuple[Callable[[Case], Iterator[Claim]], ...] = (offered, reviews, blind)


def proof(case: Case) -> list[Claim]:
    """All claims, in the order of the table."""
    return [claim for shown in (*BY_CONTENT, *BY_MORE) for claim in shown(case)]


def table(claims: Sequence[Claim]) -> Iterator[str]:
    """A line for each claim, and below it what speaks against it, if anything does."""
    wide = max(len(claim.claim) for claim in claims)
    for claim in claims:
        yield f"{'holds' if claim.holds else 'FAILS'}  {claim.claim:{wide}}  {claim.figure}"
        yield from (f"       - {line}" for line in claim.against)
    yield f"{sum(claim.holds for claim in claims)} of {len(claims)} claims hold."


def main() -> None:
    """Prints the table of the shipped course."""
    claims = proof(Case(shipped()))
    print("\n".join(table(claims)))  # noqa: T201
    sys.exit(not all(claim.holds for claim in claims))


if __name__ == "__main__":
    main()
