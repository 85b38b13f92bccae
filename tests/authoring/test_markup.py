"""Markdown becomes the HTML that any Markdown viewer would show, and nothing an author writes becomes active."""

from __future__ import annotations

import re
from datetime import date
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from elearn.authoring.findings import Findings
from elearn.authoring.folder import SourceFile, read_text
from elearn.authoring.markup import render, render_short, sanitize
from elearn.authoring.page import Fact, Library, Page
from elearn.authoring.pictures import Shown
from elearn.authoring.source import Line, Passage
from elearn.domain.course import Course, Picture, Source
from tests.authoring.course_maker import RARE, compiled, small_course, write

FACT = Fact(
    Source(
        "debts", "Debts.", "A & B's report", "https://example.org/?a=1&b=2", "P", date(2026, 1, 1), date(2027, 1, 1)
    ),
    "4,70,000",
)
LIBRARY = Library(
    "small",
    "en",
    {"base-rate": "base rate"},
    {"debts": FACT},
    {"01-m/02-b.en.md": "/courses/small/m/b"},
    frozenset({"base-rate"}),
    frozenset({"debts"}),
)
FLAGS = Shown(Picture("flags.svg", "0123456789abcdef", "image/svg+xml", b""), 640, 320)


CITE = '<sup><a class="cite" href="#source-debts">1</a></sup>'
IMAGE = (
    '<img alt="flags" decoding="async" height="320" loading="lazy" '
    'src="/courses/small/media/0123456789abcdef/flags.svg" width="640">'
)
SAFE = 'rel="noopener noreferrer"'


def rendered(markdown: str, in_lesson: bool = True, short: bool = False) -> str:
    """The HTML of a text, whatever is wrong with it."""
    source = read_text(SourceFile("01-m/01-a.en.md", "a", markdown.encode()), Findings(), 200_000)
    if source is None:
        return ""
    page = Page(source, LIBRARY, {"flags.svg": FLAGS}, "Title", in_lesson)
    passage = Passage(source, tuple(Line(n, 1, line) for n, line in enumerate(source.lines, 1)))
    return render_short(passage, page) if short else render(passage, page)


