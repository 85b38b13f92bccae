"""One mistake of every kind in the small course, each with the place where it must be told."""

from __future__ import annotations

from elearn.authoring.folder import LONGEST_LINE
from elearn.authoring.yaml_source import MOST_ENTRIES
from tests.authoring.course_maker import Spoilt

Y, G, F = "course.yaml", "glossary.yaml", "facts.yaml"
M, MH = "01-scores/module.en.md", "01-scores/module.hi.md"
L, LH = "01-scores/01-rare.en.md", "01-scores/01-rare.hi.md"
C, CH = "01-scores/02-cost.en.md", "01-scores/02-cost.hi.md"
Q, QH = "01-scores/questions.en.md", "01-scores/questions.hi.md"
X, XH = "final/questions.en.md", "final/questions.hi.md"
V = "01-scores/flags.svg"

FIRST = "A vendor says the tool is right."
END = "\n> Count people, not percentages.\n"
CHECK = "```check {#honest-families outcome=1.b}"
RECT = '<rect width="640" height="320" fill="#fbfaf7"/>'


def prose(code: str, new: str) -> Spoilt:
    """A mistake in the prose of a lesson, at its end."""
    return Spoilt(code, L, END, f"\n{new}\n{END}")


def svg(new: str) -> Spoilt:
    return Spoilt("svg-unsafe", V, RECT, new)


MANY = " | ".join(map(str, range(40)))

