"""Practice lab 5 (a): a next-word model has read one text; an officer makes it say something fluent and false.

Whether a sentence is false is decided by facts that are marked in the text itself. The text says that each register
has one place, each report one day, and so on; so a sentence that begins as one such sentence does and then names
another value of the same kind is contradicted by it. `static/labs/next-word.js` computes the same figures.
"""

import functools
import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from elearn.domain.labs.chance import mulberry32
from elearn.domain.labs.lab import BadChoices, Run, data_of, only, spoken
from elearn.domain.labs.trigrams import COUNTED, MOST, WEIGHTS, Model, Text, drawn, is_whole, joined, shares

LANGUAGES = ("en", "hi")
LONGEST = 30  # words
COMPARED = ("0.5", "2")
DRAWS = tuple(map(str, range(1, 21)))
GUESSED = ("en", "hi", "mni")
BYTES = ("4", "5", "8", "10", "12", "15", "20")
SHOWN_RUNS = 10

RANKS = re.compile(r"(?:\d|1[01])(?:\.(?:\d|1[01])){0,29}", re.ASCII)

# The sentences the script needs; all others are in the page already.
SCRIPT_WORDS = (
    *("looked_start", "looked_first", "looked_2", "looked_1", "looked_0", "times", "full_stop", "ended", "too_long"),
    *("empty", "size", "by_machine", "bytes_of", "how_chosen", "how_written", "guess_right", "guess_wrong"),
    *("verdict_copied", "verdict_copied_text", "verdict_false", "verdict_false_text", "verdict_invented"),
    *("verdict_invented_text", "verdict_new", "verdict_new_text", "verdict_open", "verdict_open_text"),
    *("state_met", "state_missing", "saving", "saved", "waiting", "refused"),
)

DATA = data_of(__file__)
WORDS: Mapping[str, Mapping[str, str]] = {
    tag: {code: sentence[tag] for code, sentence in DATA["words"].items()} for tag in LANGUAGES
}
OPENINGS: Mapping[str, Mapping[str, str]] = {
    tag: {row["id"]: row[tag] for row in DATA["openings"]} for tag in LANGUAGES
}
SCRIPTS: Mapping[str, Mapping[str, str]] = {row["id"]: row for row in DATA["scripts"]}
PAGE = SCRIPTS["page"]
LANGUAGE_TAGS = {"en": "en", "hi": "hi", "mni": "mni-Mtei"}

TEXTS = {tag: Text(DATA["sections"], tag) for tag in LANGUAGES}
MODELS = {tag: Model(text.words) for tag, text in TEXTS.items()}


class Sentence:
    """A sentence as it grows, with the share that each of its words had."""

    def __init__(self, language: str, opening: str, temperature: str = COUNTED) -> None:
        self.model = MODELS[language]
        self.temperature = temperature
        self.words = OPENINGS[language][opening].split()
        self.steps: list[dict[str, Any]] = []

    @property
    def goes_on(self) -> bool:
        return not is_whole(self.words) and len(self.words) < LONGEST

    def add(self, rank: int) -> None:
        """Takes the word of this rank among those the model offers. Raises IndexError where it offers fewer."""
        level, ranked = self.model.after(self.words) if self.goes_on else (0, [])
        word = ranked[rank][0]
        share = shares([count for _, count in ranked], self.temperature)[rank]
        self.steps.append({"word": word, "level": level, "share": share})
        self.words.append(word)

    def go_on(self, draw: int) -> None:
        """Picks by lot to the end of the sentence."""
        chance = mulberry32(draw)
        while self.goes_on:
            counts = [count for _, count in self.model.after(self.words)[1]]
            self.add(drawn(counts, self.temperature, chance()))


def _grown(language: str, opening: str, ranks: Sequence[int], temperature: str = COUNTED) -> Sentence:
    sentence = Sentence(language, opening, temperature)
    for rank in ranks:
        sentence.add(rank)
    return sentence


