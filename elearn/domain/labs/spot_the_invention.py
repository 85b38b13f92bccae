"""Practice lab 5 (b): an officer checks a machine-style summary against its source, statement by statement.

The key and the reasons stay on the server until a run has been sent: nothing that is in the page before a run depends
on them. The script in the page only adds up the marks it is answered with, as `total` does here.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from elearn.domain.labs.lab import BadChoices, Run, data_of, only, spoken

LANGUAGES = ("en", "hi")
MARKS = ("supported", "contradicted", "absent")
MARK, LINE = "mark-", "line-"  # a statement's fields in the form are these and its id

RIGHT_POINTS = 1
# An untruth that goes out as checked costs more than a second look.
FALSE_SUPPORT_POINTS = -2
ENOUGH_RIGHT = 8
SHOWN_RUNS = 20

# The sentences the script needs; all others are in the page already.
SCRIPT_WORDS = (
    *("headline", "headline_detail", "state_right", "state_line", "state_false_support", "state_wrong"),
    *("state_met", "state_missing", "saving", "saved", "waiting", "refused"),
)

DATA = data_of(__file__)
CIRCULAR: Sequence[Mapping[str, str]] = DATA["circular"]
STATEMENTS: Sequence[Mapping[str, Any]] = DATA["statements"]
LINES = tuple(range(len(CIRCULAR) + 1))  # 0 stands for no line
WORDS: Mapping[str, Mapping[str, str]] = {
    tag: {code: sentence[tag] for code, sentence in DATA["words"].items()} for tag in LANGUAGES
}


def _state(statement: Mapping[str, Any], mark: str, line: int) -> str:
    """What an officer's mark is: right, right but for the `line`, a `false_support`, or otherwise `wrong`."""
    if mark == statement["mark"]:
        return "right" if mark == "absent" or line == statement["line"] else "line"
    return "false_support" if mark == "supported" else "wrong"


def total(states: Sequence[str]) -> dict[str, int]:
    """How many marks are in each state, and the points they make."""
    count = Counter(states)
    points = RIGHT_POINTS * count["right"] + FALSE_SUPPORT_POINTS * count["false_support"]
    return {
        "right": count["right"],
        "line": count["line"],
        "false_support": count["false_support"],
        "wrong": count["wrong"],
        "points": points,
        "of": RIGHT_POINTS * len(states),
    }


def signed(points: int) -> str:
    """Points with a proper minus sign."""
    return str(points).replace("-", "\u2212")


def _is_careful(figures: Mapping[str, Any]) -> bool:
    return bool(figures["right"] >= ENOUGH_RIGHT and not figures["false_support"])


def _told(language: str, statement: Mapping[str, Any], state: str, careful: bool) -> str:
    """The reason, for a right mark and after a careful run; else a hint where to look."""
    if not careful and state != "right":
        return str(statement["hint"][language])
    words = WORDS[language]
    return words["answer"].format(mark=words[f"mark_{statement['mark']}"], why=statement["why"][language])


def _why_not_careful(runs: Sequence[Run]) -> str:
    if any(_is_careful(figures) for _, figures in runs):
        return ""
    if not runs:
        return "first-mark"
    return "false-support" if runs[-1][1]["false_support"] else "few-right"


def _run_rows(runs: Sequence[Run]) -> list[dict[str, Any]]:
    rows = [
        {"number": number} | figures | {"points": signed(figures["points"])}
        for number, (_, figures) in enumerate(runs, start=1)
    ]
    return rows[-SHOWN_RUNS:]


def _statement_rows(language: str, choices: Mapping[str, Any], figures: Mapping[str, Any]) -> list[dict[str, Any]]:
    words = WORDS[language]
    marked = {row["id"]: row for row in figures.get("marks", ())}
    rows = []
    for number, statement in enumerate(STATEMENTS, start=1):
        mark, line = choices.get("marks", {}).get(statement["id"], ("", 0))
        told = marked.get(statement["id"], {"state": "", "told": ""})
        rows.append(
            {"id": statement["id"], "title": words["statement"].format(number=number)}
            | {"text": statement["text"][language], "mark": mark, "line": line, "state": told["state"]}
            | {"state_text": words[f"state_{told['state']}"] if told["state"] else "", "told": told["told"]}
        )
    return rows


