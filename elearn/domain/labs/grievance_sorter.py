"""Practice lab 1: an officer labels complaints, trains a small sorter with them, and misleads it with wrong labels.

The sorter is multinomial naive Bayes with Laplace smoothing 1 (Manning, Raghavan and Schütze, Introduction to
Information Retrieval, 2008, section 13.2). `static/labs/grievance-sorter.js` computes the same; every sum here runs
in the order written there, so that the two agree to 1e-9.

The order of the 48 examples was chosen so that the lesson can be seen. With every label right the sorter gets 16 of
the 24 unseen complaints right after 12 examples, 22 after 24 and 22 after 48, in English and in Hindi. With 24
examples, moving any 4 of a department's 6 complaints to another one costs at least 2 of the 22; 4 wrong labels spread
over the departments do so nearly always, but not always; among 48 examples 4 wrong labels of one department do so in
half to three quarters of the cases only. Where the result does not fall, `todo` tells the officer to change more.
"""

import functools
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from elearn.domain.labs.lab import BadChoices, Run, data_of, only, spoken
from elearn.domain.labs.text import tokens

SIZES = (12, 24, 48)
LANGUAGES = ("en", "hi")
LABEL = "label-"  # a complaint's field in the form is this and its id

ENOUGH_EXAMPLES = 24
MORE_THAN_PERCENT = 75
WRONG_LABELS = 4
VISIBLE_FALL = 2  # complaints of the 24
SHOWN_RUNS = 20

# The sentences the script needs; all others are in the page already.
SCRIPT_WORDS = (
    *("headline", "headline_detail", "right", "wrong", "no_words", "known_of"),
    *("typed_answer", "typed_empty", "typed_untrained", "state_met", "state_missing"),
    *("saving", "saved", "waiting", "refused"),
)

# Two scores this near are a tie: the logarithms of two machines may differ in the last digit.
TIE = 1e-9

DATA = data_of(__file__)


@dataclass(frozen=True, slots=True)
class Complaint:
    """One invented complaint, the department it belongs to, and its words in each of the lab's languages."""

    id: str
    department: str
    text: Mapping[str, str]
    words: Mapping[str, Sequence[str]]


def _complaints(rows: Sequence[Mapping[str, Any]]) -> tuple[Complaint, ...]:
    return tuple(
        Complaint(row["id"], row["department"], row["text"], {tag: tokens(text) for tag, text in row["text"].items()})
        for row in rows
    )


DEPARTMENTS = tuple(str(row["id"]) for row in DATA["departments"])
LEARN = _complaints(DATA["learn"])
TEST = _complaints(DATA["test"])
IDS = frozenset(complaint.id for complaint in LEARN)

WORDS: Mapping[str, Mapping[str, str]] = {
    tag: {code: sentence[tag] for code, sentence in DATA["words"].items()} for tag in LANGUAGES
}
NAMES: Mapping[str, Mapping[str, str]] = {
    tag: {row["id"]: row["name"][tag] for row in DATA["departments"]} for tag in LANGUAGES
}


class Sorter:
    """A trained sorter: how often each word stood beside each department's label."""

    def __init__(self, examples: Sequence[tuple[str, Sequence[str]]]) -> None:
        """`examples` are pairs of department and words."""
        self.counts: dict[str, list[int]] = {}
        self.totals = [0] * len(DEPARTMENTS)
        self.examples = [0] * len(DEPARTMENTS)
        for department, words in examples:
            place = DEPARTMENTS.index(department)
            self.examples[place] += 1
            self.totals[place] += len(words)
            for word in words:
                self.counts.setdefault(word, [0] * len(DEPARTMENTS))[place] += 1

    def likelihoods(self, word: str) -> list[float]:
        """How likely the word is in each department's examples."""
        counts = self.counts.get(word, [0] * len(DEPARTMENTS))
        # One place more than the words met in training: the place of all words never met.
        room = len(self.counts) + 1
        return [(count + 1) / (total + room) for count, total in zip(counts, self.totals, strict=True)]

    def judge(self, words: Sequence[str]) -> dict[str, Any]:
        """The department it decides for, its certainty (0 to 1), and what drove it; a tie goes to the earlier one."""
        likelihoods = [self.likelihoods(word) for word in words]
        scores = []
        for place, examples in enumerate(self.examples):
            score = math.log((examples + 1) / (sum(self.examples) + len(DEPARTMENTS)))
            for likelihood in likelihoods:
                score += math.log(likelihood[place])
            scores.append(score)
        top = max(scores)
        decision = next(place for place, score in enumerate(scores) if score > top - TIE)
        # Added up one by one: sum() rounds differently from Python 3.12 on.
        weight = 0.0
        for score in scores:
            weight += math.exp(score - top)
        return {
            "decision": DEPARTMENTS[decision],
            "probability": math.exp(scores[decision] - top) / weight,
            "known": sum(word in self.counts for word in words),
            "of": len(words),
            "words": _strongest(words, likelihoods, decision),
        }