def _judged(language: str, words: Sequence[str]) -> dict[str, Any]:
    """What a sentence is, measured by the text: `sentence` is the number of the sentence that decides, or 0."""
    text, model = TEXTS[language], MODELS[language]
    judged: dict[str, Any] = {"verdict": "open", "sentence": 0, "unknown": "", "against": None}
    unknown = [word for word in words if word not in model.followers]
    if not is_whole(words):
        return judged
    if tuple(words) in text.words:
        return judged | {"verdict": "copied", "sentence": text.words.index(tuple(words)) + 1}
    if unknown[:-1]:  # the last one is the end mark, which nothing follows
        return judged | {"verdict": "invented", "unknown": unknown[0]}
    found = text.contradicted(words)
    if not found:
        return judged | {"verdict": "new"}
    fact, said = found
    ranked = model.after(words[: fact.start])[1]
    share = dict(zip((word for word, _ in ranked), shares([count for _, count in ranked], COUNTED), strict=True))
    true = text.value(fact)[0]
    against = {"said": said, "said_share": share.get(said, 0.0), "true": true, "true_share": share.get(true, 0.0)}
    return judged | {"verdict": "false", "sentence": fact.sentence + 1, "against": against}


def _offered(language: str, words: Sequence[str]) -> dict[str, Any]:
    """The words that may come next, with their shares at every temperature."""
    if is_whole(words) or len(words) >= LONGEST:
        return {"level": 0, "next": []}
    level, ranked = MODELS[language].after(words)
    by_temperature = [shares([count for _, count in ranked], temperature) for temperature in WEIGHTS]
    rows = zip(ranked, zip(*by_temperature, strict=True), strict=True)
    return {"level": level, "next": [{"word": w, "count": n, "shares": list(each)} for (w, n), each in rows]}


def _composed(choices: Mapping[str, Any]) -> dict[str, Any]:
    language, ranks = choices["language"], choices["words"]
    sentence = _grown(language, choices["opening"], ranks, choices["temperature"])
    own = list(sentence.words)
    if choices["write"]:
        sentence.go_on(choices["draw"])
    words = sentence.words
    return {
        "words": words,
        "own": len(own),
        "steps": sentence.steps,
        "bytes": len(joined(words).encode()),
        **_judged(language, words),
        **_offered(language, own),
    }


def _counted(choices: Mapping[str, Any]) -> dict[str, Any]:
    right = [script for script in GUESSED if choices["bytes"][script] == len(PAGE[script].encode())]
    return {"right": right, "all": len(right) == len(GUESSED)}


def _ranks(form: Mapping[str, Sequence[str]]) -> list[int]:
    """The ranks of the words chosen so far, as in `0.3.11`."""
    given = form.get("words", ())
    if len(given) > 1:
        raise BadChoices("given-twice", field="words")
    if not given or not given[0]:
        return []
    if not RANKS.fullmatch(given[0]):
        raise BadChoices("not-possible", field="words", value=given[0][:40])
    return [int(rank) for rank in given[0].split(".")]


def _needed(form: Mapping[str, Sequence[str]], field: str, possible: Sequence[str]) -> str:
    value = only(form, field, possible)
    if value is None:
        raise BadChoices("missing-choice", field=field)
    return value


def _read_sentence(form: Mapping[str, Sequence[str]], language: str) -> dict[str, Any]:
    opening = _needed(form, "opening", tuple(OPENINGS[language]))
    begun = only(form, "begun", tuple(OPENINGS[language])) or opening
    going = only(form, "go", ("begin", "back", "write"))
    ranks, chosen = _ranks(form), only(form, "next", tuple(map(str, range(MOST))))
    if going and chosen:
        raise BadChoices("two-buttons", field="next")
    # Another beginning was chosen: words that followed the old one mean nothing after it.
    if going == "begin" or begun != opening:
        ranks, chosen = [], None
    elif going == "back":
        ranks = ranks[:-1]
    if chosen:
        ranks.append(int(chosen))
    try:
        _grown(language, opening, ranks)
    except IndexError as beyond:
        raise BadChoices("not-possible", field="words") from beyond
    return {
        "part": "sentence",
        "language": language,
        "opening": opening,
        "words": ranks,
        "temperature": _needed(form, "temperature", tuple(WEIGHTS)),
        "draw": int(_needed(form, "draw", DRAWS)),
        "write": going == "write",
    }


