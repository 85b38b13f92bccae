"""Rules beyond the form of a single file: what must agree across languages, files and course.yaml."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from elearn.authoring.course_source import CourseSource, RouteSource, RulesSource
from elearn.authoring.findings import WHOLE_FILE, Findings, Place
from elearn.authoring.folder import SourceText
from elearn.authoring.layout import QUIZ_FOLDERS, Layout
from elearn.authoring.lesson_source import LessonDraft
from elearn.authoring.module_source import BankDraft, FolderDraft
from elearn.authoring.quiz_source import QuestionDraft
from elearn.authoring.references import check_texts
from elearn.authoring.wordcount import text_of
from elearn.authoring.yaml_source import Path, YamlSource
from elearn.domain.course import Course
from elearn.domain.paper import every_way, fitted, taught

FRESH_DRAW = 3
FEWEST_FOR_CUES = 6
"""A bank with fewer single choices says nothing about where its right answers tend to be."""


# --- course.yaml --------------------------------------------------------------------------------------------------


def look_at_course(yaml: YamlSource, course: CourseSource) -> None:
    """Texts in every language, and ids that course.yaml itself defines."""
    languages = course.languages
    check_texts(yaml, ("title",), course.title, languages)
    check_texts(yaml, ("description",), course.description, languages, complete=False)
    for language in languages if course.description else ():
        if language not in course.description:
            place = yaml.key_place(("description",))
            yaml.source.tell(place, "untranslated", language=language, leading=languages[0])
    for group, texts in (("outcomes", course.outcomes), ("domains", course.domains)):
        for key, words in texts.items():
            check_texts(yaml, (group, key), words, languages)
    for key, route in course.routes.items():
        check_texts(yaml, ("routes", key, "title"), route.title, languages)


def look_at_modules(yaml: YamlSource, course: CourseSource, layout: Layout, findings: Findings) -> None:
    """The list of modules against the folders, both ways."""
    first: dict[str, int] = {}
    for index, module in enumerate(course.modules):
        place = yaml.place(("modules", index))
        if first.setdefault(module, place.line) and course.modules.index(module) != index:
            yaml.source.tell(place, "yaml-double-key", key=module, line=first[module])
        elif module not in layout.modules:
            yaml.source.tell(place, "module-without-folder", module=module)
    for module, folder in layout.modules.items():
        if module not in course.modules and ("modules",) not in yaml.unread:
            findings.add(folder.shown, WHOLE_FILE, "module-not-listed", module=module)


def look_at_routes(yaml: YamlSource, course: CourseSource, folders: Mapping[str, FolderDraft]) -> None:
    """Every module, lesson, lab and quiz that a route names must be there."""
    modules = [module for module in course.modules if module in folders]
    lessons = [f"{module}/{lesson.id}" for module in modules for lesson in leading_lessons(folders[module])]
    labs = [lab for module in modules for lesson in leading_lessons(folders[module]) for lab in lesson.labs]
    quizzes = [*modules, *(quiz for quiz in QUIZ_FOLDERS if quiz in folders)]
    known = {"modules": modules, "lessons": lessons, "labs": labs, "quizzes": quizzes}
    unread = any(folder.has_unread_lessons() for folder in folders.values())
    for key, route in course.routes.items():
        for group, names in known.items():
            for index, value in enumerate(getattr(route, group)):
                if value not in names and not (group in ("lessons", "labs") and unread):
                    place = yaml.place(("routes", key, group, index))
                    yaml.source.tell(place, f"unknown-{_SINGULAR[group]}", value=value, known=names)
        if not unread:
            _look_at_choices(yaml, key, route, [name for names in known.values() for name in names])
        if not (route.modules or route.lessons or route.labs or route.quizzes or route.any_of):
            yaml.source.tell(yaml.key_place(("routes", key)), "route-empty", route=key)


_SINGULAR = {"modules": "module", "lessons": "lesson", "labs": "lab", "quizzes": "quiz"}


def _look_at_choices(yaml: YamlSource, key: str, route: RouteSource, known: Sequence[str]) -> None:
    for row, group in enumerate(route.any_of):
        for index, value in enumerate(group):
            if value not in known:
                place = yaml.place(("routes", key, "any_of", row, index))
                yaml.source.tell(place, "unknown-choice", value=value, known=known)


def look_at_quizzes(yaml: YamlSource, course: CourseSource, folders: Mapping[str, FolderDraft]) -> None:
    """Whether each bank can fill what its quiz draws."""
    if ("quizzes",) in yaml.unread or not course.languages:
        return
    rules = {"final": course.quizzes.final, "pre-test": course.quizzes.pre_test}
    for quiz, rule in rules.items():
        if quiz in folders and not rule:
            yaml.source.tell(yaml.key_place(("quizzes",)), "quiz-without-rules", quiz=quiz)
        elif rule and quiz not in folders:
            yaml.source.tell(yaml.key_place(("quizzes", quiz)), "rules-without-quiz", quiz=quiz)
        elif rule:
            _look_at_rules(yaml, ("quizzes", quiz), rule, quiz, _bank(folders[quiz], course), course)
    if not course.quizzes.module:
        if course.modules and ("quizzes",) in yaml.keys:
            yaml.source.tell(yaml.key_place(("quizzes",)), "quiz-without-rules", quiz="module")
        return
    for module in course.modules:
        if module in folders:
            bank = _bank(folders[module], course)
            _look_at_rules(yaml, ("quizzes", "module"), course.quizzes.module, module, bank, course)


def look_at_finals(yaml: YamlSource, course: Course) -> None:
    """Whether every route leaves the final as many questions as it draws, whichever alternatives are taken."""
    final = course.quiz("final")
    for route in course.routes:
        if not final:
            return
        sizes = [fitted(final.bank, final.rules, taught(course, needs))[1].draw for needs in every_way(route)]
        if min(sizes) < final.rules.draw:
            place = yaml.key_place(("routes", route.id))
            yaml.source.tell(place, "final-short", route=route.id, size=min(sizes), draw=final.rules.draw)


def _bank(folder: FolderDraft, course: CourseSource) -> list[QuestionDraft] | None:
    bank = folder.banks.get(course.languages[0])
    return bank.questions if bank and bank.questions else None


def _look_at_rules(
    yaml: YamlSource, path: Path, rule: RulesSource, quiz: str, bank: list[QuestionDraft] | None, course: CourseSource
) -> None:
    for group, asked in (("blueprint", rule.blueprint), ("floors", rule.floors)):
        for domain in asked:
            if domain not in course.domains and ("domains",) not in yaml.unread:
                place = yaml.key_place((*path, group, domain))
                yaml.source.tell(place, "unknown-domain", value=domain, known=course.domains)
    if rule.blueprint and sum(rule.blueprint.values()) != rule.draw:
        place = yaml.place((*path, "draw"))
        yaml.source.tell(place, "blueprint-sum", sum=sum(rule.blueprint.values()), draw=rule.draw)
    if bank is None:
        return
    draw = max(rule.draw, FRESH_DRAW) if path[-1] == "module" else rule.draw
    if draw > len(bank):
        yaml.source.tell(yaml.place((*path, "draw")), "draw-too-large", draw=draw, quiz=quiz, size=len(bank))
    sizes = Counter(question.attributes.values.get("domain", "") for question in bank)
    for domain, wanted in rule.blueprint.items():
        if wanted > sizes[domain] and domain in course.domains:
            place = yaml.place((*path, "blueprint", domain))
            words = {"wanted": wanted, "domain": domain, "quiz": quiz, "size": sizes[domain]}
            yaml.source.tell(place, "blueprint-unfillable", None, **words)
    for domain in rule.floors:
        asked_of = rule.blueprint.get(domain, 0) if rule.blueprint else sizes[domain]
        if not asked_of and domain in course.domains:
            yaml.source.tell(yaml.key_place((*path, "floors", domain)), "floor-unfillable", domain=domain, quiz=quiz)


# --- ids and what they point to -----------------------------------------------------------------------------------


def leading_lessons(folder: FolderDraft) -> list[LessonDraft]:
    """The lessons in the first language they have, in order."""
    return [next(iter(by_language.values())) for by_language in folder.lessons.values() if by_language]


def look_at_ids(folders: Sequence[FolderDraft], leading: str) -> None:
    """Lesson ids once in a module, question ids once in a course, labs once in a course; finals ask other questions."""
    questions: dict[str, str] = {}
    stems: dict[str, str] = {}
    labs: dict[str, str] = {}
    for folder in folders:
        _look_at_lesson_ids(folder, labs)
        for language, bank in folder.banks.items():
            seen = questions if language == leading else {}
            for question in bank.questions:
                _once(question.source, question.attributes.where("id"), question.id, seen)
        bank_of = folder.banks.get(leading)
        for question in bank_of.questions if bank_of else ():
            stem = "".join(text_of(question.stem).casefold().split())
            first = stems.setdefault(stem, question.source.named(question.place))
            if stem and first != question.source.named(question.place):
                question.source.tell(question.place, "same-question", first=first)


def _once(source: SourceText, place: Place, name: str, seen: dict[str, str]) -> None:
    if name and seen.setdefault(name, source.named(place)) != source.named(place):
        source.tell(place, "double-id", id=name, first=seen[name])


def _look_at_lesson_ids(folder: FolderDraft, labs: dict[str, str]) -> None:
    seen: dict[str, str] = {}
    lessons = leading_lessons(folder)
    for lesson in lessons:
        _once(lesson.source, lesson.yaml.place(("id",)) if lesson.yaml else WHOLE_FILE, lesson.id, seen)
        for lab, place in lesson.labs.items():
            first = labs.setdefault(lab, lesson.source.named(place))
            if first != lesson.source.named(place):
                lesson.source.tell(place, "double-lab", lab=lab, first=first)
    for lesson in lessons:
        for index, old in enumerate(lesson.front.formerly):
            if lesson.yaml:
                _once(lesson.source, lesson.yaml.place(("formerly", index)), old, seen)


def look_at_outcomes(folder: FolderDraft, yaml: YamlSource, course: CourseSource) -> None:
    """Outcomes and domains named by the leading files must be in course.yaml."""
    leading = course.languages[0]
    known = {"outcome": course.outcomes, "domain": course.domains}
    judged = [key for key in known if (f"{key}s",) not in yaml.unread]
    heads = [folder.heads[leading]] if leading in folder.heads else []
    lessons = [by_language[leading] for by_language in folder.lessons.values() if leading in by_language]
    if "outcome" in judged:
        for one in heads:
            _look_at_front(one.yaml, one.front.outcomes, course)
        for lesson in lessons:
            _look_at_front(lesson.yaml, lesson.front.outcomes, course)
    bank = folder.banks.get(leading)
    questions = [*(check for lesson in lessons for check in lesson.checks), *(bank.questions if bank else ())]
    for question in questions:
        for key in judged:
            value = question.attributes.values.get(key)
            if value is not None and value not in known[key]:
                place = question.attributes.where(key)
                question.source.tell(place, f"unknown-{key}", value=value, known=known[key])


def _look_at_front(front: YamlSource | None, outcomes: Sequence[str], course: CourseSource) -> None:
    for index, value in enumerate(outcomes):
        if value not in course.outcomes and front:
            front.source.tell(front.place(("outcomes", index)), "unknown-outcome", value=value, known=course.outcomes)


# --- drift between languages --------------------------------------------------------------------------------------


def look_at_drift(folder: FolderDraft, leading: str) -> None:
    """Every translation against the leading language."""
    head = folder.heads.get(leading)
    for language, other in folder.heads.items():
        if head and language != leading and other.front.outcomes != head.front.outcomes:
            _tell_front(other.yaml, "outcomes", head.source, head.yaml)
        if head and language != leading and head.why and not other.why:
            other.source.tell(WHOLE_FILE, "untranslated", language=language, leading=leading)
    for by_language in folder.lessons.values():
        for language, lesson in by_language.items():
            if language != leading and leading in by_language:
                _compare_lessons(by_language[leading], lesson)
    bank = folder.banks.get(leading)
    for language, translated in folder.banks.items():
        if bank and language != leading:
            _compare_banks(bank, translated, language, leading)


def _compare_banks(bank: BankDraft, translated: BankDraft, language: str, leading: str) -> None:
    _compare_questions(bank.questions, translated.questions, bank.source, translated.source)
    explained = {question.id for question in bank.questions if question.explanation}
    for question in translated.questions:
        if question.id in explained and not question.explanation:
            question.source.tell(question.place, "untranslated", language=language, leading=leading)


def _tell_front(yaml: YamlSource | None, key: str, leading: SourceText, leading_yaml: YamlSource | None) -> None:
    if yaml and leading_yaml and not yaml.unread and not leading_yaml.unread:  # else something else is told first
        first = leading.named(leading_yaml.place((key,)))
        yaml.source.tell(yaml.place((key,)), "drift-front", key=key, first=first)


def _compare_lessons(leading: LessonDraft, other: LessonDraft) -> None:
    if other.yaml:
        here, there = other.front, leading.front
        if here.id and here.id != there.id:
            _tell_front(other.yaml, "id", leading.source, leading.yaml)
        if "outcomes" in other.yaml.value and here.outcomes != there.outcomes:
            _tell_front(other.yaml, "outcomes", leading.source, leading.yaml)
        if here.exercise_minutes is not None and here.exercise_minutes != (there.exercise_minutes or 0):
            _tell_front(other.yaml, "exercise_minutes", leading.source, leading.yaml)
        if here.formerly and here.formerly != there.formerly:
            _tell_front(other.yaml, "formerly", leading.source, leading.yaml)
    _compare_questions(leading.checks, other.checks, leading.source, other.source)
    _compare_names(leading.labs, other.labs, leading.source, other.source)


def _compare_names(
    leading: Mapping[str, Place], other: Mapping[str, Place], leading_source: SourceText, source: SourceText
) -> None:
    """The same names in the same order, each told once at most."""
    for name, place in leading.items():
        if name not in other:
            source.tell(WHOLE_FILE, "drift-missing", id=name, first=leading_source.named(place))
    for name, place in other.items():
        if name not in leading:
            source.tell(place, "drift-extra", id=name, first=leading_source.name)
    shared, order = [name for name in leading if name in other], [name for name in other if name in leading]
    moved = next((name for name, expected in zip(order, shared, strict=True) if name != expected), None)
    if moved:
        source.tell(other[moved], "drift-order", id=moved, first=leading_source.named(leading[moved]))


def _compare_questions(
    leading: Collection[QuestionDraft],
    other: Collection[QuestionDraft],
    leading_source: SourceText,
    source: SourceText,
) -> None:
    ours = {question.id: question for question in leading if question.id}
    theirs = {question.id: question for question in other if question.id}
    places = [{key: q.attributes.where("id") for key, q in group.items()} for group in (ours, theirs)]
    if len(theirs) == len(other) and len(ours) == len(leading):  # else an id is missing or doubled, and told
        _compare_names(places[0], places[1], leading_source, source)
    for key, question in theirs.items():
        if key in ours:
            _compare_question(ours[key], question)


def _compare_question(leading: QuestionDraft, other: QuestionDraft) -> None:
    tell, first = other.source.tell, leading.source.named(leading.place)
    for key in ("outcome", "level", "domain"):
        here, there = other.attributes.values.get(key), leading.attributes.values.get(key)
        missing = here is None or there is None
        if here != there and not (missing and _is_banked(other)):  # there, what is missing has been told
            named = leading.source.named(leading.attributes.where(key))
            tell(other.attributes.where(key), "drift-attribute", key=key, id=other.id, first=named)
    if not (other.sound and leading.sound and other.kind and leading.kind):
        return
    if other.kind != leading.kind:
        tell(other.place, "drift-kind", id=other.id, kind=other.kind, other=leading.kind, first=first)
    elif other.kind == "numeric":
        same = _number_of(other) == _number_of(leading)
        if not same and other.number_place and leading.number_place:
            named = leading.source.named(leading.number_place)
            tell(other.number_place, "drift-number", id=other.id, first=named)
    else:
        _compare_options(leading, other, first)


def _number_of(question: QuestionDraft) -> tuple[object, ...]:
    return question.answer, question.tolerance, "".join(question.formula.split()), question.vary


def _is_banked(question: QuestionDraft) -> bool:
    return question.source.name.rpartition("/")[2].startswith("questions.")


def _compare_options(leading: QuestionDraft, other: QuestionDraft, first: str) -> None:
    tell = other.source.tell
    if len(other.options) != len(leading.options):
        surplus = other.options[len(leading.options) :]
        place = surplus[0].place if surplus else other.place
        words = {"id": other.id, "number": len(other.options), "other": len(leading.options), "first": first}
        tell(place, "drift-options", None, **words)
        return
    words_for = {True: "right", False: "wrong"}
    for here, there in zip(other.options, leading.options, strict=True):
        if here.right != there.right:
            named = leading.source.named(there.mark)
            words = {"id": other.id, "here": words_for[here.right], "there": words_for[there.right], "first": named}
            tell(here.mark, "drift-key", None, **words)
            return  # the first one shows where to look; a moved [x] would be told twice


# --- cues ---------------------------------------------------------------------------------------------------------


def look_at_cues(bank: BankDraft) -> None:
    """Tells a bank whose right options give themselves away by their length."""
    singles = [q for q in bank.questions if q.kind == "single" and len(q.key()) == 1 and len(q.options) > 1]
    longest = 0
    for question in singles:
        lengths = [len(re.sub(r"\s+", " ", text_of(option.text))) for option in question.options]
        key = question.key()[0]
        longest += all(lengths[key] > length for i, length in enumerate(lengths) if i != key)
    if len(singles) >= FEWEST_FOR_CUES and longest * 2 > len(singles):
        bank.source.tell(WHOLE_FILE, "key-often-longest", longest=longest, number=len(singles))