def _strongest(words: Sequence[str], likelihoods: Sequence[Sequence[float]], decision: int) -> list[dict[str, Any]]:
    """The three words that speak most for the decision.

    The weight is the natural logarithm of the word's likelihood there over the mean of the other departments'.
    """
    ratios: dict[str, float] = {}
    for word, likelihood in zip(words, likelihoods, strict=True):
        others = 0.0
        for place, value in enumerate(likelihood):
            others += 0.0 if place == decision else value
        ratios[word] = likelihood[decision] / (others / (len(DEPARTMENTS) - 1))
    # Sorted by the ratio, not its logarithm, because plain arithmetic is the same to the last digit everywhere.
    strongest = sorted((word for word in ratios if ratios[word] > 1), key=lambda word: -ratios[word])[:3]
    return [{"word": word, "weight": math.log(ratios[word])} for word in strongest]


def _foreign_to(language: str) -> list[dict[str, Any]]:
    """The ready-made complaint in the languages that a sorter trained in this one never met."""
    return [row for row in DATA["elsewhere"] if row["lang"] != language]


def _trained_well(run: Run) -> bool:
    choices, figures = run
    percent_right = 100 * figures["correct"] / figures["of"]
    return bool(choices["size"] >= ENOUGH_EXAMPLES and percent_right > MORE_THAN_PERCENT)


def _kind(run: Run) -> tuple[int, str]:
    """What two runs must have in common so that only the labels differ: as many examples, in the same language."""
    return run[0]["size"], run[0]["language"]


def _misled(runs: Sequence[Run]) -> bool:
    """Whether a good run is followed by one of its kind with enough wrong labels and visibly fewer right."""
    best: dict[tuple[int, str], int] = {}
    for run in runs:
        kind, figures = _kind(run), run[1]
        if len(figures["wrong"]) >= WRONG_LABELS and best.get(kind, 0) - figures["correct"] >= VISIBLE_FALL:
            return True
        if _trained_well(run):
            best[kind] = max(best.get(kind, 0), figures["correct"])
    return False


def _why_not_trained_well(runs: Sequence[Run]) -> str:
    if not runs:
        return "no-run"
    return "few-examples" if runs[-1][0]["size"] < ENOUGH_EXAMPLES else "low-score"


def _why_not_misled(goods: Sequence[Run], runs: Sequence[Run]) -> str:
    """Why nothing was misled yet, in the order in which an officer can mend it."""
    if not goods:
        return "first-train-well"
    wrong = len(runs[-1][1]["wrong"])
    if not wrong or (len(goods) == 1 and goods[0] is runs[-1]):
        return "not-tried"
    if wrong < WRONG_LABELS:
        return "few-wrong"
    return "no-drop" if _kind(runs[-1]) in map(_kind, goods) else "other-examples"


def _told(run: Run, goods: Sequence[Run] = ()) -> dict[str, int]:
    """The numbers that sentences about a run may name; the good one told is the best to be compared with it."""
    choices, figures = run
    correct, of = figures["correct"], figures["of"]
    numbers = {"size": choices["size"], "wrong": len(figures["wrong"]), "correct": correct, "of": of}
    # Rounded down, so that nothing below a mark looks as if it had reached it.
    numbers["percent"] = 100 * correct // of
    if goods:
        good = max(goods, key=lambda good: (_kind(good) == _kind(run), good[1]["correct"]))
        numbers |= {"best": good[1]["correct"], "good_size": good[0]["size"]}
    return numbers


def _language_names(language: str) -> dict[str, str]:
    return {row["lang"]: row["language"][language] for row in DATA["elsewhere"]}


def _run_rows(language: str, runs: Sequence[Run]) -> list[dict[str, Any]]:
    """The latest runs, oldest first, with the language of the complaints each learned from."""
    names = _language_names(language)
    rows = [
        {"number": number, "language": names[run[0]["language"]], "share": run[1]["correct"] / run[1]["of"]}
        | _told(run)
        for number, run in enumerate(runs, start=1)
    ]
    return rows[-SHOWN_RUNS:]


