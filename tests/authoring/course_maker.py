"""A small complete course in English and Hindi, without a single problem, for tests to spoil."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from elearn.authoring.compiler import compile_course
from elearn.domain.course import Course
from elearn.domain.problems import Problem

TODAY = date(2026, 11, 23)
MARK = "§"
"""Stands in the spoilt text where the problem must be told."""

SVG = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 320" width="640" height="320">
  <title>Flags</title>
  <rect width="640" height="320" fill="#fbfaf7"/>
  <text x="20" y="40" font-size="24" font-family="sans-serif">670 flags</text>
</svg>
"""

# 13 lines of 40 words: long enough for a lesson, and nothing in it that Markdown could mean.
_FILL = {
    "en": "\n".join(["the officer reads one file after another and asks who is missing from it " * 3] * 13),
    "hi": "\n".join(["अधिकारी एक के बाद एक फ़ाइल पढ़ते हैं और पूछते हैं कि उसमें कौन छूट गया " * 3] * 13),
}


def _fill(language: str) -> str:
    return "\n".join(line.strip() for line in _FILL[language].split("\n"))


COURSE = """\
title: {en: Small course, hi: छोटा कोर्स}
description: {en: A course for tests., hi: जाँच के लिए एक कोर्स।}
languages: [en, hi]
modules: [scores]
outcomes:
  1.a: {en: Classify tools., hi: उपकरण छाँटना।}
  1.b: {en: Count people., hi: लोगों को गिनना।}
domains:
  A: {en: How AI works, hi: एआई कैसे काम करता है}
  D: {en: Law, hi: कानून}
routes:
  officer:
    title: {en: Officers, hi: अधिकारी}
    modules: [scores]
  leader:
    title: {en: Leaders, hi: नेतृत्व}
    lessons: [scores/rare-things]
    labs: [grievance-sorter]
    quizzes: [scores]
    any_of: [[scores, scores/cost]]
quizzes:
  module: {draw: 3, pass: 75}
  final: {draw: 2, minutes: 10, pass: 70, floors: {D: 50}, blueprint: {A: 1, D: 1}, wait_hours_after: {2: 24}}
completion: {fastest_words_per_minute: 600}
"""

GLOSSARY = """\
base-rate:
  term: {en: base rate, hi: मूल दर}
  means: {en: How common a thing is., hi: कोई बात कितनी आम है।}
  status: {hi: proposed}
"""

FACTS = """\
robodebt:
  text: {en: Debts were raised by arithmetic., hi: बकाया गणित से निकाला गया।}
  value: {en: "4,70,000", hi: "4,70,000"}
  source: {title: Report of the commission, url: "https://example.org/report?a=1&b=2", grade: P, date: 2023-07-07}
  verified_on: 2026-11-20
  review_after_days: 180
no-value:
  text: {en: A fact without a number., hi: बिना संख्या का तथ्य।}
  source: {title: {en: A note, hi: एक टिप्पणी}, url: "https://example.org/note", grade: S}
  verified_on: 2026-11-20
  review_after_days: 90
"""

MODULE = {
    "en": """\
---
title: Scores
outcomes: [1.a, 1.b]
---

Scores are guesses [@robodebt], and {{robodebt}} people paid for one.
""",
    "hi": """\
---
title: अंक
outcomes: [1.a, 1.b]
---

अंक अनुमान हैं [@robodebt], और {{robodebt}} लोगों ने उसकी क़ीमत चुकाई।
""",
}

