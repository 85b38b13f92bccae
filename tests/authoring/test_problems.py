"""Every kind of problem is told once, at its exact place, and brings no other with it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from elearn.authoring.codes import CODES
from elearn.authoring.compiler import compile_course
from elearn.authoring.findings import MOST_PER_FILE
from elearn.authoring.folder import MOST_BYTES, MOST_FILES
from elearn.domain.problems import has_errors
from tests.authoring.course_maker import TODAY, Spoilt, compiled, small_course, told, write
from tests.authoring.mistakes import CASES, CH, END, QH, C, G, L, M, Q, X, Y

# Told by tests of their own below, because they need more than changed text.
ELSEWHERE = {
    "more-errors",
    "more-warnings",
    "unreadable-file",
    "not-a-plain-file",
    "too-many-files",
    "file-too-big",
    "utf-16",
    "not-utf8",
    "course-missing",
    "bad-course-name",
    "bad-module-name",
    "double-module",
    "module-not-listed",
    "reserved-module",
    "module-empty",
    "module-file-missing",
    "bank-missing",
    "missing-translation",
    "leading-file-missing",
    "double-number",
    "bank-empty",
    "options-too-few",
    "key-often-longest",
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.code)
def test_problem_is_told_at_its_place_and_alone(case: Spoilt, tmp_path: Path) -> None:
    files = small_course()
    folder = case.write(tmp_path / "small", files)
    course, problems = compiled(folder)
    assert told(problems, folder) == case.expected(files), [str(problem) for problem in problems]
    assert (course is None) == has_errors(problems)


def test_every_code_has_its_test() -> None:
    assert {case.code for case in CASES} | ELSEWHERE == set(CODES)
    assert {case.code for case in CASES} & ELSEWHERE == set()


@pytest.mark.parametrize("code", CODES)
def test_every_message_is_a_sentence(code: str) -> None:
    for sentence in (CODES[code].message, CODES[code].hint):
        assert sentence[-1] in ".!?}" or sentence == "", sentence


def only(folder: Path) -> tuple[str, int, int, str]:
    """The one problem of the course."""
    problems = told(compiled(folder)[1], folder)
    assert len(problems) == 1, problems
    return problems[0]


# --- files --------------------------------------------------------------------------------------------------------


def test_utf_16_is_named(course: Path) -> None:
    path = course / G
    path.write_bytes(path.read_text().encode("utf-16"))
    assert (G, 1, 1, "utf-16") in told(compiled(course)[1], course)


def test_windows_1252_is_named_at_its_first_character(course: Path) -> None:
    path = course / C
    path.write_bytes(path.read_bytes().replace(b"title: Cost", b"title: Cost \x96 2"))
    path.with_name("02-cost.hi.md").write_bytes(path.read_bytes())
    assert (C, 3, 13, "not-utf8") in told(compiled(course)[1], course)


def test_file_beyond_two_mebibytes_is_not_read(course: Path) -> None:
    (course / "01-scores/flags.svg").write_bytes(b" " * (MOST_BYTES + 1))
    assert ("01-scores/flags.svg", 1, 1, "file-too-big") in told(compiled(course)[1], course)


def test_links_and_pipes_are_not_followed(course: Path) -> None:
    (course / "01-scores/passwd.en.md").symlink_to("/etc/passwd")
    os.mkfifo(course / "01-scores/pipe.svg")
    (course / "01-scores/up").symlink_to(course, target_is_directory=True)
    assert told(compiled(course)[1], course) == [
        ("01-scores/passwd.en.md", 1, 1, "not-a-plain-file"),
        ("01-scores/pipe.svg", 1, 1, "not-a-plain-file"),
        ("01-scores/up", 1, 1, "not-a-plain-file"),
    ]


@contextmanager
def nobody_special() -> Iterator[None]:
    """Root may read every file, so for a moment the test is somebody else."""
    me = os.geteuid()
    if me == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(me)


def test_file_without_permission_is_named(course: Path) -> None:
    with TemporaryDirectory() as open_to_all:
        Path(open_to_all).chmod(0o755)
        copy = Path(shutil.copytree(course, Path(open_to_all) / "course"))
        assert compiled(copy)[0] is not None  # and all that Python imports late is there, which nobody may read
        (copy / "01-scores/flags.svg").chmod(0)
        with nobody_special():
            problems = compiled(copy)[1]
        assert ("01-scores/flags.svg", 1, 1, "unreadable-file") in told(problems, copy)


def test_too_many_files(course: Path) -> None:
    for number in range(MOST_FILES):
        (course / "01-scores" / f"{number}.txt").touch()
    codes = [problem.code for problem in compiled(course)[1]]
    assert codes.count("too-many-files") == 1
    assert codes.count("more-warnings") == 0  # each of these files has one warning of its own


def test_file_names_cannot_break_a_line(course: Path) -> None:
    (course / "01-scores" / "a\nb\x1b[31m.txt").touch()
    (course / os.fsdecode(b"01-scores/\xff.txt")).touch()
    lines = [str(problem) for problem in compiled(course)[1]]
    assert len(lines) == 2
    assert all(line.isprintable() for line in lines), lines


def test_no_more_is_told_of_one_file_than_anybody_reads(course: Path) -> None:
    spoilt = Spoilt("raw-html", L, END, "\n" + "<b>\n" * 500 + "[[x]]\n" * 500 + END)
    spoilt.write(course, small_course())
    problems = compiled(course)[1]
    codes = [problem.code for problem in problems]
    assert codes.count("raw-html") == codes.count("unknown-term") == MOST_PER_FILE
    assert codes.count("more-warnings") == codes.count("more-errors") == 1


# --- folders ------------------------------------------------------------------------------------------------------


def test_course_without_course_yaml(course: Path) -> None:
    (course / Y).unlink()
    assert (Y, 1, 1, "course-missing") in told(compiled(course)[1], course)


def test_broken_course_yaml_does_not_hide_what_is_wrong_elsewhere(course: Path) -> None:
    (course / Y).write_text("title: [\n")
    path = course / Q
    path.write_text(path.read_text().replace("- [x] a guess", "- [ ] a guess"))
    assert told(compiled(course)[1], course) == [(Q, 5, 4, "quiz-no-key"), (Y, 2, 1, "yaml-syntax")]


def test_course_folder_with_another_name(course: Path) -> None:
    folder = course.rename(course.with_name("Small Course"))
    assert only(folder) == (".", 1, 1, "bad-course-name")


def test_folders_that_are_no_modules(course: Path) -> None:
    write(course, {"02-Costs and more/a.txt": "x", "03-status/a.txt": "x", "04-fresh-scores/a.txt": "x"})
    write(course, {"05-scores/a.txt": "x", "06-draft/a.txt": "x"})
    assert told(compiled(course)[1], course) == [
        ("02-Costs and more", 1, 1, "bad-module-name"),
        ("03-status", 1, 1, "reserved-module"),
        ("04-fresh-scores", 1, 1, "reserved-module"),
        ("05-scores", 1, 1, "double-module"),
        ("06-draft", 1, 1, "module-not-listed"),
        ("06-draft/a.txt", 1, 1, "stray-file"),
    ]


def test_module_without_anything(course: Path) -> None:
    text = (course / Y).read_text().replace("modules: [scores]\nout", "modules: [scores, more]\nout")
    write(course, {Y: text, "02-more/README.md": "x"})
    assert told(compiled(course)[1], course) == [
        ("02-more", 1, 1, "bank-missing"),
        ("02-more", 1, 1, "module-empty"),
        ("02-more", 1, 1, "module-file-missing"),
    ]


@pytest.mark.parametrize("file", [L, Q, M, X])
def test_missing_translation_is_told_at_the_leading_file(course: Path, file: str) -> None:
    (course / file.replace(".en.", ".hi.")).unlink()
    expected = [(file, 1, 1, "missing-translation")]
    if file == L:
        expected.append(("01-scores/flags.hi.svg", 1, 1, "picture-unused"))
    assert told(compiled(course)[1], course) == expected


def test_translation_without_its_leading_file(course: Path) -> None:
    (course / C).unlink()
    problems = told(compiled(course)[1], course)
    assert (CH, 1, 1, "leading-file-missing") in problems
    assert all(code in ("leading-file-missing", "link-broken") for *_, code in problems)


def test_two_lessons_with_one_number(course: Path) -> None:
    for language in ("en", "hi"):
        (course / f"01-scores/02-cost.{language}.md").rename(course / f"01-scores/01-cost.{language}.md")
        path = course / f"01-scores/01-rare.{language}.md"
        path.write_text(path.read_text().replace("(02-cost.", "(01-cost."))
    assert only(course) == ("01-scores/01-rare.en.md", 1, 1, "double-number")


# --- banks --------------------------------------------------------------------------------------------------------


def test_bank_without_questions(course: Path) -> None:
    for language in ("en", "hi"):
        (course / f"final/questions.{language}.md").write_text("---\ntitle: Final\n---\n\nNothing yet.\n")
    codes = [(line, column, code) for _, line, column, code in told(compiled(course)[1], course)]
    assert codes == [(5, 1, "bank-empty"), (5, 1, "stray-text")] * 2


def test_question_with_one_option(course: Path) -> None:
    for file, option in ((Q, "- [ ] a decision\n  > Nobody has decided yet.\n"), (QH, None)):
        path = course / file
        text = path.read_text()
        cut = option or text[text.index("- [ ] निर्णय") : text.index("- [x] अनुमान")]
        path.write_text(text.replace(cut, ""))
    assert told(compiled(course)[1], course) == [(Q, 5, 4, "options-too-few"), (QH, 5, 4, "options-too-few")]


LONG_OR_SHORT = """\
## Question {n}? {{#q{n} outcome=1.a level=recall domain=A}}