@pytest.mark.parametrize(
    ("markdown", "html"),
    [
        ("One **strong** and *soft* word.", "<p>One <strong>strong</strong> and <em>soft</em> word.</p>"),
        (
            "__Strong__ and _soft_, but not snake_case_name.",
            "<p><strong>Strong</strong> and <em>soft</em>, but not snake_case_name.</p>",
        ),
        ("***Both***", "<p><strong><em>Both</em></strong></p>"),
        ("**शब्द**ों और *मूल* दर", "<p><strong>शब्द</strong>ों और <em>मूल</em> दर</p>"),
        ("2 * 3 * 4", "<p>2 * 3 * 4</p>"),
        (r"\*not soft\* \[x] \<b> \&lt;", "<p>*not soft* [x] &lt;b&gt; &amp;lt;</p>"),
        ("a < b & c > d", "<p>a &lt; b &amp; c &gt; d</p>"),
        ("R&amp;D &lt;b&gt; &copy; 2026", "<p>R&amp;D &lt;b&gt; © 2026</p>"),
        ("First  \nsecond", "<p>First<br>\nsecond</p>"),
        (
            "- a\n  - b\n    - c\n- d",
            "<ul>\n<li>a<ul>\n<li>b<ul>\n<li>c</li>\n</ul>\n</li>\n</ul>\n</li>\n<li>d</li>\n</ul>",
        ),
        ("- a\n    - b", "<ul>\n<li>a<ul>\n<li>b</li>\n</ul>\n</li>\n</ul>"),
        ("1. a\n   - b\n2. c", "<ol>\n<li>a<ul>\n<li>b</li>\n</ul>\n</li>\n<li>c</li>\n</ol>"),
        ("3. a\n4. b", '<ol start="3">\n<li>a</li>\n<li>b</li>\n</ol>'),
        ("Text:\n- a\n- b", "<p>Text:</p>\n<ul>\n<li>a</li>\n<li>b</li>\n</ul>"),
        ("It rained in\n2024. Then not.", "<p>It rained in\n2024. Then not.</p>"),
        ("- a\nstill a\n- b", "<ul>\n<li>a\n    still a</li>\n<li>b</li>\n</ul>"),
        ("> a\n> - b", "<blockquote>\n<p>a</p>\n<ul>\n<li>b</li>\n</ul>\n</blockquote>"),
        ("Text\n> quote", "<p>Text</p>\n<blockquote>\n<p>quote</p>\n</blockquote>"),
        ("a\n\n***\n\nb", "<p>a</p>\n<hr>\n<p>b</p>"),
        ("#hashtag first", "<p>#hashtag first</p>"),
        ("## Count #1 ##", '<h2 id="section-1">Count #1</h2>'),
        ("Text\n## Head\nmore", '<p>Text</p>\n<h2 id="section-1">Head</h2>\n<p>more</p>'),
        ("`[[base-rate]] {{debts}} <b> **x**`", "<p><code>[[base-rate]] {{debts}} &lt;b&gt; **x**</code></p>"),
        ("``a ` b`` and ` alone", "<p><code>a ` b</code> and ` alone</p>"),
        ("```\n[[base-rate]] <b> &amp;\n```", "<pre><code>[[base-rate]] &lt;b&gt; &amp;amp;</code></pre>"),
        ("[[base-rate]]", '<p><a class="term" href="#term-base-rate">base rate</a></p>'),
        (
            "**[[base-rate|the *rate*]]**",
            '<p><strong><a class="term" href="#term-base-rate">the *rate*</a></strong></p>',
        ),
        ("{{debts}} debts", "<p>4,70,000 debts</p>"),
        ("So [@debts] and [@debts].", f"<p>So {CITE} and {CITE}.</p>"),
        (
            "[**two** `words`](02-b.en.md)",
            '<p><a href="/courses/small/m/b"><strong>two</strong> <code>words</code></a></p>',
        ),
        ("[up](../01-m/02-b.en.md)", '<p><a href="/courses/small/m/b">up</a></p>'),
        (
            "[x](https://example.org/a_(b)?c=1&d=2)",
            f'<p><a href="https://example.org/a_(b)?c=1&amp;d=2" {SAFE}>x</a></p>',
        ),
        (
            "<https://example.org/>",
            '<p><a href="https://example.org/" rel="noopener noreferrer">https://example.org/</a></p>',
        ),
        ("[write](mailto:a@example.org)", '<p><a href="mailto:a@example.org" rel="noopener noreferrer">write</a></p>'),
        ("see ![flags](flags.svg) here", f"<p>see {IMAGE} here</p>"),
        ("a <b>bold</b> word <!-- note --> here", "<p>a bold word  here</p>"),
        ("क\u094dष और म\u200dय", "<p>क\u094dष और म\u200dय</p>"),
    ],
)
def test_markdown_becomes_html(markdown: str, html: str) -> None:
    assert rendered(markdown) == html


def test_table_stands_in_a_region_named_by_its_heading() -> None:
    html = rendered("## Who *counts*\n\n| a | b |\n|:--|--:|\n| `x|y` | [[base-rate|r]] |\n")
    assert '<div aria-label="Who counts" class="scroll" role="group" tabindex="0">\n<table>' in html
    assert '<th align="left">a</th>' in html
    assert '<td align="left"><code>x|y</code></td>\n<td align="right"><a class="term"' in html


def test_table_without_heading_is_named_by_the_title() -> None:
    assert 'aria-label="Title"' in rendered("text\n| a | b |\n|---|---|\n| c | d |")


def test_figure_has_its_caption_escaped_once() -> None:
    html = rendered('![A & "B" <c>](flags.svg "C & D\'s *own*")')
    assert "<figcaption>C &amp; D's *own*</figcaption>" in html
    assert unescape(html).count('alt="A & "B" <c>"') == 1


def test_outside_a_lesson_terms_are_words_and_sources_are_links() -> None:
    assert rendered("[[base-rate]]", in_lesson=False) == "<p>base rate</p>"
    link = '<a class="cite" href="https://example.org/?a=1&amp;b=2" rel="noopener noreferrer">A &amp; B\'s report</a>'
    assert rendered("[@debts]", in_lesson=False) == f"<p>({link})</p>"


