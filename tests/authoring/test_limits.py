"""Whatever a file holds, checking it ends soon, in little memory, with a problem at a place and never with a trace."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from elearn.authoring.compiler import compile_course
from elearn.domain.problems import Problem, has_errors
from tests.authoring.course_maker import TODAY, compiled, small_course, write

SECONDS, MEMORY = 5, 500 * 1024 * 1024
"""The promise for one hostile file, counted in seconds of processor and bytes of address space beyond the start."""

ROOT = Path(__file__).parent.parent.parent
L, Q, Y = "01-scores/01-rare.en.md", "01-scores/questions.en.md", "course.yaml"
HEAD = '---\nid: rare-things\ntitle: A\noutcomes: [1.b]\nreviewed: {by: "", on: }\n---\n\n'


def filled(unit: str, size: int = 190_000, width: int = 380, gap: str = "\n", breaks: bool = True) -> str:
    """So many characters of one sign after another, cut into passages that are each within bounds."""
    line = (unit * (width // len(unit) + 1))[:width]
    lines = [line] * (size // (width + len(gap)))
    every = 19_000 // (width + len(gap))
    rows = [gap.join(lines[i : i + every]) for i in range(0, len(lines), every)]
    return ("\n\n```\nx\n```\n\n" if breaks else gap).join(rows) + "\n"


HOSTILE = {
    "brackets": (L, HEAD + filled("[")),
    "brackets on one line": (L, HEAD + "[" * 100_000),
    "stars": (L, HEAD + filled("*")),
    "nested emphasis": (L, HEAD + filled("*a **b ", gap="\n\n", width=190)),
    "emphasis that never closes": (L, HEAD + filled("**a *", gap="\n\n", width=300)),
    "underscores": (L, HEAD + filled("_a_ ")),
    "ticks of all lengths": (L, HEAD + "\n\n".join(" ".join("`" * n for n in range(1, 80)) for _ in range(55))),
    "quotes": (L, HEAD + filled("> ")),
    "lists": (L, HEAD + filled("- ")),
    "numbers": (L, HEAD + filled("1. ", width=20, gap="\n\n")),
    "nested lists": (L, HEAD + "\n".join("  " * n + "- a" for n in range(400))),
    "many paragraphs": (L, HEAD + filled("a", width=1, gap="\n\n")),
    "many headings": (L, HEAD + filled("## a", width=4, gap="\n\n")),
    "long headings": (L, HEAD + filled("# ", width=4_990)),
    "giant table": (L, HEAD + "|a" * 190 + "|\n" + "|-" * 190 + "|\n" + "|\n" * 9_000),
    "many tables": (L, HEAD + "|a|b|\n|-|-|\n|c|d|\n\n" * 9_000),
    "links": (L, HEAD + filled("[a](https://a.b) ")),
    "addresses": (L, HEAD + filled("<https://a.b> ")),
    "half links": (L, HEAD + filled("[a](")),
    "pictures": (L, HEAD + filled("![a](b.svg) ")),
    "unknown terms": (L, HEAD + filled("[[basic-rate]] ")),
    "sources": (L, HEAD + filled("[@robodebt] ")),
    "comments": (L, HEAD + filled("<!-- ")),
    "tags": (L, HEAD + filled("<b>")),
    "half tags": (L, HEAD + filled("<a ")),
    "entities": (L, HEAD + filled("&#38; ")),
    "ampersands": (L, HEAD + filled("&")),
    "fences": (L, HEAD + "```\na\n```\n" * 19_000),
    "open fences": (L, HEAD + "```\n" * 49_000),
    "checks": (L, HEAD + "```check {#a}\nq\n- [x] a\n  > b\n- [ ] c\n  > d\n```\n" * 3_500),
    "braces": (L, HEAD + "```check " + "{" * 4_900 + "\n```\n"),
    "questions": (Q, "---\ntitle: A\n---\n" + "## a\n" * 39_000),
    "options": (Q, "---\ntitle: A\n---\n## a {#a}\n" + "- [ ] a\n  > b\n" * 13_000),
    "attributes": (Q, "---\ntitle: A\n---\n" + "## a {" + "#a " * 1_600 + "}\n"),
    "one line of two mebibytes": (L, HEAD + "a " * 1_000_000),
    "two mebibytes of lines": (L, HEAD + "a word\n" * 290_000),
    "yaml brackets": (Y, "title: " + filled("[", 480_000, 4_900, breaks=False)),
    "yaml braces": (Y, "title: " + filled("{", 480_000, 4_900, breaks=False)),
    "yaml dashes": (Y, filled("- ", 480_000, 4_900, breaks=False)),
    "yaml questions": (Y, filled("? ", 480_000, breaks=False)),
    "yaml flow": (Y, "title: [" + filled("a,", 480_000, breaks=False)),
    "yaml keys": (Y, "".join(f"key{n}: 1\n" for n in range(19_000))),
    "yaml text": (Y, "title: a\n " + filled("a ", 480_000, breaks=False).replace("\n", "\n ")),
    "yaml quotes": (Y, 'title: "' + filled("\\n", 480_000, breaks=False)),
    "yaml bomb": (Y, "a: &a [x, x]\n" + "".join(f"k{n}: &k{n} [*a, *a]\n" for n in range(99))),
    "yaml languages": (
        Y,
        "languages: [" + ", ".join(a + b + c for a in "abcdefgh" for b in "abcdefgh" for c in "abcdefgh") + "]",
    ),
    "facts": ("facts.yaml", "".join(f"f{n}: {{text: {{en: a}}}}\n" for n in range(8_000))),
    "svg bomb": ("01-scores/flags.svg", '<!DOCTYPE svg [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><svg>&b;</svg>'),
    "deep svg": ("01-scores/flags.svg", '<svg xmlns="http://www.w3.org/2000/svg">' + "<g>" * 400_000),
    "wide svg": ("01-scores/flags.svg", "<svg " + " ".join(f'a{n}=""' for n in range(150_000)) + "/>"),
    "not a picture": ("01-scores/flags.png", "\x89PNG\r\n\x1a\n" + "\0" * 1_000_000),
}

CHECK_ALL = """
import json, os, resource, sys
from datetime import date
from pathlib import Path
from elearn.authoring.compiler import compile_course