RARE = {
    "en": f"""\
---
id: rare-things
title: Rare things
outcomes: [1.b]
exercise_minutes: 3
reviewed: {{by: R. Devi, on: 2026-11-20}}
---

> A vendor says the tool is right.

A [[base-rate]] matters [@robodebt], and so does the [[base-rate|rate]] of {{{{robodebt}}}} debts.
See [the next lesson](02-cost.en.md) and [the report](https://example.org/report).

## Count people

![670 flags, 490 of them wrong](flags.svg "Most flags are wrong.")

| Group | Flagged |
|---|---:|
| Eligible | 490 |
| Ineligible | 180 |

{_fill("en")}

```check {{#honest-families outcome=1.b}}
In 10,000 files, 200 are ineligible. How many honest families are flagged?
- [ ] 67
  > That is the share *missed*.
- [x] 490
  > Right: 9,800 files × 1 in 20.
```

```check {{#how-many type=numeric}}
How many flags are wrong, in percent?
= 73 ± 1
> 490 of 670.
```

```lab
name: grievance-sorter
```

> Count people, not percentages.
""",
    "hi": f"""\
---
id: rare-things
title: दुर्लभ बातें
outcomes: [1.b]
exercise_minutes: 3
reviewed: {{by: R. Devi, on: 2026-11-20}}
---

> विक्रेता कहता है कि उपकरण सही है।

[[base-rate|मूल दर]] ज़रूरी है [@robodebt], और {{{{robodebt}}}} बकाया भी।
[अगला पाठ](02-cost.hi.md) देखिए।

## लोगों को गिनिए

![670 निशान, 490 ग़लत](flags.hi.svg "अधिकतर निशान ग़लत हैं।")

{_fill("hi")}

```check {{#honest-families outcome=1.b}}
10,000 फ़ाइलों में 200 अपात्र हैं। कितने ईमानदार परिवारों पर निशान लगा?
- [ ] 67
  > यह छूटा हुआ हिस्सा है।
- [x] 490
  > सही: 9,800 फ़ाइलें × 20 में 1।
```

```check {{#how-many type=numeric}}
कितने प्रतिशत निशान ग़लत हैं?
= 73 ± 1
> 670 में से 490।
```

```lab
name: grievance-sorter
```

> प्रतिशत नहीं, लोग गिनिए।
""",
}

COST = {
    language: f"""\
---
id: cost
title: {title}
outcomes: [1.a]
exercise_minutes: 0
reviewed: {{by: R. Devi, on: 2026-11-20}}
formerly: [price]
---

{_fill(language)}

```check {{#who-pays}}
{asks}
- [x] {right}
  > {why}
- [ ] {wrong}
  > {why_not}
```
"""
    for language, title, asks, right, why, wrong, why_not in (
        ("en", "Cost", "Who pays?", "The family", "It waits.", "The vendor", "It was paid."),
        ("hi", "क़ीमत", "क़ीमत कौन चुकाता है?", "परिवार", "वह रुकता है।", "विक्रेता", "उसे पैसा मिल चुका।"),
    )
}

BANK = {
    "en": """\
---
title: Scores and errors
---

## A score of 0.7 means … {#score-is-not outcome=1.a level=explain domain=A}
Think of one family.

- [ ] a decision
  > Nobody has decided yet.
- [x] a guess
  > Right: someone must weigh it.

> A score is a guess.

## Which two are tools? {#two-tools outcome=1.a level=classify domain=D}

- [x] A rule
  > Right.
- [x] A count
  > Right as well.
- [ ] A person
  > Not a tool.

> Two of three.

## How many flags are right, in percent? {#flags-right type=numeric outcome=1.b level=calculate domain=A}

= 26.9 ± 0.5

> 180 of 670.
""",
    "hi": """\
---
title: अंक और ग़लतियाँ
---

## 0.7 अंक का अर्थ … {#score-is-not outcome=1.a level=explain domain=A}
एक परिवार की सोचिए।

- [ ] निर्णय
  > अभी किसी ने निर्णय नहीं लिया।
- [x] अनुमान
  > सही: किसी को तौलना होगा।

> अंक अनुमान है।

## कौन-से दो उपकरण हैं? {#two-tools outcome=1.a level=classify domain=D}

- [x] नियम
  > सही।
- [x] गिनती
  > यह भी सही।
- [ ] मनुष्य
  > उपकरण नहीं।

> तीन में से दो।

## कितने प्रतिशत निशान सही हैं? {#flags-right type=numeric outcome=1.b level=calculate domain=A}

= 26.9 ± 0.5

> 670 में से 180।
""",
}

