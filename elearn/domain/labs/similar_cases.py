"""Practice lab 8: an officer searches 60 old case notes for those that decide the question of her own case.

The notes were written so that the lesson can be seen. With the case in English, precision at 5 is 0 % for plain counts,
20 % once common words are left out, 20 % for weighed words, 40 % once their endings are cut, and 60 % by meaning, which
is all there is to find. The nearest by words is always on another point, and the Hindi note on the officer's point
shares no word with the English case. With the case in Hindi every search by words finds that one note and neither of
the English two. `tests/domain/test_similar_cases.py` holds all 18 rankings.
"""

import functools
import math
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from elearn.domain.labs.lab import BadChoices, Run, only, spoken
from elearn.domain.labs.note_search import (
    BILLION,
    DATA,
    FIRST,
    LANGUAGES,
    NOTES,
    SEARCHES,
    SWITCHES,
    WAYS,
    Note,
    Search,
    billionths,
    driving_words,
    ranking,
)

CHECKS = ("exists", "score", "good-law", "twice", "quoted")
RIGHT_CHECKS = frozenset({"exists", "good-law"})
ALL_CHECKS = {"right": len(RIGHT_CHECKS), "wrong": 0}
POINT = "start"  # the point of law of the officer's case
DECIDING = ("rate", "entitled", POINT, "excuse")  # what the first note may be said to decide
MARK, CHECK = "mark-", "check-"  # a note's or a check's field in the form is this and its number or id
TICKED = ("1",)

MOST_MARKS = 5

# The sentences the script needs; all others are in the page already.
SCRIPT_WORDS = (
    *("headline", "detail_words", "detail_meaning", "other_notes", "near", "near_words", "near_none"),
    *("mark_good", "mark_bad", "too_many", "told_marks", "told_nearest_other", "told_nearest_same"),
    *("told_nearest_wrong", "told_precision_right", "told_precision_wrong", "told_checks_right", "told_checks_wrong"),
    *("query_en", "query_hi", "tried_count", "tried_weights", "tried_meaning", "tried_stop", "tried_stem", "not_yet"),
    *("state_met", "state_missing", "saving", "saved", "waiting", "refused"),
)

NUMBERS = frozenset(str(note.number) for note in NOTES)
ON_POINT = tuple(note.number for note in NOTES if note.point == POINT)

WORDS: Mapping[str, Mapping[str, str]] = {
    tag: {code: sentence[tag] for code, sentence in DATA["words"].items()} for tag in LANGUAGES
}
POINTS: Mapping[str, Mapping[str, str]] = {
    tag: {row["id"]: row["name"][tag] for row in DATA["points"]} for tag in LANGUAGES
}
DOMAINS: Mapping[str, Mapping[str, str]] = {
    tag: {row["id"]: row["name"][tag] for row in DATA["domains"]} for tag in LANGUAGES
}


# What was reached


def _search_of(choices: Mapping[str, Any]) -> Search:
    return Search(choices["query"], choices["by"], choices["stop"], choices["stem"])


def _by_words_only(runs: Sequence[Run]) -> list[Run]:
    return [run for run in runs if run[0]["by"] != "meaning"]


def _other_language(note: int, query: str) -> bool:
    return NOTES[note - 1].lang != query


def _found_otherwise(runs: Sequence[Run]) -> list[tuple[Run, int]]:
    """Notes on the point that a search by words missed for their language, with each run that shows them early."""
    queries = {choices["query"] for choices, _ in _by_words_only(runs)}
    missed = [note for note in ON_POINT if any(_other_language(note, query) for query in queries)]
    return [(run, note) for run in runs for note in missed if note in run[1]["order"][:FIRST]]


def _why_no_trap(runs: Sequence[Run]) -> str:
    by_words = _by_words_only(runs)
    if any(figures["nearest"] == "right" for _, figures in by_words):
        return ""
    if not by_words:
        return "words-first" if runs else "no-run"
    return "read-again" if by_words[-1][1]["nearest"] else "no-answer"