def test_short_text_is_inline_if_it_is_one_paragraph() -> None:
    assert rendered("plain words", short=True) == "plain words"
    assert rendered("one *soft* word", short=True) == "one <em>soft</em> word"
    assert rendered("1. first", short=True).startswith("<ol>")
    assert rendered("a\n\nb", short=True) == "<p>a</p>\n<p>b</p>"


def test_unicode_is_written_the_usual_way() -> None:
    assert rendered("cafe\u0301 **e\u0301**") == "<p>café <strong>é</strong></p>"


# --- nothing becomes active ---------------------------------------------------------------------------------------

VECTORS = [
    "<script>alert(1)</script>",
    "<ScRiPt>alert(1)</sCrIpT>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<<script>alert(1)//<</script>",
    "<script\n>alert(1)</script\n>",
    "<script src=//example.org/x.js></script>",
    "<img src=x onerror=alert(1)>",
    "<img src=x onerror=alert(1)//",
    "<img/src=`x`onerror=alert(1)>",
    '"><img src=x onerror=alert(1)>',
    "'><svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg/onload=alert(1)>",
    "<svg><a xlink:href=javascript:alert(1)><text y=9>x</text></a></svg>",
    "<svg><animate attributeName=href values=javascript:alert(1) /></svg>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<math><mi xlink:href='javascript:alert(1)'>x</mi></math>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<style>@import 'https://example.org/x.css';</style>",
    "<style><img src=x onerror=alert(1)></style>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<object data=javascript:alert(1)></object>",
    "<embed src=javascript:alert(1)>",
    "<form action=javascript:alert(1)><button>x</button></form>",
    "<input onfocus=alert(1) autofocus>",
    "<details open ontoggle=alert(1)>",
    "<video><source onerror=alert(1)></video>",
    "<body onload=alert(1)>",
    "<base href=https://example.org/>",
    "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
    "<link rel=stylesheet href=https://example.org/x.css>",
    "<template><script>alert(1)</script></template>",
    "<a href=javascript:alert(1)>x</a>",
    "<a id=main name=body>x</a>",
    "<p style=position:fixed onclick=alert(1)>x</p>",
    "<!--><script>alert(1)</script>-->",
    "<!-- --!><script>alert(1)</script>",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?php <script>alert(1)</script> ?>",
    "<x onclick=alert(1)>x</x>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&amp;lt;script&amp;gt;alert(1)",
    "&#60;script&#62;alert(1)&#60;/script&#62;",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java&#115;cript:alert(1))",
    "[x](javascript&colon;alert(1))",
    "[x](&#1;javascript:alert(1))",
    "[x](javascript:123)",
    "[x](vbscript:1)",
    "[x](data:text/html,<script>alert(1)</script>)",
    "[x](<javascript:alert(1)>)",
    "[x](https://example.org\"onmouseover=alert(1))",
    "[x](https://example.org 't' onmouseover=alert(1))",
    '[x](https://example.org "t\\" onmouseover=alert(1) x=")',
    "[x](//example.org/x)",
    "[x](\\\\example.org\\x)",
    "[x](https://a@b:c:d/)",
    "[<img src=x onerror=alert(1)>](https://example.org)",
    "<javascript:alert(1)>",
    '![x" onerror="alert(1)](flags.svg)',
    '![x](flags.svg "c\\" onerror=\\"alert(1)")',
    '![x](flags.svg "<script>alert(1)</script>")',
    "![x](javascript:alert(1))",
    "![<script>alert(1)</script>](flags.svg)",
    "[[base-rate|<img src=x onerror=alert(1)>]]",
    '[[base-rate" onclick="alert(1)]]',
    "[@debts\" onclick=\"alert(1)]",
    "{{debts}}<script>alert(1)</script>",
    "`<script>alert(1)</script>`",
    "**<b onclick=alert(1)>x</b>**",
    "\ue0000\ue002 \ue0010\ue002",
    "\x02klzzwxh:0000\x03 \x02wzxhzdk:0\x03",
    "![x][1]\n\n[1]: javascript:alert(1)",
    "[1]: javascript:alert(1) \"x\"\n\n[1]",
    "## <script>alert(1)</script> {onclick=alert(1)}",
    "x {: onclick=alert(1) }",
    "    <script>alert(1)</script>",
    "> <script>alert(1)</script>",
    "\u2028<script>alert(1)</script>",
    "\u0338><img src=x onerror=alert(1)>",
]  # fmt: skip

