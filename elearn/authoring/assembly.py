"""Puts drafts in several languages together into the course as the domain knows it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from elearn.authoring import compiled
from elearn.authoring.course_source import CourseSource, RouteSource, RulesSource
from elearn.authoring.lint import FRESH_DRAW
from elearn.authoring.module_source import BankDraft, FolderDraft
from elearn.authoring.quiz_source import OptionDraft, QuestionDraft
from elearn.authoring.references import References, sources
from elearn.domain.course import Course, Lesson, Module, Needs, Quiz, QuizRules, Route
from elearn.domain.questions import Multiple, Numeric, Option, Question, Single, Words

FRESH_RULES = QuizRules(draw=FRESH_DRAW, pass_percent=66)
"""Two of three fresh questions clear the pace rule."""


def assemble(
    course_id: str, source: CourseSource, references: References, folders: Mapping[str, FolderDraft]
) -> Course:
    """The course. Everything has been checked before: drafts agree and nothing needed is missing."""
    leading = source.languages[0]
    modules = tuple(_module(folders[module], leading) for module in source.modules)
    quizzes = tuple(_quizzes(source, modules, folders, leading))
    pictures = {shown.picture.hash: shown.picture for draft in folders.values() for shown in draft.shown.values()}
    course = Course(
        id=course_id,
        title=_in_order(source.title, source.languages),
        description=_in_order(source.description, source.languages),
        languages=tuple(source.languages),
        outcomes={key: _in_order(texts, source.languages) for key, texts in source.outcomes.items()},
        domains={key: _in_order(texts, source.languages) for key, texts in source.domains.items()},
        modules=modules,
        routes=tuple(_route(key, route, source, modules, quizzes) for key, route in source.routes.items()),
        quizzes=quizzes,
        pictures=tuple(sorted(pictures.values(), key=lambda picture: (picture.name, picture.hash))),
        glossary={
            key: {"term": dict(term.term), "means": dict(term.means), "status": dict(term.status)}
            for key, term in references.terms.items()
        },
        facts={language: tuple(sources(references, language, leading).values()) for language in source.languages},
        fastest_words_per_minute=source.completion.fastest_words_per_minute,
        test_out_percent=source.completion.test_out,
        version="",
    )
    return replace(course, version=compiled.fingerprint(course))


def _in_order(texts: Mapping[str, str], languages: Sequence[str]) -> Words:
    return {language: texts[language] for language in languages if language in texts}


def _words(texts: Iterable[tuple[str, str]]) -> Words:
    """By language, without empty ones: readers of a language that has none are shown another."""
    return {language: text for language, text in texts if text}


def _module(draft: FolderDraft, leading: str) -> Module:
    heads = draft.heads
    return Module(
        id=draft.id,
        title=_words((language, head.front.title or "") for language, head in heads.items()),
        why=_words((language, head.why) for language, head in heads.items()),
        outcomes=tuple(heads[leading].front.outcomes),
        lessons=tuple(_lesson(draft, stem, leading) for stem in draft.lessons),
        bank=_bank(draft.banks, leading),
    )


def _lesson(draft: FolderDraft, stem: str, leading: str) -> Lesson:
    by_language = draft.lessons[stem]
    first = by_language[leading]
    checks = [{language: one.checks[i] for language, one in by_language.items()} for i in range(len(first.checks))]
    reviewed = first.front.reviewed
    return Lesson(
        id=first.id,
        module_id=draft.id,
        outcomes=tuple(first.front.outcomes),
        checks=tuple(_question(check, leading) for check in checks),
        labs=tuple(first.labs),
        texts={language: one.text() for language, one in by_language.items()},
        reviewed_by=reviewed.by,
        reviewed_on=reviewed.on,
        formerly=tuple(first.front.formerly),
    )


def _bank(banks: Mapping[str, BankDraft], leading: str) -> tuple[Question, ...]:
    return tuple(
        _question({language: bank.questions[i] for language, bank in banks.items()}, leading)
        for i in range(len(banks[leading].questions))
    )


def _question(drafts: Mapping[str, QuestionDraft], leading: str) -> Question:
    """One question from its drafts in every language."""
    first = drafts[leading]
    stem = _words((language, draft.stem) for language, draft in drafts.items())
    explanation = _words((language, draft.explanation) for language, draft in drafts.items())
    outcome, level, domain = (first.attributes.values.get(key, "") for key in ("outcome", "level", "domain"))
    pictures = tuple(dict.fromkeys(name for draft in drafts.values() for name in draft.pictures))
    if first.kind == "numeric":
        assert first.answer is not None
        return Numeric(
            id=first.id,
            stem=stem,
            explanation=explanation,
            outcome=outcome,
            level=level,
            domain=domain,
            pictures=pictures,
            answer=first.answer,
            tolerance=first.tolerance,
            formula=first.formula,
            vary=dict(first.vary),
        )
    options = tuple(
        _option({language: draft.options[i] for language, draft in drafts.items()}, first.options[i].right)
        for i in range(len(first.options))
    )
    kind = Multiple if first.kind == "multiple" else Single
    return kind(
        id=first.id,
        stem=stem,
        explanation=explanation,
        outcome=outcome,
        level=level,
        domain=domain,
        pictures=pictures,
        options=options,
    )


def _option(drafts: Mapping[str, OptionDraft], right: bool) -> Option:
    text = _words((language, draft.text) for language, draft in drafts.items())
    return Option(text, _words((language, draft.feedback) for language, draft in drafts.items()), right)


def _quizzes(
    source: CourseSource, modules: Sequence[Module], folders: Mapping[str, FolderDraft], leading: str
) -> Iterable[Quiz]:
    """One for each module, its three fresh questions, the final and the pre-test."""
    assert source.quizzes.module or not modules
    for module in modules:
        title = _title(folders[module.id])
        if source.quizzes.module:
            yield Quiz(module.id, "module", title, _rules(source.quizzes.module), module.bank, module.id)
        yield Quiz(f"fresh-{module.id}", "fresh", title, FRESH_RULES, module.bank, module.id)
    if source.quizzes.final and "final" in folders:
        draft = folders["final"]
        yield Quiz("final", "final", _title(draft), _rules(source.quizzes.final), _bank(draft.banks, leading))
    if source.quizzes.pre_test and "pre-test" in folders:
        draft = folders["pre-test"]
        yield Quiz("pre-test", "pre-test", _title(draft), _rules(source.quizzes.pre_test), _bank(draft.banks, leading))


def _title(draft: FolderDraft) -> Words:
    return _words((language, bank.front.title or "") for language, bank in draft.banks.items())


def _rules(source: RulesSource) -> QuizRules:
    return QuizRules(
        draw=source.draw,
        pass_percent=source.pass_percent,
        minutes=source.minutes,
        floors=dict(source.floors),
        blueprint=dict(source.blueprint),
        wait_hours_after=dict(source.wait_hours_after),
    )


def _route(
    key: str, route: RouteSource, source: CourseSource, modules: Sequence[Module], quizzes: Sequence[Quiz]
) -> Route:
    """What a route needs in full: a module stands for all its lessons and labs and for its quiz, and the final is
    needed by everybody."""
    parts = [*route.lessons, *route.labs, *route.quizzes, "final"]
    return Route(
        id=key,
        title=_in_order(route.title, source.languages),
        needs=_needs(route.modules, parts, modules, quizzes),
        any_of=tuple({name: _needs([name], [name], modules, quizzes) for name in group} for group in route.any_of),
    )


def _needs(whole: Sequence[str], parts: Sequence[str], modules: Sequence[Module], quizzes: Sequence[Quiz]) -> Needs:
    """What these whole modules, and these single lessons, labs and quizzes stand for."""
    every_lesson = [lesson for module in modules for lesson in module.lessons]
    return Needs(
        lessons=tuple(one.path for one in every_lesson if one.module_id in whole or one.path in parts),
        labs=tuple(lab for one in every_lesson for lab in one.labs if one.module_id in whole or lab in parts),
        quizzes=tuple(quiz.id for quiz in quizzes if quiz.id in whole or quiz.id in parts),
    )