def _why_no_precision(runs: Sequence[Run]) -> str:
    kinds = {choices["by"] == "meaning" for choices, figures in runs if figures["precision"] == "right"}
    if len(kinds) == 2:
        return ""
    if runs and runs[-1][1]["precision"] == "wrong":
        return "count-again"
    if kinds:
        return "words-too" if True in kinds else "meaning-too"
    return "no-number" if runs else "no-run"


def _why_no_miss(runs: Sequence[Run]) -> str:
    found = _found_otherwise(runs)
    if any(note in run[0]["marks"] for run, note in found):
        return ""
    if not _by_words_only(runs):
        return "words-first" if runs else "no-run"
    return "mark-it" if any(run is runs[-1] for run, _ in found) else "other-way"


def _why_not_three(runs: Sequence[Run]) -> str:
    if any(len(figures["good"]) == len(ON_POINT) and not figures["bad"] for _, figures in runs):
        return ""
    if not runs:
        return "no-run"
    return "marks-off" if runs[-1][0]["marks"] else "no-marks"


def _why_no_checks(runs: Sequence[Run]) -> str:
    if any(figures["checks"] == ALL_CHECKS for _, figures in runs):
        return ""
    return "checks-off" if runs and runs[-1][0]["checks"] else "no-checks"


TASKS = {
    "trap": _why_no_trap,
    "precision": _why_no_precision,
    "miss": _why_no_miss,
    "three": _why_not_three,
    "checks": _why_no_checks,
}


# What the page shows


def _similar(similarity: float) -> str:
    """A similarity to two places, rounded down."""
    return f"{math.floor(billionths(similarity) / 1e7) / 100:.2f}"


def _told(language: str, run: Run) -> dict[str, dict[str, Any]]:
    """What is said to the ticks and answers of a run, and whether they were right; nothing where none were given."""
    (choices, figures), words = run, WORDS[language]
    first = NOTES[figures["order"][0] - 1]
    good, bad, checks = len(figures["good"]), len(figures["bad"]), figures["checks"]
    kind = "same" if first.point == POINT else "other"
    nearest = "wrong" if figures["nearest"] == "wrong" else kind
    state = {
        "marks": choices["marks"] and _state(good == len(ON_POINT) and not bad),
        "nearest": figures["nearest"],
        "precision": figures["precision"],
        "checks": choices["checks"] and _state(checks == ALL_CHECKS),
    }
    sentence = {
        "marks": words["told_marks"].format(count=good + bad, good=good, bad=bad),
        "nearest": words[f"told_nearest_{nearest}"].format(number=first.number, point=POINTS[language][first.point]),
        "precision": words[f"told_precision_{figures['precision'] or 'wrong'}"].format(
            hits=figures["hits"], percent=choices["precision"]
        ),
        "checks": words[f"told_checks_{_state(checks == ALL_CHECKS)}"].format(**checks),
    }
    return {part: {"text": sentence[part] if state[part] else "", "good": state[part] == "right"} for part in sentence}


def _state(right: bool) -> str:
    return "right" if right else "wrong"


def _headline(language: str, run: Run) -> dict[str, str]:
    (choices, figures), words = run, WORDS[language]
    kind = "detail_meaning" if choices["by"] == "meaning" else "detail_words"
    none = sum(similarity == 0 for similarity in figures["similarity"])
    return {
        "headline": words["headline"].format(number=figures["order"][0]),
        "headline_detail": words[kind].format(value=_similar(figures["similarity"][0]), none=none),
    }


def _note_row(language: str, note: Note, marks: Collection[int]) -> dict[str, Any]:
    words, good, marked = WORDS[language], note.point == POINT, note.number in marks
    verdict = words["mark_good" if good else "mark_bad"].format(point=POINTS[language][note.point])
    return {
        "number": note.number,
        "name": words["note"].format(number=note.number, domain=DOMAINS[language][note.domain]),
        **{key: getattr(note, key) for key in ("lang", "point", "head", "text")},
        "marked": marked,
        "verdict": verdict if marked else "",
        "near": "",
        "share": 0.0,
        "driven": "",
        "driven_lang": language,
    }