def _read_bytes(form: Mapping[str, Sequence[str]], language: str) -> dict[str, Any]:
    guesses = {script: only(form, f"bytes-{script}", BYTES) for script in GUESSED}
    if None in guesses.values():
        raise BadChoices("missing-count")
    return {"part": "bytes", "language": language, "bytes": {script: int(guesses[script] or 0) for script in GUESSED}}


def _beginning(run: Run) -> tuple[Any, ...]:
    """What two runs must share so that nothing but the temperature can have made a difference."""
    choices = run[0]
    return choices["language"], choices["opening"], choices["words"], choices["draw"]


def _of_part(runs: Sequence[Run], part: str) -> list[Run]:
    return [run for run in runs if run[0]["part"] == part]


def _why_not_compared(runs: Sequence[Run]) -> str:
    written = [run for run in _of_part(runs, "sentence") if run[0]["write"]]
    at = {each: [run for run in written if run[0]["temperature"] == each] for each in COMPARED}
    pairs = [(one, two) for one in at["0.5"] for two in at["2"] if _beginning(one) == _beginning(two)]
    if any(one[1]["words"] != two[1]["words"] for one, two in pairs):
        return ""
    if not written:
        return "no-write"
    return "same-sentence" if any(written[-1] in pair for pair in pairs) else "other-temperature"


def _why_not_false(runs: Sequence[Run]) -> str:
    whole = [run[1]["verdict"] for run in _of_part(runs, "sentence") if run[1]["verdict"] != "open"]
    if "false" in whole:
        return ""
    return whole[-1] if whole else "no-sentence"


def _why_not_counted(runs: Sequence[Run]) -> str:
    counts = _of_part(runs, "bytes")
    if any(figures["all"] for _, figures in counts):
        return ""
    return "miscounted" if counts else "no-count"


def _told(runs: Sequence[Run]) -> dict[str, Any]:
    """What sentences about what is still to do may name."""
    told: dict[str, Any] = {}
    written = [run for run in _of_part(runs, "sentence") if run[0]["write"]]
    if written:
        choices = written[-1][0]
        other = COMPARED[0] if choices["temperature"] == COMPARED[1] else COMPARED[1]
        told |= {"temperature": choices["temperature"], "draw": choices["draw"], "other": other}
    for _, figures in _of_part(runs, "bytes")[-1:]:
        told["missed"] = ", ".join(PAGE[script] for script in GUESSED if script not in figures["right"])
    return told


def percent_text(share: float) -> str:
    """A share in words, rounded down, so that 99.6 % does not look certain."""
    whole = math.floor(100 * share)
    return f"{whole or '<1'}\u00a0%"


def _verdict(language: str, figures: Mapping[str, Any]) -> dict[str, str]:
    words, code = WORDS[language], figures.get("verdict", "open")
    values = {"number": figures.get("sentence", 0), "word": figures.get("unknown", "")}
    if against := figures.get("against"):
        values |= against | {key: percent_text(against[key]) for key in ("said_share", "true_share")}
        values["sentence"] = TEXTS[language].sentences[figures["sentence"] - 1]
    return {"code": code, "title": words[f"verdict_{code}"], "text": words[f"verdict_{code}_text"].format(**values)}


def _looked(language: str, figures: Mapping[str, Any]) -> str:
    """The sentence on what the model looked at, or on why nothing can follow."""
    words, own = WORDS[language], figures["words"][: figures["own"]]
    if not figures["next"]:
        return words["ended" if is_whole(own) else "too_long"]
    if figures["level"] < 2:
        return words[f"looked_{figures['level']}"].format(words=own[-1])
    code = {0: "looked_start", 1: "looked_first"}.get(len(own), "looked_2")
    return words[code].format(words=" ".join(own[-2:]))


def _next_rows(language: str, figures: Mapping[str, Any]) -> list[dict[str, Any]]:
    words = WORDS[language]
    return [
        row
        | {"shown": words["full_stop"] if is_whole([row["word"]]) else row["word"]}
        | {
            "times": words["times"].format(count=row["count"]),
            "percents": [percent_text(each) for each in row["shares"]],
        }
        for row in figures["next"]
    ]


