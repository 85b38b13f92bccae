"""A folder of files becomes a course that says all that its authors wrote, and nothing else."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from elearn.authoring import compiled
from elearn.authoring.compiler import UnreadableContent, check_path, compile_course, content_hash
from elearn.domain.course import Course, Needs, QuizRules
from elearn.domain.questions import Multiple, Numeric, Single
from tests.authoring.course_maker import FACTS, RARE, TODAY, small_course, told, write

SHIPPED = Path(__file__).parent.parent.parent / "content" / "ai-for-good-governance"


def made(folder: Path, today: date = TODAY) -> Course:
    course, problems = compile_course(folder, None, today)
    assert course, problems
    return course


def test_small_course_has_no_problem(course: Path) -> None:
    assert compile_course(course, None, TODAY)[1] == []


def test_course_holds_what_course_yaml_says(course: Path) -> None:
    small = made(course)
    assert small.id == "small"
    assert small.languages == ("en", "hi")
    assert small.title == {"en": "Small course", "hi": "छोटा कोर्स"}
    assert small.outcomes["1.b"] == {"en": "Count people.", "hi": "लोगों को गिनना।"}
    assert list(small.domains) == ["A", "D"]
    assert small.fastest_words_per_minute == 600
    assert small.glossary["base-rate"]["term"]["hi"] == "मूल दर"


def test_lessons_come_in_the_order_of_their_numbers(course: Path) -> None:
    small = made(course)
    assert [lesson.path for lesson in small.lessons()] == ["scores/rare-things", "scores/cost"]
    assert small.lesson("scores", "cost").formerly == ("price",)
    assert small.lesson("scores", "cost").reviewed_by == "R. Devi"
    assert small.lesson("scores", "cost").reviewed_on == date(2026, 11, 20)


def test_lesson_is_prose_checks_and_lab_in_order(course: Path) -> None:
    lesson = made(course).lesson("scores", "rare-things")
    kinds = [(part.kind, part.value if part.kind != "html" else "") for part in lesson.texts["hi"].parts]
    exercises = [("check", "honest-families"), ("check", "how-many"), ("lab", "grievance-sorter")]
    assert kinds == [("html", ""), *exercises, ("html", "")]
    assert lesson.labs == ("grievance-sorter",)
    assert made(course).lesson_of_lab("grievance-sorter").id == "rare-things"


def test_prose_becomes_html(course: Path) -> None:
    text = made(course).lesson("scores", "rare-things").texts["en"]
    html = text.parts[0].value
    assert html.startswith("<blockquote>\n<p>A vendor says the tool is right.</p>\n</blockquote>")
    assert '<a class="term" href="#term-base-rate">base rate</a>' in html
    assert '<a class="term" href="#term-base-rate">rate</a> of 4,70,000 debts' in html
    assert '<sup><a class="cite" href="#source-robodebt">1</a></sup>' in html
    assert '<a href="/courses/small/scores/cost">the next lesson</a>' in html
    assert '<a href="https://example.org/report" rel="noopener noreferrer">the report</a>' in html
    assert '<h2 id="section-1">Count people</h2>' in html
    assert '<div aria-label="Count people" class="scroll" role="group" tabindex="0">\n<table>' in html
    assert '<td align="right">490</td>' in html
    assert text.terms == ("base-rate",)
    assert [(s.id, s.title, s.url, s.grade, s.is_stale(TODAY)) for s in text.sources] == [
        ("robodebt", "Report of the commission", "https://example.org/report?a=1&b=2", "P", False)
    ]


def test_picture_becomes_a_figure(course: Path) -> None:
    small = made(course)
    picture = next(p for p in small.pictures if p.name == "flags.svg")
    html = small.lesson("scores", "rare-things").texts["en"].parts[0].value
    figure = html[html.index("<figure>") : html.index("</figure>")]
    assert f'src="/courses/small/media/{picture.hash}/flags.svg"' in figure
    assert 'alt="670 flags, 490 of them wrong"' in figure
    assert 'width="640"' in figure
    assert 'height="320"' in figure
    assert 'loading="lazy"' in figure
    assert 'decoding="async"' in figure
    assert "<figcaption>Most flags are wrong.</figcaption>" in figure
    assert (picture.media_type, len(picture.hash)) == ("image/svg+xml", 16)


def test_checks_have_both_languages(course: Path) -> None:
    lesson = made(course).lesson("scores", "rare-things")
    single, numeric = lesson.checks
    assert isinstance(single, Single)
    assert single.key() == (1,)
    assert single.outcome == "1.b"
    assert single.options[0].feedback["en"] == "That is the share <em>missed</em>."
    assert single.options[1].text == {"en": "490", "hi": "490"}
    assert single.stem["hi"].startswith("10,000 फ़ाइलों में")
    assert isinstance(numeric, Numeric)
    assert (numeric.answer, numeric.tolerance) == (Decimal(73), Decimal(1))
    assert numeric.explanation["en"] == "490 of 670."


def test_bank_has_every_kind(course: Path) -> None:
    single, multiple, numeric = made(course).module("scores").bank
    assert isinstance(single, Single)
    assert single.stem["en"] == "<p>A score of 0.7 means …</p>\n<p>Think of one family.</p>"
    assert (single.outcome, single.level, single.domain) == ("1.a", "explain", "A")
    assert single.explanation["hi"] == "अंक अनुमान है।"
    assert isinstance(multiple, Multiple)
    assert multiple.key() == (0, 1)
    assert isinstance(numeric, Numeric)
    assert numeric.is_right("27.4")
    assert not numeric.is_right("27.5")


def test_outside_a_lesson_a_source_is_a_link_and_a_term_is_words(course: Path) -> None:
    why = made(course).module("scores").why["en"]
    link = 'href="https://example.org/report?a=1&amp;b=2" rel="noopener noreferrer">Report of the commission</a>'
    assert f'Scores are guesses (<a class="cite" {link}), and 4,70,000 people' in why


def test_minutes_count_words_exercise_and_checks(course: Path) -> None:
    small = made(course)
    text = small.lesson("scores", "rare-things").texts["en"]
    quotes, sentences, heading, caption, table = 7 + 4, 12 + 7, 2, 4, 6
    assert text.words == 13 * 42 + quotes + sentences + heading + caption + table
    assert text.minutes == -(-text.words // 180) + 3 + 1
    assert small.lesson("scores", "cost").texts["en"].minutes == 4 + 0 + 1


def test_quizzes_are_module_fresh_and_final(course: Path) -> None:
    small = made(course)
    assert [(quiz.id, quiz.kind, len(quiz.bank)) for quiz in small.quizzes] == [
        ("scores", "module", 3),
        ("fresh-scores", "fresh", 3),
        ("final", "final", 2),
    ]
    assert small.quiz("scores").rules == QuizRules(draw=3, pass_percent=75)
    assert small.quiz("fresh-scores").rules == QuizRules(draw=3, pass_percent=66)
    rules = small.quiz("final").rules
    assert (rules.minutes, rules.floors, rules.blueprint) == (10, {"D": 50}, {"A": 1, "D": 1})
    assert rules.wait_hours_after == {2: 24}
    assert small.quiz("scores").title["en"] == "Scores and errors"


def test_pre_test_is_there_if_its_folder_is(course: Path) -> None:
    for language in ("en", "hi"):
        bank = small_course()[f"final/questions.{language}.md"].replace("#final", "#pre").replace("?", "??")
        write(course, {f"pre-test/questions.{language}.md": bank.replace("## ", "## 1 ")})
    write(course, {"course.yaml": small_course()["course.yaml"] + ""})
    text = (course / "course.yaml").read_text().replace("  final: {", "  pre-test: {draw: 2, pass: 0}\n  final: {")
    (course / "course.yaml").write_text(text)
    small = made(course)
    assert small.quiz("pre-test").kind == "pre-test"
    assert "pre-test" not in small.route("officer").needs.quizzes


def test_routes_are_expanded(course: Path) -> None:
    small = made(course)
    officer, leader = small.route("officer"), small.route("leader")
    whole = Needs(("scores/rare-things", "scores/cost"), ("grievance-sorter",), ("scores",))
    assert officer.needs == replace(whole, quizzes=("scores", "final"))
    assert leader.needs == replace(officer.needs, lessons=("scores/rare-things",))
    assert leader.any_of == ({"scores": whole, "scores/cost": Needs(("scores/cost",))},)


def test_private_folder_lies_over_the_public_one(course: Path, tmp_path: Path) -> None:
    own = small_course()["final/questions.en.md"].replace("What is a rule?", "What is our rule?")
    private = write(tmp_path / "private", {"final/questions.en.md": own})
    with_own, problems = compile_course(course, private, TODAY)
    assert problems == []
    assert with_own.quiz("final").bank[0].stem["en"] == "What is our rule?"
    assert with_own.version != made(course).version


def test_problem_in_the_private_folder_is_told_there(course: Path, tmp_path: Path) -> None:
    own = small_course()["final/questions.en.md"].replace("- [x] A condition", "- [ ] A condition")
    private = write(tmp_path / "private", {"final/questions.en.md": own})
    problems = compile_course(course, private, TODAY)[1]
    assert {problem.path for problem in problems} >= {str(private / "final/questions.en.md")}


def test_missing_optional_words_fall_back_with_a_warning(course: Path) -> None:
    path = course / "01-scores/questions.hi.md"
    path.write_text(path.read_text().replace("> अंक अनुमान है।\n", ""))
    small, problems = compile_course(course, None, TODAY)
    assert told(problems, course) == [("01-scores/questions.hi.md", 5, 4, "untranslated")]
    assert small.module("scores").bank[0].explanation == {"en": "A score is a guess."}


def test_version_changes_with_what_officers_meet_and_with_nothing_else(course: Path) -> None:
    before = made(course)
    path = course / "01-scores/01-rare.en.md"
    path.write_text(path.read_text().replace("\n\n## ", "\n\n\n## "))
    assert made(course).version == before.version
    path.write_text(path.read_text().replace("A vendor says", "The vendor says"))
    assert made(course).version != before.version


def test_a_fact_grown_old_is_marked_but_makes_no_other_version(course: Path) -> None:
    later = TODAY + timedelta(days=365)
    old, new = made(course, later), made(course)
    (source,) = new.lesson("scores", "rare-things").texts["en"].sources
    assert source.is_stale(later)
    assert not source.is_stale(TODAY)
    assert source == new.facts["en"][0]
    assert old == new


def test_windows_line_ends_and_byte_order_mark_are_fine(course: Path) -> None:
    before = made(course)
    for path in course.rglob("*.*"):
        if path.suffix in (".md", ".yaml"):
            path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    small, problems = compile_course(course, None, TODAY)
    assert problems == []
    assert small.version == before.version


def test_a_course_survives_being_written_and_read(course: Path) -> None:
    small = made(course)
    assert compiled.load(compiled.dump(small)) == small


def test_the_shipped_course_compiles_and_survives_being_written_and_read() -> None:
    shipped, problems = compile_course(SHIPPED, None, TODAY)
    assert shipped, [str(p) for p in problems if p.severity == "error"]
    again = compiled.load(compiled.dump(shipped))
    assert again == shipped
    assert compiled.fingerprint(again) == shipped.version
    for quiz in shipped.quizzes:
        for question in quiz.bank:
            assert compiled.load_question(compiled.dump_question(question)) == question
    assert "\ue000" not in compiled.dump(shipped).decode()


def test_the_same_question_gives_the_same_bytes(course: Path) -> None:
    question = made(course).module("scores").bank[0]
    again = compiled.load_question(compiled.dump_question(question))
    assert compiled.dump_question(again) == compiled.dump_question(question)
    assert compiled.dump_question(question).startswith(b'{"domain":"A","explanation":{')


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"\xff", b'[{"id":"x"}]', b'{"kind":"single"}'])
def test_broken_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(compiled.UnreadableCompiled):
        compiled.load(data)
    with pytest.raises(compiled.UnreadableCompiled):
        compiled.load_question(data)


def test_content_hash_follows_names_and_bytes(course: Path, tmp_path: Path) -> None:
    before = content_hash(course)
    assert content_hash(course) == before
    copy = shutil.copytree(course, tmp_path / "elsewhere" / "small")
    assert content_hash(copy) == before
    (copy / "README.md").write_text("x")
    assert content_hash(copy) != before
    private = write(tmp_path / "private", {"final/questions.en.md": "x"})
    assert content_hash(course, private) != before


def test_a_folder_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(UnreadableContent, match="nowhere"):
        compile_course(tmp_path / "nowhere", None, TODAY)
    with pytest.raises(UnreadableContent):
        check_path(tmp_path / "nowhere", TODAY)
    with pytest.raises(UnreadableContent, match="holds no course"):
        check_path(tmp_path, TODAY)


def test_relative_paths_are_told_as_given(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spoil(course)
    monkeypatch.chdir(course.parent.parent)
    parent = course.parent.name
    assert [p.path for p in compile_course(Path(f"{parent}/small"), None, TODAY)[1]] == [
        f"{parent}/small/01-scores/01-rare.en.md",
        f"{parent}/small/facts.yaml",
    ]


def spoil(course: Path) -> None:
    write(course, {"facts.yaml": FACTS.replace("grade: P", "grade: X")})
    write(course, {"01-scores/01-rare.en.md": RARE["en"].replace("- [x] 490", "- [ ] 490", 1)})


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (".", ["small/01-scores/01-rare.en.md", "small/facts.yaml"]),
        ("small", ["small/01-scores/01-rare.en.md", "small/facts.yaml"]),
        ("small/01-scores", ["small/01-scores/01-rare.en.md"]),
        ("small/01-scores/01-rare.en.md", ["small/01-scores/01-rare.en.md"]),
        ("small/01-scores/02-cost.en.md", []),
        ("small/final", []),
    ],
)
def test_check_path_tells_of_the_part_that_was_asked_for(
    course: Path, monkeypatch: pytest.MonkeyPatch, given: str, expected: list[str]
) -> None:
    spoil(course)
    monkeypatch.chdir(course.parent)
    assert [problem.path for problem in check_path(Path(given), TODAY)] == expected


def test_check_path_from_inside_a_module(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spoil(course)
    monkeypatch.chdir(course / "01-scores")
    assert [problem.path for problem in check_path(Path("01-rare.en.md"), TODAY)] == ["01-rare.en.md"]
    assert [problem.path for problem in check_path(Path(), TODAY)] == ["01-rare.en.md"]