def judge(folder, seconds, memory):
    # In a child of its own, whose processor time begins at nought.
    used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (used + memory, used + memory))
    {before}
    problems = compile_course(Path(folder), None, date(2026, 11, 23))[1]
    print(json.dumps([folder, len(problems), max(len(str(p)) for p in problems)]), flush=True)

folders, seconds, memory = json.load(sys.stdin)
for folder in folders:
    child = os.fork()
    if not child:
        try:
            judge(folder, seconds, memory)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
"""


def judged(folders: list[Path], seconds: int = SECONDS, before: str = "") -> dict[str, tuple[int, int]]:
    """Number of problems and length of the longest line, for each folder that was judged within the limits."""
    done = subprocess.run(
        [sys.executable, "-c", CHECK_ALL.replace("{before}", before)],
        input=json.dumps([[str(folder) for folder in folders], seconds, MEMORY]),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return {Path(folder).name: (number, longest) for folder, number, longest in rows}


@pytest.fixture(scope="module")
def all_judged(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, int]]:
    """Every hostile file put into a small course of its own."""
    root = tmp_path_factory.mktemp("hostile")
    folders = [
        write(root / name.replace(" ", "-"), small_course() | {file: text}) for name, (file, text) in HOSTILE.items()
    ]
    return judged(folders)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_file_is_judged_soon_and_in_little_memory(name: str, all_judged: dict[str, tuple[int, int]]) -> None:
    number, longest = all_judged[name.replace(" ", "-")]
    assert 0 < number < 2_000
    assert longest < 1_000


@pytest.mark.parametrize("before", ["while True: pass", "held = bytearray(600 * 1024 * 1024)"])
def test_the_limits_of_these_tests_bite(course: Path, before: str) -> None:
    assert judged([course], seconds=1, before=before) == {}


def sound(problems: list[Problem], folder: Path) -> None:
    """Every problem has a place in a file and a sentence on one line."""
    for problem in problems:
        assert problem.path.startswith(str(folder))
        assert problem.line >= 1
        assert problem.column >= 1
        assert "\n" not in str(problem)


ANY_TEXT = st.text(st.characters(codec="utf-8"), max_size=200)
SIGNS = st.text("-=#>*_`[](){}<>!|:@&;\"'\\ \n\tabx019.,~%?+§±", max_size=200)
PIECES = st.lists(
    st.sampled_from(
        [
            *("---\n", "```check {#a}\n", "```\n", "```lab\n", "name: grievance-sorter\n", "## Q {#q}\n", "- [x] a\n"),
            *(
                "- [ ] b\n",
                "  > f\n",
                "> e\n",
                "= 5 ± 1\n",
                "\n",
                "id: a\n",
                "title: t\n",
                "reviewed: {by: a}\n",
                "a: [\n",
            ),
            *("{{robodebt}}", "[[base-rate]]", "[@robodebt]", "![a](flags.svg)\n", "| a | b |\n|---|---|\n", "  - c\n"),
            *(
                "{#q type=numeric outcome=1.a level=apply domain=A}\n",
                "type=numeric",
                "text",
                "अंक",
                "\u200d",
                "```text\n",
            ),
        ]
    ),
    max_size=25,
).map("".join)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(file=st.sampled_from(sorted(small_course())), text=ANY_TEXT | SIGNS | PIECES, whole=st.booleans())
def test_any_text_in_any_file_is_judged(course: Path, file: str, text: str, whole: bool) -> None:
    files = small_course()
    files[file] = text if whole else files[file][: len(files[file]) // 2] + text + files[file][len(files[file]) // 2 :]
    folder = write(course, files)
    made, problems = compiled(folder)
    assert (made is None) == has_errors(problems)
    sound(problems, folder)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(file=st.sampled_from(sorted(small_course())), data=st.binary(max_size=300))
def test_any_bytes_in_any_file_are_judged(course: Path, file: str, data: bytes) -> None:
    folder = write(course, {name: text.encode() for name, text in small_course().items()} | {file: data})
    made, problems = compile_course(folder, None, TODAY)
    assert (made is None) == has_errors(problems)
    sound(problems, folder)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(file=st.sampled_from(sorted(small_course())), data=st.data())
def test_any_line_may_be_missing_or_doubled(course: Path, file: str, data: st.DataObject) -> None:
    lines = small_course()[file].split("\n")
    number = data.draw(st.integers(0, len(lines) - 1))
    lines[number : number + 1] = data.draw(st.sampled_from([[], [lines[number]] * 2]))
    folder = write(course, small_course() | {file: "\n".join(lines)})
    made, problems = compiled(folder)
    assert (made is None) == has_errors(problems)
    sound(problems, folder)