def _run_rows(language: str, runs: Sequence[Run]) -> list[dict[str, Any]]:
    """The latest finished or written sentences, oldest first, each in its own language."""
    words = WORDS[language]
    whole = [run for run in _of_part(runs, "sentence") if run[1]["verdict"] != "open" or run[0]["write"]]
    rows = [
        {
            "number": number,
            "sentence": joined(figures["words"]),
            "language": choices["language"],
            "how": words["how_written" if choices["write"] else "how_chosen"].format(**choices),
            "verdict": words[f"verdict_{figures['verdict']}"],
            "false": figures["verdict"] == "false",
        }
        for number, (choices, figures) in enumerate(whole, start=1)
    ]
    return rows[-SHOWN_RUNS:]


def _signs(word: str) -> list[dict[str, Any]]:
    """A word sign by sign; a mark is shown on a dotted circle, since it cannot stand alone."""
    return [
        {"sign": f"\u25cc{sign}" if unicodedata.category(sign)[0] == "M" else sign, "bytes": len(sign.encode())}
        for sign in word
    ]


def _script_rows() -> list[list[dict[str, Any]]]:
    """The words of the table, each in the three scripts; the word to be counted is left out."""
    return [
        [{"lang": LANGUAGE_TAGS[tag], "word": row[tag], "bytes": len(row[tag].encode())} for tag in GUESSED]
        for row in DATA["scripts"]
        if row is not PAGE
    ]


def _spelt(row: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"script": tag, "lang": LANGUAGE_TAGS[tag], "word": row[tag], "signs": _signs(row[tag])} for tag in GUESSED]


@functools.cache
def _given(language: str) -> Mapping[str, Any]:
    """The part of the script's data that is the same for everyone."""
    text = TEXTS[language]
    return {
        "language": language,
        "text": text.sentences,
        "facts": [[fact.sentence, fact.start, fact.end, fact.kind] for fact in text.facts],
        "openings": OPENINGS[language],
        "page": {script: PAGE[script] for script in GUESSED},
        "words": {code: WORDS[language][code] for code in SCRIPT_WORDS},
    }


def _ranks_of(language: str, opening: str, words: str) -> list[int]:
    """The ranks by which the model offers these words after that opening."""
    sentence, ranks = Sentence(language, opening), []
    for word in words.split():
        ranks.append([each for each, _ in sentence.model.after(sentence.words)[1]].index(word))
        sentence.add(ranks[-1])
    return ranks