CASES = [
    # --- the text of files
    Spoilt("file-too-long", C, "", "a " * 101_000),
    prose("control-character", "A bell §\x07 rings."),
    prose("control-character", "A line§\u2028separator."),
    prose("control-character", "A private §\ue000 character."),
    Spoilt("control-character", Y, "Small course", "Small§\x01 course"),
    prose("bidi-character", "Turned §\u202e text."),
    prose("bidi-character", "By entity §&#x202e; as well."),
    prose("zero-width-character", "Zero§\u200bwidth."),
    prose("zero-width-character", "A Latin§\u200d joiner."),
    prose("not-nfc", "A cafe§\u0301 stands here."),
    prose("long-line", "a" * 400 + "§a"),
    Spoilt(
        "line-too-long", C, "formerly: [price]", f"# {'a' * (LONGEST_LINE - 2)}§a", ((CH, "formerly: [price]\n", ""),)
    ),
    Spoilt("stray-file", "01-scores/notes.docx", "", "x"),
    Spoilt("stray-file", "notes.txt", "", "x"),
    Spoilt("stray-file", "final/01-lesson.en.md", "", "x"),
    Spoilt("stray-file", "01-scores/deeper/flags.svg", "", "x"),
    Spoilt("unlisted-language", "01-scores/01-rare.fr.md", "", "x"),
    # --- YAML
    Spoilt("yaml-syntax", Y, "title: {en: Small course,", "title: {en: Small§: course,"),
    Spoilt("yaml-syntax", G, "  means: {en: How common a thing is., hi: कोई बात कितनी आम है।}", '  means: §"How'),
    Spoilt("yaml-syntax", L, "exercise_minutes: 3", "§\texercise_minutes: 3"),
    Spoilt("yaml-syntax", Y, "completion: {fastest", "§---\ncompletion: {fastest"),
    Spoilt("yaml-not-a-group", G, "", "§- base-rate\n"),
    Spoilt("yaml-key", Y, "completion: {fastest_words_per_minute: 600}", "§[completion]: {}"),
    Spoilt("yaml-double-key", Y, "modules: [scores]\noutcomes", "modules: [scores]\n§title: {en: A, hi: B}\noutcomes"),
    Spoilt("yaml-double-key", Y, "modules: [scores]\nout", "modules: [scores, §scores]\nout"),
    Spoilt("yaml-alias", Y, "languages: [en, hi]", "languages: §&all [en, hi]"),
    Spoilt("yaml-alias", Y, "languages: [en, hi]", "languages: §*all"),
    Spoilt("yaml-tag", Y, "languages: [en, hi]", "languages: §!!python/object/apply:os.system [ls]"),
    Spoilt("yaml-too-deep", Y, "languages: [en, hi]", "languages: " + "[" * 19 + "§[" + "]" * 20),
    Spoilt("yaml-too-much", G, "", "".join(f"t{i}: 1\n" for i in range(MOST_ENTRIES // 2 - 1)) + "a: §1\n"),
    Spoilt("front-matter-missing", M, "---\ntitle: Scores\n", "title: Scores\n"),
    Spoilt("front-matter-not-closed", C, "formerly: [price]\n---\n", "formerly: [price]\n"),
    Spoilt("unknown-key", L, "exercise_minutes: 3", "§exercise_minuts: 3"),
    Spoilt("unknown-key", F, "grade: P", "§grad: P", ((F, "date: 2023-07-07", "grade: P"),)),
    Spoilt("missing-key", L, "title: Rare things\n", "", ((L, "---\nid: rare-things", "---\n§id: rare-things"),)),
    Spoilt("missing-key", L, "title: Rare things\n", "§title:\n"),
    Spoilt("missing-key", F, "  review_after_days: 180\n", "", ((F, "robodebt:\n", "§robodebt:\n"),)),
    Spoilt("wrong-value", L, "exercise_minutes: 3", "exercise_minutes: §three"),
    Spoilt("wrong-value", Y, "pass: 75", "pass: §175"),
    Spoilt("wrong-value", Y, "labs: [grievance-sorter]", "labs: §grievance-sorter"),
    Spoilt(
        "wrong-value",
        F,
        "verified_on: 2026-11-20\n  review_after_days: 180",
        "verified_on: §last week\n  review_after_days: 180",
    ),
    Spoilt("wrong-value", F, "grade: P", "grade: §X"),
    Spoilt("wrong-value", F, '"https://example.org/note"', '§"javascript:alert(1)"'),
    Spoilt("wrong-value", Y, "floors: {D: 50}", "floors: {D: §101}"),
    Spoilt(
        "bad-id",
        L,
        "id: rare-things",
        "id: §Rare Things",
        ((Y, "scores/rare-things", "scores/rare"), (LH, "id: rare-things", "id: rare")),
    ),
    Spoilt("bad-id", G, "base-rate:\n", "base-rate: {term: {en: a, hi: b}, means: {en: a, hi: b}}\n§Base_Rate:\n"),
    Spoilt("bad-id", L, CHECK, "```check {§#Honest outcome=1.b}"),
    Spoilt(
        "bad-language",
        Y,
        "title: {en: Small course, hi: छोटा कोर्स}",
        "title: {en: Small course, hi: छोटा, §Hindi: छोटा}",
    ),
    Spoilt("markup-in-plain-text", G, "How common a thing is.", "§<img src=x onerror=alert(1)>"),
    Spoilt("markup-in-plain-text", L, "title: Rare things", "title: §</title><script>alert(1)</script>"),
    Spoilt("unknown-language", Y, "{en: Law, hi: कानून}", "{en: Law, hi: कानून, §fr: Droit}"),
    Spoilt("missing-words", Y, "D: {en: Law, hi: कानून}", "§D: {en: Law}"),
    Spoilt(
        "missing-words",
        F,
        "text: {en: A fact without a number., hi: बिना संख्या का तथ्य।}",
        "§text: {hi: बिना संख्या का तथ्य।}",
    ),
    Spoilt(
        "untranslated",
        Y,
        "description: {en: A course for tests., hi: जाँच के लिए एक कोर्स।}",
        "§description: {en: A course}",
    ),
    Spoilt("untranslated", QH, "\n> अंक अनुमान है।\n", "", ((QH, "## 0.7", "## §0.7"),)),
    Spoilt("untranslated", MH, "अंक अनुमान हैं [@robodebt], और {{robodebt}} लोगों ने उसकी क़ीमत चुकाई।\n", ""),
    # --- course.yaml and folders
    Spoilt("module-without-folder", Y, "modules: [scores]\nout", "modules: [scores, §costs]\nout"),
    Spoilt("bad-id", Y, "modules: [scores]\nout", "modules: [scores, §../scores]\nout"),
    Spoilt(
        "unknown-outcome",
        L,
        "outcomes: [1.b]",
        "outcomes: [1.b, §1.z]",
        ((LH, "outcomes: [1.b]", "outcomes: [1.b, 1.z]"),),
    ),
    Spoilt(
        "unknown-outcome",
        M,
        "outcomes: [1.a, 1.b]",
        "outcomes: [§2.a]",
        ((MH, "outcomes: [1.a, 1.b]", "outcomes: [2.a]"),),
    ),
    Spoilt(
        "unknown-outcome", L, CHECK, "```check {#honest-families §outcome=9.z}", ((LH, "outcome=1.b}", "outcome=9.z}"),)
    ),
    Spoilt(
        "unknown-domain",
        Q,
        "level=classify domain=D",
        "level=classify §domain=Z",
        ((QH, "level=classify domain=D", "level=classify domain=Z"),),
    ),
    Spoilt("unknown-domain", Y, "floors: {D: 50}", "floors: {§Z: 50}"),
    Spoilt("unknown-module", Y, "    modules: [scores]", "    modules: [scores, §score]"),
    Spoilt("unknown-lesson", Y, "lessons: [scores/rare-things]", "lessons: [§scores/rare-thing]"),
    Spoilt("unknown-lab", Y, "labs: [grievance-sorter]", "labs: [grievance-sorter, §threshold]"),
    Spoilt("unknown-quiz", Y, "quizzes: [scores]", "quizzes: [scores, §fresh-scores]"),
    Spoilt("unknown-choice", Y, "[[scores, scores/cost]]", "[[scores, §scores/price]]"),
    Spoilt("route-empty", Y, "routes:\n", "routes:\n  §nobody: {title: {en: Nobody, hi: कोई नहीं}}\n"),
    Spoilt("quiz-without-rules", Y, "  module: {draw: 3, pass: 75}\n", "", ((Y, "\nquizzes:\n", "\n§quizzes:\n"),)),
    Spoilt("rules-without-quiz", Y, "  module: {draw", "  §pre-test: {draw: 3, pass: 0}\n  module: {draw"),
    Spoilt(
        "final-short",
        Y,
        "  leader:",
        "  §short: {title: {en: A, hi: B}, lessons: [scores/rare-things], quizzes: [scores]}\n  leader:",
    ),
    Spoilt("draw-too-large", Y, "module: {draw: 3", "module: {draw: §4"),
    Spoilt("blueprint-sum", Y, "final: {draw: 2", "final: {draw: §1"),
    Spoilt(
        "blueprint-unfillable",
        Y,
        "blueprint: {A: 1, D: 1}",
        "blueprint: {A: §2}",
        ((Y, "floors: {D: 50}", "floors: {A: 50}"),),
    ),
    Spoilt(
        "floor-unfillable",
        Y,
        "floors: {D: 50}",
        "floors: {§D: 50}",
        (
            (X, "domain=D", "domain=A"),
            (XH, "domain=D", "domain=A"),
            (Y, "blueprint: {A: 1, D: 1}", "blueprint: {A: 2}"),
        ),
    ),
    Spoilt(
        "stale-fact",
        F,
        "verified_on: 2026-11-20\n  review_after_days: 90",
        "verified_on: §2026-08-24\n  review_after_days: 90",
    ),
    Spoilt(
        "verified-in-future",
        F,
        "verified_on: 2026-11-20\n  review_after_days: 90",
        "verified_on: §2026-11-24\n  review_after_days: 90",
    ),
    # --- lessons
    Spoilt(
        "double-id",
        C,
        "id: cost",
        "id: §rare-things",
        ((CH, "id: cost", "id: rare-things"), (Y, "scores, scores/cost", "scores")),
    ),
    Spoilt("double-id", X, "{#final-rule", "{§#two-tools", ((XH, "{#final-rule", "{#two-tools"),)),
    Spoilt(
        "double-id",
        C,
        "formerly: [price]",
        "formerly: [§rare-things]",
        ((CH, "formerly: [price]", "formerly: [rare-things]"),),
    ),
    Spoilt(
        "lesson-length",
        C,
        "id: cost\ntitle: Cost",
        "id: cost\n§title: Cost",
        (
            (
                C,
                "```check",
                "word " * 70 + "\n" + "word " * 70 + "\n" + "word " * 70 + "\n" + "word " * 70 + "\n\n```check",
            ),
        ),
    ),
    Spoilt("not-reviewed", L, "reviewed: {by: R. Devi, on: 2026-11-20}", '§reviewed: {by: "", on: }'),
    Spoilt("not-reviewed", LH, "reviewed: {by: R. Devi, on: 2026-11-20}", '§reviewed: {by: "", on: }'),
    Spoilt("reviewed-without-date", L, "reviewed: {by: R. Devi, on: 2026-11-20}", "§reviewed: {by: R. Devi}"),
    Spoilt("fence-not-closed", C, "  > It was paid.\n```\n", "  > It was paid.\n", ((C, "```check", "§```check"),)),
    prose("unknown-fence", "§```chek {#a}\nx\n```"),
    prose("fence-not-at-margin", "> quoted\n>\n§> ```\n> x\n"),
    Spoilt("exercise-here", Q, "Think of one family.", "§```lab\nname: grievance-sorter\n```"),
    prose("heading-one", "§# A second title"),
    prose("heading-skips", "§#### Too deep"),
    prose("heading-not-at-margin", "§> ## In a quote"),
    prose("underlined-heading", "A heading\n§---"),
    prose("raw-html", "Some §<b>bold words."),
    prose("raw-html", "A comment §<!-- for the editor --> here."),
    prose("reference-link", "See §[the report][1]."),
    prose("reference-link", "§[1]: https://example.org"),
    prose("nested-too-deep", "§> > > > > > > deep"),
    prose("table-too-big", "| a | b |\n|---|---|\n" + "| c | d |\n" * 499 + "§| e | f |"),
    prose("too-many-marks", "*a* " * 90 + "\n" + "§*b* " * 1 + "*b* " * 20),
    Spoilt(
        "too-much-markup", Q, "Think of one family.", "\n".join(["&" * 380] * 27), ((Q, "## A score", "## §A score"),)
    ),
    Spoilt("passage-too-long", Q, "> Two of three.", "> §" + "\n> ".join(["word " * 75] * 60)),
    prose("link-malformed", "See §[the report](https://example.org"),
    prose("link-malformed", "See §[](https://example.org)."),
    prose("link-scheme", "See §[this](javascript:alert(1))."),
    prose("link-scheme", "See §[this](//example.org/x)."),
    prose("link-scheme", "See §<ftp://example.org/x>."),
    prose("link-broken", "See §[this](03-nowhere.en.md)."),
    prose("link-broken", "See §[this](../../../etc/passwd)."),
    prose("alt-missing", "§![](flags.svg)"),
    prose("picture-missing", "§![a flag](flag.svg)"),
    prose("picture-name", "§![a flag](../final/flags.svg)"),
    prose("picture-name", "§![a flag](https://example.org/flags.svg)"),
    Spoilt("picture-name", "01-scores/My Flags.svg", "", "<svg/>"),
    Spoilt("picture-type", "01-scores/flags.png", "", "GIF89a"),
    Spoilt("picture-heavy", V, "670 flags</text>", "670 flags</text>" + "<!-- a long comment -->" * 600),
    Spoilt("picture-unused", "01-scores/other.svg", "", '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"/>'),
    Spoilt(
        "picture-other-language",
        LH,
        "![670 निशान, 490 ग़लत](flags.hi.svg",
        "§![670 निशान, 490 ग़लत](flags.svg",
        (),
        (("01-scores/flags.hi.svg", "picture-unused"),),
    ),
    Spoilt("svg-unreadable", V, "</svg>\n", "§"),
    Spoilt("svg-unreadable", V, ' viewBox="0 0 640 320" width="640" height="320"', ""),
    Spoilt("svg-unsafe", V, "<svg xmlns", '<!DOCTYPE svg §[<!ENTITY a "b">]>\n<svg xmlns'),
    svg("§<script>alert(1)</script>"),
    svg("§<style>a{}</style>"),
    svg("§<foreignObject/>"),
    svg('§<rect onload="alert(1)"/>'),
    svg('§<rect style="fill:red"/>'),
    svg('§<use href="https://example.org/a.svg#b"/>'),
    svg('§<image href="data:image/png;base64,AAAA"/>'),
    svg('§<rect fill="url(https://example.org/a.svg#b)"/>'),
    svg('§<a href="https://example.org"/>'),
    svg('§<animate attributeName="href"/>'),
    svg('§<?xml-stylesheet href="a.css"?>'),
    svg('§<x:script xmlns:x="http://www.w3.org/1999/xhtml"/>'),
    prose("unknown-term", "A §[[base-rates]] here."),
    prose("unknown-fact", "A fact §[@robodept]."),
    prose("unknown-fact", "So many: §{{robodept}}."),
    prose("fact-without-value", "So many: §{{no-value}}."),
    Spoilt(
        "lab-not-built",
        C,
        "```check",
        "```lab\nname: §no-such-lab\n```\n\n```check",
        ((CH, "```check", "```lab\nname: §no-such-lab\n```\n\n```check"),),
    ),
    Spoilt(
        "double-lab",
        C,
        "```check",
        "```lab\nname: §grievance-sorter\n```\n\n```check",
        ((CH, "```check", "```lab\nname: grievance-sorter\n```\n\n```check"),),
    ),
    # --- questions
    Spoilt("id-missing", L, CHECK, "§```check"),
    Spoilt("id-missing", Q, "## Which two are tools? {#two-tools outcome", "## Which two are tools? §{outcome"),
    Spoilt("unknown-attribute", L, CHECK, "```check {#honest-families outcome=1.b §lavel=recall}"),
    Spoilt("unknown-attribute", L, CHECK, "```check §now {#honest-families outcome=1.b}"),
    Spoilt("double-attribute", Q, "level=explain domain=A", "level=explain domain=A §level=recall"),
    Spoilt(
        "missing-attribute",
        Q,
        "{#two-tools outcome=1.a level=classify domain=D}",
        "§{#two-tools level=classify domain=D}",
    ),
    Spoilt("unknown-level", Q, "level=explain", "§level=explane", ((QH, "level=explain", "§level=explane"),)),
    Spoilt("unknown-type", Q, "type=numeric", "§type=number"),
    Spoilt(
        "stem-missing",
        L,
        "In 10,000 files, 200 are ineligible. How many honest families are flagged?\n",
        "",
        ((L, "```check {#honest", "§```check {#honest"),),
    ),
    Spoilt("stem-long", Q, "Which two are tools?", "§" + "a " * 71),
    Spoilt("heading-in-question", Q, "Think of one family.", "§### Think"),
    Spoilt("stray-text", Q, "---\n\n## A score", "---\n\n§Some words first.\n\n## A score"),
    Spoilt("stray-text", Q, "  > Nobody has decided yet.", "  > Nobody has decided yet.\n§and more"),
    Spoilt("option-malformed", Q, "- [ ] a decision", "§- [] a decision"),
    Spoilt("option-malformed", Q, "- [ ] a decision", "§- [ ]a decision"),
    Spoilt("option-empty", Q, "- [ ] a decision", "§- [ ]"),
    Spoilt(
        "options-too-many",
        Q,
        "- [ ] A person\n",
        "".join(f"- [ ] A person {n}\n  > No.\n" for n in range(3, 11)) + "§- [ ] A person\n",
        ((QH, "- [ ] मनुष्य\n", "".join(f"- [ ] मनुष्य {n}\n  > नहीं।\n" for n in range(3, 11)) + "§- [ ] मनुष्य\n"),),
    ),
    Spoilt("option-twice", Q, "- [ ] A person", "§- [ ] a  Rule"),
    Spoilt("option-no-feedback", Q, "- [ ] a decision\n  > Nobody has decided yet.\n", "§- [ ] a decision\n"),
    Spoilt("feedback-long", Q, "  > Nobody has decided yet.", "  > §" + "word " * 46),
    Spoilt("feedback-not-indented", Q, "  > Not a tool.\n", "§> Not a tool.\n- [ ] A fourth\n  > No.\n"),
    Spoilt("quiz-no-key", Q, "- [x] a guess", "- [ ] a guess", ((Q, "## A score", "## §A score"),)),
    Spoilt(
        "two-keys",
        Q,
        "{#two-tools outcome",
        "{#two-tools type=single outcome",
        (
            (Q, "- [x] A count", "- [§x] A count"),
            (QH, "{#two-tools outcome", "{#two-tools type=single outcome"),
            (QH, "- [x] गिनती", "- [§x] गिनती"),
        ),
    ),
    Spoilt(
        "type-missing",
        Q,
        "- [x] A rule\n  > Right.\n- [x] A count\n  > Right as well.\n- [ ] A person\n  > Not a tool.\n",
        "",
        ((Q, "## Which", "## §Which"),),
    ),
    Spoilt("number-missing", Q, "= 26.9 ± 0.5\n", "", ((Q, "## How many", "## §How many"),)),
    Spoilt("number-unreadable", Q, "= 26.9 ± 0.5", "= §about 27"),
    Spoilt("vary-unreadable", Q, "= 26.9 ± 0.5", "vary: §n is many\n= n ± 0.5"),
    Spoilt("vary-unreadable", Q, "= 26.9 ± 0.5", "vary: n = 1 | 2\nvary: §n = 3\n= n ± 0.5"),
    Spoilt(
        "vary-unused",
        Q,
        "= 26.9 ± 0.5",
        "vary: n = 26.9\n= n ± 0.5",
        (
            (Q, "## How many", "## §How many"),
            (QH, "= 26.9 ± 0.5", "vary: n = 26.9\n= n ± 0.5"),
            (QH, "## कितने प्रतिशत", "## §कितने प्रतिशत"),
        ),
    ),
    Spoilt("vary-too-much", Q, "= 26.9 ± 0.5", f"§vary: n = {MANY}\nvary: m = {MANY}\n= n × m ± 0.5"),
    Spoilt(
        "vary-in-check",
        L,
        "= 73 ± 1",
        "vary: n = 73\n= n ± 1",
        ((L, "```check {#how-many", "§```check {#how-many"), (L, "How many flags are", "How many of {n} flags are")),
    ),
    Spoilt("formula-unreadable", Q, "= 26.9 ± 0.5", "{n}\n\nvary: n = 1 | 0\n= §1 ÷ n ± 0.5"),
    Spoilt("formula-unreadable", Q, "= 26.9 ± 0.5", "{n}\n\nvary: n = 1 | 2\n= §n + m ± 0.5"),
    Spoilt("formula-unreadable", Q, "= 26.9 ± 0.5", "{n}\n\nvary: n = 1 | 2\n= §__import__('os') ± 0.5"),
    Spoilt("number-unreadable", Q, "= 26.9 ± 0.5", "= §26.9 ± -1"),
    Spoilt("number-twice", Q, "= 26.9 ± 0.5", "= 26.9 ± 0.5\n§= 27"),
    Spoilt("options-in-numeric", Q, "= 26.9 ± 0.5", "= 26.9 ± 0.5\n\n§- [x] 26\n  > Right."),
    Spoilt("number-in-choice", Q, "- [ ] a decision", "§= 5\n\n- [ ] a decision"),
    Spoilt("same-question", X, "## What is a rule?", "## §which two are **tools**?"),
    # --- translations
    Spoilt(
        "drift-missing",
        LH,
        "```check {#how-many type=numeric}\nकितने प्रतिशत निशान ग़लत हैं?\n= 73 ± 1\n> 670 में से 490।\n```\n",
        "",
    ),
    Spoilt("drift-missing", LH, "```lab\nname: grievance-sorter\n```\n", ""),
    Spoilt(
        "drift-extra",
        L,
        "```check {#how-many type=numeric}\nHow many flags are wrong, in percent?\n= 73 ± 1\n> 490 of 670.\n```\n",
        "",
        ((LH, "{#how-many", "{§#how-many"),),
    ),
    Spoilt(
        "drift-order",
        XH,
        "",
        "---\ntitle: अंतिम\n---\n\n"
        "## उत्तर कौन देगा? {§#final-answers outcome=1.b level=recall domain=D}\n\n"
        "- [x] कार्यालय\n  > सही।\n- [ ] उपकरण\n  > नहीं।\n\n> हमेशा।\n\n"
        "## नियम क्या है? {#final-rule outcome=1.a level=recall domain=A}\n\n"
        "- [ ] अनुमान\n  > नहीं।\n- [x] शर्त\n  > सही।\n\n> किसी ने उसे लिखा।\n",
    ),
    Spoilt("drift-front", LH, "id: rare-things", "id: §rare-thing"),
    Spoilt("drift-front", LH, "outcomes: [1.b]", "outcomes: §[1.a]"),
    Spoilt("drift-front", LH, "exercise_minutes: 3", "exercise_minutes: §4"),
    Spoilt("drift-front", CH, "formerly: [price]", "formerly: §[prices]"),
    Spoilt("drift-front", MH, "outcomes: [1.a, 1.b]", "outcomes: §[1.b, 1.a]"),
    Spoilt("drift-attribute", QH, "level=explain", "§level=recall"),
    Spoilt("drift-attribute", LH, " outcome=1.b}", "}", ((LH, "```check {#honest", "```check §{#honest"),)),
    Spoilt(
        "drift-kind",
        QH,
        "{#two-tools outcome",
        "{#two-tools type=single outcome",
        ((QH, "- [x] गिनती", "- [ ] गिनती"), (QH, "## कौन-से", "## §कौन-से")),
    ),
    Spoilt("drift-options", QH, "- [ ] मनुष्य\n  > उपकरण नहीं।\n", "", ((QH, "## कौन-से", "## §कौन-से"),)),
    Spoilt("drift-options", QH, "  > उपकरण नहीं।\n", "  > उपकरण नहीं।\n§- [ ] मशीन\n  > नहीं।\n"),
    Spoilt("drift-key", QH, "- [ ] निर्णय", "- [§x] निर्णय", ((QH, "- [x] अनुमान", "- [ ] अनुमान"),)),
    Spoilt("drift-number", QH, "= 26.9 ± 0.5", "= §26.9 ± 5"),
]