- [ ] no
  > No.
- [{long}] a long one
  > It.
- [{short}] yes
  > It.

> So.

"""


@pytest.mark.parametrize(("long", "told_of"), [(4, [Q, QH]), (3, [])])
def test_bank_whose_longest_options_are_right(course: Path, long: int, told_of: list[str]) -> None:
    marks = [("x", " ")] * long + [(" ", "x")] * (6 - long)
    questions = [LONG_OR_SHORT.format(n=n, long=one, short=other) for n, (one, other) in enumerate(marks)]
    bank = "---\ntitle: A\n---\n\n" + "".join(questions)
    write(course, {Q: bank, QH: bank})
    assert told(compiled(course)[1], course) == [(file, 1, 1, "key-often-longest") for file in told_of]


def test_problems_come_in_reading_order_and_each_once(course: Path) -> None:
    write(
        course, {L: small_course()[L].replace("[[base-rate]]", "[[b]] <i> [[a]]"), Y: small_course()[Y] + "more: 1\n"}
    )
    problems = compile_course(course, None, TODAY)[1]
    assert [(p.line, p.code) for p in problems] == [
        (11, "unknown-term"),
        (11, "raw-html"),
        (11, "unknown-term"),
        (25, "unknown-key"),
    ]
    assert "Did you mean “base-rate”" not in problems[0].message