ALLOWED = {
    "p": (), "ul": (), "li": (), "blockquote": (), "strong": (), "em": (), "code": (), "pre": (), "hr": (), "br": (),
    "sup": (), "table": (), "thead": (), "tbody": (), "tr": (), "figure": (), "figcaption": (), "ol": ("start",),
    "th": ("align",), "td": ("align",), "h2": ("id",), "h3": ("id",), "h4": ("id",), "h5": ("id",), "h6": ("id",),
    "a": ("class", "href", "rel"), "div": ("class", "tabindex", "role", "aria-label"),
    "img": ("src", "alt", "width", "height", "loading", "decoding"),
}  # fmt: skip


class Inspector(HTMLParser):
    """Reads HTML as a program that is not ours and refuses whatever is not plain text and pictures of the course."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ALLOWED, tag
        for name, value in attrs:
            assert name in ALLOWED[tag], (tag, name)
            if name == "href":
                assert (value or "").startswith(
                    ("https://", "http://", "mailto:", "#term-", "#source-", "/courses/")
                ), value
                assert "//" in (value or "") or ":" not in (value or "").replace("mailto:", "", 1), value
            if name == "src":
                assert (value or "").startswith("/courses/small/media/"), value
            if name == "id":
                assert (value or "").startswith("section-"), value

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(f"a declaration: {decl}")

    def handle_pi(self, data: str) -> None:
        raise AssertionError(f"an instruction: {data}")


def assert_inactive(html: str) -> None:
    inspector = Inspector(convert_charrefs=True)
    inspector.feed(html)
    inspector.close()


PLACES = {
    "alone": "{}",
    "in a sentence": "words {} words",
    "in a list": "- a {} b\n- c",
    "in a quote": "> a {} b",
    "in a heading": "## a {} b",
    "in a table": "| a | b |\n|---|---|\n| {} | c |",
    "in strong": "**a {} b**",
    "in a link": "[a {} b](https://example.org)",
    "in an address": "[a](https://example.org/{})",
    "in a title": '[a](https://example.org "{}")',
    "in an alternative text": "![{}](flags.svg)",
    "in a caption": '![a](flags.svg "{}")',
    "in a picture's name": "![a]({})",
    "in a term": "[[base-rate|{}]]",
    "in code": "a `{}` b",
    "in a block of code": "```\n{}\n```",
}


@pytest.mark.parametrize("vector", VECTORS)
@pytest.mark.parametrize("place", PLACES)
def test_no_vector_is_active(vector: str, place: str) -> None:
    for html in (
        rendered(PLACES[place].format(vector)),
        rendered(PLACES[place].format(vector), in_lesson=False, short=True),
    ):
        assert_inactive(html)
        assert not set(html) & set("\ue000\ue001\ue002\x02\x03")


@pytest.mark.parametrize("vector", VECTORS)
def test_sanitising_alone_leaves_nothing_active(vector: str) -> None:
    assert_inactive(sanitize(vector))


def all_html(course: Course) -> list[str]:
    """Every text of the course that pages show as HTML."""
    checks = [check for lesson in course.lessons() for check in lesson.checks]
    questions = [*checks, *(question for quiz in course.quizzes for question in quiz.bank)]
    options = [option for question in questions for option in getattr(question, "options", ())]
    words = [
        *(module.why for module in course.modules),
        *(text for question in questions for text in (question.stem, question.explanation)),
        *(text for option in options for text in (option.text, option.feedback)),
    ]
    parts = [part for lesson in course.lessons() for text in lesson.texts.values() for part in text.parts]
    return [*(html for text in words for html in text.values()), *(part.value for part in parts if part.kind == "html")]


def all_plain(course: Course) -> list[str]:
    """Every text of the course that pages show as it stands."""
    groups = [*course.outcomes.values(), *course.domains.values(), *(m.title for m in course.modules)]
    groups += [text for entry in course.glossary.values() for text in entry.values()]
    groups += [route.title for route in course.routes]
    sources = [source for lesson in course.lessons() for text in lesson.texts.values() for source in text.sources]
    texts = [text for group in [course.title, course.description, *groups] for text in group.values()]
    return [*texts, *(text for source in sources for text in (source.text, source.title, source.url))]


MARKDOWN_FIELDS = [
    ("01-scores/questions.en.md", "Which two are tools?", "Which {}?"),
    ("01-scores/questions.en.md", "- [x] A rule", "- [x] {}"),
    ("01-scores/questions.en.md", "Right as well.", "{}"),
    ("01-scores/questions.en.md", "> Two of three.", "> {}"),
    ("01-scores/01-rare.en.md", "In 10,000 files,", "{}"),
    ("01-scores/module.en.md", "Scores are guesses", "{}"),
]

PLAIN_FIELDS = {
    "the title of a lesson": ("01-scores/01-rare.en.md", "title: Rare things", "title: '{}'"),
    "the title of a bank": ("final/questions.en.md", "title: Final", "title: '{}'"),
    "a term": ("glossary.yaml", "{en: base rate,", "{{en: '{}',"),
    "a meaning": ("glossary.yaml", "{en: How common a thing is.,", "{{en: '{}',"),
    "a fact": ("facts.yaml", "{en: Debts were raised by arithmetic.,", "{{en: '{}',"),
    "a value": ("facts.yaml", '{en: "4,70,000",', "{{en: '{}',"),
    "a source": ("facts.yaml", "title: Report of the commission", "title: '{}'"),
    "an address": ("facts.yaml", "https://example.org/report?a=1&b=2", "https://example.org/{}"),
    "the title of the course": ("course.yaml", "{en: Small course,", "{{en: '{}',"),
    "an outcome": ("course.yaml", "{en: Classify tools.,", "{{en: '{}',"),
    "a route": ("course.yaml", "{en: Officers,", "{{en: '{}',"),
}


def with_vector(folder: Path, vector: str, fields: list[tuple[str, str, str]]) -> Course | None:
    """The small course with the vector in these fields, or None if it is refused."""
    files = small_course()
    for file, old, new in fields:
        assert old in files[file]
        line = " ".join(vector.split("\n")).replace("'", "''" if new.endswith("',") or "'{}'" in new else "'")
        files[file] = files[file].replace(old, new.format(line), 1)
    course, problems = compiled(write(folder / "small", files))
    assert course or problems
    return course


@pytest.mark.parametrize("vector", VECTORS)
def test_no_vector_gets_into_a_course(vector: str, tmp_path: Path) -> None:
    """Either the compiler refuses it, or it is as plain as what it stands in."""
    course = with_vector(tmp_path, vector, MARKDOWN_FIELDS)
    for html in all_html(course) if course else ():
        assert_inactive(html)


@pytest.mark.parametrize("field", PLAIN_FIELDS)
@pytest.mark.parametrize(
    "vector", ["<script>alert(1)</script>", "a <img src=x onerror=alert(1)>", "</title>", "<!-- x"]
)
def test_no_tag_gets_into_plain_text(field: str, vector: str, tmp_path: Path) -> None:
    assert with_vector(tmp_path, vector, [PLAIN_FIELDS[field]]) is None


@pytest.mark.parametrize("field", PLAIN_FIELDS)
def test_plain_text_may_compare_numbers(field: str, tmp_path: Path) -> None:
    course = with_vector(tmp_path, "R&D: 1 < 2", [PLAIN_FIELDS[field]])
    if field == "an address":
        assert course is None
    else:
        assert course
        assert not any(re.search(r"<[a-zA-Z/!?]", text) for text in all_plain(course))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.text(st.characters(codec="utf-8"), max_size=300) | st.text("*_`[](){}<>!#|-:>@&;\\\"' \nabx/=~1.", max_size=300)
)
def test_any_text_is_rendered_and_inactive(text: str) -> None:
    assert_inactive(rendered(text))
    assert_inactive(rendered(text, in_lesson=False, short=True))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from([*VECTORS, "**", "`", "[", "](", "<", ">", "\n", "\n\n", "- ", "| ", " ", "{{", "[[", "&#"]),
        max_size=8,
    )
)
def test_any_mixture_of_vectors_is_inactive(pieces: list[str]) -> None:
    assert_inactive(rendered("".join(pieces)))


def test_lesson_of_the_small_course_is_inactive(course: Path) -> None:
    small, _ = compiled(course)
    assert small
    assert len(all_html(small)) > 40
    for html in all_html(small):
        assert_inactive(html)
    assert RARE["en"].count("```check") == 2