def _near(language: str, run: Run, place: int) -> dict[str, Any]:
    """How near the note at this place of a ranking is, and by which words."""
    (choices, figures), words = run, WORDS[language]
    similarity = figures["similarity"][place]
    driven = figures["words"][place] if place < FIRST else ()
    nothing = choices["by"] != "meaning" and similarity == 0
    kind = "near_none" if nothing else "near_words" if driven else "near"
    return {
        "near": words[kind].format(value=_similar(similarity)),
        "share": max(0.0, similarity),
        "driven": ", ".join(driven),
        "driven_lang": choices["query"],
    }


def _note_rows(language: str, latest: Run | None) -> list[dict[str, Any]]:
    """All notes: in the order of the latest run's ranking, else by number."""
    if latest is None:
        return [_note_row(language, note, ()) for note in NOTES]
    choices, figures = latest
    return [
        _note_row(language, NOTES[number - 1], choices["marks"]) | _near(language, latest, place)
        for place, number in enumerate(figures["order"])
    ]


def _tried(language: str, runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Every search made so far, once, with its precision where the officer has worked it out."""
    rows: dict[str, dict[str, Any]] = {}
    for choices, figures in runs:
        search = _search_of(choices)
        row = rows.setdefault(search.code, _tried_row(language, search, figures))
        if figures["precision"] == "right":
            row |= {"share": figures["hits"] / FIRST, "percent": f"{choices['precision']}\u00a0%"}
    return list(rows.values())


def _tried_row(language: str, search: Search, figures: Mapping[str, Any]) -> dict[str, Any]:
    words = WORDS[language]
    # The code's own parts, so that the switches are not named where they change nothing.
    query, by, *switched = search.code.split("-")
    parts = (words[f"query_{query}"], words[f"tried_{by}"], *(words[f"tried_{switch}"] for switch in switched))
    five = ", ".join(map(str, figures["order"][:FIRST]))
    return {"code": search.code, "search": ", ".join(parts), "five": five, "share": 0.0, "percent": words["not_yet"]}


def _model_note(language: str) -> str:
    english, hindi = ([str(note) for note in ON_POINT if NOTES[note - 1].lang == tag] for tag in LANGUAGES)
    return WORDS[language]["note_model"].format(english=", ".join(english), hindi=", ".join(hindi))


def _rules(language: str) -> dict[str, Any]:
    """What the two switches do, to be read in full."""
    keeps = {
        rule["lang"]: WORDS[language]["rule_" + rule["lang"]].format(keep=rule["keep"]) for rule in DATA["endings"]
    }
    return {
        "common": {tag: ", ".join(DATA["common"][tag].split()) for tag in LANGUAGES},
        "endings": [
            {"lang": rule["lang"], "text": keeps[rule["lang"]], "ends": ", ".join(rule["ends"])}
            for rule in DATA["endings"]
        ],
    }


@functools.cache
def _given(language: str) -> Mapping[str, Any]:
    """What the script is given. The page has the notes' texts already, so the template leaves `notes` out."""
    return {
        "case": DATA["case"],
        "caseVector": DATA["case_vector"],
        "vectors": [note.vector for note in NOTES],
        "notes": [{"number": note.number, "point": note.point, "text": f"{note.head} {note.text}"} for note in NOTES],
        "points": POINTS[language],
        "common": [DATA["common"][tag] for tag in LANGUAGES],
        "endings": [{"keep": rule["keep"], "ends": rule["ends"]} for rule in DATA["endings"]],
        "words": {code: WORDS[language][code] for code in SCRIPT_WORDS},
    }


def _percent(form: Mapping[str, Sequence[str]]) -> int | None:
    """The number typed for precision at 5, None where nothing was typed. Raises BadChoices."""
    values = form.get("precision", ())
    if len(values) > 1:
        raise BadChoices("given-twice", field="precision")
    if not values or not values[0]:
        return None
    if not re.fullmatch("[0-9]{1,3}", values[0]) or int(values[0]) > 100:
        raise BadChoices("bad-precision", value=values[0][:40])
    return int(values[0])


def _ticks(form: Mapping[str, Sequence[str]], prefix: str, known: Collection[str]) -> list[str]:
    """The known boxes with this prefix that were ticked. Raises BadChoices for others."""
    ticked = []
    for field in form:
        if field.startswith(prefix):
            if field.removeprefix(prefix) not in known:
                raise BadChoices("unknown-box", field=field[:40])
            if only(form, field, TICKED):
                ticked.append(field.removeprefix(prefix))
    return ticked


class SimilarCases:
    """Lab 8, "Similar-case search"."""

    name = "similar-cases"

    def read(self, form: Mapping[str, Sequence[str]]) -> dict[str, Any]:
        """Choices as {"query", "by", "stop", "stem", "marks": [note numbers], "nearest": a point of law or "",
        "precision": per cent or None, "checks": [ids]}. The two answers about a ranking count only if it is the one
        that was on the page (`seen`) when they were given: without a script they are sent with the next search too.
        """
        query, by = only(form, "query", LANGUAGES), only(form, "by", WAYS)
        if query is None or by is None:
            raise BadChoices("missing-choice", field="by" if query else "query")
        stop, stem = (only(form, switch, TICKED) is not None for switch in SWITCHES)
        marks = sorted(map(int, _ticks(form, MARK, NUMBERS)))
        if len(marks) > MOST_MARKS:
            raise BadChoices("too-many-marks", count=len(marks))
        checks = _ticks(form, CHECK, CHECKS)
        nearest, precision = only(form, "nearest", DECIDING) or "", _percent(form)
        if only(form, "seen", SEARCHES) != Search(query, by, stop, stem).code:
            nearest, precision = "", None
        return {
            "query": query,
            "by": by,
            "stop": stop,
            "stem": stem,
            "marks": marks,
            "nearest": nearest,
            "precision": precision,
            "checks": [check for check in CHECKS if check in checks],
        }

    def fields(self, choices: dict[str, Any]) -> dict[str, str]:
        ticked = [
            *(switch for switch in SWITCHES if choices[switch]),
            *(f"{MARK}{number}" for number in choices["marks"]),
            *(f"{CHECK}{check}" for check in choices["checks"]),
        ]
        percent = "" if choices["precision"] is None else str(choices["precision"])
        answers = {"seen": _search_of(choices).code, "nearest": choices["nearest"], "precision": percent}
        return {"query": choices["query"], "by": choices["by"], **answers, **dict.fromkeys(ticked, TICKED[0])}

    def run(self, choices: dict[str, Any]) -> dict[str, Any]:
        """Rank the notes and judge the ticks and answers.

        `order` and `similarity` hold all 60, nearest first; `words` what drove the first five; `hits` counts the notes
        on the point among them; `good` and `bad` are the ticked notes on the point and on others; `nearest` and
        `precision` are "right", "wrong" or, where nothing was answered, "".
        """
        search = _search_of(choices)
        ranked = ranking(search)
        order = [number for number, _ in ranked]
        hits = sum(number in ON_POINT for number in order[:FIRST])

        right_checks = len(RIGHT_CHECKS.intersection(choices["checks"]))
        return {
            "order": order,
            "similarity": [similarity / BILLION for _, similarity in ranked],
            "words": [list(words) for words in driving_words(search)],
            "hits": hits,
            "good": [number for number in choices["marks"] if number in ON_POINT],
            "bad": [number for number in choices["marks"] if number not in ON_POINT],
            "nearest": choices["nearest"] and _state(choices["nearest"] == NOTES[order[0] - 1].point),
            "precision": "" if choices["precision"] is None else _state(choices["precision"] == 100 * hits // FIRST),
            "checks": {"right": right_checks, "wrong": len(choices["checks"]) - right_checks},
        }

    def todo(self, language: str, runs: Sequence[Run]) -> list[dict[str, Any]]:
        """The five tasks: the trap, precision at 5 both ways, the dangerous miss, the three notes, the two checks."""
        words = WORDS[spoken(language, LANGUAGES)]
        told: dict[str, int] = {}
        if runs:
            figures = runs[-1][1]
            told = {"good": len(figures["good"]), "bad": len(figures["bad"]), **figures["checks"]}
        return [
            {
                "code": code,
                "state": "missing" if reason else "met",
                "why": reason,
                "text": words["todo_" + code],
                "why_text": words["why_" + reason].format(**told) if reason else "",
            }
            for code, why in TASKS.items()
            for reason in (why(runs),)
        ]

    def reached(self, runs: Sequence[Run]) -> bool:
        """Whether every task was done in some run."""
        return not any(why(runs) for why in TASKS.values())

    def refusal(self, language: str, problem: BadChoices) -> str:
        """How many ticks are too many, how to write the number; or, for what no page of ours sends, to load again."""
        code = {"too-many-marks": "bad_too_many", "bad-precision": "bad_precision"}.get(problem.code, "bad_form")
        return WORDS[spoken(language, LANGUAGES)][code].format(**problem.arguments)

    def sample_runs(self, language: str) -> list[dict[str, Any]]:
        """Counted; then weighed, with the first note seen through; then by meaning, with the three notes ticked."""
        start: dict[str, Any] = {"query": spoken(language, LANGUAGES), "by": "count", "stop": False, "stem": False}
        start |= {"marks": [], "nearest": "", "precision": None, "checks": []}
        weighed = start | {"by": "weights", "stop": True, "stem": True, "nearest": "rate"}
        weighed["precision"] = 100 * self.run(weighed)["hits"] // FIRST
        meant = weighed | {"by": "meaning", "marks": list(ON_POINT), "nearest": POINT, "precision": 60}
        return [start, weighed, meant | {"checks": ["exists", "good-law"]}]

    def view(self, language: str, runs: Sequence[Run]) -> dict[str, Any]:
        """Everything `templates/labs/similar-cases.html` shows, as the latest run left it, whichever language the
        page was in then.

        `data` is what the script is given; `script`, `modules` and `style` are paths under `static`.
        """
        tag = spoken(language, LANGUAGES)
        words, latest = WORDS[tag], runs[-1] if runs else None
        choices: Mapping[str, Any] = latest[0] if latest else self.sample_runs(tag)[0]
        notes = _note_rows(tag, latest)
        shown = FIRST if latest else 0
        other = next(each for each in LANGUAGES if each != tag)
        return {
            "name": self.name,
            "script": f"labs/{self.name}.js",
            "modules": ["labs/frame.js"],
            "style": "css/labs.css",
            "language": tag,
            "words": words,
            "case": {"lang": tag, "text": DATA["case"][tag]},
            "other_case": {"lang": other, "text": DATA["case"][other]},
            "queries": [{"id": each, "checked": each == choices["query"]} for each in LANGUAGES],
            "ways": [{"id": each, "checked": each == choices["by"]} for each in WAYS],
            "switches": [{"id": each, "checked": choices[each]} for each in SWITCHES],
            "rules": _rules(tag),
            "ran": latest is not None,
            "seen": _search_of(choices).code if latest else "",
            **(_headline(tag, latest) if latest else {"headline": "", "headline_detail": ""}),
            "first": notes[:shown],
            "others": notes[shown:],
            "deciding": [{"id": each, "name": POINTS[tag][each]} for each in DECIDING],
            "nearest": choices["nearest"],
            "precision": "" if choices["precision"] is None else choices["precision"],
            "told": _told(tag, latest) if latest else {},
            "tried": _tried(tag, runs),
            "checks": [{"id": each, "checked": each in choices["checks"]} for each in CHECKS],
            "model_note": _model_note(tag),
            "todo": self.todo(tag, runs),
            "reached": self.reached(runs),
            "data": _given(tag),
        }


SIMILAR_CASES = SimilarCases()