FINAL = {
    "en": """\
---
title: Final
---

## What is a rule? {#final-rule outcome=1.a level=recall domain=A}

- [ ] A guess
  > No.
- [x] A condition
  > Right.

> Somebody wrote it.

## Who answers? {#final-answers outcome=1.b level=recall domain=D}

- [x] The office
  > Right.
- [ ] The tool
  > No.

> Always the office.
""",
    "hi": """\
---
title: अंतिम
---

## नियम क्या है? {#final-rule outcome=1.a level=recall domain=A}

- [ ] अनुमान
  > नहीं।
- [x] शर्त
  > सही।

> किसी ने उसे लिखा।

## उत्तर कौन देगा? {#final-answers outcome=1.b level=recall domain=D}

- [x] कार्यालय
  > सही।
- [ ] उपकरण
  > नहीं।

> हमेशा कार्यालय।
""",
}


def small_course() -> dict[str, str]:
    """Its files by name."""
    files = {"course.yaml": COURSE, "glossary.yaml": GLOSSARY, "facts.yaml": FACTS}
    files |= {"01-scores/flags.svg": SVG, "01-scores/flags.hi.svg": SVG.replace("Flags", "निशान")}
    for language in ("en", "hi"):
        files |= {
            f"01-scores/module.{language}.md": MODULE[language],
            f"01-scores/01-rare.{language}.md": RARE[language],
            f"01-scores/02-cost.{language}.md": COST[language],
            f"01-scores/questions.{language}.md": BANK[language],
            f"final/questions.{language}.md": FINAL[language],
        }
    return files


def write(folder: Path, files: dict[str, str] | dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def compiled(folder: Path) -> tuple[Course | None, list[Problem]]:
    return compile_course(folder, None, TODAY)


@dataclass(frozen=True)
class Spoilt:
    """One mistake: in `file`, `old` becomes `new`, in which MARK stands where the problem must be told.

    `also` are further changes that the mistake needs, each (file, old, new), with a MARK where the same problem must be
    told again; an empty `old` writes a whole file. `brings` are (file, code) of what must be told of a whole file too.
    """

    code: str
    file: str
    old: str
    new: str
    also: tuple[tuple[str, str, str], ...] = ()
    brings: tuple[tuple[str, str], ...] = ()

    def spoil(self, files: dict[str, str]) -> dict[str, str]:
        changed = dict(files)
        for file, old, new in ((self.file, self.old, self.new), *self.also):
            before = changed.get(file, "")
            assert not old or before.count(old) == 1, f"“{old}” stands {before.count(old)} times in {file}"
            changed[file] = before.replace(old, new) if old else new
        return changed

    def expected(self, files: dict[str, str]) -> list[tuple[str, int, int, str]]:
        """(file, line, column, code) in reading order; without a mark the whole file is meant."""
        places = [(name, *place, self.code) for name, text in self.spoil(files).items() for place in _marks(text)]
        brought = [(file, 1, 1, code) for file, code in self.brings]
        return sorted([*(places or [(self.file, 1, 1, self.code)]), *brought])

    def write(self, folder: Path, files: dict[str, str]) -> Path:
        return write(folder, {name: text.replace(MARK, "") for name, text in self.spoil(files).items()})


def _marks(text: str) -> list[tuple[int, int]]:
    """Line and column of each mark, as if the marks before it were not there."""
    return [
        (number, index - line.count(MARK, 0, index) + 1)
        for number, line in enumerate(text.split("\n"), 1)
        for index, character in enumerate(line)
        if character == MARK
    ]


def told(problems: list[Problem], folder: Path) -> list[tuple[str, int, int, str]]:
    """(file, line, column, code) of each problem."""
    return [(str(Path(p.path).relative_to(folder)), p.line, p.column, p.code) for p in problems]