def _groups(language: str, latest: Run | None) -> list[dict[str, Any]]:
    """The 48 complaints in the three steps they are added in; the officer labels the first 12, the office the rest."""
    chosen: Mapping[str, str] = latest[0]["labels"] if latest else {}
    wrong: Collection[str] = latest[1]["wrong"] if latest else ()
    items = [
        {
            "id": complaint.id,
            "number": number,
            "text": complaint.text[language],
            "chosen": chosen.get(complaint.id, "" if number <= SIZES[0] else complaint.department),
            "note": WORDS[language]["office_label"].format(department=NAMES[language][complaint.department]),
            "differs": complaint.id in wrong,
        }
        for number, complaint in enumerate(LEARN, start=1)
    ]
    return [{"size": size, "complaints": items[start:size]} for start, size in zip((0, *SIZES), SIZES, strict=False)]


def _judged(language: str, told: Mapping[str, Any] | None) -> dict[str, Any]:
    """A judgement in words; empty before the first run, when the script will fill it in."""
    if told is None:
        return {"decision": "", "says": "", "probability": 0.0, "percent": 0, "because": "", "known": ""}
    words = WORDS[language]
    because = ", ".join(f"{row['word']} ×{math.exp(row['weight']):.1f}" for row in told["words"])
    return {
        "decision": told["decision"],
        "says": NAMES[language][told["decision"]],
        "probability": told["probability"],
        "percent": math.floor(100 * told["probability"]),
        "because": because or words["no_words"],
        "known": words["known_of"].format(known=told["known"], of=told["of"]),
    }


def _test_rows(language: str, figures: Mapping[str, Any]) -> list[dict[str, Any]]:
    told = {row["id"]: row for row in figures.get("tests", ())}
    return [
        {"id": complaint.id, "text": complaint.text[language], "department": complaint.department}
        | {"belongs": WORDS[language]["belongs"].format(department=NAMES[language][complaint.department])}
        | _judged(language, told.get(complaint.id))
        for complaint in TEST
    ]


def _elsewhere_rows(language: str, figures: Mapping[str, Any]) -> list[dict[str, Any]]:
    told = {row["id"]: row for row in figures.get("elsewhere", ())}
    return [
        row | {"language": row["language"][language]} | _judged(language, told.get(row["id"]))
        for row in _foreign_to(language)
    ]


def _elsewhere_help(language: str) -> str:
    meaning = next(row for row in DATA["elsewhere"] if row["lang"] == language)
    department = NAMES[language][meaning["department"]]
    return WORDS[language]["elsewhere_help"].format(meaning=meaning["text"], department=department)


def _departments(language: str) -> list[dict[str, str]]:
    return [{"id": department, "name": name} for department, name in NAMES[language].items()]


@functools.cache
def _given(language: str) -> Mapping[str, Any]:
    """The part of the script's data that is the same for everyone."""

    def plain(complaints: Sequence[Complaint]) -> list[dict[str, str]]:
        return [{"id": row.id, "department": row.department, "text": row.text[language]} for row in complaints]

    return {
        "departments": _departments(language),
        "learn": plain(LEARN),
        "test": plain(TEST),
        "elsewhere": [{key: row[key] for key in ("id", "department", "text")} for row in _foreign_to(language)],
        "words": {code: WORDS[language][code] for code in SCRIPT_WORDS},
    }