class SpotTheInvention:
    """Lab 5 (b), "Spot the invention"."""

    name = "spot-the-invention"

    def read(self, form: Mapping[str, Sequence[str]]) -> dict[str, Any]:
        """Choices as {"language": str, "marks": {statement id: [mark, line]}} with all statements; line 0 is none."""
        language = only(form, "language", LANGUAGES)
        if language is None:
            raise BadChoices("missing-choice", field="language")
        known = {prefix + statement["id"] for statement in STATEMENTS for prefix in (MARK, LINE)}
        for field in form:
            if field.startswith((MARK, LINE)) and field not in known:
                raise BadChoices("unknown-statement", field=field[:40])
        marks = {}
        for number, statement in enumerate(STATEMENTS, start=1):
            mark = only(form, MARK + statement["id"], MARKS)
            if mark is None:
                raise BadChoices("missing-mark", number=number)
            line = only(form, LINE + statement["id"], tuple(map(str, LINES)))
            # Where nothing in the source decides, no line does.
            marks[statement["id"]] = [mark, 0 if mark == "absent" else int(line or 0)]
        return {"language": language, "marks": marks}

    def fields(self, choices: dict[str, Any]) -> dict[str, str]:
        fields = {"language": str(choices["language"])}
        for statement, (mark, line) in choices["marks"].items():
            fields |= {MARK + statement: mark, LINE + statement: str(line)}
        return fields

    def run(self, choices: dict[str, Any]) -> dict[str, Any]:
        """Each statement's state and what is told of it, how many are in each state, and the points."""
        states = [_state(statement, *choices["marks"][statement["id"]]) for statement in STATEMENTS]
        totals = total(states)
        careful = _is_careful(totals)
        marks = [
            {"id": row["id"], "state": state, "told": _told(choices["language"], row, state, careful)}
            for row, state in zip(STATEMENTS, states, strict=True)
        ]
        return {"marks": marks, **totals}

    def todo(self, language: str, runs: Sequence[Run]) -> list[dict[str, Any]]:
        """The two tasks: to mark all statements, and to do it carefully in one run."""
        words = WORDS[spoken(language, LANGUAGES)]
        why = {"mark": "" if runs else "no-run", "careful": _why_not_careful(runs)}
        told = {"lines": len(CIRCULAR)}
        if runs:
            told |= {key: runs[-1][1][key] for key in ("right", "false_support")}
        return [
            {
                "code": code,
                "state": "missing" if reason else "met",
                "why": reason,
                "text": words["todo_" + code],
                "why_text": words["why_" + reason].format(**told) if reason else "",
            }
            for code, reason in why.items()
        ]

    def reached(self, runs: Sequence[Run]) -> bool:
        """Whether one run had at least 8 statements right with their lines, and no wrong "supported"."""
        return all(task["state"] == "met" for task in self.todo("en", runs))

    def refusal(self, language: str, problem: BadChoices) -> str:
        """Which statement has no mark yet; or, for what no page of ours sends, to load the page again."""
        code = "bad_missing_mark" if problem.code == "missing-mark" else "bad_form"
        return WORDS[spoken(language, LANGUAGES)][code].format(**problem.arguments)

    def sample_runs(self, language: str) -> list[dict[str, Any]]:
        """First all taken on trust, with the right lines where there are any; then all checked."""
        tag = spoken(language, LANGUAGES)
        trusting = {statement["id"]: ["supported", statement["line"]] for statement in STATEMENTS}
        checked = {statement["id"]: [statement["mark"], statement["line"]] for statement in STATEMENTS}
        return [{"language": tag, "marks": marks} for marks in (trusting, checked)]

    def view(self, language: str, runs: Sequence[Run]) -> dict[str, Any]:
        """Everything `templates/labs/spot-the-invention.html` shows, with the latest run's marks still chosen.

        `data` is what the script is given; `script`, `modules` and `style` are paths under `static`.
        """
        tag = spoken(language, LANGUAGES)
        words = WORDS[tag]
        # Run again rather than read, because the marks may have been made in another language.
        choices = runs[-1][0] | {"language": tag} if runs else {}
        figures = self.run(choices) if runs else {}
        headline = figures | {"points": signed(figures["points"])} if runs else {}
        return {
            "name": self.name,
            "script": f"labs/{self.name}.js",
            "modules": ["labs/frame.js"],
            "style": "css/labs.css",
            "language": tag,
            "words": words,
            "circular": [line[tag] for line in CIRCULAR],
            "marks": [{"mark": mark, "text": words[f"mark_{mark}"]} for mark in MARKS],
            "lines": [
                {"line": line, "text": words["line"].format(number=line) if line else words["no_line"]}
                for line in LINES
            ],
            "statements": _statement_rows(tag, choices, figures),
            "ran": bool(runs),
            "headline": words["headline"].format(**headline) if runs else "",
            "headline_detail": words["headline_detail"].format(**figures) if runs else "",
            "runs": _run_rows(runs),
            "todo": self.todo(tag, runs),
            "reached": self.reached(runs),
            "data": {
                "points": {"right": RIGHT_POINTS, "false_support": FALSE_SUPPORT_POINTS},
                "words": {code: words[code] for code in SCRIPT_WORDS},
            },
        }


SPOT_THE_INVENTION = SpotTheInvention()