class NextWord:
    """Lab 5 (a), "A next-word machine"."""

    name = "next-word"

    def read(self, form: Mapping[str, Sequence[str]]) -> dict[str, Any]:
        """Choices of the first part as {"part": "sentence", "language", "opening", "words": ranks of the words chosen,
        "temperature", "draw", "write": whether the model goes on by itself}; of the third as {"part": "bytes",
        "language", "bytes": {script: int}}."""
        part, language = _needed(form, "part", ("sentence", "bytes")), _needed(form, "language", LANGUAGES)
        return _read_bytes(form, language) if part == "bytes" else _read_sentence(form, language)

    def fields(self, choices: dict[str, Any]) -> dict[str, str]:
        same = {"part": choices["part"], "language": choices["language"]}
        if choices["part"] == "bytes":
            return same | {f"bytes-{script}": str(count) for script, count in choices["bytes"].items()}
        return (
            same
            | {
                "opening": choices["opening"],
                "begun": choices["opening"],
                "words": ".".join(map(str, choices["words"])),
            }
            | {"temperature": choices["temperature"], "draw": str(choices["draw"])}
            | ({"go": "write"} if choices["write"] else {})
        )

    def run(self, choices: dict[str, Any]) -> dict[str, Any]:
        """Of a sentence: its words, how many are the officer's `own` (with the opening), every step's share, its bytes
        as UTF-8, the verdict, and what may follow the own words. Of counted bytes: which are right."""
        return _counted(choices) if choices["part"] == "bytes" else _composed(choices)

    def todo(self, language: str, runs: Sequence[Run]) -> list[dict[str, Any]]:
        """The three tasks, in any order."""
        words = WORDS[spoken(language, LANGUAGES)]
        why = {"temperature": _why_not_compared(runs), "false": _why_not_false(runs), "bytes": _why_not_counted(runs)}
        told = _told(runs)
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
        """Whether the same beginning and draw led to different sentences at 0.5 and 2, a finished sentence was
        contradicted by the text, and the bytes of the three words were counted."""
        return all(task["state"] == "met" for task in self.todo("en", runs))

    def refusal(self, language: str, problem: BadChoices) -> str:
        """Which count is missing; or, for what no page of ours sends, to load the page again."""
        code = "bad_missing_count" if problem.code == "missing-count" else "bad_form"
        return WORDS[spoken(language, LANGUAGES)][code]

    def sample_runs(self, language: str) -> list[dict[str, Any]]:
        """Written at 0.5 and at 2, a register moved to another room, and the bytes counted."""
        tag = spoken(language, LANGUAGES)
        end = {"en": "is kept in the strong room .", "hi": "ज़िला कार्यालय के कोष कक्ष में रखा जाता है ।"}[tag]
        plain = {"part": "sentence", "language": tag, "opening": "leave", "words": [], "draw": 1, "write": True}
        pairs = (
            [plain | {"draw": draw, "temperature": each} for each in COMPARED] for draw in range(1, len(DRAWS) + 1)
        )
        written = next(pair for pair in pairs if len({joined(_composed(each)["words"]) for each in pair}) > 1)
        chosen = plain | {"words": _ranks_of(tag, "leave", end), "temperature": COUNTED, "write": False}
        counted = {
            "part": "bytes",
            "language": tag,
            "bytes": {script: len(PAGE[script].encode()) for script in GUESSED},
        }
        return [*written, chosen, counted]

    def view(self, language: str, runs: Sequence[Run]) -> dict[str, Any]:
        """Everything `templates/labs/next-word.html` shows, going on from the latest sentence in the same language.

        `data` is what the script is given; `script`, `modules` and `style` are paths under `static`.
        """
        tag = spoken(language, LANGUAGES)
        words, text = WORDS[tag], TEXTS[tag]
        latest = next((run for run in reversed(_of_part(runs, "sentence")) if run[0]["language"] == tag), None)
        blank = {"opening": "blank", "words": [], "temperature": COUNTED, "draw": 1, "write": False, "language": tag}
        # Run again rather than read: what may come next must fit the text as it stands today.
        choices = latest[0] if latest else blank
        figures = _composed(choices)
        counts = _of_part(runs, "bytes")
        term = SCRIPTS["ai"]["hi"]
        return {
            "name": self.name,
            "script": f"labs/{self.name}.js",
            "modules": ["labs/frame.js"],
            "style": "css/labs.css",
            "language": tag,
            "words": words,
            "intro": words["intro"].format(count=len(text.sentences)),
            "choices": self.fields(choices | {"part": "sentence"}),
            "openings": [{"id": id_, "text": joined(line.split())} for id_, line in OPENINGS[tag].items()],
            "unknown_openings": [
                i for i, line in OPENINGS[tag].items() if set(line.split()) - set(MODELS[tag].followers)
            ],
            "temperatures": list(WEIGHTS),
            "draws": DRAWS,
            "sentence": joined(figures["words"]),
            "chips": [
                {"word": word, "bytes": len(word.encode()), "machine": at >= figures["own"]}
                for at, word in enumerate(figures["words"])
            ],
            "size": words["size"].format(count=len(figures["words"]), bytes=figures["bytes"]),
            "verdict": _verdict(tag, figures),
            "looked": _looked(tag, figures),
            "next": _next_rows(tag, figures),
            "runs": _run_rows(tag, runs),
            "text_title": words["text_title"].format(count=len(text.sentences)),
            "sections": text.sections,
            "scripts": _script_rows(),
            "scripts_source": words["scripts_source"].format(signs=len(term), bytes=len(term.encode())),
            "help": _spelt(SCRIPTS["help"]),
            "page": _spelt(PAGE),
            "byte_choices": BYTES,
            "guesses": counts[-1][0]["bytes"] if counts else {},
            "guessed_right": counts[-1][1]["right"] if counts else [],
            "todo": self.todo(tag, runs),
            "reached": self.reached(runs),
            "data": {**_given(tag), "latest": latest[0] if latest else None},
        }


NEXT_WORD = NextWord()