class GrievanceSorter:
    """Lab 1, "Teach a grievance sorter"."""

    name = "grievance-sorter"

    def read(self, form: Mapping[str, Sequence[str]]) -> dict[str, Any]:
        """Choices as {"language": str, "size": int, "labels": {complaint id: department}} for the first `size`
        complaints. Labels beyond are checked and left out: without a script the form always holds all 48."""
        language = only(form, "language", LANGUAGES)
        size = only(form, "size", tuple(map(str, SIZES)))
        if language is None or size is None:
            raise BadChoices("missing-choice", field="size" if language else "language")
        labels = {}
        for field in form:
            if field.startswith(LABEL):
                if field.removeprefix(LABEL) not in IDS:
                    raise BadChoices("unknown-complaint", field=field[:40])
                labels[field] = only(form, field, DEPARTMENTS)
        chosen = {}
        for number, complaint in enumerate(LEARN[: int(size)], start=1):
            label = labels.get(LABEL + complaint.id)
            if label is None:
                raise BadChoices("missing-label", number=number)
            chosen[complaint.id] = label
        return {"language": language, "size": int(size), "labels": chosen}

    def fields(self, choices: dict[str, Any]) -> dict[str, str]:
        labels = {LABEL + complaint: department for complaint, department in choices["labels"].items()}
        return {"language": choices["language"], "size": str(choices["size"]), **labels}

    def run(self, choices: dict[str, Any]) -> dict[str, Any]:
        """Train with the labels, judge 24 unseen complaints and four in foreign languages.

        `wrong` holds the ids labelled otherwise than by the office; `confusion` counts complaints, a row for each
        right department and a column for each decision, in the order of DEPARTMENTS.
        """
        language, labels = choices["language"], choices["labels"]
        learned = LEARN[: choices["size"]]
        sorter = Sorter([(labels[complaint.id], complaint.words[language]) for complaint in learned])
        tests = [{"id": complaint.id} | sorter.judge(complaint.words[language]) for complaint in TEST]
        confusion = [[0] * len(DEPARTMENTS) for _ in DEPARTMENTS]
        for complaint, told in zip(TEST, tests, strict=True):
            confusion[DEPARTMENTS.index(complaint.department)][DEPARTMENTS.index(told["decision"])] += 1
        return {
            "wrong": [complaint.id for complaint in learned if labels[complaint.id] != complaint.department],
            "correct": sum(confusion[place][place] for place in range(len(DEPARTMENTS))),
            "of": len(TEST),
            "tests": tests,
            "confusion": confusion,
            "elsewhere": [{"id": row["id"]} | sorter.judge(tokens(row["text"])) for row in _foreign_to(language)],
        }

    def todo(self, language: str, runs: Sequence[Run]) -> list[dict[str, Any]]:
        """The two tasks. The fall is looked for after a good run and against it, with as many examples in the same
        language, so that nothing but the labels can have caused it."""
        words = WORDS[spoken(language, LANGUAGES)]
        goods = [run for run in runs if _trained_well(run)]
        why = {
            "train-well": "" if goods else _why_not_trained_well(runs),
            "mislead": "" if _misled(runs) else _why_not_misled(goods, runs),
        }
        told = _told(runs[-1], goods) if runs else {}
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
        """Whether a run with at least 24 examples got more than 75 % right, and a later one like it but with at least
        4 wrong labels got at least 2 complaints fewer right."""
        return all(task["state"] == "met" for task in self.todo("en", runs))

    def refusal(self, language: str, problem: BadChoices) -> str:
        """Which complaint still needs a department; or, for what no page of ours sends, to load the page again."""
        code = "bad_missing_label" if problem.code == "missing-label" else "bad_form"
        return WORDS[spoken(language, LANGUAGES)][code].format(**problem.arguments)

    def sample_runs(self, language: str) -> list[dict[str, Any]]:
        """Trained well with 24 examples, then misled: a whole department's complaints sent to another one."""
        right = {complaint.id: complaint.department for complaint in LEARN[:ENOUGH_EXAMPLES]}
        misled = {i: DEPARTMENTS[1] if place == DEPARTMENTS[0] else place for i, place in right.items()}
        tag = spoken(language, LANGUAGES)
        return [{"language": tag, "size": ENOUGH_EXAMPLES, "labels": labels} for labels in (right, misled)]

    def view(self, language: str, runs: Sequence[Run]) -> dict[str, Any]:
        """Everything `templates/labs/grievance-sorter.html` shows, with the latest run's labels still chosen.

        `data` is what the script is given; `script`, `modules` and `style` are paths under `static`.
        """
        tag = spoken(language, LANGUAGES)
        words = WORDS[tag]
        # Labels may be taken over from a run in another language; its words and decisions would confuse.
        latest = next((run for run in reversed(runs) if run[0]["language"] == tag), None)
        figures = latest[1] if latest else {}
        told = _told(latest) if latest else {}
        return {
            "name": self.name,
            "script": f"labs/{self.name}.js",
            "modules": ["labs/frame.js"],
            "style": "css/labs.css",
            "language": tag,
            "language_name": _language_names(tag)[tag],
            "words": words,
            "departments": _departments(tag),
            "sizes": [{"size": size, "text": words[f"size_{size}"]} for size in SIZES],
            "size": runs[-1][0]["size"] if runs else SIZES[0],
            "groups": _groups(tag, runs[-1] if runs else None),
            "ran": latest is not None,
            "headline": words["headline"].format(**told) if told else "",
            "headline_detail": words["headline_detail"].format(**told) if told else "",
            "runs": _run_rows(tag, runs),
            "confusion": figures.get("confusion", [[0] * len(DEPARTMENTS) for _ in DEPARTMENTS]),
            "tests": _test_rows(tag, figures),
            "elsewhere": _elsewhere_rows(tag, figures),
            "elsewhere_help": _elsewhere_help(tag),
            "todo": self.todo(tag, runs),
            "reached": self.reached(runs),
            # The script goes on from the latest run: its labels train the machine that answers typed complaints.
            "data": {**_given(tag), "latest": latest[0] if latest else None},
        }


GRIEVANCE_SORTER = GrievanceSorter()
